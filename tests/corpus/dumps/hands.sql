-- edited
BEGIN;
INSERT INTO [a b](rowid, `c`) VALUES (1, (1.0/4503599627370496.0));
insert into 't' values (+.5, - 7 , Inf);/* x */;
END;

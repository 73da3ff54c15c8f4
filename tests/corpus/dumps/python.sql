BEGIN TRANSACTION;
CREATE TABLE "t"(a);
INSERT INTO "t" VALUES('x
y');
INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('table','v','v',0,'CREATE VIRTUAL TABLE v USING fts5(a)');
DELETE FROM "sqlite_sequence";
COMMIT;
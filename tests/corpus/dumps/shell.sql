PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "odd ""name"(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT DEFAULT ';', c);
INSERT INTO "odd ""name" VALUES(1,'it''s; "here"',NULL);
INSERT INTO "odd ""name" VALUES(-9223372036854775808,replace(replace('a\r\nb\n','\r',char(13)),'\n',char(10)),X'00ff');
INSERT INTO "odd ""name" VALUES(3,unistr('a\u000ab\\c''\U0001f600'),0.98999999999999999111);
INSERT INTO "odd ""name" VALUES(4,replace('\n\012 (\n0)','(\n1)',char(10)),1e999);
INSERT INTO "odd ""name" VALUES(5,'two
lines;
INSERT INTO x VALUES(1);
',-9.0e+999);
CREATE TABLE t(a, b) WITHOUT ROWID;
INSERT INTO t VALUES (1,2),(3,'日本'),(4,CAST(x'610062' AS TEXT)),
  (5.5,x'');
PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','docs','docs',0,'CREATE VIRTUAL TABLE docs USING fts5(title, tokenize=''porter'')');
CREATE TABLE IF NOT EXISTS 'docs_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO docs_data VALUES(1,X'0203');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('odd "name',7);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('t',NULL,'4');
CREATE UNIQUE INDEX i ON t(b) WHERE a > 'x;';
CREATE TRIGGER r AFTER INSERT ON t WHEN new.a BEGIN SELECT ';END;'; UPDATE t SET a = CASE WHEN 1 THEN 2 END; END;
CREATE VIEW v AS SELECT [a], `b` FROM t; -- done
PRAGMA writable_schema=OFF;
COMMIT;

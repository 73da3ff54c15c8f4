.shell rm -rf /
BEGIN;
SELECT load_extension('x');
ATTACH 'other.db' AS o;
INSERT INTO sqlite_schema VALUES('table','t','t',2,'CREATE TABLE t(a)');
INSERT INTO sqlite_dbpage VALUES(1,x'00');
INSERT INTO t VALUES(readfile('/etc/passwd'));
INSERT INTO t VALUES('O'Brien; and so');
INSERT OR REPLACE INTO t VALUES(1);
CREATE TEMP TRIGGER r DELETE ON t BEGIN SELECT 1; END;
CREATE TABLE t AS SELECT 1;
PRAGMA journal_mode=OFF;
/****** CORRUPTION ERROR *******/
/**** ERROR: (11) database disk image is malformed *****/
INSERT INTO t VALUES(unistr('\uzzzz'),x'0g',replace(replace(replace(replace(replace('a','a',char(10)),'b',char(10)),'c',char(10)),'d',char(10)),'e',char(10)));
ROLLBACK; -- due to errors

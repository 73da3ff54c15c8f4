//! How fast a text of SQL is read: bytes a second, at sizes from a migration to a dump.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use seedbed::sql;

fn main() {
    divan::main();
}

/// Kilobytes: a migration, a big seed, a dump.
const KILOBYTES: [usize; 3] = [4, 256, 16 * 1024];

/// Statements as a dump has them, with a table and a trigger now and then.
fn dump(kilobytes: usize) -> String {
    let table = "CREATE TABLE IF NOT EXISTS \"Track\" (\n    [TrackId] INTEGER PRIMARY KEY NOT NULL, -- id\n    Name NVARCHAR(200) DEFAULT ('none'),\n    FOREIGN KEY (AlbumId) REFERENCES Album (AlbumId) ON DELETE NO ACTION\n);\n";
    let trigger = "CREATE TRIGGER touch AFTER UPDATE OF Name ON Track WHEN NEW.Name <> OLD.Name BEGIN\n    /* keeps the time */ UPDATE Track SET Seen = CASE WHEN 1 THEN datetime('now') END WHERE TrackId = NEW.TrackId;\nEND;\n";
    let row = "INSERT INTO Track VALUES(1,'For Those About To Rock (We Salute You); it''s live',1,1,1,'Angus Young, Malcolm Young, Brian Johnson',343719,11170334,0.99);\n";
    let block = format!("{table}{trigger}{}", row.repeat(40));
    let mut text = block.repeat(kilobytes * 1024 / block.len() + 1);
    text.truncate(kilobytes * 1024);
    // Not to end inside a statement.
    text.truncate(text.rfind(";\nINSERT").map_or(0, |end| end + 2));
    text
}

fn measure<T>(bencher: Bencher<'_, '_>, kilobytes: usize, read: impl Fn(&str) -> T + Sync) {
    let text = dump(kilobytes);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| read(black_box(&text)));
}

#[divan::bench(args = KILOBYTES)]
fn tokens(bencher: Bencher<'_, '_>, kilobytes: usize) {
    measure(bencher, kilobytes, |text| {
        sql::tokens(text).filter(Result::is_ok).count()
    });
}

#[divan::bench(args = KILOBYTES)]
fn split(bencher: Bencher<'_, '_>, kilobytes: usize) {
    measure(bencher, kilobytes, |text| {
        sql::split(text).map(|statements| statements.len())
    });
}

#[divan::bench(args = KILOBYTES)]
fn fingerprint(bencher: Bencher<'_, '_>, kilobytes: usize) {
    measure(bencher, kilobytes, sql::fingerprint);
}

#[divan::bench(args = KILOBYTES)]
fn normal_form(bencher: Bencher<'_, '_>, kilobytes: usize) {
    measure(bencher, kilobytes, sql::normal_form);
}

/// The place of every statement of a text.
#[divan::bench(args = KILOBYTES)]
fn places(bencher: Bencher<'_, '_>, kilobytes: usize) {
    let text = dump(kilobytes);
    let statements = sql::split(&text).unwrap_or_default();
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let lines = sql::Lines::new(black_box(&text));
        statements
            .iter()
            .map(|statement| lines.place(statement.span.start).line)
            .max()
    });
}

//! What a comparison of a dump with a database found: a line for each table, what differs below, and what it comes to.

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::style::{BAD, FAINT, GOOD, Style, WAITS};
use super::table::{Cell, table};
use super::words::{count, grouped, printable};
use crate::diagnostic::Diagnostic;
use crate::dump::integrity::FaultKind;
use crate::dump::{
    Differing, Fault, FaultyObject, Integrity, Level, Side, Unshown, Verdict, Verified,
    VerifiedTable, VerifyError,
};

/// How the two that were compared are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    /// The dump, or the database that was copied.
    from: &'a str,
    /// The database.
    to: &'a str,
    kind: FromKind,
}

/// What a database was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FromKind {
    /// A text with lines.
    Dump,
    Database,
}

impl<'a> Sides<'a> {
    const DUMP: Sides<'static> = Sides {
        from: "the dump",
        to: "the database",
        kind: FromKind::Dump,
    };

    /// Of a copy of a database.
    pub(super) fn of_databases(from: &'a str, to: &'a str) -> Sides<'a> {
        Sides {
            from,
            to,
            kind: FromKind::Database,
        }
    }

    fn of_line(self, line: u64) -> String {
        match self.kind {
            FromKind::Dump => format!(" of line {line}"),
            FromKind::Database => String::new(),
        }
    }
}

/// The tables, then the rows and objects that differ, then a summary.
pub fn verified(verified: &Verified, style: Style<'_>) -> String {
    compared(verified, Sides::DUMP, style)
}

/// The same with these names of the two sides.
pub(super) fn compared(verified: &Verified, sides: Sides<'_>, style: Style<'_>) -> String {
    let rows: Vec<Vec<Cell>> = verified.tables.iter().map(line).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        let header = match sides.kind {
            FromKind::Dump => ["table", "in the dump", "in the database", ""],
            FromKind::Database => ["table", "in FROM", "in TO", ""],
        };
        text.push_str(&table(&header, &rows, style));
        text.push('\n');
    }
    for table in &verified.tables {
        if let Verdict::Different(rows) = &table.verdict {
            for row in rows {
                text.push_str(&format!(
                    "{}: {} {}\n",
                    printable(&table.name),
                    side(row, sides),
                    printable(&row.row)
                ));
            }
        }
    }
    if let Some(unshown) = verified.unshown {
        text.push_str(&format!("{}\n", why_unshown(unshown)));
    }
    for object in &verified.objects {
        text.push_str(&format!("{}\n", printable(&fault(object, sides))));
    }
    for line in integrity(&verified.integrity) {
        text.push_str(&format!("{}\n", printable(&line)));
    }
    let shown = text.ends_with("\n\n") || text.is_empty();
    if !shown {
        text.push('\n');
    }
    text.push_str(&summary(verified, sides));
    text.push('\n');
    text
}

/// The tables of which only a part could be compared, a line each.
pub(super) fn partly(found: &Verified) -> String {
    let tables = found.tables.iter();
    let lines = tables.filter_map(|table| match &table.verdict {
        Verdict::Partial(why) => Some(format!(
            "{}\n",
            printable(&format!("table {}: {why}", table.name))
        )),
        _ => None,
    });
    lines.collect()
}

/// Behind what an import tells: the summary, and the tables where something differs.
pub fn verified_after(found: &Verified, style: Style<'_>) -> String {
    match found.is_equal() {
        true => format!("{}{}\n", partly(found), summary(found, Sides::DUMP)),
        false => format!("\n{}", verified(found, style)),
    }
}

fn line(table: &VerifiedTable) -> Vec<Cell> {
    let (words, colour) = match &table.verdict {
        Verdict::Equal => ("✓".to_owned(), GOOD),
        Verdict::Partial(why) => (format!("✓ {why}"), GOOD),
        Verdict::Different(_) => ("✗ differs".to_owned(), BAD),
        Verdict::Missing => ("✗ missing".to_owned(), BAD),
        Verdict::Skipped(why) => (format!("- {why}"), FAINT),
        Verdict::Unknown(why) => (format!("! not compared: {why}"), WAITS),
    };
    let in_database = match table.in_database {
        Some(rows) => grouped(rows),
        None => "-".to_owned(),
    };
    vec![
        Cell::new(&table.name),
        Cell::new(&grouped(table.in_dump)).right(),
        Cell::new(&in_database).right(),
        Cell::new(&words).in_colour(colour),
    ]
}

fn side(row: &Differing, sides: Sides<'_>) -> String {
    match (row.side, sides.kind) {
        (Side::Dump { line }, FromKind::Dump) => format!("only in {}, line {line}:", sides.from),
        (Side::Dump { .. }, FromKind::Database) => format!("only in {}:", sides.from),
        (Side::Database, _) => format!("only in {}:", sides.to),
    }
}

fn why_unshown(unshown: Unshown) -> &'static str {
    match unshown {
        Unshown::Flows => {
            "the rows that differ are not shown: the dump cannot be read a second time; name a file to see them"
        }
        Unshown::SourceChanged => {
            "the rows that differ are not shown: the source has changed since it was read"
        }
        Unshown::DatabaseChanged => {
            "the rows that differ are not shown: the database has changed since it was compared"
        }
    }
}

fn fault(object: &FaultyObject, sides: Sides<'_>) -> String {
    let FaultyObject {
        kind, name, line, ..
    } = object;
    let of_line = sides.of_line(*line);
    match (object.fault, sides.kind) {
        (Fault::Missing, _) => format!("{kind} {name}{of_line} is missing"),
        (Fault::Different, FromKind::Dump) => {
            format!("{kind} {name} is defined in another way than in line {line}")
        }
        (Fault::Different, FromKind::Database) => {
            format!(
                "{kind} {name} is defined in another way than in {}",
                sides.from
            )
        }
        (
            Fault::Sequence {
                in_dump,
                in_database,
            },
            kind_of_from,
        ) => {
            let source = match kind_of_from {
                FromKind::Dump => format!("line {line} of the dump"),
                FromKind::Database => sides.from.to_owned(),
            };
            format!(
                "the last AUTOINCREMENT number of table {name} is {in_database} in {}, and {in_dump} in {source}: keys of \
                 deleted rows would be given again",
                sides.to
            )
        }
        (
            Fault::Number {
                in_dump,
                in_database,
            },
            kind_of_from,
        ) => match kind_of_from {
            FromKind::Dump => format!(
                "{kind} {name} is {in_database}, and line {line} of the dump sets it to {in_dump}"
            ),
            FromKind::Database => format!(
                "{kind} {name} is {in_database} in {}, and {in_dump} in {}",
                sides.to, sides.from
            ),
        },
    }
}

/// What the engine's own check says of the database, where that is not well.
fn integrity(integrity: &Integrity) -> Vec<String> {
    match integrity {
        Integrity::Sound | Integrity::NotAsked => Vec::new(),
        Integrity::Damaged(faults) => {
            let fault = |fault: &String| match FaultKind::of(fault) {
                FaultKind::Damage => format!("the database is damaged: {fault}"),
                FaultKind::Row => {
                    format!("rows of the database break its own constraints: {fault}")
                }
            };
            faults.iter().map(fault).collect()
        }
        Integrity::Unchecked(error) => {
            vec![format!(
                "the indexes of the database cannot be checked: {error}"
            )]
        }
    }
}

/// How many tables are equal, as a whole or in what of them is compared.
pub(super) fn equal_tables(verified: &Verified) -> String {
    let is_whole = |table: &&VerifiedTable| table.verdict == Verdict::Equal;
    let is_in_part = |table: &&VerifiedTable| matches!(table.verdict, Verdict::Partial(_));
    let whole = verified.tables.iter().filter(is_whole).count();
    match (whole, verified.tables.iter().filter(is_in_part).count()) {
        (whole, 0) => count(whole, "table"),
        (0, in_part) => format!("a part of {}", count(in_part, "table")),
        (whole, in_part) => format!(
            "{} and a part of {}",
            count(whole, "table"),
            count(in_part, "table")
        ),
    }
}

fn summary(verified: &Verified, sides: Sides<'_>) -> String {
    let Sides { from, to, kind } = sides;
    let says = match kind {
        FromKind::Dump => "says",
        FromKind::Database => "holds",
    };
    let equal = |table: &&VerifiedTable| table.verdict == Verdict::Equal;
    let how = match verified.level {
        Level::Counts => "by their number of rows",
        Level::Full => "in every value",
    };
    let tables = equal_tables(verified);
    if verified.is_equal() {
        return format!("{to} holds what {from} {says}: {tables}, compared {how}");
    }
    let others = verified.tables.iter().filter(|table| !equal(table));
    let (unknown, differ): (Vec<_>, Vec<_>) = others
        .filter(|table| !matches!(table.verdict, Verdict::Skipped(_) | Verdict::Partial(_)))
        .partition(|table| matches!(table.verdict, Verdict::Unknown(_)));
    let (unknown, differ) = (unknown.len(), differ.len());
    let mut parts = Vec::new();
    if differ > 0 {
        parts.push(count(differ, "table"));
    }
    if !verified.objects.is_empty() {
        parts.push(count(verified.objects.len(), "definition"));
    }
    let not_compared = match unknown {
        0 => String::new(),
        _ => format!("; {} could not be compared", count(unknown, "table")),
    };
    if parts.is_empty() && unknown > 0 {
        return format!(
            "{} could not be compared; of what was compared, all is equal: {tables}, compared {how}",
            count(unknown, "table")
        );
    }
    if parts.is_empty() {
        return format!(
            "the tables hold what {from} {says}: {tables}, compared {how}; indexes or pages contradict them"
        );
    }
    format!(
        "{to} differs from {from}: {} not equal, compared {how}{not_compared}",
        parts.join(" and ")
    )
}

impl Document {
    /// `verify`: the tables of the dump, and the objects that are not as it says.
    pub fn verified(call: Call<'_>, verified: &Verified) -> Document {
        let document = Document::failure(call, &Report::verified(verified));
        let outcome = match verified.is_equal() {
            true => document.outcome,
            false => "differs",
        };
        Document {
            outcome,
            ..document
        }
        .with("tables", tables(verified))
        .with("level", level(verified.level))
    }

    /// The document of an import, with what the comparison behind it found.
    #[must_use]
    pub fn with_verified(mut self, call: Call<'_>, verified: &Verified) -> Document {
        if !verified.is_equal() {
            self.outcome = "differs";
            let found = Document::failure(call, &Report::verified(verified));
            self.problems.extend(found.problems);
        }
        self.with(
            "verification",
            json!({"level": level(verified.level), "equal": verified.is_equal(), "tables": tables(verified)}),
        )
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Counts => "counts",
        Level::Full => "full",
    }
}

/// One object for each table.
fn tables(verified: &Verified) -> Vec<Value> {
    let tables = verified.tables.iter().map(|table| {
        let (verdict, why, rows) = match &table.verdict {
            Verdict::Equal => ("equal", None, [].as_slice()),
            Verdict::Partial(why) => ("partial", Some(why.clone()), [].as_slice()),
            Verdict::Different(rows) => ("different", None, rows.as_slice()),
            Verdict::Missing => ("missing", None, [].as_slice()),
            Verdict::Skipped(why) => ("skipped", Some((*why).to_owned()), [].as_slice()),
            Verdict::Unknown(why) => ("unknown", Some(why.clone()), [].as_slice()),
        };
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| match row.side {
                Side::Dump { line } => json!({"only_in": "dump", "line": line, "row": row.row}),
                Side::Database => json!({"only_in": "database", "line": null, "row": row.row}),
            })
            .collect();
        json!({
            "name": table.name,
            "in_dump": table.in_dump,
            "in_database": table.in_database,
            "verdict": verdict,
            "why": why,
            "rows": rows,
        })
    });
    tables.collect()
}

impl Report {
    /// A comparison that could not be made.
    pub fn unverified(error: &VerifyError) -> Report {
        let diagnostics = match error {
            VerifyError::Dump(error) => super::import::unread(error),
            VerifyError::Db(error) => vec![super::database::database(error)],
            VerifyError::Changing => vec![
                Diagnostic::error("schema-changes", error.to_string())
                    .help("run it again when no process changes the schema"),
            ],
            VerifyError::Thread(_) => vec![Diagnostic::error("internal", error.to_string())],
        };
        Report::of(diagnostics)
    }

    /// What is not equal.
    pub fn verified(verified: &Verified) -> Report {
        let tables = verified.tables.iter().filter_map(|table| {
            let name = &table.name;
            let message = match &table.verdict {
                Verdict::Equal | Verdict::Partial(_) | Verdict::Skipped(_) => return None,
                Verdict::Different(_) => format!(
                    "table {name} differs: {} in the dump, {} in the database",
                    count(usize::try_from(table.in_dump).unwrap_or(usize::MAX), "row"),
                    table.in_database.unwrap_or_default()
                ),
                Verdict::Missing => format!("table {name} is missing"),
                Verdict::Unknown(why) => format!("table {name} cannot be compared: {why}"),
            };
            Some(Diagnostic::error("table-differs", message))
        });
        let objects = verified
            .objects
            .iter()
            .map(|object| Diagnostic::error("definition-differs", fault(object, Sides::DUMP)));
        let damaged = match &verified.integrity {
            Integrity::Damaged(_) => integrity(&verified.integrity),
            _ => Vec::new(),
        };
        let damaged = damaged.into_iter();
        let damaged = damaged.map(|fault| Diagnostic::error("damaged", fault));
        Report::of(tables.chain(objects).chain(damaged).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;
    use expect_test::expect;

    fn style() -> Style<'static> {
        Style {
            paint: Paint::Plain,
            program: "seedbed",
            columns: None,
        }
    }

    fn of(name: &str, in_dump: u64, in_database: Option<u64>, verdict: Verdict) -> VerifiedTable {
        VerifiedTable {
            name: name.to_owned(),
            in_dump,
            in_database,
            verdict,
        }
    }

    #[test]
    fn what_is_equal_is_a_line_for_each_table() {
        let found = Verified {
            level: Level::Full,
            tables: vec![
                of("users", 1200, Some(1200), Verdict::Equal),
                of(
                    "_migrations",
                    5,
                    Some(6),
                    Verdict::Skipped("the records of this program"),
                ),
            ],
            objects: vec![],
            unshown: None,
            integrity: Integrity::Sound,
        };
        expect![[r#"
            table        in the dump  in the database
            users               1200             1200  ✓
            _migrations            5                6  - the records of this program

            the database holds what the dump says: 1 table, compared in every value
        "#]]
        .assert_eq(&verified(&found, style()));
    }

    #[test]
    fn what_differs_is_shown_with_its_rows() {
        let found = Verified {
            level: Level::Full,
            tables: vec![
                of(
                    "users",
                    2,
                    Some(2),
                    Verdict::Different(vec![
                        Differing {
                            side: Side::Dump { line: 7 },
                            row: "(1, 'ann')".to_owned(),
                        },
                        Differing {
                            side: Side::Database,
                            row: "(1, 'Ann\u{1b}')".to_owned(),
                        },
                    ]),
                ),
                of("plans", 3, None, Verdict::Missing),
                of(
                    "odd",
                    1,
                    Some(1),
                    Verdict::Unknown("its rows do not all name the same columns".to_owned()),
                ),
            ],
            objects: vec![
                FaultyObject {
                    kind: "index",
                    name: "by_name".to_owned(),
                    line: 12,
                    fault: Fault::Missing,
                },
                FaultyObject {
                    kind: "view",
                    name: "v".to_owned(),
                    line: 13,
                    fault: Fault::Different,
                },
            ],
            unshown: None,
            integrity: Integrity::Damaged(vec!["row 3 missing from index by_name".to_owned()]),
        };
        expect![[r#"
            table  in the dump  in the database
            users            2                2  ✗ differs
            plans            3                -  ✗ missing
            odd              1                1  ! not compared: its rows do not all name the same columns

            users: only in the dump, line 7: (1, 'ann')
            users: only in the database: (1, 'Ann�')
            index by_name of line 12 is missing
            view v is defined in another way than in line 13
            the database is damaged: row 3 missing from index by_name

            the database differs from the dump: 2 tables and 2 definitions not equal, compared in every value; 1 table could not be compared
        "#]]
        .assert_eq(&verified(&found, style()));
    }
}

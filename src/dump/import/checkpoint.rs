//! How far an import has come: one row, moved on in the same transaction as the rows that it tells of.
//!
//! It moves by comparing: a chunk says from which byte it goes on, and fails where the row is at another one. So a chunk
//! of a run that was killed, or whose answer was lost, happens once or not at all, however often it is sent.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Triggers;
use super::clash::There;
use super::error::{Begun, Stands};
use super::event::Event;
use super::tally::{Before, Table, Tally};
use super::translate;
use super::translate::{CHECKPOINT, Made, Tables, Translator};
use crate::db::{Db, DbError, IfThere, Query, Reply};
use crate::dump::{Mark, Object};
use crate::hex;
use crate::script::{Run, Step};
use crate::sql::{Value, identifier};

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// What the row says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) line: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
    pub(super) run_id: String,
    pub(super) started_at: String,
    pub(super) tally: Tally,
    made: Vec<Made>,
    /// The tables that were filled with `INSERT OR IGNORE` or `OR REPLACE`.
    conflicting: Vec<String>,
    /// Whether it was begun so that triggers run.
    pub(super) triggers: Triggers,
    /// The command that goes on with it, where that is no `import`.
    pub(super) command: Option<Arc<str>>,
    /// The file of the dump as it was given.
    path: Option<String>,
}

/// Asks for it; without the table there is none.
pub(super) fn question() -> IfThere {
    Query::new(format!(
        "SELECT name, offset, line, sha256, run_id, started_at, detail FROM {CHECKPOINT}"
    ))
    .if_there(CHECKPOINT)
}

/// The answer to [`question`].
pub(super) fn answer(reply: Reply) -> Result<Option<Checkpoint>, DbError> {
    Ok(reply.rows()?.first().and_then(Checkpoint::of))
}

/// Reads it.
pub(super) async fn read(db: &Db) -> Result<Option<Checkpoint>, DbError> {
    answer(db.ask(question()).await?)
}

impl Checkpoint {
    /// The row, as the answer gives it.
    fn of(row: &[Value; 7]) -> Option<Checkpoint> {
        let [name, offset, line, sha256, run_id, started_at, detail] = row;
        let detail: Json = serde_json::from_str(detail.as_str()?).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let number = |value: &Value| u64::try_from(value.as_i64()?).ok();
        let tables = detail["tables"].as_array()?.iter().map(table);
        let made = detail["made"].as_array()?.iter();
        Some(Checkpoint {
            name: text(name)?,
            offset: number(offset)?,
            line: number(line)?,
            sha256: text(sha256)?,
            run_id: text(run_id)?,
            started_at: text(started_at)?,
            tally: Tally::of(tables.collect::<Option<_>>()?),
            made: made.filter_map(made_of).collect(),
            triggers: match detail["triggers"].as_bool() {
                Some(true) => Triggers::Run,
                _ => Triggers::Refuse,
            },
            conflicting: serde_json::from_value(detail["conflicting"].clone()).unwrap_or_default(),
            command: detail["command"].as_str().map(Arc::from),
            path: detail["path"].as_str().map(str::to_owned),
        })
    }

    /// Whether this is where it is.
    pub(super) fn is_at(&self, mark: &Mark) -> bool {
        self.offset == mark.offset && self.sha256 == hex::encode(&mark.sha256)
    }

    /// What is in the database.
    pub(super) fn stands(&self) -> Stands {
        Stands::UpTo {
            line: self.line,
            offset: self.offset,
            rows: self.tally.rows(),
        }
    }

    /// How the import was begun. One into existing tables makes none.
    pub(super) fn begun(&self) -> Begun {
        let tables = &self.tally.tables;
        let is_there = |table: &Table| table.before != Before::Absent;
        Begun {
            name: self.name.clone(),
            command: self.command.as_deref().map(str::to_owned),
            triggers: self.triggers,
            path: self.path.clone(),
            tables: match tables.iter().any(is_there) {
                true => Tables::Existing,
                false => Tables::New,
            },
        }
    }

    /// The names of what the import has made so far.
    pub(super) fn made(&self) -> impl Iterator<Item = &str> {
        let tables = self.tally.tables.iter();
        let tables = tables.filter(|table| table.before == Before::Absent);
        let tables = tables.map(|table| table.name.as_str());
        tables.chain(self.made.iter().map(|made| made.name.as_str()))
    }

    /// The point of the dump.
    pub(super) fn mark(&self) -> Option<Mark> {
        let mut sha256 = self.sha256.clone().into_bytes();
        if sha256.len() != 64 || !hex::is_hex(&sha256) {
            return None;
        }
        let length = hex::decode(&mut sha256);
        Some(Mark {
            offset: self.offset,
            line: self.line,
            sha256: sha256[..length].try_into().ok()?,
        })
    }

    /// Tells of what the dump has made before.
    pub(super) fn remind(&self, translator: &mut Translator) {
        let tables = self.tally.tables.iter();
        let made = tables.filter(|table| table.before == Before::Absent);
        let made = made.map(|table| table.name.clone()).collect();
        translator.remind(made, self.made.clone());
        let filled = self.tally.tables.iter().filter(|table| table.rows > 0);
        translator.remind_rows(filled.map(|table| table.name.as_str()));
        translator.conflicting.clone_from(&self.conflicting);
    }

    /// The tables that [`Checkpoint::undo`] clears or drops, and the most rows that they have where only this import wrote
    /// to them.
    pub(super) fn most_rows<'t>(&'t self, there: &There) -> Vec<(&'t str, u64)> {
        let tables = self.tally.tables.iter();
        let most = tables.filter_map(|table| {
            // Rows that the module itself has written to a table of its content.
            let new = there.made_new(&table.name, table.before);
            let is_undone = new.is_some() || !matches!(table.before, Before::Rows(_));
            (is_undone && there.has_table(&table.name)).then(|| {
                let own = new.map_or(0, <[_]>::len) as u64;
                (table.name.as_str(), table.rows + own)
            })
        });
        most.collect()
    }

    /// The statements that remove everything that the import wrote; where that is impossible, the table with rows that
    /// were there before. `there` tells the tables of virtual tables, which are not to be empty: a new one has rows of
    /// its module there.
    pub(super) fn undo(&self, there: &There) -> Result<Vec<Step>, (String, u64)> {
        let mut steps = guard(self.offset);
        // Between the look at the rows and this transaction another process may write.
        for (table, most) in self.most_rows(there) {
            steps.push(Step::own(
                format!(
                    "SELECT CASE WHEN (SELECT count(*) FROM {}) <= ?1 THEN 1 ELSE json('rows of others') END",
                    identifier(table)
                ),
                vec![integer(most)],
            ));
        }
        for Made { object, name, .. } in self.made.iter().rev() {
            let kind = match object {
                // What they keep goes with them.
                Object::VirtualTable | Object::Table => "TABLE",
                Object::View => "VIEW",
                Object::Trigger => "TRIGGER",
                Object::Index => "INDEX",
            };
            steps.push(own(format!("DROP {kind} IF EXISTS {}", identifier(name))));
        }
        for table in self.tally.tables.iter().rev() {
            if let Some(rows) = there.made_new(&table.name, table.before) {
                steps.push(own(format!("DELETE FROM {}", identifier(&table.name))));
                steps.extend(rows.iter().cloned().map(own));
                continue;
            }
            match (translate::undo(table.before, &table.name), table.before) {
                (Some(sql), _) => steps.push(own(sql)),
                // Nothing came to it yet.
                (None, _) if table.rows == 0 => {}
                (None, Before::Rows(rows)) => return Err((table.name.clone(), rows)),
                (None, _) => {}
            }
        }
        steps.push(own(format!("DROP TABLE {CHECKPOINT}")));
        Ok(steps)
    }
}

/// The first chunk makes the row, where the database is as it was looked at.
pub(super) fn begin(
    name: &str,
    at_revision: Step,
    end: &Mark,
    detail: String,
    run: &Run,
) -> Vec<Step> {
    vec![
        at_revision,
        Step::guard(
            &format!("NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = '{CHECKPOINT}')"),
            Vec::new(),
        ),
        own(format!(
            "CREATE TABLE {CHECKPOINT} (name TEXT NOT NULL, offset INTEGER NOT NULL, line INTEGER NOT NULL, \
             sha256 TEXT NOT NULL, run_id TEXT NOT NULL, applied_by TEXT, started_at TEXT NOT NULL, \
             written_at TEXT NOT NULL, detail TEXT NOT NULL)"
        )),
        Step::own(
            format!("INSERT INTO {CHECKPOINT} VALUES (?1, ?2, ?3, ?4, ?5, ?6, {NOW}, {NOW}, ?7)"),
            vec![
                name.into(),
                integer(end.offset),
                integer(end.line),
                hex::encode(&end.sha256).into(),
                run.id.as_str().into(),
                run.by.as_str().into(),
                detail.into(),
            ],
        ),
    ]
}

/// Each other chunk moves it.
pub(super) fn advance(from: u64, end: &Mark, detail: String, run: &Run) -> Vec<Step> {
    vec![
        Step::own(
            format!(
                "UPDATE {CHECKPOINT} SET offset = ?2, line = ?3, sha256 = ?4, run_id = ?5, applied_by = ?6, \
                 written_at = {NOW}, detail = ?7 WHERE offset = ?1"
            ),
            vec![
                integer(from),
                integer(end.offset),
                integer(end.line),
                hex::encode(&end.sha256).into(),
                run.id.as_str().into(),
                run.by.as_str().into(),
                detail.into(),
            ],
        ),
        Step::guard("changes()", Vec::new()),
    ]
}

/// The last transaction takes the table away, if the import is where it should be.
pub(super) fn finish(at: u64) -> Vec<Step> {
    let mut steps = guard(at);
    steps.push(own(format!("DROP TABLE {CHECKPOINT}")));
    steps
}

fn guard(at: u64) -> Vec<Step> {
    let is_there = format!("(SELECT offset FROM {CHECKPOINT}) = ?1");
    vec![Step::guard(&is_there, vec![integer(at)])]
}

/// What else the row remembers.
pub(super) fn detail(
    tally: &Tally,
    translator: &Translator,
    triggers: Triggers,
    command: Option<&str>,
    path: &str,
) -> String {
    let tables: Vec<Json> = tally
        .tables
        .iter()
        .map(|table| {
            json!({
                "name": table.name,
                "rows": table.rows,
                "bytes": table.bytes,
                "before": match table.before {
                    Before::Absent => Json::Null,
                    Before::Empty => 0.into(),
                    Before::Rows(rows) => rows.into(),
                },
            })
        })
        .collect();
    let made: Vec<Json> = translator
        .made
        .iter()
        .map(|made| {
            let trigger = made.trigger.as_ref();
            let (table, event) = trigger
                .map(|(table, event)| (table, event_word(*event)))
                .unzip();
            json!([made.object.word(), made.name, made.sql, table, event])
        })
        .collect();
    json!({
        "tables": tables,
        "made": made,
        "conflicting": translator.conflicting,
        "triggers": triggers == Triggers::Run,
        "command": command,
        "path": path,
    })
    .to_string()
}

fn table(json: &Json) -> Option<Table> {
    Some(Table {
        name: json["name"].as_str()?.to_owned(),
        rows: json["rows"].as_u64()?,
        bytes: json["bytes"].as_u64()?,
        before: match json["before"].as_u64() {
            None => Before::Absent,
            Some(0) => Before::Empty,
            Some(rows) => Before::Rows(rows),
        },
        ..Table::default()
    })
}

fn made_of(json: &Json) -> Option<Made> {
    Some(Made {
        object: Object::of(json[0].as_str()?)?,
        name: json[1].as_str()?.to_owned(),
        sql: json[2].as_str().map(str::to_owned),
        // Checkpoints of earlier versions do not have it.
        trigger: json[3].as_str().map(|table| {
            (
                table.to_owned(),
                Event::of(json[4].as_str().unwrap_or_default()),
            )
        }),
    })
}

/// As [`Event::of`] reads it.
fn event_word(event: Event) -> &'static str {
    match event {
        Event::Insert => "INSERT",
        Event::Delete => "DELETE",
        Event::Update => "UPDATE",
    }
}

fn own(sql: String) -> Step {
    Step::own(sql, Vec::new())
}

/// Dumps are shorter than 2^63 bytes.
fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

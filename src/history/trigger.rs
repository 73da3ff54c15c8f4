//! Triggers that stop compiling. Renaming a table compiles no column lists and no targets of the statements in a trigger;
//! a statement that fires it does. So each is compiled before the units of a script and behind them. Pure.

use super::created::{Created, created};
use super::effects::Rename;
use super::guards::unless;
use super::known::Known;
use super::left_broken::LeftBroken;
use super::purposes::Purpose;
use super::quoted::Quoted;
use super::view::Views;
use super::write::Steps;
use crate::schema::{Event, Firing, Trigger, plain_text};
use crate::script::{Step, Unit, When};
use crate::sql::{TokenKind, Value, What, identifier, literal, significant, unquote};

/// A statement that fires triggers which are there before the run, by each name that its table and column have during
/// the run.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    triggers: Vec<String>,
    statements: Vec<Firing>,
    /// Those of these triggers that name the column of the statement.
    naming: Vec<Naming>,
}

/// A trigger that is set off by an `UPDATE OF` a column. The engine creates it on a table without that column, and then no
/// statement ever sets it off.
#[derive(Debug, Clone)]
struct Naming {
    trigger: String,
    /// Its text from the columns on, as the engine keeps it until it renames something in it.
    text: String,
    /// Its columns, as [`plain_text`] makes them of the text that the engine keeps.
    columns: String,
    /// A statement that sets the column.
    firing: Firing,
}

impl Naming {
    fn of(trigger: &Trigger<'_>, firing: &Firing) -> Option<Naming> {
        Some(Naming {
            trigger: trigger.name.to_owned(),
            text: trigger.text_from_columns()?.to_owned(),
            columns: trigger.plain_columns()?,
            firing: firing.clone(),
        })
    }
}

/// A trigger that the run creates.
#[derive(Debug, Clone)]
pub(super) struct CreatedTrigger {
    pub(super) created: Created,
    is_of_view: bool,
    firings: Vec<Firing>,
    naming: Vec<Naming>,
}

/// The statements that fire the triggers which are there before the run, but for those that the run creates again: they
/// may have another event.
pub(super) fn standing(
    known: &Known,
    renames: &[Rename],
    created: &[CreatedTrigger],
) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    let is_created = |name: &str| created.iter().any(|it| it.created.has_name(name));
    let triggers = known.triggers.iter().filter_map(Trigger::of);
    for trigger in triggers.filter(|it| !is_created(it.name)) {
        for firing in trigger.firings() {
            let name = trigger.name.to_owned();
            let naming = Naming::of(&trigger, &firing);
            match all.iter_mut().find(|it| it.statements[0] == firing) {
                Some(it) => {
                    it.triggers.push(name);
                    it.naming.extend(naming);
                }
                None => all.push(Standing {
                    triggers: vec![name],
                    statements: by_all_names(firing, renames),
                    naming: naming.into_iter().collect(),
                }),
            }
        }
    }
    all
}

/// The triggers that a unit creates.
pub(super) fn created_triggers(unit: &Unit) -> impl Iterator<Item = CreatedTrigger> {
    created(unit, What::Trigger).filter_map(|(created, object, sql)| {
        let table = object.table?;
        let trigger = |key| Trigger {
            name: &created.name,
            table: &table,
            sql,
            key,
        };
        let it = trigger(None);
        let mut firings = it.firings();
        // Its table may have no rowid.
        let column = it.named_column();
        for firing in trigger(column.as_deref()).firings() {
            if !firings.contains(&firing) {
                firings.push(firing);
            }
        }
        let is_of_view = it.is_of_view();
        let naming = firings.iter().filter_map(|firing| Naming::of(&it, firing));
        let naming = naming.collect();
        Some(CreatedTrigger {
            created,
            is_of_view,
            firings,
            naming,
        })
    })
}

fn by_all_names(firing: Firing, renames: &[Rename]) -> Vec<Firing> {
    let mut all = vec![firing];
    for rename in renames {
        let is_it = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        let renamed = all.iter().filter_map(|it| {
            let column = it.column.as_deref();
            let firing = match &rename.column {
                None => Firing {
                    table: rename.to.clone(),
                    ..it.clone()
                },
                Some(from) if column.is_some_and(|column| is_it(column, from)) => Firing {
                    column: Some(rename.to.clone()),
                    ..it.clone()
                },
                Some(_) => return None,
            };
            (is_it(&it.table, &rename.table) && !all.contains(&firing)).then_some(firing)
        });
        let renamed: Vec<Firing> = renamed.collect();
        all.extend(renamed);
    }
    all
}

/// What the guards of a script compile.
pub(super) struct Probes<'a> {
    pub(super) standing: &'a [Standing],
    pub(super) created: &'a [CreatedTrigger],
    pub(super) views: &'a Views,
    pub(super) quoted: &'a Quoted,
    /// What earlier scripts left broken.
    pub(super) left_broken: &'a [LeftBroken],
    /// Whether it has to be repaired by the end of this script.
    pub(super) is_last: bool,
    /// Whether it is the only script of its run with guards.
    pub(super) is_only: bool,
    /// Fails where a foreign key is broken that a later script may repair: no statement that writes to its tables
    /// compiles meanwhile.
    pub(super) foreign_keys: Option<Step>,
}

impl Steps {
    /// Compiles the statements that fire triggers before the units of a script. Returns the number of the first step.
    pub(super) fn fire_before(&mut self, probes: &Probes<'_>) -> usize {
        let statements = probes.standing.iter().flat_map(|it| &it.statements);
        let steps = statements.map(|it| Step::own(it.explain(), vec![]));
        self.attempts(Purpose::Around, steps.collect())
    }

    /// Fails where a trigger that compiled before does not compile, and where a new one does not. `before` is what
    /// [`Steps::fire_before`] returned.
    pub(super) fn fire_after(&mut self, probes: &Probes<'_>, before: usize) {
        let left = |name: &String| {
            let mut left = probes.left_broken.iter().filter_map(LeftBroken::trigger);
            left.any(|it| it.eq_ignore_ascii_case(name))
        };
        let gate = self.attempts(
            Purpose::Around,
            probes.foreign_keys.iter().cloned().collect(),
        );
        let gate = probes.foreign_keys.is_some().then_some(gate);
        let created = probes.created.iter();
        let created: Vec<&CreatedTrigger> = created
            .filter(|it| probes.is_last || !left(&it.created.name))
            .collect();
        self.fire_created(&created, probes.created, gate);
        let mut first = before;
        for standing in probes.standing {
            let compiled = first..first + standing.statements.len();
            first = compiled.end;
            let is_left = standing.triggers.iter().any(left);
            if is_left && !probes.is_last {
                continue;
            }
            for naming in &standing.naming {
                let next = self.steps.len();
                let compiled = (!is_left).then(|| When::Succeeded(next - compiled.start));
                let gate = gate.map(|step| When::Succeeded(next - step));
                self.names_its_column(naming, compiled.into_iter().chain(gate).collect());
            }
            for firing in &standing.statements {
                let next = self.steps.len();
                let compiled = compiled.clone().map(|step| When::Succeeded(next - step));
                let compiled = (!is_left).then(|| When::Any(compiled.collect()));
                let gate = gate.map(|step| When::Succeeded(next - step));
                let due = compiled.into_iter().chain(gate);
                self.fires(firing, &standing.triggers, due.collect());
            }
        }
    }

    /// A new trigger is refused where the statement that fires it compiles without all that the run creates, and does
    /// not with them: then what is wrong is neither its table nor an older trigger. A view cannot be written without a
    /// trigger, so one that does nothing stands in for it.
    fn fire_created(
        &mut self,
        created: &[&CreatedTrigger],
        all: &[CreatedTrigger],
        gate: Option<usize>,
    ) {
        let own = |sql: &str| Step::own(sql, vec![]);
        if created.is_empty() {
            return;
        }
        self.push(Purpose::Around, own("SAVEPOINT _seedbed_fire"));
        for it in all {
            let drop = format!("DROP TRIGGER IF EXISTS {}", identifier(&it.created.name));
            self.push(Purpose::Around, own(&drop));
        }
        let mut attempts = Vec::new();
        let mut places = Vec::new();
        for (number, it) in created.iter().enumerate() {
            for firing in &it.firings {
                if it.is_of_view {
                    attempts.push(own(&format!(
                        "CREATE TRIGGER IF NOT EXISTS _seedbed_fire_{number} INSTEAD OF {} ON {} BEGIN SELECT 1; END",
                        firing.event.word(),
                        identifier(&firing.table)
                    )));
                }
                places.push(attempts.len());
                attempts.push(own(&firing.explain()));
            }
        }
        let first = self.attempts(Purpose::Around, attempts);
        self.push(Purpose::Around, own("ROLLBACK TO _seedbed_fire"));
        self.push(Purpose::Around, own("RELEASE _seedbed_fire"));
        let mut places = places.into_iter();
        for it in created {
            for naming in &it.naming {
                let due = gate.map(|step| When::Succeeded(self.steps.len() - step));
                self.names_its_column(naming, due.into_iter().collect());
            }
            for (firing, place) in it.firings.iter().zip(&mut places) {
                let due = std::iter::once(first + place).chain(gate);
                let due = due.map(|step| When::Succeeded(self.steps.len() - step));
                self.fires(
                    firing,
                    std::slice::from_ref(&it.created.name),
                    due.collect(),
                );
            }
        }
    }

    /// Fails where this trigger is there with this text and its table or view has no such column; only where all of `due`
    /// holds.
    fn names_its_column(&mut self, naming: &Naming, due: Vec<When>) {
        let text = |text: &str| literal(&Value::from(text));
        let Naming {
            trigger, firing, ..
        } = naming;
        let table = text(&firing.table);
        let column = text(firing.column.as_deref().unwrap_or_default());
        let is_it = format!(
            "type = 'trigger' AND tbl_name = {table} COLLATE NOCASE AND name = {} COLLATE NOCASE \
             AND (instr(sql, {}) OR instr({}, {}))",
            text(trigger),
            text(&naming.text),
            plain_text("sql"),
            text(&naming.columns)
        );
        self.compiles_where(
            &format!(
                "EXISTS (SELECT 1 FROM sqlite_schema WHERE {is_it}) AND NOT EXISTS (SELECT 1 FROM \
                 pragma_table_xinfo({table}) WHERE name = {column} COLLATE NOCASE)"
            ),
            format!("SELECT name, type, sql FROM sqlite_schema WHERE {is_it}"),
            firing.explain(),
            due,
        );
    }

    /// Fails where one of these triggers is there on the table of a statement that fires it, and that statement does not
    /// compile; only where all of `due` holds.
    fn fires(&mut self, firing: &Firing, triggers: &[String], due: Vec<When>) {
        let text = |text: &str| literal(&Value::from(text));
        let names: Vec<String> = triggers.iter().map(|it| text(it)).collect();
        let table = text(&firing.table);
        let are_they = format!(
            "type = 'trigger' AND tbl_name = {table} COLLATE NOCASE AND name COLLATE NOCASE IN ({})",
            names.join(", ")
        );
        let column = match (firing.event, &firing.column) {
            (Event::Delete | Event::Insert, _) => String::new(),
            (Event::Update, Some(column)) => format!(
                " AND EXISTS (SELECT 1 FROM pragma_table_xinfo({table}) WHERE name = {} COLLATE NOCASE)",
                text(column)
            ),
            (Event::Update, None) => format!(
                " AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = {table} COLLATE NOCASE \
                 AND sql LIKE '%WITHOUT%ROWID%')"
            ),
        };
        self.compiles_where(
            &format!("EXISTS (SELECT 1 FROM sqlite_schema WHERE {are_they}){column}"),
            format!("SELECT name, type, sql FROM sqlite_schema WHERE {are_they} ORDER BY name"),
            firing.explain(),
            due,
        );
    }

    /// Fails where this statement does not compile; only where the condition `is_there` and all of `due` hold. Servers
    /// differ in whether a step that was skipped has failed, so no condition asks for a failure.
    pub(super) fn compiles_where(
        &mut self,
        is_there: &str,
        explain: String,
        statement: String,
        due: Vec<When>,
    ) {
        let is_there = Step::own(unless(is_there), vec![]);
        let due: Vec<When> = std::iter::once(When::Succeeded(1)).chain(due).collect();
        self.push(Purpose::Around, is_there.when(When::All(due)).continuing());
        let statement = Step::own(statement, vec![]).when(When::Succeeded(1));
        self.push(Purpose::Compiles, statement.explained(explain));
        let passed = When::Any(vec![
            When::Succeeded(1),
            When::All(vec![When::Succeeded(3), When::NotSucceeded(2)]),
        ]);
        self.push(Purpose::Around, Step::own("SELECT 1", vec![]).when(passed));
    }
}

/// Name and text of the triggers that may be why a statement does not compile, of those that it fires: those that name
/// what the engine misses, or all. None where no statement that fires a trigger was compiled.
pub(super) fn suspected<'a>(rows: &'a [Vec<Value>], words: &str) -> Vec<(&'a str, &'a str)> {
    let fired = rows.iter().filter_map(|row| match &row[..] {
        [Value::Text(name), Value::Text(sort), Value::Text(sql)] if sort == "trigger" => {
            Some((name.as_str(), sql.as_str()))
        }
        _ => None,
    });
    let fired: Vec<(&str, &str)> = fired.collect();
    let is_name = |token: &crate::sql::Token| token.kind != TokenKind::Symbol;
    let named = |sql: &str, name: &str| {
        let mut tokens = significant(sql).filter(is_name);
        tokens.any(|token| unquote(token.text(sql)).eq_ignore_ascii_case(name))
    };
    // `no such column: new.b`, `no such table: main.t`, `table t has no column named b`.
    let last = words.rsplit([' ', '.']).next().unwrap_or_default();
    let naming: Vec<(&str, &str)> = fired
        .iter()
        .copied()
        .filter(|(_, sql)| named(sql, last))
        .collect();
    match naming.is_empty() {
        true => fired,
        false => naming,
    }
}

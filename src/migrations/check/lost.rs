//! Indexes and triggers that a table or a view loses when a migration recreates it. What is proposed for them was tried in
//! a copy of the database in memory.

use std::collections::HashSet;

use super::{Object, Part, Rehearsal};
use crate::db::{DbError, Query};
use crate::diagnostic::{Class, Diagnostic};
use crate::migrations::directive::LOST_IN_REBUILD;
use crate::schema::{Broken, ObjectKind, Schema, broken};
use crate::script::Step;
use crate::sql::{Kind, What, kind, normal_form, significant, unquote};

/// What one migration has lost.
pub(super) struct Lost<'a> {
    part: &'a Part<'a>,
    objects: Vec<Object>,
}

/// What has indexes and triggers.
const HOLDERS: [(ObjectKind, What); 2] = [
    (ObjectKind::Table, What::Table),
    (ObjectKind::View, What::View),
];

/// Whether a migration drops a table or a view.
pub(super) fn drops_a_holder(part: &Part<'_>) -> bool {
    part.up
        .steps()
        .iter()
        .any(|step| drops(step, &[What::Table, What::View]))
}

fn drops(step: &Step, one_of: &[What]) -> bool {
    matches!(kind(&step.sql), Kind::Drop(object) if one_of.contains(&object.what))
}

/// The indexes and triggers of tables and views that are there before and after a migration, which are not there after it, and
/// which it does not drop by their names.
pub(super) fn lost<'a>(part: &'a Part<'a>, before: &Schema, after: &Schema) -> Option<Lost<'a>> {
    let names = |schema: &Schema| -> HashSet<(ObjectKind, String)> {
        let objects = schema.objects.iter();
        objects
            .map(|object| (object.kind, object.name.to_ascii_lowercase()))
            .collect()
    };
    let (had, after) = (names(before), names(after));
    let dropped: HashSet<String> = part
        .up
        .steps()
        .iter()
        .filter_map(|step| match kind(&step.sql) {
            Kind::Drop(object) if matches!(object.what, What::Index | What::Trigger) => {
                Some(object.name.to_ascii_lowercase())
            }
            _ => None,
        })
        .collect();
    let is_lost = |object: &&Object| {
        let name = object.name.to_ascii_lowercase();
        matches!(object.kind, ObjectKind::Index | ObjectKind::Trigger)
            && HOLDERS.iter().any(|(kind, _)| {
                let holder = (*kind, object.table.to_ascii_lowercase());
                had.contains(&holder) && after.contains(&holder)
            })
            && !dropped.contains(&name)
            && !after.contains(&(object.kind, name))
    };
    let objects: Vec<Object> = before.objects.iter().filter(is_lost).cloned().collect();
    (!objects.is_empty()).then_some(Lost { part, objects })
}

/// Whether another index does what a new one does. One of expressions, or of some rows, is compared by its statement.
const COVERED: &str = "\
WITH it AS (SELECT l.name, l.\"unique\" AS u, l.partial,
    (SELECT json_group_array(json_array(cid, \"desc\", coll)) FROM pragma_index_xinfo(l.name) WHERE key) AS columns,
    (SELECT min(cid) FROM pragma_index_xinfo(l.name) WHERE key) AS least
  FROM pragma_index_list(?1) AS l)
SELECT 1 FROM it AS new JOIN it AS other
  ON other.name <> new.name AND other.columns = new.columns AND other.u >= new.u AND NOT other.partial
WHERE new.name = ?2 COLLATE NOCASE AND NOT new.partial AND new.least >= 0";

/// What became of a lost object.
enum Outcome {
    /// Its statement works where the new table is.
    CanBeRecreated,
    /// Its statement does not fit the new table.
    MustBeRewritten,
    /// It has nothing to be on, or another one does the same.
    IsNotMissed,
}

impl Lost<'_> {
    /// What is missing in the end. `copy` is as the database is then, without generated rows.
    pub(super) async fn diagnostic(
        &self,
        end: &Schema,
        copy: &Rehearsal,
    ) -> Result<Option<Diagnostic>, DbError> {
        let is_there = |lost: &Object| {
            end.objects.iter().any(|object| {
                object.kind == lost.kind
                    && (object.name.eq_ignore_ascii_case(&lost.name)
                        || nameless(object) == nameless(lost))
            })
        };
        let (mut gone, mut statements, mut rewritten) = (Vec::new(), Vec::new(), Vec::new());
        for object in self.objects.iter().filter(|lost| !is_there(lost)) {
            let name = format!("{} {}", object.kind.word(), object.name);
            match recreated(object, copy).await? {
                Outcome::IsNotMissed => continue,
                Outcome::CanBeRecreated => statements.push(format!("{};", object.sql)),
                Outcome::MustBeRewritten => rewritten.push(name.clone()),
            }
            gone.push((object, name));
        }
        let Some((first, _)) = gone.first() else {
            return Ok(None);
        };
        let is_view = |object: &Object| {
            let is_it = |it: &Object| {
                it.kind == ObjectKind::View && it.name.eq_ignore_ascii_case(&object.table)
            };
            end.objects.iter().any(is_it)
        };
        let (old, what) = match is_view(first) {
            true => ("view", What::View),
            false => ("table", What::Table),
        };
        let names: Vec<&str> = gone.iter().map(|(_, name)| name.as_str()).collect();
        let message = format!(
            "{} drops and recreates {}, and these are gone with the old {old}: {}",
            self.part.key(),
            first.table,
            names.join(", ")
        );
        let recreate = (!statements.is_empty()).then(|| {
            format!(
                "recreate them at the end of the file:\n{}",
                statements.join("\n")
            )
        });
        let rewrite = (!rewritten.is_empty()).then(|| {
            format!(
                "this does not fit the new {old}, so write it again for that: {}",
                rewritten.join(", ")
            )
        });
        let mut problem = Diagnostic::error(LOST_IN_REBUILD, message)
            .class(Class::Lint)
            .about(self.part.key())
            .in_file(self.part.up.file())
            .helps(recreate)
            .helps(rewrite)
            .help(format!(
                "if they are to go: drop them by name, or write `-- seedbed: allow {LOST_IN_REBUILD}: REASON` at the \
                 top of the file"
            ));
        let mut steps = self.part.up.steps().iter();
        let drop = steps.find(|step| drops(step, &[what]));
        if let Some(origin) = drop.and_then(|step| step.origin()) {
            problem = problem.at(origin);
        }
        Ok(Some(problem))
    }
}

/// The statement of an object without its name.
fn nameless(object: &Object) -> Vec<String> {
    let sql = normal_form(&object.sql);
    let mut texts: Vec<String> = significant(&sql)
        .map(|token| token.text(&sql).to_owned())
        .collect();
    let is_name = |text: &String| unquote(text).eq_ignore_ascii_case(&object.name);
    if let Some(at) = texts.iter().position(is_name) {
        texts.remove(at);
    }
    texts
}

/// Creates an object once more.
async fn recreated(object: &Object, copy: &Rehearsal) -> Result<Outcome, DbError> {
    let is_index = object.kind == ObjectKind::Index;
    match copy.execute([object.sql.clone()]).await {
        Ok(()) => {}
        Err(DbError::Read(error)) => {
            let words = &error.message;
            let has_no_column = words.contains("no such column") || words.contains("has no column");
            return Ok(match (has_no_column, is_index) {
                (true, true) => Outcome::IsNotMissed,
                (true, false) => Outcome::MustBeRewritten,
                (false, _) => Outcome::CanBeRecreated,
            });
        }
        Err(error) => return Err(error),
    }
    if is_index {
        let query = Query {
            sql: COVERED.to_owned(),
            args: vec![object.table.as_str().into(), object.name.as_str().into()],
        };
        let others = copy.db().rows::<1>(query).await?;
        return Ok(match others.is_empty() {
            true => Outcome::CanBeRecreated,
            false => Outcome::IsNotMissed,
        });
    }
    let broken = broken(copy.db(), &copy.schema().await?).await?;
    let is_it = |it: &Broken| {
        it.object.kind == object.kind && it.object.name.eq_ignore_ascii_case(&object.name)
    };
    Ok(match broken.iter().any(is_it) {
        true => Outcome::MustBeRewritten,
        false => Outcome::CanBeRecreated,
    })
}

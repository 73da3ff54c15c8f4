//! Whether the statements below a heading undo those of the file that apply it, by what their first tokens create, remove
//! and write. A word above statements proves nothing: `-- Undo` may be the title of a table. Pure.

use std::collections::{HashMap, HashSet};

use crate::sql::{Kind, What, kind, renamed_table, significant, targets, unquote};

/// How much a heading proves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    /// It is one of two, `-- Up` and `-- Down`.
    OfTwo,
    /// It stands alone and consists of the direction.
    Alone,
    /// It has further words: `-- Rollback plan:`.
    WithWords,
}

/// What one statement does to the schema and to rows. Names are in lower case; a column is `table.column`.
#[derive(Debug, Clone)]
enum Change {
    /// It creates an object or a column, of this table.
    Creates(String, Option<String>),
    Removes(String),
    Inserts(String),
    Deletes(String),
    Updates(String, Vec<String>),
    /// It changes the definition of a table.
    Alters(String),
    /// Nothing that is known here.
    Unknown,
}

/// What the statements that apply a file leave behind.
#[derive(Debug, Default)]
struct Applied {
    /// Objects that exist behind them, and did not before or were replaced.
    made: HashSet<String>,
    /// Objects that existed before them and do not any more.
    removed: HashSet<String>,
    inserted: HashSet<String>,
    deleted: HashSet<String>,
    altered: HashSet<String>,
    updates: Vec<(String, Vec<String>)>,
}

/// Whether the parts of a section, in order, undo these statements. A part ends where an empty line and a comment follow.
///
/// - A part that reverses what was applied undoes: `DROP` of what was created, `CREATE` of what was dropped, the
///   columns and names of `ALTER`, `DELETE` of inserted rows, `INSERT` of deleted ones.
/// - What removes an object that the statements above do not know undoes too, unless the heading has more words.
/// - A part that creates objects or inserts rows, and reverses nothing, applies: its heading is a title, and what
///   follows belongs to other titles. A heading of two is the end of the other one, so all below it counts.
pub(super) fn undoes(applied: &[&str], parts: &[Vec<&str>], heading: Heading) -> bool {
    let applied = Applied::by(applied);
    let parts: Vec<Vec<Vec<Change>>> = match heading {
        Heading::OfTwo => vec![parts.iter().flatten().map(|it| changes(it)).collect()],
        Heading::Alone | Heading::WithWords => parts
            .iter()
            .map(|part| part.iter().map(|it| changes(it)).collect())
            .collect(),
    };
    let mut all = parts.iter().flatten().flatten();
    if heading == Heading::WithWords
        && all.any(|it| matches!(it, Change::Removes(what) if applied.made.contains(what)))
    {
        return true;
    }
    let section = Section::of(parts.iter().flatten().flatten());
    for part in &parts {
        let mut applies = false;
        for change in part.iter().flatten() {
            match applied.meets(change, &section, heading) {
                Meeting::Undoes => return true,
                Meeting::Removes if !applies && heading != Heading::WithWords => return true,
                Meeting::Applies => applies = true,
                Meeting::Removes | Meeting::Neither => {}
            }
        }
        if applies {
            return false;
        }
    }
    false
}

/// What the statements of a section do to objects, first and last.
#[derive(Default)]
struct Section {
    /// Whether the first change of an object removes it, and whether it is gone behind the last one.
    objects: HashMap<String, (bool, bool)>,
}

impl Section {
    fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Self {
        let mut objects: HashMap<String, (bool, bool)> = HashMap::new();
        for change in changes {
            let (what, removes) = match change {
                Change::Creates(what, _) => (what, false),
                Change::Removes(what) => (what, true),
                _ => continue,
            };
            objects.entry(what.clone()).or_insert((removes, removes)).1 = removes;
        }
        Self { objects }
    }

    /// Whether it exists before the section and is another one, or gone, behind it.
    fn removes_first(&self, what: &str) -> bool {
        self.objects.get(what).is_some_and(|(first, _)| *first)
    }

    fn leaves_no(&self, what: &str) -> bool {
        self.objects.get(what).is_some_and(|(_, gone)| *gone)
    }
}

enum Meeting {
    /// It reverses what was applied.
    Undoes,
    /// It removes what was there before the file.
    Removes,
    /// It does something further.
    Applies,
    Neither,
}

impl Applied {
    fn by(statements: &[&str]) -> Self {
        let mut applied = Self::default();
        let changes: Vec<Change> = statements.iter().flat_map(|it| changes(it)).collect();
        let section = Section::of(changes.iter());
        for change in changes {
            match change {
                Change::Creates(what, _) if !section.leaves_no(&what) => {
                    applied.made.insert(what);
                }
                Change::Removes(what)
                    if section.removes_first(&what) && section.leaves_no(&what) =>
                {
                    applied.removed.insert(what);
                }
                Change::Inserts(table) => {
                    applied.inserted.insert(table);
                }
                Change::Deletes(table) => {
                    applied.deleted.insert(table);
                }
                Change::Alters(table) => {
                    applied.altered.insert(table);
                }
                Change::Updates(table, words) => applied.updates.push((table, words)),
                _ => {}
            }
        }
        applied
    }

    fn updates(&self, table: &str) -> bool {
        self.updates.iter().any(|(it, _)| it == table)
    }

    fn meets(&self, change: &Change, section: &Section, heading: Heading) -> Meeting {
        use Meeting::{Applies, Neither, Removes, Undoes};
        let is_of_two = heading == Heading::OfTwo;
        match change {
            Change::Removes(what) if !section.removes_first(what) => Neither,
            Change::Removes(what) if self.made.contains(what) => Undoes,
            Change::Removes(what) if section.leaves_no(what) => Removes,
            // Another definition of a table that was changed.
            Change::Removes(what) if self.altered.contains(what) || self.updates(what) => Undoes,
            Change::Removes(_) => Neither,
            Change::Creates(what, _) if self.removed.contains(what) => Undoes,
            Change::Creates(what, _) if section.leaves_no(what) => Neither,
            // The indexes and triggers of a table that is made again.
            Change::Creates(_, Some(table)) if section.removes_first(table) => Neither,
            Change::Creates(..) => Applies,
            Change::Inserts(table) => {
                if self.deleted.contains(table) || is_of_two && self.updates(table) {
                    Undoes
                } else if section.leaves_no(table) {
                    Neither
                } else {
                    Applies
                }
            }
            Change::Deletes(table) if is_of_two || self.inserted.contains(table) => Undoes,
            Change::Updates(table, _) if is_of_two && self.updates(table) => Undoes,
            Change::Updates(table, words) => {
                let is_reverse = |(of, it): &(String, Vec<String>)| of == table && it == words;
                match self.updates.iter().any(is_reverse) {
                    true => Undoes,
                    false => Neither,
                }
            }
            Change::Unknown if is_of_two => Undoes,
            Change::Deletes(_) | Change::Alters(_) | Change::Unknown => Neither,
        }
    }
}

fn changes(statement: &str) -> Vec<Change> {
    let target = || {
        let first = targets(statement).into_iter().next();
        first.map(|it| it.name.to_ascii_lowercase())
    };
    let one = |change: fn(String) -> Change| target().map(change).into_iter().collect();
    match kind(statement) {
        Kind::Create(object) if object.is_temporary() => Vec::new(),
        Kind::Create(object) => {
            let table = object.table.map(|table| table.to_ascii_lowercase());
            vec![match object.what {
                What::Other => Change::Unknown,
                _ => Change::Creates(object.name.to_ascii_lowercase(), table),
            }]
        }
        Kind::Drop(object) => vec![Change::Removes(object.name.to_ascii_lowercase())],
        Kind::Alter => altered(statement),
        Kind::Insert => one(Change::Inserts),
        Kind::Delete => one(Change::Deletes),
        Kind::Update => {
            let updates = |table| Change::Updates(table, operands(statement));
            target().map(updates).into_iter().collect()
        }
        Kind::Other => vec![Change::Unknown],
        _ => Vec::new(),
    }
}

/// What `ALTER TABLE` does: `ADD|DROP [COLUMN] c`, `RENAME [COLUMN] c TO d`, `RENAME TO u`.
fn altered(statement: &str) -> Vec<Change> {
    if let Some((from, to)) = renamed_table(statement) {
        let [from, to] = [from, to].map(|name| name.to_ascii_lowercase());
        return vec![
            Change::Removes(from.clone()),
            Change::Creates(to, Some(from)),
        ];
    }
    let tokens: Vec<_> = significant(statement).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|it| it.is_word(statement, word));
    let name = |at: usize| Some(unquote(tokens.get(at)?.text(statement)).to_ascii_lowercase());
    let table = if tokens.get(3).is_some_and(|it| it.text(statement) == ".") {
        4
    } else {
        2
    };
    let column = if is(table + 2, "COLUMN") {
        table + 3
    } else {
        table + 2
    };
    let (Some(of), Some(column_name)) = (name(table), name(column)) else {
        return vec![Change::Unknown];
    };
    let key = |column: &str| format!("{of}.{column}");
    let mut changes = vec![Change::Alters(of.clone())];
    if is(table + 1, "ADD") {
        changes.push(Change::Creates(key(&column_name), None));
    } else if is(table + 1, "DROP") {
        changes.push(Change::Removes(key(&column_name)));
    } else if is(table + 1, "RENAME")
        && let Some(to) = name(column + 2)
    {
        changes.push(Change::Removes(key(&column_name)));
        changes.push(Change::Creates(key(&to), Some(key(&column_name))));
    }
    changes
}

/// The words of an `UPDATE` in alphabetical order: the one that undoes it has the same, `SET s = 'new' WHERE s = 'old'`
/// and the other way round, `cents * 100` and `cents / 100`.
fn operands(statement: &str) -> Vec<String> {
    let tokens = significant(statement).map(|token| token.text(statement).to_ascii_lowercase());
    let mut words: Vec<_> = tokens
        .filter(|it| !matches!(it.as_str(), "+" | "-" | "*" | "/" | ";"))
        .collect();
    words.sort_unstable();
    words
}

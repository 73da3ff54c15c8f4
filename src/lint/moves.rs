//! What becomes of tables in a file: which are dropped, renamed, and rebuilt, followed by identity through its statements.
//! Pure.

use std::collections::BTreeMap;

use super::selecting::{Selected, emptied, selected};
use super::statement::{Action, Statement};
use crate::sql::{Kind, What};

/// A table that was there before the file, or one that a statement of the file creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// By its name before the file, in lower case.
    Old(String),
    /// By the number of the statement.
    New(usize),
}

impl Identity {
    /// A table that was there before the file.
    pub(super) fn old(name: &str) -> Identity {
        Identity::Old(name.to_ascii_lowercase())
    }
}

/// What a file does to tables.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Old tables that are dropped and not made again under their name: name, statement.
    pub(super) dropped: Vec<(String, usize)>,
    /// Old tables that end under another name.
    pub(super) renamed: Vec<Renamed>,
    /// Old tables whose name another table has at the end.
    pub(super) rebuilt: Vec<Rebuilt>,
    /// Every `DROP TABLE` of an old table: the name that it had before the file, the statement.
    pub(super) drops: Vec<(String, usize)>,
    /// `INSERT … SELECT` and `CREATE TABLE … AS SELECT`.
    pub(super) copies: Vec<Copied>,
    /// The rows of a table that go, by `DROP TABLE`, by a DELETE of all, or with the file where it is TEMP.
    ends: Vec<(Identity, usize)>,
}

/// A table that ends under another name.
#[derive(Debug)]
pub(super) struct Renamed {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) at: usize,
}

/// A table that takes the place of an old one.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// Its name.
    pub(super) name: String,
    /// The statement that creates the new one.
    pub(super) create: usize,
    /// The statement that drops the old one; `None` where it stays under another name.
    pub(super) drop: Option<usize>,
    /// The statement that renames the old one away, and the name that it gets.
    pub(super) away: Option<(usize, String)>,
    /// The copies into the new one, by their place in [`Moves::copies`].
    pub(super) copies: Vec<usize>,
}

/// A statement that copies rows.
#[derive(Debug)]
pub(super) struct Copied {
    /// Its number.
    pub(super) at: usize,
    /// The table that it writes; none for an UPDATE.
    pub(super) into: Option<Identity>,
    /// The tables that it reads.
    pub(super) from: Vec<Identity>,
    /// Its SELECTs, by the table that each goes through.
    pub(super) parts: Vec<(Identity, Selected)>,
    /// The columns that it names behind the table.
    pub(super) columns: Option<Vec<String>>,
    /// What it selects, by column, as written; `None` where that cannot be told.
    pub(super) selected: Option<Vec<String>>,
}

impl Moves {
    /// Whether rows of this old table are read for another one before the statement `until`.
    pub(super) fn reads_rows(&self, old: &str, until: usize) -> bool {
        let is_it = |it: &Identity| *it == Identity::old(old);
        let mut copies = self.copies.iter();
        copies.any(|copy| copy.at < until && copy.from.iter().any(is_it))
    }

    /// The statement behind `at` with which the rows of a table go; none where they are there at the end.
    pub(super) fn until(&self, of: &Identity, at: usize) -> Option<usize> {
        let ends = self.ends.iter().filter(|(it, end)| it == of && *end > at);
        ends.map(|(_, end)| *end).min()
    }

    /// Whether the rows of an old table go with this statement.
    pub(super) fn ends_at(&self, old: &str, at: usize) -> bool {
        let old = Identity::old(old);
        self.ends.iter().any(|(it, end)| *it == old && *end == at)
    }

    /// The rebuild of this table.
    pub(super) fn rebuild(&self, name: &str) -> Option<&Rebuilt> {
        let mut all = self.rebuilt.iter();
        all.find(|it| it.name.eq_ignore_ascii_case(name))
    }
}

/// Follows the tables through the statements of a file.
pub(super) fn moves(statements: &[Statement<'_>], is_table: &dyn Fn(&str) -> bool) -> Moves {
    let mut found = Moves::default();
    let mut names = Names {
        is_table,
        main: BTreeMap::new(),
        temporary: BTreeMap::new(),
    };
    let mut renames: Vec<(Identity, String, usize)> = Vec::new();
    let lower = |name: &str| name.to_ascii_lowercase();
    for (at, statement) in statements.iter().enumerate() {
        let now = |place: usize| names.at(statement, place);
        match &statement.kind {
            Kind::Create(object) if object.what == What::Table => {
                let is_temporary = object.is_temporary();
                let is_there = match is_temporary {
                    true => names.temporary.contains_key(&lower(&object.name)),
                    false => names.in_main(&object.name).is_some(),
                };
                if is_there && object.if_exists {
                    continue;
                }
                if statement.has(&["AS", "SELECT"]) || statement.has(&["AS", "WITH"]) {
                    found.copies.push(Copied {
                        at,
                        into: Some(Identity::New(at)),
                        from: sources(statement, &now),
                        parts: parts(statement, &now),
                        columns: None,
                        selected: None,
                    });
                }
                let name = lower(&object.name);
                if is_temporary {
                    names.temporary.insert(name, Identity::New(at));
                    found.ends.push((Identity::New(at), statements.len()));
                } else {
                    names.main.insert(name, Some(Identity::New(at)));
                }
            }
            Kind::Drop(object) if object.what == What::Table => {
                let name = lower(&object.name);
                let is_main = object
                    .schema
                    .as_ref()
                    .is_some_and(|it| it.eq_ignore_ascii_case("main"));
                let temporary = match is_main {
                    true => None,
                    false => names.temporary.remove(&name),
                };
                if let Some(identity) = temporary {
                    found.ends.push((identity, at));
                    continue;
                }
                if let Some(identity) = names.in_main(&name) {
                    if let Identity::Old(old) = &identity {
                        found.drops.push((old.clone(), at));
                    }
                    found.ends.push((identity, at));
                }
                names.main.insert(name, None);
            }
            Kind::Alter => {
                let Some(alter) = statement.alter() else {
                    continue;
                };
                let Action::Rename(to) = alter.action else {
                    continue;
                };
                let (name, to) = (lower(&alter.table), to);
                if let Some(identity) = names.temporary.remove(&name) {
                    names.temporary.insert(lower(&to), identity);
                } else if let Some(identity) = names.in_main(&name) {
                    names.main.insert(name, None);
                    names.main.insert(lower(&to), Some(identity.clone()));
                    renames.push((identity, to, at));
                }
            }
            Kind::Delete => {
                let identity = emptied(statement).and_then(|(place, _)| now(place));
                found.ends.extend(identity.map(|it| (it, at)));
            }
            // What a subquery reads is written somewhere.
            Kind::Update => {
                found.copies.push(Copied {
                    at,
                    into: None,
                    from: sources(statement, &now),
                    parts: Vec::new(),
                    columns: None,
                    selected: None,
                });
            }
            Kind::Insert => {
                let Some(copy) = copied(statement, at, &now) else {
                    continue;
                };
                found.copies.push(copy);
            }
            _ => {}
        }
    }
    let names = names.main;
    let at_end = |identity: &Identity| {
        let mut all = names.iter();
        let found = all.find(|(_, it)| it.as_ref() == Some(identity));
        found.map(|(name, _)| name.clone())
    };
    for (name, identity) in &names {
        let Some(Identity::New(create)) = identity else {
            continue;
        };
        if !is_table(name) {
            continue;
        }
        let old = Identity::Old(name.clone());
        let drop = found.drops.iter().find(|(dropped, _)| dropped == name);
        let mut copies = found.copies.iter().enumerate();
        let mut of_old = renames.iter().filter(|(it, ..)| *it == old);
        let mut into = vec![Identity::New(*create)];
        // Rows may wait in a table of the file meanwhile.
        for copy in found.copies.iter().rev() {
            if copy.into.as_ref().is_some_and(|it| into.contains(it)) {
                let between = copy.from.iter().filter(|it| matches!(it, Identity::New(_)));
                into.extend(between.cloned().collect::<Vec<_>>());
            }
        }
        let copies = copies
            .by_ref()
            .filter(|(_, copy)| copy.into.as_ref().is_some_and(|it| into.contains(it)))
            .filter(|(_, copy)| {
                let is_old = |it: &Identity| *it == old || into.contains(it);
                copy.from.iter().any(is_old)
            })
            .map(|(number, _)| number)
            .collect();
        found.rebuilt.push(Rebuilt {
            name: name.clone(),
            create: *create,
            drop: drop.map(|(_, at)| *at),
            away: of_old.next().map(|(_, to, at)| (*at, to.clone())),
            copies,
        });
    }
    for (identity, to, at) in &renames {
        let Identity::Old(from) = identity else {
            continue;
        };
        if at_end(identity).is_some_and(|end| end == lower(to) && end != *from) {
            found.renamed.push(Renamed {
                from: from.clone(),
                to: to.clone(),
                at: *at,
            });
        }
    }
    for (name, at) in &found.drops {
        if !found.rebuilt.iter().any(|it| it.name == *name) {
            found.dropped.push((name.clone(), *at));
        }
    }
    found
}

/// The names of tables at a place of a file.
struct Names<'t> {
    is_table: &'t dyn Fn(&str) -> bool,
    /// An old table is under its own name where nothing is noted.
    main: BTreeMap<String, Option<Identity>>,
    /// TEMP tables, which hide others of their name.
    temporary: BTreeMap<String, Identity>,
}

impl Names<'_> {
    fn in_main(&self, name: &str) -> Option<Identity> {
        let name = name.to_ascii_lowercase();
        match self.main.get(&name) {
            Some(known) => known.clone(),
            None => (self.is_table)(&name).then_some(Identity::Old(name)),
        }
    }

    /// The table that the name at a place of a statement is.
    fn at(&self, statement: &Statement<'_>, place: usize) -> Option<Identity> {
        let (name, end) = statement.name(place)?;
        let is_in_main = end > place + 1 && statement.is(place, "main");
        let temporary = self.temporary.get(&name.to_ascii_lowercase());
        match temporary.filter(|_| !is_in_main) {
            Some(identity) => Some(identity.clone()),
            None => self.in_main(&name),
        }
    }
}

/// The tables that the SELECT of a statement reads.
fn sources(statement: &Statement<'_>, now: &dyn Fn(usize) -> Option<Identity>) -> Vec<Identity> {
    let mut found = Vec::new();
    let Some(select) = statement.find(0, &["SELECT"]) else {
        return found;
    };
    for at in select..statement.tokens.len() {
        let is_source = statement.is(at, "FROM")
            || statement.is(at, "JOIN")
            || (statement.text(at) == "," && at > select);
        if is_source {
            found.extend(now(at + 1));
        }
    }
    found
}

/// The SELECTs whose table is known.
fn parts(
    statement: &Statement<'_>,
    now: &dyn Fn(usize) -> Option<Identity>,
) -> Vec<(Identity, Selected)> {
    let all = selected(statement).into_iter();
    all.filter_map(|it| Some((now(it.table)?, it))).collect()
}

/// Reads an `INSERT INTO … SELECT`.
fn copied(
    statement: &Statement<'_>,
    at: usize,
    now: &dyn Fn(usize) -> Option<Identity>,
) -> Option<Copied> {
    let into = statement.find(0, &["INTO"])?;
    let (_, mut behind) = statement.name(into + 1)?;
    let mut columns = None;
    if let Some((names, end)) = statement.names_in(behind) {
        columns = Some(names);
        behind = end;
    }
    let from = sources(statement, now);
    if from.is_empty() {
        return None;
    }
    let selected = statement.is(behind, "SELECT").then(|| {
        let mut items = Vec::new();
        let (mut begin, mut depth) = (behind + 1, 0);
        let mut end = statement.tokens.len();
        for place in behind + 1..statement.tokens.len() {
            match statement.text(place) {
                "(" => depth += 1,
                ")" => depth -= 1,
                "," if depth == 0 => {
                    items.push(begin..place);
                    begin = place + 1;
                }
                _ if depth == 0 && statement.is(place, "FROM") => {
                    end = place;
                    break;
                }
                _ => {}
            }
        }
        items.push(begin..end);
        let text = |range: std::ops::Range<usize>| {
            let tokens = statement.tokens.get(range).unwrap_or_default();
            let span = tokens.first().zip(tokens.last());
            span.map_or(String::new(), |(first, last)| {
                statement.sql[first.span.start..last.span.end].to_owned()
            })
        };
        items.into_iter().map(text).collect()
    });
    Some(Copied {
        at,
        into: now(into + 1),
        from,
        parts: parts(statement, now),
        columns,
        selected,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::statement::statements;
    use super::*;
    use crate::script::Source;

    fn of(sql: &str) -> Moves {
        let source = Arc::new(Source {
            name: "V2__x.sql".to_owned(),
            text: sql.into(),
        });
        moves(&statements(&source), &|name| ["t", "u"].contains(&name))
    }

    #[test]
    fn a_table_is_rebuilt_in_any_order_of_the_statements() {
        for sql in [
            "CREATE TABLE n (a); INSERT INTO n (a) SELECT a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "ALTER TABLE t RENAME TO o; CREATE TABLE t (a); INSERT INTO t SELECT a FROM o; DROP TABLE o;",
            "CREATE TABLE o AS SELECT * FROM t; DROP TABLE t; CREATE TABLE t (a); INSERT INTO t SELECT a FROM o; DROP TABLE o;",
        ] {
            let found = of(sql);
            assert_eq!(found.rebuilt.len(), 1, "{sql}");
            let rebuilt = &found.rebuilt[0];
            assert!(
                !rebuilt.copies.is_empty() && rebuilt.drop.is_some(),
                "{sql}"
            );
            assert!(
                found.dropped.is_empty() && found.renamed.is_empty(),
                "{sql}"
            );
            assert_eq!(rebuilt.away.is_some(), sql.starts_with("ALTER"), "{sql}");
        }
    }

    #[test]
    fn a_table_that_goes_or_gets_another_name_is_told_apart() {
        let found = of("DROP TABLE IF EXISTS t; ALTER TABLE u RENAME TO v; DROP TABLE w;");
        assert_eq!(found.dropped, [("t".to_owned(), 0)]);
        assert_eq!((&*found.renamed[0].from, &*found.renamed[0].to), ("u", "v"));
    }
}

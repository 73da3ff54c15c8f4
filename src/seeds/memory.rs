//! What each seed and label made: rows are found by it where their keys do not find them, and where no file declares them
//! any more. Most of it follows from the recorded texts ([`Past`]); the rest is in the table of [`ledger`](super::ledger).
//! Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::basis::Basis;
use super::entry::Entry;
use super::entry::State;
use super::expand::made_id;
use super::found::{Found, Lookup, Wanted, questions};
use super::given::name_for_ids;
use super::identity::{values_in, whole_row, words_of_parent};
use super::model::{Mode, SeedFile};
use super::past::{Past, Was, identity};
use super::recognise::wanted;
use super::remembered::{Remembered, derived, remembered};
use super::renames::renamed_from;
use super::row::{Nature, Rows, Rules};
use super::there::There;
use crate::db::{DbError, Query, Reply};
use crate::diagnostic::Diagnostic;
use crate::schema::{Shape, TableShape};
use crate::sql::{Value, identifier};

/// All that is remembered of the chosen files, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) items: Vec<Remembered>,
    /// What the table has of each chosen file.
    pub(super) entries: Vec<(usize, Entry)>,
    /// The chosen files in mode `sync`.
    syncs: Vec<bool>,
    /// The items of declared rows.
    by_row: HashMap<usize, Vec<usize>>,
    /// Whether the rows that are not declared any more were added.
    is_complete: bool,
    /// Recorded rows that are not declared any more, and their items.
    undeclared: Vec<(usize, usize)>,
    /// Those whose keys are known once the rows to which they refer are, each with its file.
    waiting: Vec<(usize, usize)>,
    /// Those of which nothing tells the key.
    pub(super) lost: Vec<usize>,
    /// Declared rows that are missing, and may be there under a key that was changed by hand.
    pub(super) may_be_there: HashSet<usize>,
    /// Rows that a file made under labels that it no longer declares, and that it declares under others: by file, table and
    /// columns, the words of their keys.
    relabelled: HashMap<(usize, usize, Vec<usize>), HashSet<String>>,
    /// Declared rows whose keys are those of rows that were made under other labels, and that were removed by hand.
    gone: HashSet<usize>,
    /// The highest rank of a table with rows that are to be deleted and to which declared rows refer until they are updated:
    /// its rows, and those of tables with a lower one, are deleted last.
    pub(super) late: Option<usize>,
}

/// What all steps of remembering look at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) files: &'a [&'a SeedFile],
    pub(super) shape: &'a Shape,
    pub(super) rows: &'a Rows,
    pub(super) past: &'a Past,
}

impl Memory {
    /// What the table says.
    pub(super) fn read(recorded: Vec<[Value; 5]>, scene: Scene<'_>) -> Memory {
        let Scene {
            files,
            shape,
            rows,
            past,
        } = scene;
        let mut memory = Memory {
            syncs: files
                .iter()
                .map(|file| file.settings.mode == Mode::Sync)
                .collect(),
            ..Memory::default()
        };
        if recorded.is_empty() {
            return memory;
        }
        let mut declared: HashMap<(usize, &str), usize> = HashMap::new();
        for (at, row) in rows.rows.iter().enumerate() {
            let table = rows.rules(row).table;
            declared.insert((table, &row.label), at);
            if let Some(was) = rows.was.get(&at) {
                declared.entry((table, was)).or_insert(at);
            }
        }
        for entry in recorded.into_iter().filter_map(Entry::read) {
            let mut lineage = past.texts.lineage.records.iter();
            let file = lineage.position(|names| names.contains(&entry.seed));
            let own = || files.iter().position(|file| file.name == entry.seed);
            let Some(file) = file.or_else(own) else {
                continue;
            };
            memory.entries.push((file, entry.clone()));
            let renames = past.texts.renames(&entry.seed);
            let renamed = renamed_from(files[file], &entry.table).map(|it| it.name.value.clone());
            let name = renamed
                .or_else(|| renames?.table_in(shape, &entry.table))
                .unwrap_or_else(|| entry.table.clone());
            let Some(table) = shape
                .position(&name)
                .filter(|_| !past.texts.is_dropped(file, &name))
            else {
                continue;
            };
            let of = declared.get(&(table, entry.label.as_str())).copied();
            let item = remembered(entry, file, table, of, (shape, renames));
            let Some(mut item) = item else { continue };
            // The label moved to another file.
            if let Some(at) = of {
                item.file = rows.rules(&rows.rows[at]).file;
            }
            memory.push(item);
        }
        memory
    }

    fn push(&mut self, item: Remembered) {
        if let Some(at) = item.of {
            self.by_row.entry(at).or_default().push(self.items.len());
        }
        self.items.push(item);
    }

    /// Adds what follows from the recorded texts, and is needed.
    pub(super) fn add(&mut self, scene: Scene<'_>, found: &Found) {
        let Scene { shape, past, .. } = scene;
        if !self.is_complete {
            self.is_complete = true;
            self.set_old_keys_aside(scene, found);
            let mut entries: HashMap<(usize, usize, Arc<str>), Vec<usize>> = HashMap::new();
            for (number, it) in self.items.iter().enumerate() {
                let label = (it.file, it.table, it.label.clone());
                entries.entry(label).or_default().push(number);
            }
            for (old, file) in past.undeclared() {
                let row = &past.rows.rows[old];
                let table = past.rows.rules(row).table;
                let of = &shape.tables[table];
                let of_label = entries.get(&(file, table, row.label.clone()));
                let is_remembered = of_label.is_some_and(|items| {
                    let recorded = recorded_key(&past.rows, old, || {
                        past.key((found, scene.rows), shape, old)
                    });
                    let mut items = items.iter().map(|number| &self.items[*number]);
                    items.any(|it| recorded.as_ref().is_none_or(|key| !it.is_beside(of, key)))
                });
                if is_remembered {
                    let items = of_label.into_iter().flatten();
                    self.undeclared.extend(items.map(|number| (old, *number)));
                } else if past.parents(shape, old).is_empty() {
                    self.push_undeclared(scene, found, old, file);
                } else {
                    self.waiting.push((old, file));
                }
            }
        }
        for at in 0..scene.rows.rows.len() {
            if past.of[at] == Was::Never || self.by_row.contains_key(&at) {
                continue;
            }
            for identity in wanted(scene, found, at) {
                let row = &scene.rows.rows[at];
                let rules = scene.rows.rules(row);
                let item = derived(
                    rules.file,
                    rules.table,
                    &row.label,
                    identity,
                    State::Made,
                    Some(at),
                );
                self.push(item);
            }
        }
    }

    fn push_undeclared(&mut self, scene: Scene<'_>, found: &Found, old: usize, file: usize) {
        let Scene { shape, past, .. } = scene;
        let row = &past.rows.rows[old];
        let table = past.rows.rules(row).table;
        // The table of older versions has every row that they made in mode `sync`.
        let state = match past.mode(old) == Mode::Sync && !past.texts.remembers[file] {
            true => State::Met,
            false => State::Made,
        };
        match past.identity((found, scene.rows), shape, old) {
            Some(identity) => {
                self.undeclared.push((old, self.items.len()));
                self.push(derived(file, table, &row.label, identity, state, None));
            }
            None if self.syncs[file] && past.mode(old) == Mode::Sync => self.lost.push(old),
            // Only its label tells that it was made, should it be declared again.
            None if past.rows.rules(row).key.is_empty() => {
                let nothing = (Vec::new(), Vec::new());
                self.push(derived(file, table, &row.label, nothing, state, None));
            }
            None => {}
        }
    }

    /// Rows that are declared no longer and stay, because nothing tells their keys any more.
    pub(super) fn lost(&self, basis: &Basis<'_>) -> Vec<Diagnostic> {
        let past = basis.past;
        let mut by_file: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for old in &self.lost {
            by_file.entry(past.file_of(*old)).or_default().push(*old);
        }
        let warning = |(file, rows): (usize, Vec<usize>)| {
            let name = |old: usize| past.rows.name(&past.rows.rows[old], basis.shape);
            let first = name(rows[0]);
            let which = match rows.len() {
                1 => format!("`{first}` is declared no longer, and stays"),
                many => format!("{many} rows are declared no longer, and stay: `{first}` is one"),
            };
            let message = format!(
                "{which}: what its key refers to is in no seed and no record any more, so the row cannot be told from others"
            );
            let name = &basis.files[file].name;
            Diagnostic::problem("row-stays", message)
                .warning()
                .help(format!("delete by hand what seed {name} made there"))
        };
        by_file.into_iter().map(warning).collect()
    }

    /// Adds rows that are not declared any more and whose keys have values of other rows, once those were looked for: an
    /// id may be the database's own, or that of a row that was there before. Tells whether anything is known that was not.
    pub(super) fn add_waiting(&mut self, scene: Scene<'_>, found: &mut Found) -> bool {
        let Scene { shape, past, .. } = scene;
        if self.waiting.is_empty() && self.undeclared.is_empty() {
            return false;
        }
        let open: HashSet<usize> = self.waiting.iter().map(|(old, _)| *old).collect();
        let parents_of = |(old, file): &(usize, usize)| ((*old, *file), past.parents(shape, *old));
        let waiting: Vec<_> = self.waiting.iter().map(parents_of).collect();
        let mut wanted: HashSet<usize> = waiting.iter().flat_map(|(_, it)| it).copied().collect();
        // A declared row may be there under the key that it had by them.
        for (at, was) in past.of.iter().enumerate() {
            if let (Was::Row(old), false) = (was, found.is_there(at)) {
                wanted.extend(past.parents(shape, *old));
            }
        }
        let mut is_any = false;
        for (old, number) in &self.undeclared {
            if let (true, Some(Some(row))) = (wanted.contains(old), &self.items[*number].row) {
                is_any |= found.keep_undeclared(*old, row);
            }
        }
        let is_ready = |parents: &Vec<usize>| !parents.iter().any(|it| open.contains(it));
        let is_circle = !waiting.iter().any(|(_, parents)| is_ready(parents));
        let (ready, waiting): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(_, parents)| is_circle || is_ready(parents));
        self.waiting = waiting.into_iter().map(|(it, _)| it).collect();
        is_any |= !ready.is_empty();
        for ((old, file), _) in ready {
            self.push_undeclared(scene, found, old, file);
        }
        is_any
    }

    /// A row that stayed under an old key, beside the one that was made under the recorded key, is no declared row any
    /// more.
    fn set_old_keys_aside(&mut self, scene: Scene<'_>, found: &Found) {
        let Scene {
            shape, rows, past, ..
        } = scene;
        for (number, item) in self.items.iter_mut().enumerate() {
            let Some(at) = item.of else { continue };
            // Of a row that is only inserted the one that was made stays, and none is made beside it.
            if rows.rules(&rows.rows[at]).mode == Mode::Insert {
                continue;
            }
            let recorded = match past.of[at] {
                Was::Never => None,
                Was::Same => recorded_key(rows, at, || {
                    let key = found.key(rows, shape, at)?;
                    Some((rows.rules(&rows.rows[at]).key.clone(), key))
                }),
                Was::Row(old) => recorded_key(&past.rows, old, || {
                    past.key((found, scene.rows), shape, old)
                }),
            };
            let of = &shape.tables[item.table];
            if recorded.is_some_and(|recorded| item.is_beside(of, &recorded)) {
                item.of = None;
                if let Some(items) = self.by_row.get_mut(&at) {
                    items.retain(|it| *it != number);
                    if items.is_empty() {
                        self.by_row.remove(&at);
                    }
                }
            }
        }
    }

    /// Asks for the keys of tables in which rows are to be recognised by hashes of their keys: which items each is about.
    pub(super) fn scans(&mut self, scene: Scene<'_>, found: &Found) -> Vec<(Vec<usize>, Query)> {
        let mut groups: BTreeMap<(usize, Vec<usize>), Vec<usize>> = BTreeMap::new();
        for (number, item) in self.items.iter_mut().enumerate() {
            if item.is_known() || item.row.is_some() {
                continue;
            }
            let of = &scene.shape.tables[item.table];
            let declared = item
                .of
                .and_then(|at| found.key(scene.rows, scene.shape, at));
            match declared.filter(|key| item.has(of, key)) {
                Some(key) => item.key = key,
                None => {
                    let group = groups.entry((item.table, item.columns.clone()));
                    group.or_default().push(number);
                }
            }
        }
        let query = |((table, columns), items): ((usize, Vec<usize>), Vec<usize>)| {
            let of = &scene.shape.tables[table];
            let names: Vec<String> = columns
                .iter()
                .map(|it| identifier(&of.columns[*it].name))
                .collect();
            let mut sql = format!("SELECT {} FROM {}", names.join(", "), identifier(&of.name));
            if let Some(condition) = of.condition_of(&columns) {
                sql.push_str(&format!(" WHERE {condition}"));
            }
            (items, Query::new(sql))
        };
        groups.into_iter().map(query).collect()
    }

    /// Recognises rows among the keys of a table. What is not among them is not there.
    pub(super) fn scanned(
        &mut self,
        about: &[usize],
        reply: Reply,
        shape: &Shape,
    ) -> Result<(), DbError> {
        let width = about
            .first()
            .map_or(0, |number| self.items[*number].columns.len());
        let answer = reply.rows_of(width)?;
        for number in about {
            let item = &mut self.items[*number];
            let of = &shape.tables[item.table];
            match answer.iter().find(|key| item.has(of, key)) {
                Some(key) => item.key = key.clone(),
                None => item.row = Some(None),
            }
        }
        Ok(())
    }

    /// Asks for the rows that were not asked for yet, and that no declared row was found to be.
    pub(super) fn lookups(&mut self, scene: Scene<'_>, found: &Found) -> Vec<(Lookup, Query)> {
        let mut wanted = Wanted::new();
        for (number, item) in self.items.iter_mut().enumerate() {
            let of = &scene.shape.tables[item.table];
            let is_found = item
                .of
                .and_then(|at| found.row(scene.rows, at))
                .is_some_and(|row| item.is(of, row));
            let is_findable = item.is_known() && !item.columns.is_empty();
            if item.row.is_none() && is_findable && !is_found {
                item.row = Some(None);
                let group = wanted.entry((item.table, item.columns.clone()));
                group.or_default().push((number, item.key.clone()));
            }
        }
        questions(scene.shape, wanted)
    }

    /// Takes the replies to [`Memory::lookups`].
    pub(super) fn take(&mut self, replies: Vec<(Lookup, Reply)>) -> Result<(), DbError> {
        for (lookup, reply) in replies {
            for (number, row) in lookup.found(reply)? {
                self.items[number].row = Some(Some(row));
            }
        }
        Ok(())
    }

    /// Compares what is remembered with the rows that were found in the end.
    pub(super) fn judge(&mut self, scene: Scene<'_>, found: &Found) {
        let mut groups: HashMap<(usize, Vec<usize>), HashSet<String>> = HashMap::new();
        for item in &self.items {
            groups
                .entry((item.table, item.columns.clone()))
                .or_default();
        }
        if groups.is_empty() {
            return;
        }
        for (at, row) in scene.rows.rows.iter().enumerate() {
            let own = scene.rows.rules(row).table;
            let Some(row) = found.row(scene.rows, at) else {
                continue;
            };
            for ((table, columns), words) in &mut groups {
                if own == *table {
                    let of = &scene.shape.tables[*table];
                    words.extend(words_of_parent(values_in(row, columns), of, columns));
                }
            }
        }
        for item in &mut self.items {
            let of = &scene.shape.tables[item.table];
            let word = words_of_parent(item.key.clone(), of, &item.columns);
            let words = groups.get(&(item.table, item.columns.clone()));
            item.is_declared = item.is_known()
                && !item.columns.is_empty()
                && word.is_some_and(|word| words.is_some_and(|it| it.contains(&word)));
        }
        for item in &self.items {
            let is_made = item.of.is_none() && item.is_declared && item.state == State::Made;
            let of = &scene.shape.tables[item.table];
            let word = words_of_parent(item.key.clone(), of, &item.columns);
            if let (true, Some(word)) = (is_made, word) {
                let key = (item.file, item.table, item.columns.clone());
                self.relabelled.entry(key).or_default().insert(word);
            }
        }
        for item in &mut self.items {
            let is_gone = item.of.is_none() && matches!(item.row, Some(None));
            if is_gone && !item.is_declared && item.state == State::Made {
                item.state = State::Removed;
            }
        }
        self.find_gone(scene, found);
        self.find_doubles();
    }

    /// A row that was removed by hand stays removed where its label is another one by now.
    fn find_gone(&mut self, scene: Scene<'_>, found: &Found) {
        let Scene {
            shape, rows, past, ..
        } = scene;
        let word = |table: usize, columns: &[usize], key| {
            words_of_parent(key, &shape.tables[table], columns)
        };
        let mut removed: HashSet<(usize, usize, Vec<usize>, String)> = HashSet::new();
        for (old, number) in &self.undeclared {
            let item = &self.items[*number];
            if item.is_declared || !matches!(item.row, Some(None)) {
                continue;
            }
            let key = past.key((found, rows), shape, *old);
            if let Some((columns, key)) = key
                && let Some(word) = word(item.table, &columns, key)
            {
                removed.insert((item.file, item.table, columns, word));
            }
        }
        if removed.is_empty() {
            return;
        }
        for (at, row) in rows.rows.iter().enumerate() {
            let rules = rows.rules(row);
            if past.of[at] == Was::Never
                && !found.is_there(at)
                && let Some(key) = found.key(rows, shape, at)
                && let Some(word) = word(rules.table, &rules.key, key)
                && removed.contains(&(rules.file, rules.table, rules.key.clone(), word))
            {
                self.gone.insert(at);
            }
        }
    }

    /// A row that is to go may be remembered by two keys. It goes once: by the one that is not shown, if there is one.
    fn find_doubles(&mut self) {
        let mut orphans: Vec<usize> = (0..self.items.len())
            .filter(|number| self.is_orphan(&self.items[*number]))
            .collect();
        orphans.sort_by_key(|number| !self.items[*number].hashes.iter().any(Option::is_some));
        let mut rows = HashSet::new();
        for number in orphans {
            let item = &mut self.items[number];
            if let Some(Some(row)) = &item.row {
                item.is_double = !rows.insert((item.table, whole_row(row)));
            }
        }
    }

    /// The rows that are to be deleted: a seed in mode `sync` made them, and declares them no longer.
    pub(super) fn orphans(&self) -> impl Iterator<Item = &Remembered> {
        let orphans = self.items.iter().filter(|item| self.is_orphan(item));
        orphans.filter(|item| !item.is_double)
    }

    /// Whether rows of a table of this rank are deleted behind all other statements.
    pub(super) fn is_late(&self, rank: usize) -> bool {
        self.late.is_some_and(|late| rank <= late)
    }

    /// Whether a row is to be deleted.
    pub(super) fn is_orphan(&self, item: &Remembered) -> bool {
        let is_there = matches!(item.row, Some(Some(_)));
        is_there && !item.is_declared && item.state == State::Made && self.syncs[item.file]
    }

    /// Whether the table of a file has the value of a variable as it is, as older versions wrote it.
    pub(super) fn reveals(&self, basis: &Basis<'_>, file: usize) -> bool {
        let of_file = self
            .items
            .iter()
            .filter(|item| item.file == file && item.entry.is_some());
        of_file
            .filter_map(|item| Some((item, item.of?)))
            .any(|(item, at)| {
                let mut parts = item.columns.iter().zip(&item.hashes);
                parts.any(|(column, hash)| {
                    let cell = basis.rows.rows[at].cell(*column);
                    hash.is_none()
                        && cell.is_some_and(|cell| basis.rows.nature(cell) == Nature::Environment)
                })
            })
    }

    /// Whether a declared row was made or met before: then it is not made again.
    pub(super) fn knows(&self, past: &Past, at: usize) -> bool {
        past.of[at] != Was::Never || self.by_row.contains_key(&at) || self.gone.contains(&at)
    }

    /// How a declared row came to be, or comes to be now.
    pub(super) fn state(&self, basis: &Basis<'_>, at: usize) -> State {
        let Some(row) = basis.there(at) else {
            return State::Made;
        };
        let of_row = self.by_row.get(&at).into_iter().flatten();
        let mut entries = of_row
            .map(|it| &self.items[*it])
            .filter(|it| it.entry.is_some());
        let rules = basis.rows.rules(&basis.rows.rows[at]);
        let of = &basis.shape.tables[rules.table];
        // The seed changes no primary key, so a row that has another one is another row.
        let is_another = |item: &Remembered| {
            let is_id = item.columns == of.primary_key
                && !rules.key.iter().any(|it| item.columns.contains(it));
            is_id && item.is_known() && !item.is(of, row) && !is_made(basis, at, of, rules, row)
        };
        if let Some(first) = entries.next() {
            let same = std::iter::once(first)
                .chain(entries)
                .find(|it| !is_another(it));
            return match same.map(|it| it.state) {
                // A row under the key of one that was removed is not the seed's.
                None | Some(State::Removed) => State::Met,
                Some(state) => state,
            };
        }
        let is_relabelled = || {
            self.relabelled
                .iter()
                .any(|((file, table, columns), words)| {
                    let is_same_table = (*file, *table) == (rules.file, rules.table);
                    let word = is_same_table
                        .then(|| words_of_parent(values_in(row, columns), of, columns));
                    word.flatten().is_some_and(|word| words.contains(&word))
                })
        };
        if is_made(basis, at, of, rules, row) || is_relabelled() {
            return State::Made;
        }
        let past = basis.past;
        let remembers = past.texts.remembers[rules.file];
        match past.of[at] {
            Was::Never => State::Met,
            was if !remembers => {
                let mode = match was {
                    Was::Row(old) => past.mode(old),
                    _ => rules.mode,
                };
                match mode {
                    Mode::Sync => State::Met,
                    _ => State::Made,
                }
            }
            _ => {
                let declared = &basis.rows.rows[at];
                let cell = |column| {
                    let cell = declared.cell(column)?;
                    basis.found.cell(basis.rows, basis.shape, at, cell)
                };
                let own = match past.of[at] {
                    Was::Row(old) => past.identity(basis.now(), basis.shape, old),
                    _ => identity(basis.rows, declared, of, cell),
                };
                // Of a key from a variable only the trace knows.
                match own {
                    Some((columns, key)) => {
                        let has = words_of_parent(values_in(row, &columns), of, &columns);
                        match has == words_of_parent(key, of, &columns) {
                            true => State::Made,
                            false => State::Met,
                        }
                    }
                    None => State::Made,
                }
            }
        }
    }
}

/// The key that a text says, where no variable, other row or label decides it.
fn recorded_key<K>(rows: &Rows, at: usize, key: impl FnOnce() -> Option<K>) -> Option<K> {
    let row = &rows.rows[at];
    let mut cells = rows.rules(row).key.iter().map(|column| row.cell(*column));
    // An id that is made for a label stands where the label does.
    let is_written = cells.all(|cell| cell.is_some_and(|cell| cell.span() != row.span));
    match is_written && !rows.has_changing_key(at) {
        true => key(),
        false => None,
    }
}

/// Whether a row has the id that is made for its label: nothing else makes it.
fn is_made(basis: &Basis<'_>, at: usize, of: &TableShape, rules: &Rules, row: There<'_>) -> bool {
    let [key] = of.primary_key[..] else {
        return false;
    };
    let label = &basis.rows.rows[at].label;
    let name = name_for_ids(&basis.past.texts.made_as[rules.file], of);
    let id = made_id(of, key, name, label);
    id.is_some_and(|id| row.has(key, &id))
}

//! Labels: which rows a file declares, patterns and ranges written out. Pure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use super::model::{Label, Numbers, RowDecl, SeedFile, Table};
use super::parallel::in_parts;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;

/// How many rows all files may declare together: patterns of patterns multiply.
const MAX_ROWS: usize = 3_000_000;

/// One row that a file declares, before anything in it is read.
#[derive(Debug, Clone)]
pub(super) struct Named<'a> {
    /// The file, by its place in the list.
    pub(super) file: usize,
    pub(super) table: &'a Table,
    pub(super) decl: &'a RowDecl,
    /// None in a list of rows.
    pub(super) label: Option<Arc<str>>,
    /// `${i}`
    pub(super) number: Option<u64>,
    /// `${each}`
    pub(super) each: Option<Arc<str>>,
}

impl Named<'_> {
    /// Where problems with the row point.
    pub(super) fn span(&self) -> Range<usize> {
        match &self.decl.label {
            Some(label) => label.span(),
            None => self.decl.span.clone(),
        }
    }
}

/// All rows of these files, and for each table (its name in lower case) where each label is.
pub(super) fn names<'a>(
    files: &[&'a SeedFile],
    problems: &mut Vec<Diagnostic>,
) -> (Vec<Named<'a>>, Labels) {
    up_to(MAX_ROWS, files, problems)
}

fn up_to<'a>(
    most: usize,
    files: &[&'a SeedFile],
    problems: &mut Vec<Diagnostic>,
) -> (Vec<Named<'a>>, Labels) {
    let mut names = Names {
        most,
        files,
        rows: Vec::new(),
        labels: Labels::default(),
    };
    let tables = files.iter().flat_map(|file| &file.tables);
    names
        .rows
        .reserve_exact(tables.map(|table| table.rows.len()).sum());
    let mut waiting = Vec::new();
    for (file, seed) in files.iter().enumerate() {
        for table in &seed.tables {
            for decl in &table.rows {
                names.add(file, table, decl, &mut waiting, problems);
            }
        }
    }
    names.each(waiting, problems);
    (names.rows, names.labels)
}

/// Adds the rows of patterns that match rows of join tables: those that have names from a place on. A file's patterns match
/// its own lists, so that no row depends on the list of another file.
pub(super) fn add_matching<'a>(
    files: &[&'a SeedFile],
    (rows, labels): (&mut Vec<Named<'a>>, &mut Labels),
    mut from: usize,
    problems: &mut Vec<Diagnostic>,
) {
    let mut names = Names {
        most: MAX_ROWS,
        files,
        rows: std::mem::take(rows),
        labels: std::mem::take(labels),
    };
    while from < names.rows.len() && !problems.iter().any(|it| it.code == "pattern-loop") {
        let to = names.rows.len();
        for (file, seed) in files.iter().enumerate() {
            for (table, decl) in seed
                .tables
                .iter()
                .flat_map(|it| it.rows.iter().map(move |row| (it, row)))
            {
                let Some(each) = each(file, table, decl) else {
                    continue;
                };
                let is_its = |row: &&Named<'_>| {
                    row.file == file && row.table.name.value.eq_ignore_ascii_case(each.of)
                };
                let labels = names.rows[from..to].iter().filter(is_its);
                let labels = labels.filter_map(|row| row.label.clone());
                let found: Vec<Arc<str>> = labels
                    .filter(|label| matches(each.pattern, label))
                    .collect();
                if found.is_empty() || table.name.value.eq_ignore_ascii_case(each.of) {
                    continue;
                }
                let here = names.origin(&each);
                problems.retain(|it| it.code != "no-match" || it.origin() != Some(&here));
                names.rows_for(&each, found, problems);
            }
        }
        from = to;
    }
    (*rows, *labels) = (names.rows, names.labels);
}

/// A row that is a pattern of labels of a table.
fn each<'a>(file: usize, table: &'a Table, decl: &'a RowDecl) -> Option<Each<'a>> {
    let Label::Each(each) = &decl.label.as_ref()?.value else {
        return None;
    };
    Some(Each {
        file,
        table,
        decl,
        before: &each.before,
        of: &each.table,
        pattern: &each.pattern,
        after: &each.after,
        children: each.children.as_ref(),
    })
}

/// For each table, in lower case, its labels and the place of each row; and the labels of rows that were declared without.
#[derive(Debug, Default)]
pub(super) struct Labels(
    HashMap<String, HashMap<Arc<str>, usize>>,
    Vec<Option<Arc<str>>>,
);

impl Labels {
    pub(super) fn find(&self, table: &str, label: &str) -> Option<usize> {
        self.0.get(&table.to_ascii_lowercase())?.get(label).copied()
    }

    /// All labels of a table, each with the place of its row.
    pub(super) fn all(&self, table: &str) -> impl Iterator<Item = (Arc<str>, usize)> {
        let labels = self
            .0
            .get(&table.to_ascii_lowercase())
            .into_iter()
            .flatten();
        labels.map(|(label, row)| (label.clone(), *row))
    }

    /// What names a row, also one that was declared without a label.
    pub(super) fn label_of(&self, row: &Named<'_>, at: usize) -> Option<Arc<str>> {
        row.label.clone().or_else(|| self.1.get(at)?.clone())
    }

    /// Adds the label of a row of a join table; none where it is there already, with the row that has it.
    pub(super) fn add_new(&mut self, table: &str, label: Arc<str>, row: usize) -> Option<usize> {
        let labels = self.0.entry(table.to_ascii_lowercase()).or_default();
        match labels.entry(label) {
            Entry::Vacant(free) => {
                free.insert(row);
                None
            }
            Entry::Occupied(taken) => Some(*taken.get()),
        }
    }

    /// Makes room for the labels of so many rows that were declared without one.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.1.reserve_exact(rows.saturating_sub(self.1.len()));
    }

    /// Adds the label of a row that was declared without one; a label that is there already stays.
    pub(super) fn add(&mut self, table: &str, label: Arc<str>, row: usize) {
        if self.1.len() <= row {
            self.1.resize(row + 1, None);
        }
        self.1[row] = Some(label.clone());
        let labels = self.0.entry(table.to_ascii_lowercase()).or_default();
        labels.entry(label).or_insert(row);
    }

    pub(super) fn nearest(&self, table: &str, label: &str) -> Option<String> {
        let labels = self.0.get(&table.to_ascii_lowercase())?;
        // A long list takes long to read, and helps little.
        let mut known: Vec<&str> = labels.keys().take(10_000).map(|label| &**label).collect();
        known.sort_unstable();
        nearest(label, &known).map(str::to_owned)
    }
}

struct Names<'f, 'a> {
    /// How many rows there may be.
    most: usize,
    files: &'f [&'a SeedFile],
    rows: Vec<Named<'a>>,
    labels: Labels,
}

/// A pattern that waits until all labels of its table are known.
struct Each<'a> {
    file: usize,
    table: &'a Table,
    decl: &'a RowDecl,
    before: &'a str,
    of: &'a str,
    pattern: &'a str,
    after: &'a str,
    children: Option<&'a Numbers>,
}

impl<'a> Names<'_, 'a> {
    fn add(
        &mut self,
        file: usize,
        table: &'a Table,
        decl: &'a RowDecl,
        waiting: &mut Vec<Each<'a>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let mut named = Named {
            file,
            table,
            decl,
            label: None,
            number: None,
            each: None,
        };
        match decl.label.as_ref().map(|label| &label.value) {
            None => self.rows.push(named),
            Some(Label::One(label)) => {
                named.label = Some(label.clone());
                // It is no label, which was reported: a name of a pattern in the row is no problem of its own.
                if label.contains('{') {
                    named.number = Some(1);
                    named.each = Some("".into());
                }
                self.push(table, [named], problems);
            }
            Some(Label::Range { before, numbers }) => {
                let Numbers {
                    first,
                    last,
                    width,
                    after,
                } = &**numbers;
                let count = usize::try_from(last - first).map_or(usize::MAX, |it| it + 1);
                if self.are_too_many(count, file, &named.span(), problems) {
                    return;
                }
                let numbers: Vec<u64> = (*first..=*last).collect();
                let labels = in_parts(&numbers, |numbers, _| {
                    let mut text = String::new();
                    let label = |number: &u64| {
                        text.clear();
                        // Writing into a text does not fail.
                        let _ = write!(text, "{before}{number:0width$}{after}");
                        Arc::from(text.as_str())
                    };
                    numbers.iter().map(label).collect::<Vec<Arc<str>>>()
                });
                let labels = labels.into_iter().flatten();
                let row = |(label, number)| Named {
                    label: Some(label),
                    number: Some(number),
                    ..named.clone()
                };
                self.push(table, labels.zip(numbers).map(row), problems);
            }
            Some(Label::Each(_)) => waiting.extend(each(file, table, decl)),
        }
    }

    /// Adds rows of a table, all with labels.
    fn push(
        &mut self,
        table: &Table,
        rows: impl IntoIterator<Item = Named<'a>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let name = &table.name.value;
        let labels = self.labels.0.entry(name.to_ascii_lowercase()).or_default();
        let rows = rows.into_iter();
        let (least, most) = rows.size_hint();
        let count = most.unwrap_or(least);
        labels.reserve(count);
        self.rows.reserve(count);
        for row in rows {
            let Some(label) = row.label.clone() else {
                continue;
            };
            match labels.entry(label) {
                Entry::Vacant(free) => {
                    free.insert(self.rows.len());
                    self.rows.push(row);
                }
                Entry::Occupied(taken) => {
                    let other = &self.rows[*taken.get()];
                    let here = self.files[row.file].origin(&row.span());
                    let there = self.files[other.file].origin(&other.span());
                    let message = format!("`{name}` has label `{}` twice", taken.key());
                    problems.push(
                        Diagnostic::problem("label-twice", message)
                            .at(here)
                            .help(match row.file == other.file
                                || self.files[row.file].format_at(&row.span()).is_some()
                            {
                                true => "rename one of the two",
                                false => "rename one of the two; `_override: true` in a row changes that of another file",
                            })
                            .related("it is here first", there),
                    );
                }
            }
        }
    }

    /// Whether so many more rows are more than all files may declare, which is a problem.
    fn are_too_many(
        &self,
        more: usize,
        file: usize,
        span: &Range<usize>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        let are = self.rows.len().saturating_add(more) > self.most;
        if are {
            let message = format!(
                "with these there are more than {} rows in all files",
                self.most
            );
            let origin = self.files[file].origin(span);
            problems.push(
                Diagnostic::problem("too-many-rows", message)
                    .at(origin)
                    .help("give files tags, and seed them one after the other with `--tag`"),
            );
        }
        are
    }

    /// Writes patterns out, those first whose table waits for no other pattern.
    fn each(&mut self, mut waiting: Vec<Each<'a>>, problems: &mut Vec<Diagnostic>) {
        while !waiting.is_empty() {
            let open: Vec<String> = waiting
                .iter()
                .map(|each| each.table.name.value.to_ascii_lowercase())
                .collect();
            let (ready, rest): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|each| !open.contains(&each.of.to_ascii_lowercase()));
            if ready.is_empty() {
                for each in rest {
                    let of = each.of;
                    problems.push(
                        Diagnostic::problem(
                            "pattern-loop",
                            format!(
                                "the rows of `{of}` come from a pattern that waits for this one"
                            ),
                        )
                        .help(format!("give the rows of `{of}` labels of their own"))
                        .at(self.origin(&each)),
                    );
                }
                return;
            }
            for each in ready {
                self.write_out(&each, problems);
            }
            waiting = rest;
        }
    }

    fn write_out(&mut self, each: &Each<'a>, problems: &mut Vec<Diagnostic>) {
        let labels = self.labels.0.get(&each.of.to_ascii_lowercase());
        let found: Vec<Arc<str>> = labels
            .into_iter()
            .flat_map(HashMap::keys)
            .filter(|label| matches(each.pattern, label))
            .cloned()
            .collect();
        let Each { of, pattern, .. } = each;
        if found.is_empty() && !self.files.iter().any(|file| file.lacks_rows(of)) {
            problems.push(
                Diagnostic::problem(
                    "no-match",
                    format!("no label of `{of}` looks like `{pattern}`"),
                )
                .help(format!(
                    "declare rows of `{of}` with such labels; `*` stands for any characters"
                ))
                .at(self.origin(each)),
            );
        }
        self.rows_for(each, found, problems);
    }

    /// Adds the rows of a pattern for these labels.
    fn rows_for(
        &mut self,
        each: &Each<'a>,
        mut found: Vec<Arc<str>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let span = each.decl.label.as_ref().map_or(0..0, |it| it.span());
        let children = each.children.map_or(1, |it| {
            usize::try_from(it.last - it.first).map_or(usize::MAX, |it| it.saturating_add(1))
        });
        let count = found.len().saturating_mul(children);
        if self.are_too_many(count, each.file, &span, problems) {
            return;
        }
        found.sort_unstable();
        let row = |of: &Arc<str>, label: String, number| Named {
            file: each.file,
            table: each.table,
            decl: each.decl,
            label: Some(label.into()),
            number,
            each: Some(of.clone()),
        };
        let Each { before, after, .. } = *each;
        let rows: Vec<Named<'a>> = match each.children {
            None => found
                .iter()
                .map(|of| row(of, format!("{before}{of}{after}"), None))
                .collect(),
            Some(Numbers {
                first,
                last,
                width,
                after: end,
            }) => found
                .iter()
                .flat_map(|of| (*first..=*last).map(move |number| (of, number)))
                .map(|(of, number)| {
                    let label = format!("{before}{of}{after}{number:0width$}{end}");
                    row(of, label, Some(number))
                })
                .collect(),
        };
        self.push(each.table, rows, problems);
    }

    fn origin(&self, each: &Each<'_>) -> crate::script::Origin {
        let span = match &each.decl.label {
            Some(label) => &label.span(),
            None => &each.decl.span,
        };
        self.files[each.file].origin(span)
    }
}

impl crate::seeds::model::Each {
    /// The label of the row for a label of the table, and with a number where there are several.
    pub(super) fn label_for(&self, of: &str, number: Option<u64>) -> String {
        let label = format!("{}{of}{}", self.before, self.after);
        match (&self.children, number) {
            (Some(Numbers { width, after, .. }), Some(number)) => {
                format!("{label}{number:0width$}{after}")
            }
            _ => label,
        }
    }
}

/// Whether a label looks like a pattern, in which `*` stands for any characters.
pub(super) fn matches(pattern: &str, label: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return false;
    };
    let Some(mut rest) = label.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{matches, up_to};
    use crate::script::Source;
    use crate::seeds::parse;

    #[test]
    fn patterns_that_multiply_stop_at_the_row_that_is_too_much() {
        let source = Arc::new(Source {
            name: "a.yaml".to_owned(),
            text: "t:\n  a_{1..4}: {}\nu:\n  b_{t.*}: {}\n  c_{t.*}: {}\n".into(),
        });
        let (file, _) = parse("a", source);
        for (most, rows, told) in [(12, 12, 0), (11, 8, 1), (7, 4, 2), (3, 0, 1)] {
            let mut problems = Vec::new();
            let (named, _) = up_to(most, &[&file], &mut problems);
            let too_many = problems.iter().filter(|it| it.code == "too-many-rows");
            assert_eq!((named.len(), too_many.count()), (rows, told), "{most}");
        }
    }

    #[test]
    fn a_range_with_too_many_zeros_in_front_is_reported() {
        for (zeros, rows, told) in [(254, 5, 0), (255, 3, 2), (70_000, 3, 2)] {
            let zeros = "0".repeat(zeros);
            let text = format!(
                "t:\n  a: {{}}\nu:\n  ? \"b_{{{zeros}1..2}}\"\n  : {{}}\n  ? \"c_{{t.*}}_{{{zeros}1..2}}\"\n  : {{}}\n"
            );
            let source = Arc::new(Source {
                name: "a.yaml".to_owned(),
                text: text.into(),
            });
            let (file, problems) = parse("a", source);
            let (named, _) = up_to(100, &[&file], &mut Vec::new());
            let bad = problems.iter().filter(|it| it.code == "bad-label");
            assert_eq!((named.len(), bad.count()), (rows, told), "{problems:?}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("load_*", "load_001", true),
            ("load_*", "load_", true),
            ("load_*", "loud_001", false),
            ("*_1", "a_1", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "abc", true),
            ("a*a", "a", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("*", "", true),
        ];
        for (pattern, label, expect) in cases {
            assert_eq!(matches(pattern, label), expect, "{pattern} {label}");
        }
    }
}

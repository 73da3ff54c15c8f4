//! From the text of a seed file to its content: settings, tables, rows and their cells.
//!
//! It knows the grammar and no schema: whether a column exists and what it holds is for later. All problems are
//! reported, and what could be understood is given all the same, so that the rest can be checked too.

mod cell;
mod json;
mod label;
mod references;
mod rows;
mod settings;
mod tag;
mod template;

use std::ops::Range;
use std::sync::Arc;

use super::model::{
    Expr, Field, Label, RowDecl, SeedFile, Settings, Spanned, Style, Table, Template,
};
use super::once::Once;
use super::yaml::{self, Kind, Node, is_null};
use crate::diagnostic::Diagnostic;
use crate::migrations::checksum;
use crate::nearest::nearest;
use crate::script::{Origin, Source};
pub(super) use json::core;
use template::Scope;

/// Reads a seed file. `name` is its path below the seeds folder without `.yaml`; the text is canonical
/// ([`canonical`](crate::migrations::canonical)).
///
/// The problems stand in the order of the file. What one of them is about is left out of the [`SeedFile`].
pub fn parse(name: &str, source: Arc<Source>) -> (SeedFile, Vec<Diagnostic>) {
    let (root, problems) = yaml::read(&source);
    let is_whole = problems.is_empty();
    let mut reader = Reader {
        source: &source,
        settings: Settings::default(),
        problems,
        names: Once::default(),
    };
    let tables = root.map_or_else(Vec::new, |root| reader.file(root));
    let Reader {
        settings,
        mut problems,
        ..
    } = reader;
    // An alias brings the same problem once more for each place where it stands.
    let place = |problem: &Diagnostic| problem.origin().map(|origin| origin.span.start);
    problems.sort_by(|a, b| (place(a), a.code, &a.message).cmp(&(place(b), b.code, &b.message)));
    problems.dedup();
    let file = SeedFile {
        name: name.to_owned(),
        checksum: checksum(&source.text),
        settings,
        tables,
        source,
        companions: Vec::new(),
        is_whole,
    };
    (file, problems)
}

/// What is known while a file is read.
struct Reader<'a> {
    source: &'a Arc<Source>,
    settings: Settings,
    problems: Vec<Diagnostic>,
    /// The names of columns so far.
    names: Once,
}

/// A row, as messages name it.
const ROW: &str = "a row";

/// What a row may say besides its columns.
const WAS: &str = "_was";

/// Says that a row gives one of another file other values.
const OVERRIDE: &str = "_override";

/// What a table may say besides its rows.
const TABLE_SETTINGS: [&str; 8] = [
    "_key",
    "_id",
    "_keep",
    "_defaults",
    "_rows",
    "_was",
    "_refs",
    "_through",
];

/// Names that are none of a table: what a table may say besides its rows, today or in later versions.
const RESERVED: [&str; 8] = [
    "_key",
    "_id",
    "_keep",
    "_defaults",
    "_was",
    "_refs",
    "_through",
    "_override",
];

impl Reader<'_> {
    /// The tree goes as its rows are read: a large file is not in memory twice.
    fn file(&mut self, root: Node) -> Vec<Table> {
        let example = "users:` and its rows below it, not `- ";
        if self.map(&root, "a seed file", example).is_none() {
            return Vec::new();
        }
        let Kind::Mapping(entries) = root.kind else {
            return Vec::new();
        };
        let settings = entries.iter().find(|(key, _)| name(key) == "_seed");
        // Settings without a table are meant so: the rows are still to be written.
        let is_meant = settings.is_some();
        if let Some((_, settings)) = settings {
            self.settings(settings);
        }
        let mut tables = Vec::new();
        for (key, value) in entries {
            let table = name(&key);
            if table == "_seed" {
                continue;
            }
            if let Some(help) = reserved(table, &value) {
                self.error(
                    "reserved-name",
                    &key.span,
                    format!("`{table}` is no table that can be seeded"),
                    help,
                );
                continue;
            }
            tables.extend(self.table(&key, value));
        }
        references::with_join_tables(&mut tables);
        if tables.is_empty() && self.problems.is_empty() && !is_meant {
            self.error(
                "empty-seed",
                &(0..0),
                "the file names no table",
                "write a table and its rows, or remove the file",
            );
        }
        tables
    }

    fn table(&mut self, key: &Node, node: Node) -> Option<Table> {
        let mut table = Table::empty(self.name(key, "table")?);
        let found = self.problems.len();
        self.rows_of(&mut table, key, node);
        table.rows.shrink_to_fit();
        // A label may be in what was not understood.
        table.is_whole = self.problems[found..]
            .iter()
            .all(|it| is_about_a_value(it.code));
        Some(table)
    }

    fn rows_of(&mut self, table: &mut Table, key: &Node, node: Node) {
        if rows::is_file(&node) {
            table.files.extend(self.rows_file(&node));
            return;
        }
        if node.tag.as_ref().is_some_and(|tag| *tag.value == *"!json") {
            let why = format!("takes the path of a file, and this is {}", node.noun());
            self.bad_tag(&node, "!json", &why);
            return;
        }
        if let Some(tag) = &node.tag
            && let Some(meant) = nearest(&tag.value, &["!csv", "!json"])
        {
            let message = format!("a table takes no tag `{}`", tag.value);
            self.error(
                "bad-tag",
                &tag.span(),
                message,
                format!("did you mean `{meant}`?"),
            );
            return;
        }
        self.no_tag(&node, "a table");
        let noun = node.noun();
        match node.kind {
            Kind::Sequence(items) => {
                for item in items {
                    table.rows.extend(self.item(&item));
                }
            }
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    match name(&key) {
                        "_key" => table.key = self.key(&value),
                        "_id" => table.id = self.id(&value),
                        "_was" => table.was = self.text(&value, "`_was`", "_was: users"),
                        "_keep" => table.keep = self.names(&value, "`_keep`", "[created_at]"),
                        "_defaults" => {
                            table.defaults = self.fields(&value, "`_defaults`", Scope::Table)
                        }
                        "_refs" => table.refs = self.refs(&value),
                        "_through" => table.through = self.through(&value),
                        "_rows" if rows::is_file(&value) => {
                            table.files.extend(self.rows_file(&value));
                        }
                        "_rows" => {
                            self.no_tag(&value, "`_rows`");
                            table.rows.extend(self.list(value));
                        }
                        text if text.starts_with('_') => {
                            let help = did_you_mean(text, &TABLE_SETTINGS, "a table has");
                            let message = format!("a table has no setting `{text}`");
                            self.error("unknown-setting", &key.span, message, help);
                        }
                        _ => {
                            let row = self.row(&key, &value);
                            match self.is_override(&value, &row) {
                                true => table.overrides.push(row),
                                false => table.rows.push(row),
                            }
                        }
                    }
                }
            }
            Kind::Scalar(..) => {
                let table = name(key);
                self.error(
                    "bad-shape",
                    &key.span,
                    format!("table `{table}` holds {noun}, and not rows"),
                    format!("write rows below it, or `{table}: {{}}` where it is to have none"),
                );
            }
        }
    }

    /// `_rows`
    fn list(&mut self, node: Node) -> Vec<RowDecl> {
        let noun = node.noun();
        let span = node.span;
        let Kind::Sequence(items) = node.kind else {
            let message = format!("`_rows` is a list of rows without labels, and this is {noun}");
            let help = "write `_rows:` and below it `- {email: a@example.test}`; a row with a label stands beside `_key`";
            self.error("bad-shape", &span, message, help);
            return Vec::new();
        };
        let rows = items.into_iter().filter_map(|item| self.item(&item));
        rows.collect()
    }

    fn key(&mut self, node: &Node) -> Option<Spanned<Vec<Spanned<String>>>> {
        let found = self.problems.len();
        let columns = self.names(node, "`_key`", "[email]");
        if columns.is_empty() {
            if self.problems.len() == found {
                self.error(
                    "bad-value",
                    &node.span,
                    "`_key` names no column",
                    "name the columns of the primary key or of a unique index, or leave `_key` out",
                );
            }
            return None;
        }
        Some(Spanned::new(columns, node.span.clone()))
    }

    fn id(&mut self, node: &Node) -> Option<Spanned<Expr>> {
        let made = match node.tag.as_ref().map(|tag| &*tag.value) {
            Some("!auto") => Some(Expr::Auto),
            Some("!uuid") => Some(Expr::Uuid),
            _ => None,
        };
        if let Some(value) = made {
            let span = node.whole();
            let is_bare = matches!(&node.kind, Kind::Scalar(text, Style::Plain) if text.is_empty());
            if !is_bare {
                let message = "nothing stands behind `!auto` or `!uuid`";
                self.error(
                    "bad-value",
                    &span,
                    message,
                    "write `_id: !auto` or `_id: !uuid`",
                );
                return None;
            }
            return Some(Spanned::new(value, span));
        }
        let expr = self.expr(node, Scope::Table)?;
        if matches!(expr.value, Expr::Scalar { .. } | Expr::Ref(_)) {
            return Some(expr);
        }
        self.error(
            "bad-value",
            &node.whole(),
            "`_id` is neither a text, nor `!ref`, `!auto` or `!uuid`",
            "write for example `_id: user_${label}`",
        );
        None
    }

    fn row(&mut self, key: &Node, node: &Node) -> RowDecl {
        let text = name(key);
        let found = self.problems.len();
        let label = label::label(text).unwrap_or_else(|label::Bad { why, help }| {
            self.error("bad-label", &key.span, why, help);
            // Others may refer to it.
            Label::One(text.into())
        });
        // Rails takes this one for no row.
        let behind = self.source.text.get(key.span.end..).unwrap_or_default();
        let behind = behind.trim_start_matches([':', ' ']);
        if text == "DEFAULTS" && behind.starts_with('&') {
            self.error(
                "defaults-row",
                &key.span,
                "`DEFAULTS` is a row here like any other, and would be inserted",
                "write `_defaults:` for what the rows of the table have in common, and leave `<<:` out; a row that is \
                 meant needs another label",
            );
        }
        let scope = match &label {
            // What it was meant to be is not known.
            Label::One(_) if self.problems.len() > found => Scope::Children,
            Label::One(_) => Scope::One,
            Label::Range { .. } => Scope::Range,
            Label::Each(each) if each.children.is_none() => Scope::Each,
            Label::Each(_) => Scope::Children,
        };
        RowDecl {
            label: Some(Spanned::new(label, key.span.clone())),
            span: key.span.clone(),
            was: self.was(node, scope).map(Box::new),
            fields: self.fields(node, ROW, scope).into(),
            over: Box::default(),
        }
    }

    fn item(&mut self, node: &Node) -> Option<RowDecl> {
        let span = match &node.kind {
            Kind::Mapping(entries) => entries.first().map(|(key, _)| key.span.clone()),
            _ => None,
        };
        Some(RowDecl {
            label: None,
            span: span.unwrap_or(node.span.clone()),
            was: self.was(node, Scope::Item).map(Box::new),
            fields: self.fields(node, ROW, Scope::Item).into(),
            over: Box::default(),
        })
    }

    /// `_override` of a row: whether it changes one of another file.
    fn is_override(&mut self, node: &Node, row: &RowDecl) -> bool {
        let Kind::Mapping(entries) = &node.kind else {
            return false;
        };
        let Some((key, value)) = entries.iter().find(|(key, _)| name(key) == OVERRIDE) else {
            return false;
        };
        let said = match &value.kind {
            Kind::Scalar(text, Style::Plain) if value.tag.is_none() => text.parse().ok(),
            _ => None,
        };
        let Some(is_override) = said else {
            let message = "`_override` is `true` or `false`, and this is neither";
            self.error("bad-value", &value.span, message, "write `_override: true`");
            return true;
        };
        if let (true, Some(was)) = (is_override, &row.was) {
            let message = "a row that overrides another one has no label of its own before";
            let help = "write `_was` in the file that declares the row";
            self.error("bad-value", &was.span(), message, help);
        }
        if is_override && row.fields.is_empty() {
            let message = "the row overrides nothing";
            self.error(
                "bad-value",
                &key.span,
                message,
                "give it a value, or remove it",
            );
        }
        is_override
    }

    /// `_was` of a row: the label that it had before.
    fn was(&mut self, node: &Node, scope: Scope) -> Option<Spanned<Template>> {
        let Kind::Mapping(entries) = &node.kind else {
            return None;
        };
        let (_, value) = entries.iter().find(|(key, _)| name(key) == WAS)?;
        let text = match &value.kind {
            Kind::Scalar(text, style) if value.tag.is_none() && !is_null(text, *style) => text,
            _ => {
                let message = format!("`_was` of a row is a label, and this is {}", value.noun());
                self.error(
                    "bad-value",
                    &value.span,
                    message,
                    "write for example `_was: ann`",
                );
                return None;
            }
        };
        Some(Spanned::new(
            self.template(text, &value.span, scope),
            value.span.clone(),
        ))
    }

    /// Columns and what is in them; nothing at all is none.
    fn fields(&mut self, node: &Node, what: &str, scope: Scope) -> Vec<Field> {
        if is_nothing(node) {
            return Vec::new();
        }
        let Some(entries) = self.map(node, what, "{email: a@example.test}") else {
            return Vec::new();
        };
        let mut fields = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let is_labelled = scope != Scope::Item;
            if what == ROW && (name(key) == WAS || is_labelled && name(key) == OVERRIDE) {
                continue;
            }
            let name = self.column(key);
            let unread = Spanned::new(Expr::Unread, value.whole());
            let value = self.expr(value, scope).unwrap_or(unread);
            fields.extend(name.map(|name| Field { name, value }));
        }
        fields
    }

    fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = Diagnostic::problem(code, message).at(self.origin(span));
        self.problems.push(problem.help(help));
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        Origin {
            source: self.source.clone(),
            span: span.clone(),
        }
    }

    fn no_tag(&mut self, node: &Node, what: &str) {
        if let Some(tag) = &node.tag {
            let message = format!("{what} takes no tag, and this has `{}`", tag.value);
            self.error("bad-tag", &tag.span(), message, "remove the tag");
        }
    }

    /// The entries of a map without a tag.
    fn map<'n>(
        &mut self,
        node: &'n Node<'n>,
        what: &str,
        example: &str,
    ) -> Option<&'n [(Node<'n>, Node<'n>)]> {
        self.no_tag(node, what);
        if let Kind::Mapping(entries) = &node.kind {
            return Some(entries);
        }
        let message = format!("{what} is a map, and this is {}", node.noun());
        let help = format!("write `{example}`");
        self.error("bad-shape", &node.span, message, help);
        None
    }

    /// A name that is not empty.
    fn name(&mut self, key: &Node, what: &str) -> Option<Spanned<String>> {
        let text = name(key);
        if text.is_empty() {
            let message = format!("the name of a {what} is missing here");
            self.error("bad-value", &key.span, message, "write it before the `:`");
            return None;
        }
        Some(Spanned::new(text.to_owned(), key.span.clone()))
    }

    /// The name of a column, which many rows have.
    fn column(&mut self, key: &Node) -> Option<Spanned<Arc<String>>> {
        if name(key).is_empty() {
            self.name(key, "column")?;
        }
        let value = self.names.of(name(key));
        Some(Spanned::new(value, key.span.clone()))
    }

    /// A text in which nothing is replaced.
    fn text(&mut self, node: &Node, what: &str, example: &str) -> Option<Spanned<String>> {
        self.no_tag(node, what);
        match &node.kind {
            Kind::Scalar(text, style) if !is_null(text, *style) => {
                let value = self.literal(text, &node.span);
                let span = node.span.clone();
                Some(Spanned::new(value, span))
            }
            _ => {
                let message = format!("{what} is a text, and this is {}", node.noun());
                let help = format!("write for example `{example}`");
                self.error("bad-value", &node.span, message, help);
                None
            }
        }
    }

    /// A list of texts, or one text, without repetitions.
    fn names(&mut self, node: &Node, what: &str, example: &str) -> Vec<Spanned<String>> {
        let items = match &node.kind {
            Kind::Sequence(items) => {
                self.no_tag(node, what);
                items.as_slice()
            }
            Kind::Scalar(text, style) if !is_null(text, *style) => std::slice::from_ref(node),
            _ => {
                let message = format!("{what} is a list, and this is {}", node.noun());
                let help = format!("write for example `{example}`");
                self.error("bad-value", &node.span, message, help);
                return Vec::new();
            }
        };
        let mut names: Vec<Spanned<String>> = Vec::with_capacity(items.len());
        for item in items {
            let Some(name) = self.text(item, &format!("a name in {what}"), example) else {
                continue;
            };
            if name.value.is_empty() {
                let message = format!("a name in {what} is empty");
                self.error("bad-value", &name.span(), message, "remove it");
            } else if let Some(first) = names.iter().find(|other| other.value == name.value) {
                let problem = Diagnostic::problem(
                    "duplicate-name",
                    format!("`{}` stands twice in {what}", name.value),
                )
                .at(self.origin(&name.span()));
                let problem = problem.related("first here", self.origin(&first.span()));
                self.problems.push(problem.help("keep one of the two"));
            } else {
                names.push(name);
            }
        }
        names
    }
}

/// Whether a problem is one of a cell's content, so that all labels are known nevertheless.
fn is_about_a_value(code: &str) -> bool {
    !matches!(
        code,
        "bad-shape" | "bad-label" | "bad-tag" | "unknown-tag" | "unknown-setting"
    )
}

/// Whether a name is a setting of a row, and no column.
pub(super) fn is_reserved_in_row(name: &str) -> bool {
    name == WAS || RESERVED.contains(&name) || name == "_rows"
}

/// Why a text is no label of one row.
pub(super) fn plain_label(text: &str) -> Result<(), String> {
    match label::label(text) {
        Ok(Label::One(_)) => Ok(()),
        Ok(_) => Err(format!("the label `{text}` is a pattern")),
        Err(label::Bad { why, .. }) => Err(why),
    }
}

/// Whether a name is none of a table in a seed file.
pub(super) fn is_reserved(table: &str) -> bool {
    let folded = table.to_ascii_lowercase();
    table == "_seed"
        || RESERVED.contains(&table)
        || folded == "_migrations"
        || folded.starts_with("_seedbed")
}

/// Why a name is none of a table that can be seeded.
fn reserved(table: &str, node: &Node) -> Option<String> {
    if RESERVED.contains(&table) {
        return Some(format!("indent `{table}` below the name of its table"));
    }
    if is_reserved(table) {
        return Some("the table is Seedbed's own: remove it from the file".to_owned());
    }
    let is_setting = |(key, _): &(Node, Node)| settings::SETTINGS.contains(&name(key));
    match &node.kind {
        Kind::Mapping(entries)
            if !entries.is_empty()
                && entries.iter().all(is_setting)
                && nearest(table, &["_seed"]).is_some() =>
        {
            Some("did you mean `_seed`?".to_owned())
        }
        _ => None,
    }
}

/// The text of a key.
fn name<'a>(key: &'a Node<'a>) -> &'a str {
    match &key.kind {
        Kind::Scalar(text, _) => text,
        _ => "",
    }
}

fn is_nothing(node: &Node) -> bool {
    node.tag.is_none() && matches!(&node.kind, Kind::Scalar(text, style) if is_null(text, *style))
}

/// The word that was probably meant, or else all that there are.
fn did_you_mean(word: &str, known: &[&str], otherwise: &str) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("{otherwise} {}", list(known)),
    }
}

/// "`a`, `b` and `c`"
fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests;

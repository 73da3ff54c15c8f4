//! What a seed file amounts to, as a hash: whatever changes a row changes it, and comments, order and spelling do not.
//! Names of variables go in and their values do not, so no secret ever gets into a hash. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::model::{Expr, Field, Label, Mode, Part, SeedFile, Spanned, Style, Table, Template};
use crate::migrations::checksum;

/// The hash, in lower-case hexadecimal.
pub(super) fn effective(
    file: &SeedFile,
    shared: Option<&SeedFile>,
    attachments: &BTreeMap<String, Arc<[u8]>>,
) -> String {
    effective_with(file, shared, &|path| {
        let bytes = attachments.get(path)?;
        Some(crate::migrations::checksum_bytes(bytes))
    })
}

/// The same, by the sha256 of each file that `!file` names.
pub(super) fn effective_with(
    file: &SeedFile,
    shared: Option<&SeedFile>,
    sum: &dyn Fn(&str) -> Option<String>,
) -> String {
    let hashing = Hashing { sum };
    let settings = &file.settings;
    let mode = match settings.mode {
        Mode::Insert => "insert",
        Mode::Upsert => "upsert",
        Mode::Sync => "sync",
    };
    let mut tables: Vec<Json> = file.tables.iter().map(|it| hashing.table(it)).collect();
    tables.sort_by_key(Json::to_string);
    let shared: Vec<Json> = shared
        .into_iter()
        .flat_map(|shared| &shared.tables)
        .filter(|it| {
            let is_it = |table: &Table| table.name.value.eq_ignore_ascii_case(&it.name.value);
            file.tables.iter().any(is_it)
        })
        .map(|it| hashing.table(it))
        .collect();
    let whole = json!({
        "mode": mode,
        "random": settings.random,
        "faker": settings.faker,
        "vars": settings.vars,
        "time": settings.time.as_ref().map(|time| &time.value),
        "tables": tables,
        "shared": shared,
    });
    checksum(&whole.to_string())
}

struct Hashing<'a> {
    /// Of the bytes of a file that `!file` names.
    sum: &'a dyn Fn(&str) -> Option<String>,
}

impl Hashing<'_> {
    fn table(&self, table: &Table) -> Json {
        let names = |names: &[Spanned<String>]| -> Vec<String> {
            let mut names: Vec<String> = names.iter().map(|name| name.value.clone()).collect();
            names.sort();
            names
        };
        let mut rows: Vec<Json> = table
            .rows
            .iter()
            .map(|row| {
                let label = row.label.as_ref().map(|label| label_word(&label.value));
                json!({ "label": label, "fields": self.fields(&row.fields) })
            })
            .collect();
        rows.sort_by_key(Json::to_string);
        json!({
            "name": table.name.value.to_ascii_lowercase(),
            "key": table.key.as_ref().map(|key| names(&key.value)),
            "id": table.id.as_ref().map(|id| self.expr(&id.value)),
            "keep": names(&table.keep),
            "defaults": self.fields(&table.defaults),
            "rows": rows,
        })
    }

    fn fields(&self, fields: &[Field]) -> BTreeMap<String, Json> {
        let entry = |field: &Field| {
            let name = field.name.value.to_ascii_lowercase();
            (name, self.expr(&field.value.value))
        };
        fields.iter().map(entry).collect()
    }

    fn expr(&self, expr: &Expr) -> Json {
        match expr {
            Expr::Null => Json::Null,
            Expr::Scalar { text, style } => {
                let word = match style {
                    Style::Plain => "plain",
                    Style::Quoted => "quoted",
                };
                json!({ word: template(text) })
            }
            Expr::Json(value) => json!({ "json": value }),
            Expr::Ref {
                table,
                label,
                column,
            } => json!({ "ref": [table, template(label), column] }),
            Expr::Now(modifiers) => json!({ "now": modifiers }),
            Expr::Ago { count, unit } => json!({ "ago": [count.0, count.1, unit] }),
            Expr::Env { name, default } => json!({ "env": [name, default] }),
            Expr::File(path) => {
                json!({ "file": (self.sum)(path) })
            }
            Expr::Binary(bytes) => json!({ "binary": crate::migrations::checksum_bytes(bytes) }),
            Expr::Fake(kind) => json!({ "fake": format!("{kind:?}") }),
            Expr::Pick(items) => {
                let items: Vec<Json> = items
                    .iter()
                    .map(|(item, weight)| json!([self.expr(&item.value), weight]))
                    .collect();
                json!({ "pick": items })
            }
            Expr::Int(least, most) => json!({ "int": [least, most] }),
            Expr::Hash(inner) => json!({ "hash": self.expr(&inner.value) }),
        }
    }
}

fn template(template: &Template) -> Vec<String> {
    let part = |part: &Part| match part {
        Part::Text(text) => format!("t{text}"),
        Part::Name(name) => format!("n{name}"),
    };
    template.0.iter().map(part).collect()
}

fn label_word(label: &Label) -> Json {
    match label {
        Label::One(label) => json!(label),
        Label::Range {
            before,
            first,
            last,
            width,
            after,
        } => json!([before, first, last, width, after]),
        Label::Each {
            before,
            table,
            pattern,
            after,
        } => json!([before, table, pattern, after]),
    }
}

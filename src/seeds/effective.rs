//! What a seed file amounts to, as a hash: whatever changes a row changes it, and comments, order and spelling do not.
//! Names of variables go in and their values do not, so no secret ever gets into a hash. Pure.

mod depends;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::model::{
    Choose, Expr, Field, Json as Composed, Label, Mode, Numbers, Part, RowDecl, SeedFile, Spanned,
    Style, Table, Template, declares,
};
use super::parallel::in_parts;
use crate::hex;
use depends::{labels_of_others, references};

/// The hash, in lower-case hexadecimal. `files` are those of the run, whose labels the file may choose from.
pub(super) fn effective(
    file: &SeedFile,
    shared: Option<&SeedFile>,
    attachments: &BTreeMap<String, Arc<[u8]>>,
    files: &[&SeedFile],
) -> String {
    let hashing = Hashing { attachments };
    let settings = &file.settings;
    let mode = match settings.mode {
        Mode::Insert => "insert",
        Mode::Upsert => "upsert",
        Mode::Sync => "sync",
    };
    // A setting that older versions do not know must not change the hash of files without it.
    let defaults_of = |file: &SeedFile| {
        let defaults = &file.settings.defaults;
        (!defaults.is_empty()).then(|| json!(hashing.fields(defaults)).to_string())
    };
    let mut tables: Vec<Hashed> = file.tables.iter().map(|it| hashing.table(it)).collect();
    tables.sort_unstable();
    let labels = labels_of_others(&hashing, file, shared, files);
    let shared: Vec<Hashed> = shared
        .into_iter()
        .flat_map(|shared| &shared.tables)
        .filter(|it| declares(file, &it.name.value))
        .map(|it| hashing.table(it))
        .chain(shared.and_then(defaults_of).map(|head| Hashed {
            head,
            ..Hashed::default()
        }))
        .collect();
    // One JSON text with sorted keys. A file may have millions of values, so it is written piece by piece.
    let mut hash = Sha256::new();
    let mut text = |text: &str| hash.update(text.as_bytes());
    let list = |text: &mut dyn FnMut(&str), items: &[Hashed]| {
        for (number, item) in items.iter().enumerate() {
            text(if number > 0 { "," } else { "" });
            text(&item.head);
            for (number, row) in item.rows.iter().enumerate() {
                text(if number > 0 { "," } else { "" });
                text(row);
            }
            text(item.end);
        }
    };
    text("{");
    if !labels.is_empty() {
        text("\"labels\":[");
        text(&labels.join(","));
        text("],");
    }
    text(&format!(
        "{}\"faker\":{},\"mode\":{},\"random\":{},\"shared\":[",
        defaults_of(file).map_or_else(String::new, |it| format!("\"defaults\":{it},")),
        json!(settings.faker),
        json!(mode),
        json!(settings.random)
    ));
    list(&mut text, &shared);
    text("],\"tables\":[");
    list(&mut text, &tables);
    text(&format!(
        "],\"time\":{},\"vars\":{}}}",
        json!(settings.time.as_ref().map(|time| &time.value)),
        json!(settings.vars)
    ));
    hex::encode(&hash.finalize())
}

/// A hash of the rows with which a file overrides those of others; none where there are none.
pub(super) fn overrides(
    file: &SeedFile,
    attachments: &BTreeMap<String, Arc<[u8]>>,
) -> Option<String> {
    let hashing = Hashing { attachments };
    let rows = file.tables.iter().flat_map(|table| {
        let row = |row: &RowDecl| {
            let label = row.label.as_ref().map(|label| label_word(&label.value));
            json!([table.name.value, label, hashing.fields(&row.fields)]).to_string()
        };
        table.overrides.iter().map(row)
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort_unstable();
    (!rows.is_empty()).then(|| crate::migrations::checksum(&rows.join(",")))
}

/// A hash of the labels of other files on which the rows of a file depend; none where there are none.
pub(super) fn labels(
    file: &SeedFile,
    shared: Option<&SeedFile>,
    attachments: &BTreeMap<String, Arc<[u8]>>,
    files: &[&SeedFile],
) -> Option<String> {
    let labels = labels_of_others(&Hashing { attachments }, file, shared, files);
    (!labels.is_empty()).then(|| crate::migrations::checksum(&labels.join(",")))
}

/// What is hashed of a table, in pieces: a table may have a million rows.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    head: String,
    rows: Vec<Box<str>>,
    end: &'static str,
}

impl Hashed {
    fn text(&self) -> String {
        format!("{}{}{}", self.head, self.rows.join(","), self.end)
    }
}

struct Hashing<'a> {
    attachments: &'a BTreeMap<String, Arc<[u8]>>,
}

impl Hashing<'_> {
    fn table(&self, table: &Table) -> Hashed {
        let names = |names: &[Spanned<String>]| -> Vec<String> {
            let mut names: Vec<String> = names.iter().map(|name| name.value.clone()).collect();
            names.sort();
            names
        };
        let rows = in_parts(&table.rows, |rows, _| {
            let mut word = String::new();
            let words = rows.iter().map(|row| {
                word.clear();
                self.row(row, &mut word);
                Box::from(word.as_str())
            });
            words.collect::<Vec<Box<str>>>()
        });
        let mut rows: Vec<Box<str>> = rows.into_iter().flatten().collect();
        rows.sort_unstable();
        // What older versions did not know is left out where there is none, so that hashes stay the same.
        let references = match references(table) {
            Some(references) => format!("\"references\":{references},"),
            None => String::new(),
        };
        let head = format!(
            "{{{references}\"defaults\":{},\"id\":{},\"keep\":{},\"key\":{},\"name\":{},\"rows\":[",
            json!(self.fields(&table.defaults)),
            json!(table.id.as_ref().map(|id| self.expr(&id.value))),
            json!(names(&table.keep)),
            json!(table.key.as_ref().map(|key| names(&key.value))),
            json!(table.name.value.to_ascii_lowercase())
        );
        let end = "]}";
        Hashed { head, rows, end }
    }

    /// JSON with sorted keys, as [`json!`] would write it: a file may have millions of values.
    fn row(&self, row: &RowDecl, text: &mut String) {
        text.push_str("{\"fields\":");
        self.write(&row.fields, text);
        text.push_str(",\"label\":");
        match row.label.as_ref().map(|label| &label.value) {
            None => text.push_str("null"),
            Some(Label::One(label)) => quote("", label, text),
            Some(label) => text.push_str(&label_word(label).to_string()),
        }
        if !row.over.is_empty() {
            text.push_str(",\"over\":");
            self.write(&row.over, text);
        }
        text.push('}');
    }

    /// The text of [`Self::fields`].
    fn write(&self, fields: &[Field], text: &mut String) {
        let mut named: Vec<(Cow<'_, str>, &Expr)> = Vec::with_capacity(fields.len());
        for Field { name, value } in fields {
            let name = match name.value.bytes().any(|byte| byte.is_ascii_uppercase()) {
                true => name.value.to_ascii_lowercase().into(),
                false => Cow::from(&*name.value),
            };
            // Of two with one name the last counts, as in a map.
            match named.binary_search_by(|(it, _)| it.cmp(&name)) {
                Ok(at) => named[at].1 = &value.value,
                Err(at) => named.insert(at, (name, &value.value)),
            }
        }
        text.push('{');
        for (number, (name, expr)) in named.into_iter().enumerate() {
            text.push_str(if number > 0 { "," } else { "" });
            quote("", &name, text);
            text.push(':');
            let plain = match expr {
                Expr::Scalar { text, style } => text.as_text().map(|text| (text, *style)),
                _ => None,
            };
            match plain {
                Some((plain, style)) => {
                    text.push_str("{\"");
                    text.push_str(style_word(style));
                    text.push_str("\":[");
                    quote("t", plain, text);
                    text.push_str("]}");
                }
                None => text.push_str(&self.expr(expr).to_string()),
            }
        }
        text.push('}');
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
            // A file with such a value is never applied.
            Expr::Unread | Expr::Null => Json::Null,
            Expr::Scalar { text, style } => {
                json!({ style_word(*style): template(text) })
            }
            Expr::Json(value) => json!({ "json": value }),
            Expr::Composed(json) => json!({ "composed": self.composed(json) }),
            Expr::Ref(it) => json!({ "ref": [it.table, template(&it.label), it.column] }),
            Expr::Among(it) => {
                let choice = match it.choice {
                    Choose::Random => "pick",
                    Choose::InTurn => "each",
                };
                json!({ "among": [choice, it.table, template(&it.pattern), it.column] })
            }
            Expr::Auto => json!({ "id": "auto" }),
            Expr::Uuid => json!({ "id": "uuid" }),
            Expr::Now(modifiers) => json!({ "now": modifiers }),
            Expr::Ago(it) => json!({ "ago": [it.count.0, it.count.1, it.unit] }),
            Expr::In(it) => json!({ "in": [it.count.0, it.count.1, it.unit] }),
            Expr::Decimal(it) => json!({ "decimal": [it.least, it.most, it.scale] }),
            Expr::Slug(column) => json!({ "slug": column.to_ascii_lowercase() }),
            Expr::Env(it) => json!({ "env": [it.name, it.default] }),
            Expr::File(path) => {
                let bytes = self.attachments.get(&**path);
                json!({ "file": bytes.map(|bytes| crate::migrations::checksum_bytes(bytes)) })
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

    fn composed(&self, json: &Composed) -> Json {
        match json {
            Composed::Constant(value) => json!({ "constant": value }),
            Composed::Text { text, style } => json!({ style_word(*style): template(text) }),
            Composed::List(items) => items.iter().map(|it| self.composed(it)).collect(),
            Composed::Map(entries) => {
                let entries = entries.iter();
                let entries: Vec<Json> = entries
                    .map(|(key, value)| json!([key, self.composed(value)]))
                    .collect();
                json!({ "map": entries })
            }
            Composed::Tag(expr) => json!({ "tag": self.expr(&expr.value) }),
        }
    }
}

/// Writes a text as a JSON string, with `first` in front of it.
fn quote(first: &str, plain: &str, text: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if plain.bytes().all(is_plain) {
        text.push('"');
        text.push_str(first);
        text.push_str(plain);
        text.push('"');
    } else {
        text.push_str(&Json::from(format!("{first}{plain}")).to_string());
    }
}

fn style_word(style: Style) -> &'static str {
    match style {
        Style::Plain => "plain",
        Style::Quoted | Style::Text => "quoted",
    }
}

fn template(template: &Template) -> Vec<String> {
    let part = |part: &Part| match part {
        Part::Text(text) => format!("t{text}"),
        Part::Name(name) => format!("n{name}"),
    };
    match template.as_text() {
        Some(text) => vec![format!("t{text}")],
        None => template.parts().iter().map(part).collect(),
    }
}

fn label_word(label: &Label) -> Json {
    match label {
        Label::One(label) => json!(**label),
        Label::Range { before, numbers } => {
            let Numbers {
                first,
                last,
                width,
                after,
            } = &**numbers;
            json!([before, first, last, width, after])
        }
        Label::Each(each) => {
            let (before, table, pattern) = (&each.before, &each.table, &each.pattern);
            match &each.children {
                None => json!([before, table, pattern, each.after]),
                Some(numbers) => {
                    let Numbers {
                        first,
                        last,
                        width,
                        after,
                    } = numbers;
                    json!([
                        before, table, pattern, each.after, first, last, width, after
                    ])
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::json;

    use super::{Hashing, label_word};
    use crate::script::Source;
    use crate::seeds::parse;

    #[test]
    fn the_text_of_a_row_is_its_json() {
        let text = r#"
_seed: {vars: {domain: example.test}}
users:
  ann: {Name: "a \"quote\", a \\ and a \n", EMAIL: "${label}@${domain}", age: 30, none: ~, é: "\u0001é\u007f"}
  "load_{1..3}": {name: plain, by: !ref users.ann, at: !now , tags: [1, {b: 2, a: 1}]}
  "of_{users.*}_{1..2}": {}
  empty: {}
listed: [{z: 1, a: "", B: '$${x}'}]
"#;
        let source = Arc::new(Source {
            name: "a.yaml".to_owned(),
            text: text.into(),
        });
        let (file, problems) = parse("a", source);
        assert_eq!(problems, []);
        let attachments = BTreeMap::new();
        let hashing = Hashing {
            attachments: &attachments,
        };
        let mut rows: Vec<_> = file
            .tables
            .iter()
            .flat_map(|it| &it.rows)
            .cloned()
            .collect();
        let over = rows[0].fields.clone();
        rows[1].over = over;
        assert_eq!(rows.len(), 5);
        for row in &rows {
            let label = row.label.as_ref().map(|label| label_word(&label.value));
            let mut word = json!({ "label": label, "fields": hashing.fields(&row.fields) });
            if !row.over.is_empty() {
                word["over"] = json!(hashing.fields(&row.over));
            }
            let mut text = String::new();
            hashing.row(row, &mut text);
            assert_eq!(text, word.to_string());
        }
    }
}

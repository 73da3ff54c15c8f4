//! Where a table names a file of rows: `!csv users.csv`, `!csv {file: users.csv, separator: ';'}`, `!json users.json`.

use super::Reader;
use crate::seeds::model::{Format, RowsFile, Spanned};
use crate::seeds::yaml::{Kind, Node};

/// Whether rows stand in a file of their own.
pub(super) fn is_file(node: &Node) -> bool {
    let tag = node.tag.as_ref().map(|tag| &*tag.value);
    match tag {
        Some("!csv") => true,
        Some("!json") => matches!(node.kind, Kind::Scalar(..)),
        _ => false,
    }
}

impl Reader<'_> {
    /// The file that a table names.
    pub(super) fn rows_file(&mut self, node: &Node) -> Option<RowsFile> {
        let tag = node.tag.as_ref().map_or("!csv", |tag| &*tag.value);
        let (text, span, separator) = match &node.kind {
            Kind::Mapping(entries) => {
                let [path, separator] = self.arguments(entries, tag, ["file", "separator"])?;
                let Some(path) = path else {
                    self.bad_tag(node, tag, "has no `file`");
                    return None;
                };
                let path = self.text(path, "the path of a file", "file: users.csv")?;
                let separator = match separator {
                    None => ",".to_owned(),
                    Some(node) => {
                        let example = "separator: ';'";
                        self.text(node, "a separator", example)?.value
                    }
                };
                let span = path.span();
                (path.value, span, separator)
            }
            _ => {
                let text = self.argument(node, tag, "takes the path of a file")?;
                let text = self.literal(text, &node.span);
                (text, node.span.clone(), ",".to_owned())
            }
        };
        let format = match (tag, separator.as_bytes()) {
            ("!json", _) => Format::Json,
            (_, [separator]) if !b"\"\n\r".contains(separator) && separator.is_ascii() => {
                Format::Csv {
                    separator: *separator,
                }
            }
            _ => {
                let why = format!("takes one character between cells, and not `{separator}`");
                self.bad_tag(node, tag, &why);
                return None;
            }
        };
        let odd = |part: &str| part.is_empty() || part == ".";
        if text.split('/').any(odd) || text.contains(['\\', ':']) || text.contains(char::is_control)
        {
            let why = format!(
                "takes a path from the folder of this file with `/` between its parts, and `{text}` is none"
            );
            self.bad_tag(node, tag, &why);
            return None;
        }
        Some(RowsFile {
            path: Spanned::new(text, span),
            format,
            is_whole: false,
        })
    }
}

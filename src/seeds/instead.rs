//! What to write instead of a value that does not fit: a file of rows has no tags and no quotes with a meaning of their own,
//! so its cells get another help than those of a seed. Pure.

use std::borrow::Cow;
use std::ops::Range;

use super::companion::Kind;
use super::model::{Format, SeedFile};

/// What to write instead, by the format of the file in which the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instead {
    seed: Cow<'static, str>,
    /// In CSV and in JSON; none where it is the same.
    csv: Option<Cow<'static, str>>,
    json: Option<Cow<'static, str>>,
}

impl Instead {
    /// In the formats of files of rows.
    pub(super) fn in_files(
        mut self,
        csv: impl Into<Cow<'static, str>>,
        json: impl Into<Cow<'static, str>>,
    ) -> Instead {
        (self.csv, self.json) = (Some(csv.into()), Some(json.into()));
        self
    }

    /// In a file of this format; none means the seed itself.
    pub(super) fn text(self, format: Option<Format>) -> String {
        let other = match format {
            None => None,
            Some(Format::Csv { .. }) => self.csv,
            Some(Format::Json) => self.json,
        };
        other.unwrap_or(self.seed).into_owned()
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Instead {
    fn from(text: T) -> Instead {
        Instead {
            seed: text.into(),
            csv: None,
            json: None,
        }
    }
}

impl SeedFile {
    /// The format of the file of rows in which a place is; none where it is in the seed itself.
    pub(super) fn format_at(&self, span: &Range<usize>) -> Option<Format> {
        let mut companions = self.companions.iter().rev();
        let companion = companions.find(|it| it.start <= span.start)?;
        let mut files = self.tables.iter().flat_map(|table| &table.files);
        let is_it = |path: &str| companion.kind == Kind::Rows && companion.path == path;
        files
            .find(|rows| is_it(&rows.path.value))
            .map(|rows| rows.format)
    }
}

//! The layout that a setting names, by the tool that people know. It does not look at files.

use super::Layout;
use crate::nearest::nearest;

/// The layouts that a name stands for: a tool may have two, and then the files decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LayoutChoice {
    name: &'static str,
    layouts: &'static [Layout],
}

/// What `--layout` takes.
const CHOICES: &[(&str, &[Layout])] = &[
    ("seedbed", &[Layout::Seedbed]),
    ("refinery", &[Layout::Seedbed]),
    ("sqlx", &[Layout::Numbered, Layout::Pairs]),
    ("wrangler", &[Layout::Numbered]),
    ("golang-migrate", &[Layout::Pairs]),
    ("geni", &[Layout::Pairs]),
    ("diesel", &[Layout::Diesel]),
    ("goose", &[Layout::Goose]),
    ("dbmate", &[Layout::Dbmate]),
    ("sql-migrate", &[Layout::SqlMigrate]),
    ("drizzle", &[Layout::Drizzle]),
    ("prisma", &[Layout::Prisma]),
];

/// No tool that is known has this name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no layout {name:?}: {help}")]
pub struct UnknownLayout {
    /// What was named.
    pub name: String,
    /// What there is instead.
    pub help: String,
}

impl LayoutChoice {
    /// The name, as it is written in a setting.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a folder may have this layout.
    pub fn allows(&self, layout: Layout) -> bool {
        self.layouts.contains(&layout)
    }

    /// The layout where the files do not decide.
    pub(crate) fn first(&self) -> Layout {
        self.layouts.first().copied().unwrap_or_default()
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CHOICES.iter().map(|(name, _)| *name)
    }
}

impl std::str::FromStr for LayoutChoice {
    type Err = UnknownLayout;

    fn from_str(text: &str) -> Result<LayoutChoice, UnknownLayout> {
        let wanted = text.trim();
        let found = CHOICES
            .iter()
            .find(|(name, _)| wanted.eq_ignore_ascii_case(name));
        if let Some((name, layouts)) = found {
            return Ok(LayoutChoice { name, layouts });
        }
        let names: Vec<&str> = LayoutChoice::names().collect();
        Err(UnknownLayout {
            name: text.to_owned(),
            help: match nearest(&wanted.to_ascii_lowercase(), &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the layouts are {}", names.join(", ")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_named_by_its_tool() {
        let sqlx: LayoutChoice = "sqlx".parse().unwrap();
        assert!(sqlx.allows(Layout::Numbered) && sqlx.allows(Layout::Pairs));
        assert_eq!(
            "Prisma".parse::<LayoutChoice>().unwrap().first(),
            Layout::Prisma
        );
        let error = "gose".parse::<LayoutChoice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no layout \"gose\": did you mean `goose`?"
        );
    }

    #[test]
    fn the_recorded_word_of_each_layout_is_one_that_a_setting_takes() {
        for layout in Layout::ALL {
            assert_eq!(Layout::of_word(layout.word()), Some(layout));
            let choice: LayoutChoice = layout.word().parse().unwrap();
            assert!(choice.allows(layout));
        }
    }
}

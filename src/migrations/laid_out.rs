//! The set of a folder of another tool: what its layout says becomes migrations. Pure.

use std::collections::BTreeMap;

use super::file::Order;
use super::found::Found;
use super::problem::{self, duplicate};
use super::reading::is_comments_only;
use super::set::{Migration, Migrations, Text};
use crate::layouts::{File, Layout, Part, lay_out};
use crate::script::Key;

impl Found {
    /// The set of a folder of another tool.
    pub(super) fn laid_out(mut self, layout: Layout, files: Vec<File>) -> Migrations {
        let laid_out = lay_out(layout, files);
        self.problems.extend(laid_out.problems);
        let mut by_version: BTreeMap<i64, Vec<Migration>> = BTreeMap::new();
        for claim in laid_out.claims {
            let key = Key::Migration(claim.version);
            let undoes = |down: &Part| {
                !is_comments_only(&down.source.text) && !down.source.text.trim().is_empty()
            };
            by_version
                .entry(claim.version)
                .or_default()
                .push(Migration {
                    key,
                    layout,
                    words: claim.words,
                    order: Order::Strict,
                    up: claim.up.into(),
                    // What their tools write into each new file undoes nothing.
                    down: claim.down.filter(undoes).map(Text::from),
                    no_down: None,
                    generated_at: claim.generated_at,
                });
        }
        let mut set = Migrations {
            layout,
            ..Migrations::default()
        };
        for (version, mut claims) in by_version {
            claims.sort_by(|a, b| a.up.source.name.cmp(&b.up.source.name));
            match <[Migration; 1]>::try_from(claims) {
                Ok([migration]) => set.versioned.push(migration),
                Err(claims) => {
                    let files: Vec<&str> =
                        claims.iter().map(|it| it.up.source.name.as_str()).collect();
                    let problem =
                        duplicate(&format!("V{version}"), &files).about(&Key::Migration(version));
                    self.problems.push(problem.help(match layout {
                        Layout::Drizzle => "give one of the entries of the journal another `idx`, and its file another \
                                            number"
                            .to_owned(),
                        _ => {
                            let choice: Vec<String> =
                                files.iter().map(|file| problem::renumber(file, &files)).collect();
                            format!(
                                "keep the one that a database or another branch has, and give a new one the next free \
                                 version: {}",
                                choice.join(" or ")
                            )
                        }
                    }));
                    self.misfits.insert(version);
                    set.contested.insert(version, claims);
                }
            }
        }
        self.problems.sort_by(|a, b| a.file().cmp(&b.file()));
        set.problems = self.problems;
        set.misfits = self.misfits;
        set
    }
}

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
                    up: of_layout(claim.up, layout),
                    // What their tools write into each new file undoes nothing.
                    down: claim
                        .down
                        .filter(undoes)
                        .map(|down| of_layout(down, layout)),
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

fn of_layout(part: Part, layout: Layout) -> Text {
    Text {
        layout,
        ..part.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Atomicity;

    fn set(files: &[(&str, &str)]) -> Migrations {
        let files = files.iter();
        Migrations::from_files(
            files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
        )
    }

    /// What applies and what undoes the only migration, without the blanks.
    fn parts(file: &str, text: &str) -> (String, Option<String>, Atomicity) {
        let set = set(&[(file, text)]);
        assert_eq!(set.problems, [], "{text}");
        let bare = |text: &Text| {
            text.source
                .text
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        let one = &set.versioned[0];
        (bare(&one.up), one.down.as_ref().map(bare), one.up.atomicity)
    }

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let set = set(files);
        let shown = |it: &crate::diagnostic::Diagnostic| {
            let kind = if it.is_error() { "error" } else { "warning" };
            format!("{kind} {} {}", it.code, it.file().unwrap_or_default())
        };
        set.problems.iter().map(shown).collect()
    }

    #[test]
    fn words_behind_a_direction_of_dbmate_leave_it_one() {
        for words in [
            "",
            " -- remove users",
            " the users",
            " (none)",
            "\ttransaction:true",
        ] {
            let text =
                format!("-- migrate:up{words}\nSELECT 1;\n-- migrate:down{words}\nSELECT 2;\n");
            let (up, down, atomicity) = parts("m/1_a.sql", &text);
            assert_eq!(
                (up.as_str(), down.as_deref()),
                ("-- SELECT 1;", Some("-- SELECT 2;")),
                "{words}"
            );
            assert_eq!(atomicity, Atomicity::Transaction, "{words}");
        }
        for (option, atomicity) in [
            ("transaction:false", Atomicity::Bare),
            ("transaction:FALSE", Atomicity::Transaction),
            ("transaction: false", Atomicity::Transaction),
        ] {
            let text = format!("-- migrate:up {option}\nSELECT 1;\n");
            assert_eq!(parts("m/1_a.sql", &text).2, atomicity, "{option}");
        }
    }

    #[test]
    fn sqlx_takes_a_file_out_of_its_transaction_by_its_first_bytes_alone() {
        for (text, atomicity) in [
            ("-- no-transaction\nVACUUM;", Atomicity::Bare),
            ("-- no-transaction foo\nVACUUM;", Atomicity::Bare),
            (
                "-- first\n-- no-transaction\nSELECT 1;",
                Atomicity::Transaction,
            ),
            ("--no-transaction\nSELECT 1;", Atomicity::Transaction),
            ("--  No-Transaction\nSELECT 1;", Atomicity::Transaction),
        ] {
            assert_eq!(parts("m/1_a.sql", text).2, atomicity, "{text}");
            assert_eq!(parts("m/1_a.up.sql", text).2, atomicity, "{text}");
        }
    }

    #[test]
    fn diesel_orders_versions_as_texts() {
        let set = set(&[
            ("m/2024-03-13_170000_b/up.sql", "SELECT 1;"),
            ("m/2024-03-06-170000_a/up.sql", "SELECT 1;"),
            ("m/2024-03-13-180000_c/up.sql", "SELECT 1;"),
        ]);
        let words: Vec<&str> = set.versioned.iter().map(|it| it.words.as_str()).collect();
        assert_eq!(words, ["a", "170000_b", "c"]);
    }

    #[test]
    fn a_breakpoint_in_a_text_divides_nothing_and_is_an_error() {
        let journal = r#"{"dialect":"sqlite","entries":[{"idx":0,"when":1,"tag":"0000_a"}]}"#;
        let files = |text| [("m/0000_a.sql", text), ("m/meta/_journal.json", journal)];
        let text = "INSERT INTO a VALUES ('x --> statement-breakpoint y');";
        assert_eq!(problems(&files(text)), ["error bad-section m/0000_a.sql"]);
        let text = "SELECT 1;--> statement-breakpoint SELECT 2--> statement-breakpoint\nSELECT 3";
        let set = set(&files(text));
        let text = set.versioned[0]
            .up
            .source
            .text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(text, "SELECT 1; SELECT 2; SELECT 3");
    }

    #[test]
    fn what_a_folder_holds_beside_is_told_as_what_it_is() {
        assert_eq!(
            problems(&[
                ("m/1_a.up.sql", "SELECT 1;"),
                ("m/schema.sql", "SELECT 1;"),
                ("m/1_after.go", "")
            ]),
            ["warning not-read m/schema.sql"]
        );
        assert_eq!(
            problems(&[
                ("m/2024-01-01-000000_a/up.sql", "SELECT 1;"),
                ("m/old/2023-01-01-000000_z/up.sql", "SELECT 1;"),
            ]),
            ["warning not-read m/old/2023-01-01-000000_z/up.sql"]
        );
        assert_eq!(
            problems(&[("m/1_a.sql", "-- +goose Up\n"), ("m/2_b.go", "")]),
            ["error not-sql m/2_b.go"]
        );
        assert_eq!(
            problems(&[
                ("m/20240101000000_a/migration.sql", "SELECT 1;"),
                ("m/migration_lock.toml", "provider = \"postgresql\"\n"),
            ]),
            ["error bad-provider m/migration_lock.toml"]
        );
        assert_eq!(
            problems(&[
                ("m/0000_a.sql", "SELECT 1;"),
                ("m/meta/_journal.json", "{<<<<<<<")
            ]),
            ["error bad-journal m/meta/_journal.json"]
        );
    }

    #[test]
    fn a_marker_in_a_block_comment_is_none_in_the_folder_of_its_tool() {
        let text = "-- +goose Up\n/*\n-- +goose Down\n*/\nSELECT 1;\n";
        let (up, down, _) = parts("m/1_a.sql", text);
        assert_eq!((up.as_str(), down), ("-- /* -- */ SELECT 1;", None));
    }

    #[test]
    fn an_empty_folder_has_the_layout_that_was_chosen() {
        let set = Migrations::from_files_as([], "goose".parse().ok());
        assert_eq!(set.layout, Layout::Goose);
    }
}

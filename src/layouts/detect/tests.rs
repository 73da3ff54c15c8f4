use super::*;

fn files(files: &[(&str, &str)]) -> Vec<File> {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        text: (*text).into(),
        raw: None,
    };
    files.iter().map(file).collect()
}

fn detected(of: &[(&str, &str)]) -> Layout {
    let (layout, problem) = detect(&files(of), None);
    assert_eq!(problem, None);
    layout
}

#[test]
fn a_folder_tells_its_layout() {
    for (of, layout) in [
        (&[("m/V1__a.sql", "")][..], Layout::Seedbed),
        (&[], Layout::Seedbed),
        (
            &[
                ("m/0001_a.sql", "SELECT 1;"),
                ("m/20240101000000_b.sql", ""),
            ],
            Layout::Numbered,
        ),
        (
            &[("m/1_a.up.sql", ""), ("m/1_a.down.sql", "")],
            Layout::Pairs,
        ),
        (&[("m/1_a.up.sqlite.sql", "")], Layout::Pairs),
        (
            &[
                ("m/2024-01-01-000000_a/up.sql", ""),
                ("m/2024-01-01-000000_a/down.sql", ""),
            ],
            Layout::Diesel,
        ),
        (
            &[("m/1_a.sql", "-- +goose Up\n"), ("m/2_b.sql", "SELECT 1;")],
            Layout::Goose,
        ),
        (&[("m/1_a.sql", "-- migrate:up\n")], Layout::Dbmate),
        (&[("m/1_a.sql", "-- +migrate Up\n")], Layout::SqlMigrate),
        (
            &[
                ("m/users.sql", "-- +migrate Up\n"),
                ("m/posts.sql", "-- +migrate Up\n"),
            ],
            Layout::SqlMigrate,
        ),
        (
            &[("m/0000_a.sql", ""), ("m/meta/_journal.json", "{}")],
            Layout::Drizzle,
        ),
        (
            &[
                ("m/20250101000000_a/migration.sql", ""),
                ("m/migration_lock.toml", ""),
            ],
            Layout::Prisma,
        ),
        (
            &[
                ("m/20250101000000_a/migration.sql", ""),
                ("m/20250101000000_a/snapshot.json", ""),
            ],
            Layout::Drizzle,
        ),
        (
            &[(
                "m/20250101000000_a/migration.sql",
                "SELECT 1;--> statement-breakpoint\n",
            )],
            Layout::Drizzle,
        ),
        (
            &[("m/20250101000000_a/migration.sql", "SELECT 1;")],
            Layout::Prisma,
        ),
        // A slip among files of Seedbed's own.
        (
            &[("m/V1__a.sql", ""), ("m/V2__b.sql", ""), ("m/3_c.sql", "")],
            Layout::Seedbed,
        ),
        // A marker in a text is none.
        (
            &[("m/1_a.sql", "SELECT '\n-- +goose Up\n';")],
            Layout::Numbered,
        ),
    ] {
        assert_eq!(detected(of), layout, "{of:?}");
    }
}

#[test]
fn a_folder_of_several_layouts_lists_what_belongs_to_which() {
    let of = files(&[
        ("m/1_a.sql", "-- +goose Up\n"),
        ("m/2_b.sql", "-- migrate:up\n"),
        ("m/3_c.up.sql", ""),
    ]);
    let (_, problem) = detect(&of, None);
    let problem = problem.unwrap();
    assert_eq!(
        problem.notes,
        [
            "golang-migrate, geni or sqlx (reversible): m/3_c.up.sql\ngoose: m/1_a.sql\ndbmate: m/2_b.sql"
        ]
    );
    let (layout, problem) = detect(&of, "dbmate".parse().ok());
    assert_eq!((layout, problem), (Layout::Dbmate, None));
    let (layout, problem) = detect(
        &files(&[("m/V1__a.sql", ""), ("m/2_b.sql", ""), ("m/3_c.sql", "")]),
        None,
    );
    assert_eq!((layout, problem.is_some()), (Layout::Seedbed, true));
    let sqlx = files(&[("m/1_a.up.sql", ""), ("m/2_b.sql", "")]);
    assert!(detect(&sqlx, "sqlx".parse().ok()).1.is_some());
}

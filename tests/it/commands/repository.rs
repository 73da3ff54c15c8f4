//! What `init` means for a git repository: text files keep LF on every system, and binary files their bytes.

use expect_test::expect;

use crate::project::Project;

const SQL: &str = "CREATE TABLE a (x);\n";
const YAML: &str = "a:\n  one: {x: 1}\n";
/// The start of a PNG image: both kinds of line end, and a byte that no text has.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\r\n\r\n\x00\n\r";

/// The old lines, as an earlier version of `init` wrote them.
const OLD: &str = "# Checksums are of texts with LF, on every system.\n\
                   *.sql text eol=lf\nseeds/** text eol=lf\n";

fn repository() -> Project {
    let project = Project::bare();
    project.git("init --quiet");
    project.git("config core.autocrlf false");
    project
}

fn commit(project: &Project) {
    project.git("add .");
    project.git("commit --quiet --message files");
}

/// The bytes of a file in a clone, made as git on Windows makes it.
fn cloned(project: &Project, name: &str) -> Vec<u8> {
    let _ = std::fs::remove_dir_all(project.path("clone"));
    project.git("clone --quiet --config core.autocrlf=true . clone");
    project.bytes(format!("clone/{name}")).unwrap()
}

#[test]
fn a_clone_has_lf_in_migrations_and_seeds_and_every_byte_of_other_files() {
    let project = repository().after("init --kind xtask");
    let texts = [
        ("migrations/V1__a.sql", SQL),
        ("migrations/more/V2__b.sql", "CREATE TABLE b (x);\n"),
        ("seeds/a.yaml", YAML),
        ("seeds/prod/a.yaml", YAML),
        ("seeds/queries/a.sql", SQL),
    ];
    for (name, text) in texts {
        project.write(name, text);
    }
    let binaries = ["seeds/files/logo.png", "seeds/logo", "migrations/logo.png"];
    for name in binaries {
        project.write(name, PNG);
    }
    let other = "a dump,\r\nas it is\r\n";
    project.write("dumps/old.sql", other);
    commit(&project);
    for (name, text) in texts {
        assert_eq!(cloned(&project, name), text.as_bytes(), "{name}");
    }
    for name in binaries {
        assert_eq!(cloned(&project, name), PNG, "{name}");
    }
    // Not Seedbed's: git does what it does without a line of ours.
    assert_eq!(cloned(&project, "dumps/old.sql"), other.as_bytes());
}

#[test]
fn text_with_crlf_is_committed_with_lf() {
    let project = repository().after("init --kind xtask");
    project.write("migrations/V1__a.sql", SQL.replace('\n', "\r\n"));
    project.write("seeds/a.yaml", YAML.replace('\n', "\r\n"));
    commit(&project);
    assert_eq!(cloned(&project, "migrations/V1__a.sql"), SQL.as_bytes());
    assert_eq!(cloned(&project, "seeds/a.yaml"), YAML.as_bytes());
}

#[test]
fn init_replaces_the_line_of_an_earlier_version_that_damaged_binary_files() {
    let project = repository().after("init --kind xtask");
    project.write(".gitattributes", format!("*.ico binary\n\n{OLD}"));
    project.write("seeds/logo.png", PNG);
    commit(&project);
    assert_ne!(cloned(&project, "seeds/logo.png"), PNG, "the old line");
    std::fs::remove_dir_all(project.path("clone")).unwrap();

    project.run("init").check(expect![[r#"
        $ seedbed init
        kept      Cargo.toml
        kept      xtask/Cargo.toml
        kept      xtask/src/main.rs
        kept      .cargo/config.toml
        kept      config.toml
        kept      .env.example
        replaced  .gitattributes: `seeds/** text eol=lf` made git change the bytes of binary files. If seeds/ has any, restore their original bytes, then run `git add --renormalize seeds` and commit
        kept      .gitignore
        kept      migrations
        kept      seeds
        2>
        2> kind: xtask (Cargo.toml is here); `--kind` sets up another one
        2> next: `cargo xtask new create users`, write the SQL, `cargo xtask migrate`
    "#]]);
    expect![[r#"
        *.ico binary

        # Checksums are of texts with LF, on every system.
        migrations/**/*.sql text eol=lf
        seeds/**/*.sql text eol=lf
        seeds/**/*.yaml text eol=lf
    "#]]
    .assert_eq(&project.read(".gitattributes"));
    // As the message says, where the original is.
    project.git("add --renormalize seeds");
    commit(&project);
    assert_eq!(cloned(&project, "seeds/logo.png"), PNG);

    let again = project.run("init");
    assert!(again.stdout.contains("kept      .gitattributes"), "{again}");
}

#[test]
fn check_knows_from_git_what_a_deleted_repeatable_has_made() {
    let project = repository();
    project.write(
        "migrations/V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\n",
    );
    project.write(
        "migrations/R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT a FROM t;\n",
    );
    commit(&project);
    project.run("migrate").exits(0);
    project.remove("migrations/R__v.sql");
    let drop = "-- seedbed: allow DS101: nothing reads it\nDROP TABLE t;\n";
    project.write("migrations/V2__drop.sql", drop);
    let refused = |project: &Project| {
        let ran = project.run("check");
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("view v"), "{ran}");
    };
    refused(&project);
    commit(&project);
    refused(&project);
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    project.write(
        "migrations/V2__drop.sql",
        drop.replace("DROP TABLE", "DROP VIEW IF EXISTS v;\nDROP TABLE"),
    );
    project.run("check").exits(0);
    project.run("migrate").exits(0);
}

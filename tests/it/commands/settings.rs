//! Settings reach the commands, and secrets do not leave them.

use super::project;

/// Where the tables went, by the file that there is now.
fn database(project: &crate::project::Project) -> String {
    let files = project.files();
    let databases: Vec<_> = files.iter().filter(|it| it.ends_with(".db")).collect();
    assert_eq!(databases.len(), 1, "{databases:?}");
    databases[0].clone()
}

#[test]
fn a_flag_beats_the_environment_which_beats_dotenv_which_beats_the_file() {
    let of_file = || project().file("config.toml", "[local]\npath = \"file.db\"\n");
    let of_dotenv = || of_file().file(".env", "DATABASE_FILE=dotenv.db\n");
    let of_environment = || of_dotenv().env("DATABASE_FILE", "environment.db");
    assert_eq!(database(&project().after("migrate")), "local.db");
    assert_eq!(database(&of_file().after("migrate")), "file.db");
    assert_eq!(database(&of_dotenv().after("migrate")), "dotenv.db");
    assert_eq!(
        database(&of_environment().after("migrate")),
        "environment.db"
    );
    let project = of_environment().after("migrate --database flag.db");
    assert_eq!(database(&project), "flag.db");
}

#[test]
fn other_files_than_the_usual_can_be_named() {
    let project = project()
        .file("settings/ci.toml", "[local]\npath = \"ci.db\"\n")
        .file(
            "settings/ci.env",
            "USE_TURSO=NO\nTURSO_DATABASE_URL=libsql://db.example.com\n",
        )
        .after(
            "migrate --config settings/ci.toml --env-file settings/ci.env --migrations migrations",
        );
    // The folder of the configuration is the project's.
    assert_eq!(database(&project), "settings/ci.db");
}

#[test]
fn a_subfolder_is_part_of_the_project() {
    let project = project()
        .file("config.toml", "[local]\npath = \"data/app.db\"\n")
        .file("data/keep", "")
        .within("src/deep");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(database(&project), "data/app.db");
    // Flags start from the working folder.
    let ran = project.run("migrate --database here.db");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(project.path("src/deep/here.db").exists());
    let ran = project.run("new more");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(project.path("migrations/V3__more.sql").exists());
}

#[test]
fn the_token_is_never_told() {
    const TOKEN: &str = "eyJmarker-of-the-token";
    let remote = || project().env("TURSO_AUTH_TOKEN", TOKEN);
    let with_url = || remote().env("TURSO_DATABASE_URL", "libsql://db.example.com");
    let projects = [
        remote(),
        with_url(),
        with_url().env("USE_TURSO", "YES"),
        with_url().env("USE_EMBEDDED_REPLICA", "YES"),
        project().file(
            ".env",
            format!("USE_TURSO=YES\nTURSO_DATABASE_URL=libsql://x.example.com?authToken={TOKEN}\n"),
        ),
        project().file(".env", format!("TURSO_AUTH_TOKEN={TOKEN} x\n")),
        project().file(
            "config.toml",
            format!("[turso]\nauth_token = \"{TOKEN}\"\n"),
        ),
        project()
            .env("USE_TURSO", "YES")
            .env("TURSO_DATABASE_URL", "http://db.example.com")
            .env("TURSO_AUTH_TOKEN", TOKEN),
        project()
            .env("TURSO_AUTH_TOKEN_FILE", TOKEN)
            .env("USE_TURSO", "YES"),
        project().env(
            "TURSO_DATABASE_URL",
            &format!("libsql://user:{TOKEN}@db.example.com"),
        ),
        project().env("USE_TURSO", TOKEN),
    ];
    for project in projects {
        for line in [
            "config",
            "config --format json",
            "migrate --verbose",
            "migrate --format json",
            "migrate --mode remote",
            "migrate --mode replica --verbose",
            "migrate --mode local",
            "status --mode local --format json",
            "undo --mode local --dry-run",
            "check --verbose",
        ] {
            let ran = project.run(line);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains("marker"), "{ran}");
        }
        // Nor is it in what was recorded.
        let bytes = project.bytes("local.db").unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("marker"));
    }
    // A URL on the command line is refused by name only.
    let ran = project().run(&format!(
        "status --database libsql://x.example.com?authToken={TOKEN}"
    ));
    assert!(
        !ran.to_string()
            .replace(
                &format!("seedbed status --database libsql://x.example.com?authToken={TOKEN}"),
                ""
            )
            .contains("marker"),
        "{ran}"
    );
}

//! The log of requests and transactions: with `--verbose` on standard error, and in the file of `SEEDBED_LOG`.

use seedbed_test_server::{Access, Auth, Options};

use crate::project::Project;
use crate::server::ours;

const SECRET: &str = "'marker-of-a-value'";

#[test]
fn each_request_and_each_transaction_has_a_line_without_values_and_secrets() {
    let server = ours(Options {
        auth: Auth::Token,
        ..Options::default()
    });
    let token = server.token(Access::Full, None).unwrap();
    let project = Project::new()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
        .env("TURSO_AUTH_TOKEN", &token)
        .env("SEEDBED_LOG", "run.log")
        .migration(
            "V1__a",
            format!("CREATE TABLE a (x);\nINSERT INTO a VALUES ({SECRET});\n"),
        );
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    let log = project.read("run.log");
    let lines: Vec<&str> = log.lines().collect();
    let requests = lines.iter().filter(|line| line.contains(" POST "));
    assert_eq!(requests.count(), server.requests().len(), "{log}");
    for line in &lines {
        assert!(line.starts_with("20") && line.ends_with(" ms"), "{line}");
    }
    let has = |words: &str| lines.iter().any(|line| line.contains(words));
    assert!(has("/v3/pipeline: ") && has(": status 200 after "), "{log}");
    assert!(
        has(": 1 transaction, ") && has(" steps: committed after "),
        "{log}"
    );
    assert!(
        has(" queries: answered after ") || has(" query: answered after "),
        "{log}"
    );
    // The next run adds to it, and tells the kind of a failure.
    let failing = "INSERT INTO a VALUES ('marker');\nINSERT INTO nope VALUES (1);\n";
    project.write("migrations/V2__b.sql", failing);
    let ran = project.run("migrate --verbose");
    assert_eq!(ran.code, Some(1), "{ran}");
    let all = project.read("run.log");
    assert!(all.starts_with(&log), "{all}");
    assert!(all.contains(": failed (Other(1)) after "), "{all}");
    assert!(ran.stderr.contains("/v3/pipeline: "), "{ran}");
    for text in [&all, &ran.stderr] {
        assert!(!text.contains("marker-of"), "{text}");
        assert!(!text.contains(token.rsplit('.').next().unwrap()), "{text}");
    }
    assert!(!all.contains("marker") && !all.contains("nope"), "{all}");
}

#[test]
fn a_sync_has_a_line_with_its_frames() {
    let server = ours(Options::default());
    let project = Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .after("migrate")
        .env("SEEDBED_LOG", "run.log");
    for (line, words) in [
        ("replica reset", ""),
        ("sync", " frames after "),
        ("sync", ": 0 frames after "),
        ("migrate", ": 0 frames after "),
    ] {
        project.write("run.log", "");
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        let log = project.read("run.log");
        let is_it = |line: &str| line.contains(": sync of ") && line.contains(words);
        assert_eq!(log.lines().any(is_it), !words.is_empty(), "{log}");
    }
    drop(server);
    project.write("run.log", "");
    assert_eq!(project.run("sync").code, Some(1));
    let log = project.read("run.log");
    assert!(log.contains("local_replica.db: failed after "), "{log}");
}

#[test]
fn a_local_file_has_a_log_of_its_transactions() {
    let project = Project::new()
        .env("SEEDBED_LOG", "run.log")
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .after("migrate");
    let log = project.read("run.log");
    assert!(log.contains("local.db: 1 transaction, "), "{log}");
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_before_anything_happens() {
    let project = Project::new()
        .env("SEEDBED_LOG", "no/such/folder/run.log")
        .migration("V1__a", "CREATE TABLE a (x);\n");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr
            .contains("error[log-file]: SEEDBED_LOG names a file that cannot be written"),
        "{ran}"
    );
    assert_eq!(project.bytes("local.db"), None);
}

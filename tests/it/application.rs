//! What an application gets from the settings: the database of the command line, to keep and to share.

use std::ffi::OsString;

use seedbed::config::{Config, Flags, load};
use seedbed::db::{AppDatabase, DbError};
use seedbed::migrations::{PlanOptions, apply, ignore};
use seedbed::script::Run;
use seedbed_test_server::{Access, Auth, Options, Replication, Server};

use crate::process::Running;
use crate::project::Project;
use crate::server::ours;
use crate::world::set;

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n\
                     INSERT INTO users (name) VALUES ('Ada');\n";

fn config(project: &Project, env: &[(&str, &str)]) -> Config {
    let env = env
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let resolved = load(&Flags::default(), &project.path(""), env);
    resolved.config().unwrap()
}

async fn opened(project: &Project, env: &[(&str, &str)]) -> AppDatabase {
    config(project, env).open().await.unwrap()
}

/// What only the start of an application does.
async fn migrate(database: &AppDatabase) {
    let files = set(&[("V1__users.sql", USERS)]);
    let (options, run) = (PlanOptions::default(), Run::new("application"));
    apply(database.db(), &files, &options, &run, &ignore())
        .await
        .unwrap();
}

/// The names of the users by a new connection.
async fn names(database: &AppDatabase) -> Result<String, String> {
    let connection = database
        .connect()
        .await
        .map_err(|error| error.to_string())?;
    let sql = "SELECT coalesce(group_concat(name, ' '), '') FROM users";
    let mut rows = connection
        .query(sql, ())
        .await
        .map_err(|error| error.to_string())?;
    let row = rows.next().await.unwrap().unwrap();
    Ok(row.get(0).unwrap())
}

async fn add(database: &AppDatabase, name: &str) {
    let connection = database.connect().await.unwrap();
    let sql = "INSERT INTO users (name) VALUES (?1)";
    connection.execute(sql, [name]).await.unwrap();
}

/// Opens, migrates, and lets two tasks work at once on clones.
async fn works(database: AppDatabase) {
    assert!(
        names(&database)
            .await
            .unwrap_err()
            .contains("no such table")
    );
    migrate(&database).await;
    let other = database.clone();
    let task = tokio::spawn(async move { add(&other, "Grace").await });
    task.await.unwrap();
    assert_eq!(names(&database).await.unwrap(), "Ada Grace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_file_is_made_by_the_first_connection() {
    let project = Project::new();
    let database = opened(&project, &[]).await;
    assert_eq!(project.files(), [""; 0]);
    works(database).await;
    assert!(project.path("local.db").exists());
}

#[tokio::test]
async fn memory_lives_as_long_as_the_handle() {
    let project = Project::new();
    let flags = Flags::default().database(Some(":memory:".to_owned()));
    let config = load(&flags, &project.path(""), []).config().unwrap();
    let database = config.open().await.unwrap();
    works(database.clone()).await;
    // A rebuild turns foreign keys off for itself, and not for the application.
    let rebuild = set(&[
        ("V1__users.sql", USERS),
        ("V2__drop.sql", "DROP TABLE users;"),
    ]);
    let (options, run) = (PlanOptions::default(), Run::new("application"));
    apply(database.db(), &rebuild, &options, &run, &ignore())
        .await
        .unwrap();
    let connection = database.connect().await.unwrap();
    let mut rows = connection.query("PRAGMA foreign_keys", ()).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 1);
    assert_eq!(project.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked_for_nothing_by_opening() {
    let server = ours(Options {
        auth: Auth::Token,
        ..Options::default()
    });
    let token = server.token(Access::Full, None).unwrap();
    let project = Project::new();
    let env = [
        ("USE_TURSO", "YES"),
        ("TURSO_DATABASE_URL", &server.url()),
        ("TURSO_AUTH_TOKEN", &token),
    ];
    let config = config(&project, &env);
    let database = config.open().await.unwrap();
    assert_eq!(server.requests().len(), 0);
    let shown = format!("{config:?} {database:?} {:?}", database.db());
    assert!(!shown.contains(&token), "{shown}");
    works(database).await;
    assert_eq!(project.files(), [""; 0]);
    let refused = [env[0], env[1], ("TURSO_AUTH_TOKEN", "wrong.secret.token")];
    let said = names(&opened(&project, &refused).await).await.unwrap_err();
    assert!(!said.contains("secret"), "{said}");
}

fn replica(server: &Server) -> [(&'static str, String); 2] {
    [
        ("USE_EMBEDDED_REPLICA", "YES".to_owned()),
        ("TURSO_DATABASE_URL", server.url()),
    ]
}

async fn opened_replica(project: &Project, server: &Server) -> AppDatabase {
    let env = replica(server);
    let env: Vec<(&str, &str)> = env.iter().map(|(n, v)| (*n, v.as_str())).collect();
    opened(project, &env).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_read_here_and_written_to_at_its_primary() {
    for replication in [Replication::V1, Replication::V2] {
        let server = ours(Options {
            replication,
            ..Options::default()
        });
        let project = Project::new();
        let database = opened_replica(&project, &server).await;
        assert_eq!(project.files(), [""; 0]);
        assert_eq!(server.requests().len(), 0);
        migrate(&database).await;
        database.db().sync().await.unwrap();
        names(&database).await.unwrap();
        let before = server.requests().len();
        for _ in 0..10 {
            let connection = database.connect().await.unwrap();
            let mut rows = connection
                .query("SELECT name FROM users", ())
                .await
                .unwrap();
            let row = rows.next().await.unwrap().unwrap();
            assert_eq!(row.get::<String>(0).unwrap(), "Ada");
        }
        assert_eq!(server.requests().len(), before, "{replication:?}");
        add(&database, "Grace").await;
        assert_eq!(names(&database).await.unwrap(), "Ada Grace");
        // Another program writes to the primary.
        let direct = [("USE_TURSO", "YES"), ("TURSO_DATABASE_URL", &server.url())];
        let direct = opened(&project, &direct).await;
        assert_eq!(names(&direct).await.unwrap(), "Ada Grace");
        add(&direct, "Edith").await;
        assert_eq!(names(&database).await.unwrap(), "Ada Grace");
        assert!(database.db().sync().await.unwrap().moved);
        assert_eq!(names(&database).await.unwrap(), "Ada Grace Edith");
    }
}

#[tokio::test]
async fn a_replica_needs_no_threads() {
    let server = ours(Options::default());
    let project = Project::new();
    let database = opened_replica(&project, &server).await;
    migrate(&database).await;
    database.db().sync().await.unwrap();
    assert_eq!(names(&database).await.unwrap(), "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_synced_is_read_without_its_primary() {
    let server = ours(Options::default());
    let project = Project::new();
    {
        let database = opened_replica(&project, &server).await;
        migrate(&database).await;
        database.db().sync().await.unwrap();
    }
    let env = replica(&server);
    drop(server);
    let env: Vec<(&str, &str)> = env.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let database = opened(&project, &env).await;
    assert_eq!(names(&database).await.unwrap(), "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_replica_is_refused_and_left_alone() {
    let server = ours(Options::default());
    let project = Project::new().file("local_replica.db", "my notes, which are no database");
    let database = opened_replica(&project, &server).await;
    let error = database.connect().await.map(|_| ()).unwrap_err();
    assert!(matches!(error, DbError::NotAReplica { .. }), "{error}");
    assert_eq!(project.files(), ["local_replica.db"]);
}

/// What an application does, in a process of its own: its environment and its working folder are what decides.
#[test]
#[ignore = "it is run by the one below"]
fn an_application() {
    crate::project::waiting().block_on(async {
        let database = Config::load().unwrap().open().await.unwrap();
        println!("users: {}", names(&database).await.unwrap());
    });
}

#[test]
fn the_process_decides_which_database_it_is() {
    let project = Project::new()
        .migration("V1__users", USERS)
        .file("config.toml", "[local]\npath = \"mine.db\"\n")
        .after("migrate")
        .within("somewhere/below");
    let program = std::env::current_exe().unwrap();
    let mut command = project.other(program.to_str().unwrap());
    command.args([
        "--ignored",
        "--exact",
        "application::an_application",
        "--nocapture",
    ]);
    let ran = Running::start(command, "(an application)", &project.path("")).finish();
    assert!(ran.stdout.contains("users: Ada"), "{ran}");
}

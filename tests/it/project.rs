//! A project in a folder of its own, and the real program run in it as a process.
//!
//! The program gets no variable of the user who runs the tests: no `.env`, no user, no CI.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use seedbed::db::{Db, Options, Query};
use seedbed::sql::Value;

use crate::process::{Ran, Running};

/// A folder with files, the variables that the program sees, and the folder that it is called in.
pub(crate) struct Project {
    folder: Option<tempfile::TempDir>,
    root: PathBuf,
    within: PathBuf,
    env: Vec<(String, OsString)>,
    #[cfg(unix)]
    powerless: bool,
}

impl Project {
    /// A project with an empty folder of migrations.
    pub(crate) fn new() -> Project {
        let project = Project::bare();
        std::fs::create_dir(project.root.join("migrations")).unwrap();
        project
    }

    /// An empty folder.
    pub(crate) fn bare() -> Project {
        let folder = tempfile::Builder::new()
            .prefix("seedbed-")
            .tempdir()
            .unwrap();
        // As the program names it: on macOS the folder of temporary files is a link.
        let root = folder.path().canonicalize().unwrap();
        let mut env = vec![
            ("HOME".to_owned(), root.clone().into_os_string()),
            ("HOSTNAME".to_owned(), "here".into()),
        ];
        // `git` is found by the one, and Windows starts no process without the other.
        for name in ["PATH", "SystemRoot"] {
            if let Some(value) = std::env::var_os(name) {
                env.push((name.to_owned(), value));
            }
        }
        Project {
            folder: Some(folder),
            within: root.clone(),
            root,
            env,
            #[cfg(unix)]
            powerless: false,
        }
    }

    /// With `migrations/{name}.sql`.
    pub(crate) fn migration(self, name: &str, sql: impl AsRef<[u8]>) -> Project {
        self.file(format!("migrations/{name}.sql"), sql)
    }

    /// With `migrations/{name}.down.sql`.
    pub(crate) fn down(self, name: &str, sql: impl AsRef<[u8]>) -> Project {
        self.file(format!("migrations/{name}.down.sql"), sql)
    }

    /// With a file.
    pub(crate) fn file(self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Project {
        self.write(path, content);
        self
    }

    /// With a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Project {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Called in this folder of the project.
    pub(crate) fn within(mut self, folder: &str) -> Project {
        self.within = self.root.join(folder);
        std::fs::create_dir_all(&self.within).unwrap();
        self
    }

    /// Called by a user whom the permissions of files hold for, which they do not for root. `None` where root cannot
    /// run the program as another user.
    #[cfg(unix)]
    pub(crate) fn powerless(mut self) -> Option<Project> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        if std::fs::metadata(&self.root).unwrap().uid() != 0 {
            return Some(self);
        }
        // Everything in the project belongs to that user from now on.
        let mut paths = vec![self.root.clone()];
        while let Some(path) = paths.pop() {
            chown(&path, Some(NOBODY), Some(NOBODY)).ok()?;
            if path.is_dir() {
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
                let inside = std::fs::read_dir(&path).unwrap();
                paths.extend(inside.map(|entry| entry.unwrap().path()));
            }
        }
        self.powerless = true;
        let runs = self.command("--version").output();
        runs.is_ok_and(|output| output.status.success())
            .then_some(self)
    }

    /// Has been run once, successfully.
    pub(crate) fn after(self, line: &str) -> Project {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        self
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, and the folders before it.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn remove(&self, path: impl AsRef<Path>) {
        std::fs::remove_file(self.root.join(path)).unwrap();
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// The bytes of a file, or that there is none.
    pub(crate) fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        std::fs::read(self.root.join(path)).ok()
    }

    /// Every file of the project, sorted, with `/` between the parts of its path.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(&self.root).unwrap();
                    files.push(path.display().to_string().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }

    /// The program, about to be called with the words of `line`.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.other(crate::PROGRAM);
        command.args(line.split_whitespace());
        command
    }

    /// Another program, with the same folder and variables.
    pub(crate) fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.within)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        #[cfg(unix)]
        if self.powerless {
            use std::os::unix::process::CommandExt;
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs git, which every machine that has the project has.
    pub(crate) fn git(&self, line: &str) {
        let mut git = self.other("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        let output = git.args(line.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "git {line}: {output:?}");
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.spawn(line).finish()
    }

    /// Starts the program.
    pub(crate) fn spawn(&self, line: &str) -> Running {
        self.start(self.command(line), line)
    }

    /// Starts a command, which is shown as `line`.
    pub(crate) fn start(&self, command: Command, line: &str) -> Running {
        Running::start(command, line, &self.root)
    }

    /// Changes `local.db` behind the back of the program.
    pub(crate) fn change(&self, statements: &[&str]) {
        waiting().block_on(self.connection(statements));
    }

    /// A connection of this process to `local.db`, after these statements.
    pub(crate) async fn connection(&self, statements: &[&str]) -> libsql::Connection {
        let builder = libsql::Builder::new_local(self.path("local.db"));
        let connection = builder.build().await.unwrap().connect().unwrap();
        for sql in statements {
            let mut rows = connection.query(sql, ()).await.unwrap();
            while rows.next().await.unwrap().is_some() {}
        }
        connection
    }

    /// Takes a database away, and what the engine keeps beside it.
    pub(crate) fn remove_database(&self, database: &str) {
        for ending in ["", "-journal", "-wal", "-shm"] {
            match std::fs::remove_file(self.path(format!("{database}{ending}"))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
                _ => {}
            }
        }
    }

    /// The rows of a query on `local.db`: values joined by `|`, rows by a blank.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.ask_of("local.db", [sql]).remove(0)
    }

    /// The same on another database; all answers are of one state.
    pub(crate) fn ask_of<S: Into<String>>(
        &self,
        database: &str,
        questions: impl IntoIterator<Item = S>,
    ) -> Vec<String> {
        let db = Db::local(self.path(database), Options::default()).unwrap();
        let questions = questions.into_iter().map(Query::new).collect();
        let answers = waiting().block_on(db.query(questions)).unwrap();
        answers
            .into_iter()
            .map(|rows| {
                let rows: Vec<String> = rows
                    .unwrap()
                    .iter()
                    .map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|"))
                    .collect();
                rows.join(" ")
            })
            .collect()
    }

    /// What is recorded in `local.db`, in the order in which it happened, and the tables that are there.
    pub(crate) fn state(&self) -> String {
        let answers = self.ask_of(
            "local.db",
            [
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '_migrations'",
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name <> '_migrations' ORDER BY name",
            ],
        );
        let recorded = if answers[0].is_empty() {
            String::new()
        } else {
            self.ask(
                "SELECT CASE kind WHEN 'migration' THEN 'V' ELSE 'R__' END || version \
                 || CASE state WHEN 'applied' THEN '' ELSE ':' || state END \
                 FROM _migrations WHERE kind <> 'meta' ORDER BY rowid",
            )
        };
        format!("recorded: {recorded}; tables: {}", answers[1])
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("the project was kept: {}", folder.keep().display());
        }
    }
}

/// User and group that own nothing.
#[cfg(unix)]
const NOBODY: u32 = 65534;

/// A runtime for a test that waits for the library.
pub(crate) fn waiting() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
    }
}

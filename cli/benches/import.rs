//! How long an import takes: a million rows (an integer key, three short columns, a blob) into a new local file, durable
//! at its end, beside the `sqlite3` program on the same dump; 400,000 rows of tables, or of lists of columns, that take
//! turns, into a new file and into one that exists; one statement with a million rows; and rows into a server on this
//! machine, which are then compared and exported.
//!
//! The server is the real one where `SEEDBED_TEST_SQLD` names it, else that of the tests.
//! `cargo bench --bench import`.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;

const ROWS: usize = 1_000_000;

#[expect(clippy::print_stderr, reason = "to say what is not measured")]
fn main() {
    if !has_sqlite3() {
        eprintln!("there is no sqlite3 program here: its rows stay empty");
    }
    divan::main();
}

fn has_sqlite3() -> bool {
    let mut program = Command::new("sqlite3");
    let program = program.arg("--version").stdout(Stdio::null());
    program.status().is_ok_and(|status| status.success())
}

/// A folder on the disk that builds are on: where temporary files are, there may be no disk.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A dump in a folder.
fn dump(folder: &Path, table: &str, row: impl Fn(usize) -> String, last: &str) -> PathBuf {
    let row = |number| format!("INSERT INTO t VALUES({number},{});", row(number));
    dump_of(folder, ROWS, table, row, last)
}

fn dump_of(
    folder: &Path,
    rows: usize,
    tables: &str,
    row: impl Fn(usize) -> String,
    last: &str,
) -> PathBuf {
    let path = folder.join("old.sql");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(
        file,
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n{tables}"
    )
    .unwrap();
    for number in 1..=rows {
        writeln!(file, "{}", row(number)).unwrap();
    }
    writeln!(file, "{last}COMMIT;").unwrap();
    file.flush().unwrap();
    path
}

const TURNS: usize = 400_000;

/// So many tables take turns.
fn tables(folder: &Path, count: usize) -> PathBuf {
    let table = |n| format!("CREATE TABLE t{n}(id INTEGER PRIMARY KEY,a TEXT,b TEXT);\n");
    let tables: String = (0..count).map(table).collect();
    let row = |n| {
        format!(
            "INSERT INTO t{} VALUES({n},'name of {n}','short');",
            n % count
        )
    };
    dump_of(folder, TURNS, &tables, row, "")
}

/// Two lists of columns of one table take turns.
fn columns(folder: &Path) -> PathBuf {
    let table = "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT,b TEXT);";
    let row = |n| {
        let column = ["a", "b"][n % 2];
        format!("INSERT INTO t(id,{column}) VALUES({n},'name of {n}');")
    };
    dump_of(folder, TURNS, table, row, "")
}

fn usual(folder: &Path, last: &str) -> PathBuf {
    dump(
        folder,
        "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT,b TEXT,c TEXT,d BLOB);",
        |n| {
            let mail = n * 7919 % ROWS;
            format!("'name {n}','mail{mail}@x.y','short',X'{}'", "07".repeat(32))
        },
        last,
    )
}

fn import(dump: &Path, database: &str) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    program
        .arg("import")
        .arg(dump)
        .args(["--database", database]);
    program.current_dir(dump.parent().unwrap());
    run_to_the_end(&mut program);
}

fn sqlite3(dump: &Path, database: &str) {
    let input = std::fs::File::open(dump).unwrap();
    run_to_the_end(Command::new("sqlite3").arg(database).stdin(input));
}

fn run_to_the_end(program: &mut Command) {
    let program = program.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(program.status().unwrap().success());
}

fn into_new_files(bencher: Bencher<'_, '_>, last: &str, make: impl Fn(&Path, &str) + Sync) {
    let folder = folder();
    let dump = usual(folder.path(), last);
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(self::folder)
        .bench_local_refs(|folder| {
            make(&dump, folder.path().join("new.db").to_str().unwrap());
        });
}

mod new_file {
    use super::*;

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn seedbed(bencher: Bencher<'_, '_>) {
        into_new_files(bencher, "", import);
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn sqlite3(bencher: Bencher<'_, '_>) {
        if has_sqlite3() {
            into_new_files(bencher, "", super::sqlite3);
        }
    }
}

mod new_file_and_index {
    use super::*;

    const INDEX: &str = "CREATE INDEX i ON t (b);\n";

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn seedbed(bencher: Bencher<'_, '_>) {
        into_new_files(bencher, INDEX, import);
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn sqlite3(bencher: Bencher<'_, '_>) {
        if has_sqlite3() {
            into_new_files(bencher, INDEX, super::sqlite3);
        }
    }
}

/// Whether the file is there before, with a table of its own.
#[derive(Clone, Copy, PartialEq)]
enum File {
    New,
    Existing,
}

fn turns(bencher: Bencher<'_, '_>, file: File, dump: &Path, make: impl Fn(&Path, &str) + Sync) {
    bencher
        .counter(ItemsCount::new(TURNS))
        .with_inputs(|| {
            let folder = folder();
            if file == File::Existing {
                let before = folder.path().join("before.sql");
                std::fs::write(&before, "CREATE TABLE other(x);\n").unwrap();
                import(&before, folder.path().join("new.db").to_str().unwrap());
            }
            folder
        })
        .bench_local_refs(|folder| {
            make(dump, folder.path().join("new.db").to_str().unwrap());
        });
}

mod tables_that_take_turns {
    use super::*;

    const COUNTS: [usize; 4] = [1, 2, 10, 100];

    #[divan::bench(args = COUNTS, sample_count = 3, sample_size = 1)]
    fn new_file(bencher: Bencher<'_, '_>, count: usize) {
        let folder = folder();
        turns(bencher, File::New, &tables(folder.path(), count), import);
    }

    #[divan::bench(args = COUNTS, sample_count = 3, sample_size = 1)]
    fn existing_file(bencher: Bencher<'_, '_>, count: usize) {
        let folder = folder();
        turns(
            bencher,
            File::Existing,
            &tables(folder.path(), count),
            import,
        );
    }

    #[divan::bench(args = COUNTS, sample_count = 3, sample_size = 1)]
    fn sqlite3(bencher: Bencher<'_, '_>, count: usize) {
        if has_sqlite3() {
            let folder = folder();
            turns(
                bencher,
                File::New,
                &tables(folder.path(), count),
                super::sqlite3,
            );
        }
    }
}

mod columns_that_take_turns {
    use super::*;

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn new_file(bencher: Bencher<'_, '_>) {
        let folder = folder();
        turns(bencher, File::New, &columns(folder.path()), import);
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn existing_file(bencher: Bencher<'_, '_>) {
        let folder = folder();
        turns(bencher, File::Existing, &columns(folder.path()), import);
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn sqlite3(bencher: Bencher<'_, '_>) {
        if has_sqlite3() {
            let folder = folder();
            turns(bencher, File::New, &columns(folder.path()), super::sqlite3);
        }
    }
}

/// A million rows in one statement, as MySQL-like tools write them.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn one_statement(bencher: Bencher<'_, '_>) {
    let folder = folder();
    let table = "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT);\nINSERT INTO t VALUES";
    let row = |n| {
        let end = if n == ROWS { ';' } else { ',' };
        format!("({n},'name of {n}'){end}")
    };
    let dump = dump_of(folder.path(), ROWS, table, row, "");
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(self::folder)
        .bench_local_refs(|folder| {
            import(&dump, folder.path().join("new.db").to_str().unwrap());
        });
}

/// The million rows of five columns on a server: into it, compared with it, and out of it.
mod five_columns_on_a_server {
    use super::*;

    fn run(bencher: Bencher<'_, '_>, before: bool, words: &'static [&'static str]) {
        let folder = folder();
        let dump = usual(folder.path(), "");
        bencher
            .counter(ItemsCount::new(ROWS))
            .with_inputs(|| {
                let server = Server::start();
                if before {
                    import(&dump, &server.url());
                }
                server
            })
            .bench_local_refs(|server| {
                let mut program = Command::new(env!("CARGO_BIN_EXE_seedbed"));
                program.args(words);
                if words[0] != "export" {
                    program.arg(&dump);
                }
                program.args(["--database", &server.url()]);
                run_to_the_end(program.current_dir(folder.path()));
            });
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn import_(bencher: Bencher<'_, '_>) {
        run(bencher, false, &["import"]);
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn verify(bencher: Bencher<'_, '_>) {
        run(bencher, true, &["verify"]);
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn export(bencher: Bencher<'_, '_>) {
        run(bencher, true, &["export"]);
    }
}

/// Narrow rows: three columns.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn server(bencher: Bencher<'_, '_>) {
    let folder = folder();
    let dump = dump(
        folder.path(),
        "CREATE TABLE t(id INTEGER PRIMARY KEY,name TEXT,n INTEGER);",
        |n| format!("'name of {n}',{}", n * 7919 % ROWS),
        "",
    );
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(Server::start)
        .bench_local_refs(|server| import(&dump, &server.url()));
}

enum Server {
    Ours(seedbed_test_server::Server),
    Sqld {
        child: Child,
        url: String,
        _folder: TempDir,
    },
}

impl Server {
    fn start() -> Server {
        let Some(program) = std::env::var_os("SEEDBED_TEST_SQLD") else {
            let options = seedbed_test_server::Options::default();
            return Server::Ours(seedbed_test_server::Server::start(options).unwrap());
        };
        let folder = folder();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = Command::new(program)
            .arg("-d")
            .arg(folder.path().join("data"))
            .args(["--no-welcome", "--disable-metrics", "--http-listen-addr"])
            .arg(address.to_string())
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Server::Sqld {
            child,
            url: format!("http://{address}"),
            _folder: folder,
        }
    }

    fn url(&self) -> String {
        match self {
            Server::Ours(server) => server.url(),
            Server::Sqld { url, .. } => url.clone(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Server::Sqld { child, .. } = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

//! `seedbed-turso-server`: the Turso engine behind Hrana v3, as a program that the specifications of seedbed start
//! where `SEEDBED_TEST_TURSO` names it. It prints one line, `{"url":…}` as JSON, and runs until its standard input
//! ends. It has one database in a temporary folder, checks no token, and speaks JSON only.

mod database;
mod http;
mod program;
mod value;

use std::io::Write;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use self::database::Database;

/// What goes wrong in this program is reported as its text.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// A debug build of the engine needs more than the usual 2 MB for the statements of a guard.
const STACK: usize = 64 << 20;

fn main() -> Result<(), Error> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_all();
    runtime.build()?.block_on(listen())
}

async fn listen() -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("data.db");
    let database = Arc::new(Database::open(file.to_str().ok_or("the folder is not UTF-8")?).await?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut output = std::io::stdout();
    writeln!(output, "{}", serde_json::json!({ "url": url }))?;
    output.flush()?;
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    loop {
        tokio::select! {
            client = listener.accept() => {
                let database = Arc::clone(&database);
                tokio::spawn(http::serve(client?.0, database));
            }
            read = input.read(&mut buffer) => if matches!(read, Ok(0) | Err(_)) {
                break;
            },
        }
    }
    drop(folder);
    // A read of standard input may still block a thread.
    std::process::exit(0)
}

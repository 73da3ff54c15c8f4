//! A server for one specification: our own, in this process; the real sqld where `SEEDBED_TEST_SQLD` names it, and the
//! Turso engine where `SEEDBED_TEST_TURSO` names `tests/turso-server`.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on loopback, which ends with the value.
pub(crate) enum Server {
    Ours(seedbed_test_server::Server),
    Sqld(Sqld),
    Turso(Turso),
}

impl Server {
    pub(crate) fn start() -> Server {
        if let Some(program) = std::env::var_os("SEEDBED_TEST_TURSO") {
            return Server::Turso(Turso::start(&program));
        }
        match std::env::var_os("SEEDBED_TEST_SQLD") {
            Some(program) => Server::Sqld(Sqld::start(&program)),
            None => Server::Ours(ours(seedbed_test_server::Options::default())),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Server::Ours(server) => server.url(),
            Server::Sqld(sqld) => sqld.url(),
            Server::Turso(turso) => turso.url.clone(),
        }
    }
}

/// Our own server, which counts requests and goes wrong on request.
pub(crate) fn ours(options: seedbed_test_server::Options) -> seedbed_test_server::Server {
    seedbed_test_server::Server::start(options).unwrap()
}

/// The real server, as a process.
pub(crate) struct Sqld {
    child: Child,
    program: OsString,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Sqld {
    /// None where no program is named.
    pub(crate) fn of_the_environment() -> Option<Sqld> {
        std::env::var_os("SEEDBED_TEST_SQLD").map(|program| Sqld::start(&program))
    }

    fn start(program: &std::ffi::OsStr) -> Sqld {
        let folder = tempfile::tempdir().unwrap();
        // The system gives a free port; it is free again once the listener is gone.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Sqld {
            child: Sqld::spawn(program, folder.path(), address),
            program: program.to_owned(),
            address,
            folder,
        }
    }

    /// Kills it with SIGKILL, and starts it again on its files and at its address.
    pub(crate) fn crash(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = Sqld::spawn(&self.program, self.folder.path(), self.address);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// With a log that is compacted at each megabyte.
    fn spawn(program: &std::ffi::OsStr, folder: &Path, address: SocketAddr) -> Child {
        let child = Command::new(program)
            .arg("-d")
            .arg(folder.join("data"))
            .args(["--no-welcome", "--disable-metrics", "--max-log-size", "1"])
            .arg("--http-listen-addr")
            .arg(address.to_string())
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "the server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

impl Drop for Sqld {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Turso engine behind a server of ours, as a process that ends with its standard input.
pub(crate) struct Turso {
    child: Child,
    url: String,
}

impl Turso {
    fn start(program: &std::ffi::OsStr) -> Turso {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap().to_owned();
        Turso { child, url }
    }
}

impl Drop for Turso {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

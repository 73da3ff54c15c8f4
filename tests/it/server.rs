//! A libSQL server for one specification: our own, in this process; the real one where `SEEDBED_TEST_SQLD` names it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on loopback, which ends with the value.
pub(crate) enum Server {
    Ours(seedbed_test_server::Server),
    Sqld(Sqld),
}

impl Server {
    pub(crate) fn start() -> Server {
        match std::env::var_os("SEEDBED_TEST_SQLD") {
            Some(program) => Server::Sqld(Sqld::start(&program)),
            None => Server::Ours(ours(seedbed_test_server::Options::default())),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Server::Ours(server) => server.url(),
            Server::Sqld(sqld) => sqld.url.clone(),
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
    url: String,
    _folder: tempfile::TempDir,
}

impl Sqld {
    fn start(program: &std::ffi::OsStr) -> Sqld {
        let folder = tempfile::tempdir().unwrap();
        // The system gives a free port; it is free again once the listener is gone.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
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
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "the server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Sqld {
            child,
            url: format!("http://{address}"),
            _folder: folder,
        }
    }
}

impl Drop for Sqld {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The server that a specification holds for: this one, or the real sqld where `SEEDBED_TEST_SQLD` names its
//! binary. A test of both describes what sqld does.

use crate::client::send;
use seedbed_test_server::{Options, Server};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) enum Target {
    Ours(Server),
    Sqld {
        child: Child,
        address: SocketAddr,
        _folder: tempfile::TempDir,
    },
}

impl Target {
    pub(crate) fn start() -> Self {
        match std::env::var_os("SEEDBED_TEST_SQLD") {
            None => Target::Ours(Server::start(Options::default()).unwrap()),
            Some(sqld) => {
                let folder = tempfile::tempdir().unwrap();
                // sqld takes no port 0; no other process takes the one that was just free.
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = free.local_addr().unwrap();
                drop(free);
                let child = Command::new(sqld)
                    .args(["--http-listen-addr", &address.to_string(), "--db-path"])
                    .arg(folder.path())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                while send(address, "GET", "/health", None, "").is_err() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Target::Sqld {
                    child,
                    address,
                    _folder: folder,
                }
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Target::Ours(server) => server.address(),
            Target::Sqld { address, .. } => *address,
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Target::Sqld { child, .. } = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

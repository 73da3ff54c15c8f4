//! A libSQL server for one specification: the real one where `SEEDBED_TEST_SQLD` names it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on loopback, which ends with the value.
pub(crate) struct Server {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Server {
        let sqld = std::env::var_os("SEEDBED_TEST_SQLD").unwrap();
        let folder = tempfile::tempdir().unwrap();
        // The system gives a free port; it is free again once the listener is gone.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let child = Command::new(sqld)
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
        Server {
            child,
            url: format!("http://{address}"),
            _folder: folder,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

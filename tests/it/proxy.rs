//! Servers that are reached through a proxy: which variables name it, what goes through it, and what is printed about
//! it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use seedbed::db::{Db, Options, Proxy, Query};
use seedbed::sql::Value;
use seedbed_test_server::Server;

use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

/// A proxy on loopback. Whatever host it is asked for, it connects to one server, or refuses.
pub(crate) struct Forward {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Forward {
    pub(crate) fn to(server: Option<SocketAddr>) -> Forward {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = heads.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, kept) = (client.unwrap(), kept.clone());
                std::thread::spawn(move || serve(client, server, &kept));
            }
        });
        Forward { address, heads }
    }

    /// The first line of each request, and `with TEXT` where it shows who asks.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        let asked = heads.iter().map(|head| {
            let line = head.lines().next().unwrap_or_default();
            let user = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization")
                    .then_some(value)
            });
            match user {
                Some(user) => format!("{line} with {user}"),
                None => line.to_owned(),
            }
        });
        asked.collect()
    }
}

fn serve(mut client: TcpStream, server: Option<SocketAddr>, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    heads.lock().unwrap().push(text.clone());
    let Some(server) = server else {
        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        return;
    };
    let mut server = TcpStream::connect(server).unwrap();
    match text.starts_with("CONNECT ") {
        true => client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .unwrap(),
        false => server.write_all(&head).unwrap(),
    }
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let there = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = there.join();
}

fn through(forward: &Forward, user: &str) -> Options {
    Options::default().proxy(Proxy::parse(&format!("http://{user}{}", forward.address)))
}

fn with_a_row() -> Server {
    let server = ours(seedbed_test_server::Options::default());
    let project =
        Project::new().migration("V1__a", "CREATE TABLE a (x);\nINSERT INTO a VALUES (7);\n");
    let ran = project.run(&format!("migrate --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
    server
}

async fn row(db: &Db) -> Value {
    let answers = db.query(vec![Query::new("SELECT x FROM a")]).await.unwrap();
    answers[0].as_ref().unwrap()[0][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_a_server_go_through_its_proxy() {
    let server = with_a_row();
    let forward = Forward::to(Some(server.address()));
    let db = Db::remote("http://db.example", None, through(&forward, "me:secret@")).unwrap();
    assert_eq!(row(&db).await, Value::Integer(7));
    assert_eq!(
        forward.asked(),
        ["POST http://db.example/v3/pipeline HTTP/1.1 with Basic bWU6c2VjcmV0"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_goes_through_the_proxy_too() {
    let server = with_a_row();
    let forward = Forward::to(Some(server.address()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replica.db");
    let options = through(&forward, "me:secret@");
    let db = Db::replica(&file, "http://db.example", None, options).unwrap();
    db.sync().await.unwrap();
    assert_eq!(row(&db.offline().unwrap()).await, Value::Integer(7));
    let asked = forward.asked();
    let tunnel = "CONNECT db.example:80 HTTP/1.1 with Basic bWU6c2VjcmV0";
    assert!(asked.iter().any(|it| it == tunnel), "{asked:?}");
}

const URL: &str = "libsql://db.example";

fn project(forward: &Forward, name: &str, mode: &str) -> Project {
    Project::new()
        .env("TURSO_DATABASE_URL", URL)
        .env("TURSO_AUTH_TOKEN", "a.b.c")
        .env(mode, "YES")
        .env(name, &format!("http://me:secret@{}", forward.address))
}

fn checked(ran: &Ran) -> &Ran {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("secret"), "{ran}");
    }
    ran
}

#[test]
fn a_proxy_of_the_environment_is_used_and_named_without_its_password() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for mode in ["USE_TURSO", "USE_EMBEDDED_REPLICA"] {
            let forward = Forward::to(None);
            let project = project(&forward, name, mode);
            let shown = format!("http://***@{}", forward.address);
            let ran = project.run("migrate --yes");
            assert_eq!(checked(&ran).code, Some(1), "{ran}");
            let words = format!("cannot reach db.example through the proxy {shown}");
            assert!(ran.stderr.contains(&words), "{ran}");
            let asked = forward.asked();
            assert!(!asked.is_empty());
            for line in asked {
                let tunnel = "CONNECT db.example:443 HTTP/1.1 with Basic bWU6c2VjcmV0";
                assert_eq!(line, tunnel);
            }
            let ran = project.run("config");
            let row = ran.stdout.lines().find(|line| line.starts_with("proxy"));
            let row = row.unwrap_or_else(|| panic!("{ran}"));
            assert!(row.contains(&shown) && row.contains(name), "{ran}");
            let ran = project.run("doctor");
            let words = format!("requests go through {shown} ({name} from the environment)");
            assert!(checked(&ran).stdout.contains(&words), "{ran}");
        }
    }
}

#[test]
fn doctor_tells_the_proxy_from_the_server() {
    let forward = Forward::to(None);
    for (url, words) in [
        (
            "libsql://db.example",
            "cannot reach db.example through the proxy",
        ),
        ("http://db.example", "it may be the proxy's own"),
    ] {
        let project = Project::new()
            .env("TURSO_DATABASE_URL", url)
            .env("USE_TURSO", "YES")
            .env("ALL_PROXY", &format!("http://{}", forward.address));
        let (project, line) = match url.starts_with("http:") {
            true => (project, "doctor --allow-plain-http"),
            false => (project.env("TURSO_AUTH_TOKEN", "a.b.c"), "doctor"),
        };
        let ran = project.run(line);
        let connected = format!("connected to the proxy at {}", forward.address);
        for words in [
            connected.as_str(),
            words,
            "check whether the proxy lets you reach that host",
        ] {
            assert!(ran.stdout.contains(words), "{words} is not in\n{ran}");
        }
    }
    let project =
        project(&forward, "ALL_PROXY", "USE_TURSO").env("ALL_PROXY", "http://127.0.0.1:1");
    let ran = project.run("doctor");
    assert!(
        ran.stdout
            .contains("no connection to the proxy: 127.0.0.1:1"),
        "{ran}"
    );
}

#[test]
fn a_server_that_is_exempt_or_on_this_machine_is_reached_without_a_proxy() {
    let server = with_a_row();
    let forward = Forward::to(None);
    let proxy = format!("http://{}", forward.address);
    let mut project = Project::new();
    for name in ["http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        project = project.env(name, &proxy);
    }
    let ran = project.run(&format!("status --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
    for (name, value) in [("NO_PROXY", ".example"), ("no_proxy", "*")] {
        let exempt = self::project(&forward, "HTTPS_PROXY", "USE_TURSO").env(name, value);
        let ran = exempt.run("config");
        let row = ran.stdout.lines().find(|line| line.starts_with("proxy"));
        let row = row.unwrap_or_else(|| panic!("{ran}"));
        assert!(row.contains("none") && row.contains(name), "{ran}");
    }
    assert_eq!(forward.asked(), [""; 0]);
}

#[test]
fn a_variable_that_is_no_proxy_is_a_problem_only_where_it_would_be_used() {
    let project = Project::new().env("HTTPS_PROXY", "ftp://me:secret@proxy");
    let ran = project.run("status");
    assert_eq!(ran.code, Some(0), "{ran}");
    let project = project
        .env("TURSO_DATABASE_URL", URL)
        .env("TURSO_AUTH_TOKEN", "a.b.c")
        .env("USE_TURSO", "YES");
    let ran = project.run("status");
    assert_eq!(checked(&ran).code, Some(2), "{ran}");
    let words = "HTTPS_PROXY from the environment is no URL of a proxy";
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn a_sync_that_cannot_use_the_proxy_says_so() {
    let forward = Forward::to(None);
    let project = project(&forward, "NOTHING", "USE_EMBEDDED_REPLICA").env(
        "ALL_PROXY",
        &format!("socks5://me:secret@{}", forward.address),
    );
    let ran = project.run("status");
    let words = "warning: a sync of the replica goes around the proxy socks5://***@";
    assert!(checked(&ran).stderr.contains(words), "{ran}");
}

#[cfg(target_os = "linux")]
#[test]
fn variables_that_lead_to_no_certificates_are_named() {
    let forward = Forward::to(None);
    let project = project(&forward, "HTTPS_PROXY", "USE_TURSO")
        .env("SSL_CERT_FILE", "/nonexistent.pem")
        .env("SSL_CERT_DIR", "/nonexistent");
    let ran = project.run("migrate");
    assert_eq!(checked(&ran).code, Some(1), "{ran}");
    assert!(ran.stderr.contains("error[no-ca-certificates]"), "{ran}");
    let named = "SSL_CERT_FILE (/nonexistent.pem) or SSL_CERT_DIR (/nonexistent)";
    assert!(ran.stderr.contains(named), "{ran}");
    assert_eq!(forward.asked(), [""; 0]);
    // A server that is not encrypted needs none.
    let server = with_a_row();
    let ran = project.run(&format!("status --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_change_of_a_remote_is_asked_for_with_the_command_that_was_typed() {
    let forward = Forward::to(None);
    let project = project(&forward, "HTTPS_PROXY", "USE_TURSO")
        .file("it's a dump.sql", "CREATE TABLE a (x);\n");
    let ran = project.run("undo --steps 2");
    assert_eq!(checked(&ran).code, Some(2), "{ran}");
    assert!(ran.stderr.contains("error[needs-yes]"), "{ran}");
    assert!(
        ran.stderr.contains("`seedbed undo --steps 2 --yes`"),
        "{ran}"
    );
    let mut command = project.command("import");
    command.args(["it's a dump.sql", "--verify", "none"]);
    let ran = project.start(command, "import").finish();
    assert_eq!(checked(&ran).code, Some(2), "{ran}");
    let help = r"`seedbed import 'it'\''s a dump.sql' --verify none --yes`";
    assert!(ran.stderr.contains(help), "{ran}");
    assert_eq!(forward.asked(), [""; 0]);
}

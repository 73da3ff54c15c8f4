//! The forms that name a database.

use crate::config::{Form, RemoteUrl, UrlError};

#[test]
fn addresses_of_private_networks_are_known() {
    let private = [
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.1.10",
        "169.254.9.2",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "[::1]",
        "[fd00:5::2]",
        "[fc00::1]",
        "[fe80::1]",
        // What a name stands for is not looked up.
        "sqld",
        "db.internal.example",
    ];
    let public = [
        "9.255.255.255",
        "11.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.1.1",
        "192.169.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "169.253.0.1",
        "203.0.113.2",
        "8.8.8.8",
        "0.0.0.0",
        "[2001:db8::2]",
        "[fe00::1]",
        "[::ffff:8.8.8.8]",
        "turso.io",
        "app-org.turso.io",
        "app-org.turso.io.",
    ];
    for (hosts, expect) in [(&private[..], true), (&public[..], false)] {
        for host in hosts {
            let url = RemoteUrl::parse(&format!("http://{host}:8080")).unwrap();
            assert_eq!(url.may_be_private(), expect, "{host}");
        }
    }
}

#[test]
fn a_remote_url_has_one_base_whatever_its_spelling() {
    let cases = [
        ("libsql://db.turso.io", "https://db.turso.io", false),
        ("LIBSQL://DB.Turso.io/", "https://db.turso.io", false),
        ("db-org.turso.io", "https://db-org.turso.io", false),
        ("db.example.com:8443/", "https://db.example.com:8443", false),
        ("wss://db.turso.io", "https://db.turso.io", false),
        ("ws://localhost:8080", "http://localhost:8080", true),
        ("http://LOCALHOST.:80", "http://localhost.:80", true),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", true),
        ("http://127.255.0.9", "http://127.255.0.9", true),
        ("http://[::1]:8080/", "http://[::1]:8080", true),
        ("http://[0:0::1]", "http://[::1]", true),
        ("https://[2001:db8::1]:1", "https://[2001:db8::1]:1", false),
        ("http://10.0.0.1", "http://10.0.0.1", false),
        ("http://0.0.0.0:1", "http://0.0.0.0:1", false),
        (
            "http://localhost.example.com",
            "http://localhost.example.com",
            false,
        ),
        (
            "http://127.0.0.1.example.com",
            "http://127.0.0.1.example.com",
            false,
        ),
        ("https://h/a/b//", "https://h/a/b", false),
        (" https://h/%20 ", "https://h/%20", false),
        ("https://my_db.h", "https://my_db.h", false),
    ];
    for (text, base, loopback) in cases {
        let url = RemoteUrl::parse(text).unwrap();
        assert_eq!(
            (url.base().as_str(), url.is_loopback()),
            (base, loopback),
            "{text}"
        );
        assert_eq!(RemoteUrl::parse(&url.to_string()), Ok(url), "{text}");
    }
}

#[test]
fn a_url_that_could_mean_two_things_is_refused() {
    use UrlError::*;
    let cases = [
        ("", Empty),
        ("libsql://", Host),
        ("libsql://?x", Parameters),
        ("libsql:///path", Host),
        ("libsql://h?tls=0", Parameters),
        ("libsql://h#x", Parameters),
        ("libsql://u:p@h", Credentials),
        ("libsql://h:0", Port),
        ("libsql://h:", Port),
        ("libsql://h:65536", Port),
        ("libsql://h:+80", Port),
        ("libsql://::1", Brackets),
        ("libsql://[::1", Host),
        ("libsql://[::1]x", Host),
        ("libsql://[fe80::1%eth0]", Host),
        ("libsql://127.1", Host),
        ("libsql://0x7f.0x1", Host),
        ("libsql://2130706433", Host),
        ("libsql://a..b", Host),
        ("libsql://h\\x", Path),
        ("libsql://h/a b", Path),
        ("libsql://h h", Host),
        ("libsql://b\u{fc}cher", Host),
        ("localhost:8080", LoopbackScheme),
        ("127.0.0.1:8080", LoopbackScheme),
        ("local.db", File),
        ("file:local.db", File),
        ("file:///local.db", File),
        ("./x", File),
        ("mysql://h", Scheme("mysql".to_owned())),
    ];
    for (text, error) in cases {
        assert_eq!(RemoteUrl::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_database_is_a_file_memory_or_a_remote() {
    let file = |path: &str| Ok(Form::File(path.to_owned()));
    let cases = [
        ("app.db", file("app.db")),
        (" ./a b/app.db ", file("./a b/app.db")),
        ("file:app.db", file("app.db")),
        ("FILE:/x/app.db", file("/x/app.db")),
        ("file:///x/app.db", file("/x/app.db")),
        ("file://localhost/x/app.db", file("/x/app.db")),
        ("C:\\app.db", file("C:\\app.db")),
        (":memory:", Ok(Form::Memory)),
        ("file::memory:", Ok(Form::Memory)),
        ("file::memory:?cache=shared", Err(UrlError::FileExtras)),
        ("file:a%20b.db", Err(UrlError::FileExtras)),
        ("file://app.db", Err(UrlError::FileHost)),
        ("file:", Err(UrlError::Empty)),
        (":memory", Err(UrlError::Colon)),
        ("https:host", Err(UrlError::NoSlashes)),
        ("sqlite:app.db", file("app.db")),
        ("sqlite://app.db", file("app.db")),
        ("sqlite:///x/app.db", file("/x/app.db")),
        ("SQLite://./data/app.db", file("./data/app.db")),
        ("sqlite::memory:", Ok(Form::Memory)),
        ("sqlite://:memory:", Ok(Form::Memory)),
        ("sqlite://app.db?mode=ro", Err(UrlError::FileExtras)),
        ("sqlite://app.db?mode=rwc", file("app.db")),
        ("sqlite:app.db?mode=rwc&cache=shared", file("app.db")),
        ("sqlite3:///x/app.db", file("/x/app.db")),
        (
            "file:./app.db?connection_limit=1&socket_timeout=10",
            file("./app.db"),
        ),
        (
            "file:app.db?_pragma=journal_mode(WAL)&_txlock=immediate",
            file("app.db"),
        ),
        ("file:app.db?mode=memory", Err(UrlError::FileExtras)),
        ("file:app.db?mode=rwx", Err(UrlError::FileExtras)),
        ("file:app.db?mode=rwc&vfs=memdb", Err(UrlError::FileExtras)),
        ("sqlite:?mode=rwc", Err(UrlError::Empty)),
        ("sqlite:", Err(UrlError::Empty)),
        ("db-org.turso.io", Err(UrlError::TursoHost)),
        ("localhost:8080", Err(UrlError::LoopbackScheme)),
        ("app", file("app")),
    ];
    for (text, expect) in cases {
        assert_eq!(Form::parse(text), expect, "{text}");
    }
    let remote = Form::parse("http://127.0.0.1:8080").unwrap();
    assert!(matches!(remote, Form::Remote(url) if url.is_loopback()));
}

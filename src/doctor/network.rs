//! What was found on the way to a server, in words. Pure.

use std::net::SocketAddr;

use super::Check;
use crate::config::{RemoteUrl, Setting};
use crate::db::{Proxy, RemoteError};
use crate::proxy::THROUGH;

/// What to do where a proxy does not lead to the server.
const PROXY_HELP: &str = "check whether the proxy lets you reach that host; NO_PROXY names hosts that are reached without one";

/// There is a proxy on the way: it looks up the name of the server, and connects to it.
pub(super) fn proxy(proxy: &Setting<Proxy>) -> Check {
    let Setting { value, origin } = proxy;
    Check::ok("proxy", format!("requests go through {value} ({origin})"))
}

/// The host has an address.
pub(super) fn name(host: &str, addresses: &[SocketAddr], peer: Peer) -> Check {
    match addresses {
        [address, ..] if address.ip().to_string() == host => {
            Check::skipped("dns", format!("{host} is an address"))
        }
        [first] => Check::ok("dns", format!("{host} is {}", first.ip())),
        [first, more @ ..] => Check::ok(
            "dns",
            format!("{host} is {}, and {} more", first.ip(), more.len()),
        ),
        [] => no_name(host, "it has no address", peer),
    }
}

/// The host is a name of this machine.
pub(super) fn this_machine(host: &str) -> Check {
    Check::skipped("dns", format!("{host} is this machine"))
}

/// The host has none.
pub(super) fn no_name(host: &str, why: &str, peer: Peer) -> Check {
    let (message, help) = match peer {
        Peer::Server => (
            format!("no address for {host}: {why}"),
            "check whether the URL is spelt right (`turso db show NAME --url`) and whether this machine is online",
        ),
        Peer::Proxy => (
            format!("no address for the proxy {host}: {why}"),
            "check whether the variable that names the proxy is right, and whether this machine is online",
        ),
    };
    Check::error("dns", message).help(help)
}

/// What is connected to: the server, or the proxy before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Server,
    Proxy,
}

/// Something listens there.
pub(super) fn connection(address: SocketAddr, peer: Peer) -> Check {
    let to = match peer {
        Peer::Server => format!("connected to {address}"),
        Peer::Proxy => format!("connected to the proxy at {address}"),
    };
    Check::ok("tcp", to)
}

/// Nothing does.
pub(super) fn no_connection(url: &RemoteUrl, why: &str, peer: Peer) -> Check {
    let (message, help) = match peer {
        Peer::Server if url.is_loopback() => (
            format!("no connection: {why}"),
            "check whether the server runs, and on which port",
        ),
        Peer::Server => (
            format!("no connection: {why}"),
            "check whether the port is right, and whether a firewall or a proxy is in the way",
        ),
        Peer::Proxy => (
            format!("no connection to the proxy: {why}"),
            "check whether the proxy runs, and on which port; NO_PROXY names hosts that are reached without one",
        ),
    };
    Check::error("tcp", message).help(help)
}

/// A connection, and no answer on it.
pub(super) fn silent(url: &RemoteUrl, why: &str) -> Check {
    Check::error(
        "server",
        format!("{} was asked for its version: {why}", url.host()),
    )
    .help("check whether it is the server that you meant; a proxy may hold requests back")
}

/// What came of asking for the version: it tells of TLS too, as the connection is known to work. A proxy may answer for the
/// server where nothing is encrypted.
pub(super) fn answer(
    url: &RemoteUrl,
    version: Result<Option<String>, RemoteError>,
    peer: Peer,
) -> Vec<Check> {
    let may_be_the_proxys = peer == Peer::Proxy && !url.is_encrypted();
    let tls = || match url.is_encrypted() {
        true => Check::ok("tls", "the certificate is good"),
        false => Check::skipped("tls", "the URL asks for none"),
    };
    match version {
        Ok(Some(version)) => vec![tls(), Check::ok("server", version)],
        Ok(None) if may_be_the_proxys => vec![
            tls(),
            Check::warning(
                "server",
                "an answer came through the proxy and tells no version: it may be the proxy's own",
            )
            .help(PROXY_HELP),
        ],
        Ok(None) => vec![
            tls(),
            Check::ok("server", "it answers, and does not tell its version"),
        ],
        Err(ref error @ RemoteError::Unreachable { ref host, .. }) if host.contains(THROUGH) => {
            vec![Check::error("server", error.to_string()).help(PROXY_HELP)]
        }
        Err(RemoteError::Unreachable { why, .. } | RemoteError::NotEncrypted { why, .. })
            if url.is_encrypted() => vec![
            Check::error("tls", format!("no encrypted connection: {why}")).help(
                "check whether the host is right, whether the server speaks TLS on this port, and whether the clock of \
                 this machine is",
            ),
        ],
        Err(error @ RemoteError::Redirected { .. }) => vec![
            tls(),
            Check::error("server", error.to_string())
                .help("set TURSO_DATABASE_URL to the URL of the database itself"),
        ],
        Err(error) if may_be_the_proxys => vec![
            tls(),
            Check::error("server", format!("{error}; the proxy may have answered, and not the server"))
                .help(PROXY_HELP),
        ],
        Err(error) => vec![
            tls(),
            Check::error("server", error.to_string())
                .help("check whether the port is that of a libSQL server, and whether it speaks TLS"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn shown(check: &Check) -> String {
        let help = check.help.as_ref().map(|help| format!("help: {help}\n"));
        let state = check.state.word();
        format!(
            "{state} {}: {}\n{}",
            check.name,
            check.message,
            help.unwrap_or_default()
        )
    }

    #[test]
    fn each_step_to_a_server_says_what_failed() {
        let url = RemoteUrl::parse("libsql://app-org.turso.io").unwrap();
        let host = || "app-org.turso.io".to_owned();
        let all = |checks: Vec<Check>| checks.iter().map(shown).collect::<String>();
        let good = Ok(Some("sqld 0.24.33".to_owned()));
        expect![[r#"
            ok tls: the certificate is good
            ok server: sqld 0.24.33
        "#]]
        .assert_eq(&all(answer(&url, good, Peer::Server)));
        let tls = Err(RemoteError::Unreachable {
            host: host(),
            why: "invalid peer certificate: Expired".to_owned(),
        });
        expect![[r#"
            error tls: no encrypted connection: invalid peer certificate: Expired
            help: check whether the host is right, whether the server speaks TLS on this port, and whether the clock of this machine is
        "#]].assert_eq(&all(answer(&url, tls, Peer::Server)));
        let lost = Err(RemoteError::Lost {
            host: host(),
            why: "connection reset by peer".to_owned(),
        });
        let plain = RemoteUrl::parse("http://127.0.0.1:8080").unwrap();
        expect![[r#"
            skipped tls: the URL asks for none
            error server: the connection to app-org.turso.io broke before the answer came: connection reset by peer
            help: check whether the port is that of a libSQL server, and whether it speaks TLS
        "#]].assert_eq(&all(answer(&plain, lost, Peer::Server)));
        expect![[r#"
            error dns: no address for app-org.turso.io: not found
            help: check whether the URL is spelt right (`turso db show NAME --url`) and whether this machine is online
        "#]].assert_eq(&shown(&no_name("app-org.turso.io", "not found", Peer::Server)));
        expect![[r#"
            error tcp: no connection: 127.0.0.1:8080: refused
            help: check whether the server runs, and on which port
        "#]]
        .assert_eq(&shown(&no_connection(
            &plain,
            "127.0.0.1:8080: refused",
            Peer::Server,
        )));
        expect![[r#"
            skipped dns: 127.0.0.1 is an address
        "#]]
        .assert_eq(&shown(&name(
            "127.0.0.1",
            &["127.0.0.1:8080".parse().unwrap()],
            Peer::Server,
        )));
    }
}

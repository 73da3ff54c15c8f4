//! The client of a server: whom it connects to and how, and why it did not.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::db::{LOOPBACK, Proxy, RemoteError, is_loopback_name};

/// How long a connection may take. The answer may take longer: a script can run for long.
const CONNECT: Duration = Duration::from_secs(10);

/// `base` as in [`Server::new`](super::Server::new); `host` is what errors call the server.
pub(super) fn client(
    base: &str,
    host: &str,
    proxy: Option<&Proxy>,
) -> Result<reqwest::Client, RemoteError> {
    let is_encrypted = base.starts_with("https:") || proxy.is_some_and(Proxy::is_encrypted);
    let tls = tls_config(is_encrypted).map_err(|error| RemoteError::NoCertificates {
        host: host.to_owned(),
        named: certificates_named(),
        why: error.to_string(),
    })?;
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("seedbed/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        // The environment is not asked.
        .no_proxy();
    let unusable = |error: reqwest::Error| RemoteError::Unreachable {
        host: host.to_owned(),
        why: innermost(&error),
    };
    let name = host_name(base);
    if is_loopback_name(name) {
        // The port is that of the URL.
        client = client.resolve_to_addrs(name, &LOOPBACK.map(|address| (address, 0).into()));
    }
    if let Some(proxy) = proxy {
        client = client.proxy(reqwest::Proxy::all(proxy.url()).map_err(unusable)?);
    }
    client.build().map_err(unusable)
}

/// The variables by which the environment names certificates, for an error: the library that looks for them reads these.
fn certificates_named() -> String {
    let set = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some(format!("{name} ({})", value.to_string_lossy()))
        });
    set.collect::<Vec<_>>().join(" or ")
}

/// The host of a URL without its port.
fn host_name(base: &str) -> &str {
    let authority = authority(base);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Host and port of a URL.
pub(super) fn authority(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// How connections are encrypted, with a provider of its own: the one of the process belongs to the application. Where
/// there is none to encrypt, the certificates of the system are not asked for, since it may have none.
fn tls_config(is_encrypted: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match is_encrypted {
        true => config.with_platform_verifier()?,
        false => config.with_root_certificates(RootCertStore::empty()),
    };
    Ok(config.with_no_client_auth())
}

/// Why there is no encrypted connection, where that is the cause.
pub(super) fn tls(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(here) = cause {
        match here.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidMessage(_)) => {
                return Some("what answers does not speak TLS".to_owned());
            }
            Some(error) => return Some(error.to_string()),
            None => {}
        }
        // What an I/O error holds is not its source.
        let io = here.downcast_ref::<std::io::Error>();
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(held) => Some(held),
            None => here.source(),
        };
    }
    None
}

/// The cause beneath all the others: the client's own words only say that a request failed, and name its URL.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

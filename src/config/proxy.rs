//! The proxy for a server: which variable names it, and whether the server is exempt. Pure.
//!
//! The variables are those of curl, <https://curl.se/docs/manpage.html#ENVIRONMENT>, and come from the environment only.

use super::RemoteUrl;
use super::layers::{Level, Sources};
use super::origin::Setting;
#[cfg(feature = "remote")]
use super::problem::problem_with;
use super::variables;
use crate::diagnostic::Diagnostic;
use crate::proxy::Proxy;

/// The proxy for this server; the inner `None` where a variable exempts it. A server on this machine has none.
pub(super) fn proxy(
    sources: &Sources,
    url: &RemoteUrl,
) -> Result<Option<Setting<Option<Proxy>>>, Box<Diagnostic>> {
    let set = |name: &&'static str| sources.at(Level::Environment, name);
    let names: &[&'static str] = match url.is_encrypted() {
        true => &variables::HTTPS_PROXY,
        // Not in capital letters: a client of a CGI program can set `HTTP_PROXY` with a header `Proxy`.
        false => &variables::HTTP_PROXY,
    };
    let named = names.iter().chain(&variables::ALL_PROXY).find_map(set);
    match named {
        Some(named) if !url.is_loopback() => {
            let exempt = variables::NO_PROXY.iter().find_map(set);
            decided(named, exempt, url)
        }
        _ => Ok(None),
    }
}

#[cfg(feature = "remote")]
fn decided(
    named: Setting<String>,
    exempt: Option<Setting<String>>,
    url: &RemoteUrl,
) -> Result<Option<Setting<Option<Proxy>>>, Box<Diagnostic>> {
    if let Some(exempt) = exempt
        && crate::proxy::exempts(&exempt.value, url.host())
    {
        return Ok(Some(exempt.map(|_| None)));
    }
    match Proxy::parse(&named.value) {
        Some(proxy) => Ok(Some(named.map(|_| Some(proxy)))),
        None => Err(Box::new(
            problem_with(&named.origin, "is no URL of a proxy").help(
                "write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT; NO_PROXY names hosts that are reached \
                 without a proxy",
            ),
        )),
    }
}

#[cfg(not(feature = "remote"))]
fn decided(
    _named: Setting<String>,
    _exempt: Option<Setting<String>>,
    _url: &RemoteUrl,
) -> Result<Option<Setting<Option<Proxy>>>, Box<Diagnostic>> {
    Ok(None)
}

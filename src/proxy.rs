//! The HTTP proxy that requests go through. Pure: the variables that name one are arguments, and nothing is connected to.
//!
//! Parsing and the rules of `NO_PROXY` are those of `hyper-util`, which `reqwest` uses too.

use std::fmt;

/// What errors call a server that is reached through a proxy: its host, these words, the proxy.
#[cfg(any(feature = "remote", feature = "report"))]
pub(crate) const THROUGH: &str = " through the proxy ";

/// A proxy. `Display` and `Debug` show neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: String,
    scheme: String,
    host: String,
    port: u16,
    /// The value of a `Proxy-Authorization` header.
    authorization: Option<String>,
    has_user: bool,
}

impl Proxy {
    /// Reads `http://user:password@host:port`; schemes are `http`, `https`, `socks4`, `socks4a`, `socks5` and `socks5h`,
    /// and without a scheme it is `http`. None where it is none of these.
    #[cfg(feature = "remote")]
    pub fn parse(text: &str) -> Option<Proxy> {
        let text = text.trim();
        let intercept = intercept(text, "", "any.example")?;
        let uri = intercept.uri();
        let scheme = uri.scheme_str()?.to_owned();
        let port = uri.port_u16().unwrap_or(match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => 1080,
        });
        let header = intercept.basic_auth().and_then(|it| it.to_str().ok());
        Some(Proxy {
            url: match text.contains("://") {
                true => text.to_owned(),
                false => format!("http://{text}"),
            },
            host: uri.host()?.to_owned(),
            port,
            authorization: header.map(str::to_owned),
            has_user: header.is_some() || intercept.raw_auth().is_some(),
            scheme,
        })
    }

    /// The URL with user and password, for the client that connects.
    #[cfg(feature = "remote")]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, by the scheme where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is an HTTP proxy that is itself reached without TLS.
    pub fn is_plain_http(&self) -> bool {
        self.scheme == "http"
    }

    /// Whether TLS is needed to reach the proxy itself.
    #[cfg(feature = "remote")]
    pub(crate) fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    /// The value of the header that an HTTP proxy asks for.
    #[cfg(feature = "replica")]
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proxy {
            scheme, host, port, ..
        } = self;
        let user = if self.has_user { "***@" } else { "" };
        write!(f, "{scheme}://{user}{host}:{port}")
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether this value of `NO_PROXY` exempts a host.
#[cfg(feature = "remote")]
pub(crate) fn exempts(no_proxy: &str, host: &str) -> bool {
    // The library matches `*` with names only.
    let entries = no_proxy.split([',', ' ', '\t']);
    entries.clone().any(|entry| entry == "*")
        || intercept(
            "http://any.example",
            &entries.collect::<Vec<_>>().join(","),
            host,
        )
        .is_none()
}

#[cfg(feature = "remote")]
fn intercept(
    proxy: &str,
    no_proxy: &str,
    host: &str,
) -> Option<hyper_util::client::proxy::matcher::Intercept> {
    let matcher = hyper_util::client::proxy::matcher::Matcher::builder()
        .all(proxy.to_owned())
        .no(no_proxy.to_owned())
        .build();
    matcher.intercept(&format!("http://{host}/").parse().ok()?)
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_user_and_password() {
        for (text, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("proxy:3128", "http://proxy:3128"),
            ("http://proxy", "http://proxy:80"),
            ("https://proxy/", "https://proxy:443"),
            ("socks5h://me:secret@proxy", "socks5h://***@proxy:1080"),
            ("http://me:secret@[::1]:3128/x", "http://***@[::1]:3128"),
            ("me:secret@proxy:3128", "http://***@proxy:3128"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(proxy.to_string(), shown, "{text}");
            assert_eq!(format!("{proxy:?}"), shown, "{text}");
        }
        for text in [
            "",
            "ftp://proxy",
            "http://",
            "a b",
            "http://me:se cret@proxy",
        ] {
            assert_eq!(Proxy::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_proxy_exempts_domains_addresses_and_networks() {
        for (list, host) in [
            ("*", "db.example"),
            ("*", "10.1.2.3"),
            ("localhost, *", "10.1.2.3"),
            ("db.example", "db.example"),
            ("DB.Example", "db.example"),
            (".example", "db.example"),
            ("example", "db.example"),
            ("a.com,example", "db.example"),
            ("a.com example", "db.example"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("fd00::/8", "[fd00::1]"),
        ] {
            assert!(exempts(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("", "db.example"),
            (",", "db.example"),
            ("b.example", "db.example"),
            ("other.com", "db.example"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("fd00::/8", "[fe00::1]"),
        ] {
            assert!(!exempts(list, host), "{list} {host}");
        }
    }
}

//! The connections of the `libsql` crate's replica: to its primary, and never to another host.
//!
//! The crate follows redirects of Turso's protocol, and sends the token with them to whatever host they name.

use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::client::HttpConnector;
use hyper::service::Service;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};

use super::remote::location;

type Inner = HttpsConnector<HttpConnector>;

/// Connects to one scheme, host and port.
#[derive(Clone)]
pub(super) struct OnlyTo {
    primary: Origin,
    token: String,
    inner: Inner,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    is_encrypted: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Origin> {
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Origin {
            is_encrypted,
            host: uri.host()?.to_ascii_lowercase(),
            port: uri
                .port_u16()
                .unwrap_or(if is_encrypted { 443 } else { 80 }),
        })
    }
}

impl OnlyTo {
    /// As the crate's own connector is made. `base` is the URL of the primary.
    pub(super) fn new(base: &str, token: &str) -> Result<OnlyTo, String> {
        let uri: Option<Uri> = base.parse().ok();
        let primary = uri.as_ref().and_then(Origin::of);
        let primary = primary.ok_or("the URL of the primary has no host")?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| error.to_string())?;
        Ok(OnlyTo {
            primary,
            token: token.to_owned(),
            inner: builder.https_or_http().enable_http1().wrap_connector(http),
        })
    }
}

impl Service<Uri> for OnlyTo {
    type Response = <Inner as Service<Uri>>::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match Origin::of(&uri) {
            Some(origin) if origin == self.primary => self.inner.call(uri),
            _ => {
                let to = location(uri.to_string().as_bytes(), "", "", Some(&self.token)).shown;
                let why = format!("the primary redirects to {to}, and redirects are not followed");
                Box::pin(ready(Err(why.into())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Option<Origin> {
        Origin::of(&url.parse().unwrap())
    }

    #[test]
    fn one_origin_is_one_scheme_host_and_port() {
        let primary = origin("https://app.turso.io");
        for same in ["https://app.turso.io/sync/1", "https://APP.turso.io:443"] {
            assert_eq!(origin(same), primary, "{same}");
        }
        for other in [
            "http://app.turso.io",
            "http://app.turso.io:443",
            "https://app.turso.io:8443",
            "https://app.turso.io.example.org",
            "https://app.turso.io@example.org",
            "https://turso.io",
            "/sync",
        ] {
            assert_ne!(origin(other), primary, "{other}");
        }
    }
}

//! The connections of the `libsql` crate's replica: to its primary, and never to another host.
//!
//! The crate follows redirects of Turso's protocol, and sends the token with them to whatever host they name.

use std::error::Error;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::client::HttpConnector;
use hyper::service::Service;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::remote::location;
use super::{LOOPBACK, Proxy, is_loopback_name};

type Inner = HttpsConnector<Dial>;

type Fault = Box<dyn Error + Send + Sync>;

/// How long a proxy may take to open a tunnel.
const TUNNEL: Duration = Duration::from_secs(10);

/// The bytes of what a proxy says to that at the most.
const HEAD: usize = 16 << 10;

/// TCP connections; where there is a proxy, through a tunnel of it.
#[derive(Clone)]
pub(super) struct Dial {
    http: HttpConnector,
    proxy: Option<Proxy>,
}

impl Service<Uri> for Dial {
    type Response = TcpStream;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<TcpStream, Fault>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.clone() else {
            let origin = Origin::of(&uri);
            if let Some(origin) = origin.filter(|origin| is_loopback_name(&origin.host)) {
                let addresses = LOOPBACK.map(|address| SocketAddr::from((address, origin.port)));
                return Box::pin(async move {
                    let stream = TcpStream::connect(&addresses[..]).await?;
                    stream.set_nodelay(true)?;
                    Ok(stream)
                });
            }
            let dialled = self.http.call(uri);
            return Box::pin(async { Ok(dialled.await?) });
        };
        let place = format!("http://{}:{}/", proxy.host(), proxy.port());
        let dialled = place.parse().map(|place| self.http.call(place));
        Box::pin(async move {
            let mut stream = dialled?.await?;
            let opened = tokio::time::timeout(TUNNEL, tunnel(&mut stream, &uri, &proxy)).await;
            match opened {
                Ok(Ok(())) => Ok(stream),
                Ok(Err(why)) => Err(format!("the proxy {proxy}: {why}").into()),
                Err(_) => Err(format!("the proxy {proxy} did not answer").into()),
            }
        })
    }
}

/// Asks a proxy for a connection to the server of `uri`.
async fn tunnel(stream: &mut TcpStream, uri: &Uri, proxy: &Proxy) -> Result<(), Fault> {
    let Origin { host, port, .. } = Origin::of(uri).ok_or("the URL of the primary has no host")?;
    let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(value) = proxy.authorization() {
        head.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    // Byte by byte: what follows belongs to the server.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= HEAD {
            return Err("its answer has no end".into());
        }
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or(&[]);
    match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', ..] => Ok(()),
        line => Err(format!("it answered \"{}\"", line.escape_ascii()).into()),
    }
}

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
    pub(super) fn new(base: &str, token: &str, proxy: Option<Proxy>) -> Result<OnlyTo, String> {
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
            inner: builder.https_or_http().enable_http1().wrap_connector(Dial {
                http,
                // Other kinds cannot be used; the code that reads the settings reports that.
                proxy: proxy.filter(Proxy::is_plain_http),
            }),
        })
    }
}

impl Service<Uri> for OnlyTo {
    type Response = <Inner as Service<Uri>>::Response;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Fault>> + Send>>;

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

//! Names of this machine: `localhost` and all names below it. No resolver is asked for them, since not every one knows
//! the names below: <https://www.rfc-editor.org/rfc/rfc6761#section-6.3>.

#[cfg(feature = "remote")]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What such a name stands for, in the order in which the addresses are tried.
#[cfg(feature = "remote")]
pub(crate) const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Whether a host is such a name.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("localhost")
}

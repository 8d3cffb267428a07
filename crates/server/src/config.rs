//! How the server is reached: its address as others see it, and whose word on addresses it takes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::Url;

use crate::watch::HttpMetrics;

/// Settings of the HTTP side. The default serves plain HTTP on a loopback address.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// The address people use, where a proxy stands in front: `https://landfall.example.com`.
    pub public_url: Option<Url>,
    /// Whether this process itself speaks TLS.
    pub tls: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where requests are counted.
    pub metrics: Arc<HttpMetrics>,
}

impl ServerConfig {
    /// Whether browsers reach the server over https: cookies are then `Secure` and `__Host-`.
    pub fn secure(&self) -> bool {
        self.tls || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The name of the session cookie. `__Host-` makes browsers refuse it from other hosts and over http.
    pub(crate) fn session_cookie(&self) -> &'static str {
        if self.secure() { "__Host-landfall" } else { "landfall" }
    }

    /// Who really asks: the peer, or, if that is a trusted proxy, the last address in its
    /// `X-Forwarded-For` that is none itself. What stands before an entry that is no address was not
    /// written by a proxy that is trusted.
    pub(crate) fn remote(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let mut asks = peer.to_canonical();
        for hop in forwarded_for.unwrap_or_default().rsplit(',') {
            if !self.trusts(asks) {
                break;
            }
            match address(hop.trim()) {
                Some(address) => asks = address,
                None => break,
            }
        }
        asks
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == address)
    }

    /// The address of this server as the reader of a link needs it: the public one, or the one asked by.
    pub(crate) fn origin(&self, host: &str) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("{}://{host}", if self.tls { "https" } else { "http" }),
        }
    }
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse::<IpAddr>().ok().or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a trusted proxy's word counts, and only the last hop that is not one itself.
    #[test]
    fn forwarded_addresses() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let config = ServerConfig { trusted_proxies: vec![proxy], ..ServerConfig::default() };
        let header = Some("198.51.100.9, 203.0.113.7, 10.0.0.1");
        assert_eq!(config.remote(proxy, header).to_string(), "203.0.113.7");
        assert_eq!(config.remote("192.0.2.1".parse().unwrap(), header).to_string(), "192.0.2.1");
        assert_eq!(config.remote(proxy, None), proxy);
        assert_eq!(config.remote(proxy, Some("nonsense")), proxy);
        // What someone wrote before an entry that is no address is not believed.
        assert_eq!(config.remote(proxy, Some("198.51.100.9, unknown")), proxy);
        assert_eq!(config.remote(proxy, Some("198.51.100.9:7000")).to_string(), "198.51.100.9");
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(config.remote(mapped, header).to_string(), "203.0.113.7");
    }

    /// Cookies follow the scheme people use.
    #[test]
    fn cookie_names() {
        let plain = ServerConfig::default();
        assert_eq!(plain.session_cookie(), "landfall");
        let public_url = Url::parse("https://landfall.example.com").ok();
        let behind_proxy = ServerConfig { public_url, ..ServerConfig::default() };
        assert_eq!(behind_proxy.session_cookie(), "__Host-landfall");
    }
}

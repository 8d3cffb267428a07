//! The one outbound HTTP client, for every URL that people give: resolve, check, connect to the
//! checked address.
//!
//! Loopback, link-local and metadata addresses are refused unless the policy allows their network.
//! The check is made where names are resolved, so that what is connected to is what was checked,
//! redirects included.

use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use helm::registry::Transport;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::{Host, Url};

use crate::config::{Network, OutboundPolicy};
use crate::error::{Cause, Error};

/// Where clouds give out credentials; allowing it is never the remedy.
const METADATA: &str = "cloud metadata";
const REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_mins(2);
const IDLE: Duration = Duration::from_secs(30);

/// Why an address is not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not reached from here ({why})", self.named())]
pub(crate) struct RefusedAddress {
    host: String,
    address: IpAddr,
    why: &'static str,
    bits: u8,
}

impl RefusedAddress {
    /// What to do, as a sentence.
    pub(crate) fn remedy(&self) -> String {
        if self.why == METADATA {
            return "Give the address of a repository or cluster.".to_owned();
        }
        format!("Start the server with --allow-network {}/{} to allow it.", self.address, self.bits)
    }

    fn named(&self) -> String {
        let Self { host, address, .. } = self;
        if *host == address.to_string() {
            format!("`{host}`")
        } else {
            format!("`{host}` has the address {address}, which")
        }
    }
}

/// An error and what it comes from.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The refusal that made a request fail, if one did: names are only looked at while it is sent.
pub(crate) fn refused<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e RefusedAddress> {
    chain(error).find_map(|error| error.downcast_ref::<RefusedAddress>())
}

/// What a chain of errors began with, in words.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// The guarded client, and the check itself for connections that are not HTTP requests of ours.
pub(crate) struct Outbound {
    client: reqwest::Client,
    guard: Guard,
}

/// The rule, shared by resolver, redirects and literal addresses.
#[derive(Clone)]
struct Guard(Arc<[Network]>);

impl Network {
    /// Whether the network has the address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let shift = |bits: u8, prefix: u8| u32::from(bits - prefix);
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = shift(32, self.prefix);
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = shift(128, self.prefix);
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// What kind of address is refused, if it is.
fn refusal(address: IpAddr) -> Option<&'static str> {
    const METADATA_SERVICES: [IpAddr; 5] = [
        IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
        IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
        IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
        IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    ];
    if METADATA_SERVICES.contains(&address) {
        return Some(METADATA);
    }
    match address {
        IpAddr::V4(v4) if v4.is_loopback() => Some("loopback"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("link-local"),
        IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.is_broadcast() || v4.is_multicast() => {
            Some("not a host")
        }
        IpAddr::V6(v6) if v6.is_loopback() => Some("loopback"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("link-local"),
        IpAddr::V6(v6) if v6.is_unspecified() || v6.is_multicast() => Some("not a host"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// The IPv4 address inside an IPv6 one that stands for it (mapped, NAT64, 6to4), else the address.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let ([0, 0, 0, 0, 0, 0xffff, high, low]
    | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
    | [0x2002, high, low, ..]) = v6.segments()
    else {
        return address;
    };
    IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

impl Guard {
    fn check(&self, host: &str, address: IpAddr) -> Result<(), RefusedAddress> {
        let inner = unwrapped(address);
        let allowed = |address| self.0.iter().any(|network| network.contains(address));
        match refusal(inner) {
            Some(why) if !allowed(inner) && !allowed(address) => Err(RefusedAddress {
                host: host.to_owned(),
                address: inner,
                why,
                bits: if inner.is_ipv4() { 32 } else { 128 },
            }),
            _ => Ok(()),
        }
    }

    /// Checks a URL whose host is an address; names are checked where they are resolved.
    fn check_literal(&self, url: &Url) -> Result<(), RefusedAddress> {
        match url.host() {
            Some(Host::Ipv4(v4)) => self.check(&v4.to_string(), v4.into()),
            Some(Host::Ipv6(v6)) => self.check(&v6.to_string(), v6.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Cause> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
        let mut refused = None;
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| match self.check(host, address.ip()) {
                Ok(()) => true,
                Err(why) => {
                    refused = Some(why);
                    false
                }
            })
            .collect();
        match refused {
            Some(why) if allowed.is_empty() => Err(why.into()),
            _ if allowed.is_empty() => Err(format!("`{host}` has no address").into()),
            _ => Ok(allowed),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = Self::resolve(&guard, name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Outbound {
    pub(crate) fn new(policy: &OutboundPolicy) -> Result<Self, Error> {
        let guard = Guard(policy.allowed_networks.clone().into());
        let redirects = guard.clone();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(guard.clone()))
            .no_proxy()
            // Some servers call a chart archive encoded, which it must stay to be one.
            .no_gzip()
            .redirect(redirect::Policy::custom(move |attempt| {
                if attempt.previous().len() > REDIRECTS {
                    return attempt.error(format!("more than {REDIRECTS} redirects"));
                }
                if !matches!(attempt.url().scheme(), "http" | "https") {
                    return attempt.error("a redirect away from http and https");
                }
                match redirects.check_literal(attempt.url()) {
                    Ok(()) => attempt.follow(),
                    Err(refused) => attempt.error(refused),
                }
            }))
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .read_timeout(IDLE)
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::internal("prepare its HTTP client", e))?;
        Ok(Self { client, guard })
    }

    /// The client for repositories and registries, which checks every address that they name.
    pub(crate) fn transport(&self) -> Transport {
        let guard = self.guard.clone();
        Transport::checked(self.client.clone(), move |url| Ok(guard.check_literal(url)?))
    }

    /// An address of the URL's host that was checked, for connections that others make.
    pub(crate) async fn checked_address(&self, url: &Url) -> Result<SocketAddr, Cause> {
        let port = url.port_or_known_default().ok_or("the address has no port")?;
        match url.host() {
            Some(Host::Ipv4(v4)) => {
                self.guard.check_literal(url)?;
                Ok(SocketAddr::new(v4.into(), port))
            }
            Some(Host::Ipv6(v6)) => {
                self.guard.check_literal(url)?;
                Ok(SocketAddr::new(v6.into(), port))
            }
            Some(Host::Domain(name)) => {
                let found = self.guard.resolve(name, port).await?;
                found.first().copied().ok_or_else(|| format!("`{name}` has no address").into())
            }
            None => Err("the address has no host".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let networks: Vec<Network> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Guard(networks.into())
    }

    /// Addresses inside the machine and its network's metadata are refused, however they are written.
    #[test]
    fn refused_addresses() {
        let cases = [
            ("127.0.0.1", Some("loopback")),
            ("127.8.9.1", Some("loopback")),
            ("0.0.0.0", Some("not a host")),
            ("169.254.1.1", Some("link-local")),
            ("169.254.169.254", Some("cloud metadata")),
            ("100.100.100.200", Some("cloud metadata")),
            ("::1", Some("loopback")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("2002:7f00:1::", Some("loopback")),
            ("fe80::1", Some("link-local")),
            ("fd00:ec2::254", Some("cloud metadata")),
            ("::", Some("not a host")),
            ("10.1.2.3", None),
            ("203.0.113.7", None),
            ("2001:db8::1", None),
        ];
        for (address, wanted) in cases {
            let found = guard(&[]).check("host", address.parse().unwrap()).err().map(|e| e.why);
            assert_eq!(found, wanted, "{address}");
        }
    }

    /// An allowed network opens what lies in it and nothing else.
    #[test]
    fn allowed_networks() {
        let guard = guard(&["127.0.0.0/8", "::1"]);
        for (address, fine) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
        ] {
            let checked = guard.check("host", address.parse().unwrap());
            assert_eq!(checked.is_ok(), fine, "{address}");
        }
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("10.0.0.1".parse().unwrap()));
    }

    /// A name that leads to a refused address is refused with what to do; an address in the URL, too.
    #[tokio::test]
    async fn names_and_literals_are_checked() {
        // Another test of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let outbound = Outbound::new(&OutboundPolicy::default()).unwrap();
        for url in ["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"] {
            let url: Url = url.parse().unwrap();
            let failed = outbound.checked_address(&url).await.unwrap_err();
            let remedy = refused(&*failed).expect("refused by the policy").remedy();
            assert!(remedy.contains("--allow-network"), "{remedy}");
        }
    }

    /// Answers every request with a redirect to where its path leads; its own address.
    async fn redirecting() -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let again = own.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 1024];
                let length = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
                let to = match asked.split(' ').nth(1) {
                    Some("/metadata") => "http://169.254.169.254/latest/".to_owned(),
                    Some("/inside") => "http://127.0.0.2:1/".to_owned(),
                    Some("/file") => "file:///etc/passwd".to_owned(),
                    _ => format!("{again}/again"),
                };
                let answer = format!(
                    "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        own
    }

    /// A redirect leads nowhere that an address would not, and not without end.
    #[tokio::test]
    async fn redirects_are_checked() {
        // Another test of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = OutboundPolicy { allowed_networks: vec!["127.0.0.1/32".parse().unwrap()] };
        let outbound = Outbound::new(&policy).unwrap();
        let own = redirecting().await;
        for (path, why) in [("metadata", "cloud metadata"), ("inside", "loopback")] {
            let failed = outbound.client.get(format!("{own}/{path}")).send().await.unwrap_err();
            assert_eq!(refused(&failed).map(|refused| refused.why), Some(why), "{failed:?}");
        }
        let failed = outbound.client.get(format!("{own}/again")).send().await.unwrap_err();
        assert!(failed.is_redirect(), "{failed:?}");
        // What is no address of the web is not gone to: the redirect itself is the answer.
        let answered = outbound.client.get(format!("{own}/file")).send().await.unwrap();
        assert_eq!(answered.status(), 302);
    }
}

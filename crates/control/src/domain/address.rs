//! Where environments are reached: the target that DNS records are to point to. Pure.

use std::net::IpAddr;

use rollout::ingress::IngressAddresses;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Host;
use crate::closed::closed_set;
use crate::error::Error;

closed_set! {
    /// Who says where an environment's ingress is.
    pub enum AddressSource {
        /// The environment's own setting.
        Environment = "environment",
        /// The App's setting.
        App = "app",
        /// Its Ingresses in the cluster.
        Ingress = "ingress",
        /// Nobody so far.
        Unknown = "unknown",
    }
}

/// Where an environment's ingress is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngressAddress {
    /// Who says so.
    pub source: AddressSource,
    /// Host names.
    pub names: Vec<String>,
    /// IP addresses.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<IpAddr>,
}

impl IngressAddress {
    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        !self.names.is_empty() || !self.addresses.is_empty()
    }
}

/// Reads an address as given: IP addresses, or one host name; empty: none is given.
pub(crate) fn read_address(field: &str, text: &str) -> Result<IngressAddresses, Error> {
    let mut read = IngressAddresses::default();
    let parts = text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty());
    for part in parts {
        if let Ok(address) = part.parse() {
            read.addresses.push(address);
            continue;
        }
        match part.parse::<Host>() {
            Ok(host) => read.names.push(host.to_string()),
            Err(refused) => {
                let message =
                    format!("`{part}` is neither an IP address nor a host name: {}.", refused.why);
                let remedy = "Give the host name, or the IP addresses, of the ingress.";
                return Err(Error::invalid(field, message, remedy));
            }
        }
    }
    if read.names.len() > 1 || (!read.names.is_empty() && !read.addresses.is_empty()) {
        let message = "A host can be a CNAME of one name only.";
        return Err(Error::invalid(field, message, "Give one host name, or IP addresses."));
    }
    Ok(read)
}

/// The first of these that says anything: the environment, the App, the cluster.
pub(crate) fn choose(
    environment: &str,
    app: &str,
    seen: Option<IngressAddresses>,
) -> IngressAddress {
    let given = |text: &str, source| {
        let read = read_address("address", text).unwrap_or_default();
        IngressAddress { source, names: read.names, addresses: read.addresses }
    };
    let seen = seen.unwrap_or_default();
    let all = [
        given(environment, AddressSource::Environment),
        given(app, AddressSource::App),
        IngressAddress {
            source: AddressSource::Ingress,
            names: seen.names,
            addresses: seen.addresses,
        },
    ];
    let unknown =
        IngressAddress { source: AddressSource::Unknown, names: Vec::new(), addresses: Vec::new() };
    all.into_iter().find(IngressAddress::is_known).unwrap_or(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses or one name; anything else is told.
    #[test]
    fn addresses_as_given() {
        let read = |text: &str| read_address("address", text);
        assert_eq!(read("203.0.113.7, 2001:db8::7").unwrap().addresses.len(), 2);
        assert_eq!(read("LB.example.net").unwrap().names, ["lb.example.net"]);
        assert_eq!(read("").unwrap(), IngressAddresses::default());
        for wrong in
            ["lb", "a.example.net b.example.net", "a.example.net 203.0.113.7", "https://x.example"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    /// What is nearest to the environment counts.
    #[test]
    fn the_nearest_counts() {
        let seen = IngressAddresses { names: vec!["lb".to_owned()], addresses: Vec::new() };
        assert_eq!(choose("", "", Some(seen.clone())).source, AddressSource::Ingress);
        assert_eq!(choose("", "203.0.113.7", Some(seen.clone())).source, AddressSource::App);
        assert_eq!(choose("x.example.net", "203.0.113.7", Some(seen)).names, ["x.example.net"]);
        assert_eq!(choose("", "", None).source, AddressSource::Unknown);
    }
}

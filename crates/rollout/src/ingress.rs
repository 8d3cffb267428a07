//! Where the Ingresses of a release are reached from outside: what their controllers say in the objects' status.

use std::net::IpAddr;

use serde_json::Value;

use crate::{Cluster, ClusterError, ObjectKey};

/// The addresses of Ingresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IngressAddresses {
    /// Host names, such as those of a cloud's load balancers.
    pub names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

/// Reads the addresses of the Ingresses that a Helm release has in its namespace; each once, in their order there.
pub async fn addresses(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<IngressAddresses, ClusterError> {
    let key = ObjectKey {
        api_version: "networking.k8s.io/v1".to_owned(),
        kind: "Ingress".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: String::new(),
    };
    let resource = match cluster.resource(&key).await {
        Err(ClusterError::NoSuchKind { .. }) => return Ok(IngressAddresses::default()),
        other => other?,
    };
    let listed = cluster.list(&resource, Some(namespace), None).await?;
    let own = listed.items.iter().filter(|ingress| belongs_to(ingress, release));
    Ok(collected(own))
}

fn belongs_to(ingress: &Value, release: &str) -> bool {
    ingress["metadata"]["annotations"]["meta.helm.sh/release-name"] == release
}

fn collected<'a>(ingresses: impl Iterator<Item = &'a Value>) -> IngressAddresses {
    let mut found = IngressAddresses::default();
    let balancers = ingresses.filter_map(|it| it.pointer("/status/loadBalancer/ingress"));
    for balancer in balancers.filter_map(Value::as_array).flatten() {
        if let Some(name) = balancer["hostname"].as_str()
            && !found.names.iter().any(|known| known == name)
        {
            found.names.push(name.to_owned());
        }
        if let Some(address) = balancer["ip"].as_str().and_then(|ip| ip.parse().ok())
            && !found.addresses.contains(&address)
        {
            found.addresses.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Names and addresses are told apart, each once; what is no address is left out.
    #[test]
    fn addresses_of_the_status() {
        let ingresses = [
            json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.7" }, { "hostname": "lb.example.net" }] } } }),
            json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.7" }, { "ip": "2001:db8::7" }, { "ip": "?" }] } } }),
            json!({ "status": { "loadBalancer": {} } }),
            json!({}),
        ];
        let found = collected(ingresses.iter());
        assert_eq!(found.names, ["lb.example.net"]);
        let addresses: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["203.0.113.7", "2001:db8::7"]);
    }
}

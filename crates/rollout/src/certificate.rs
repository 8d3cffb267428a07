//! Certificates of ingresses: those that Landfall keeps in Secrets itself, and how those stand that cert-manager issues.
//!
//! Landfall's Secrets are not part of the Helm release: they are applied under a field manager of their own and marked by
//! labels, so that no revision of the release takes them along.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::apply::Sent;
use crate::apply::refusal_text;
use crate::cluster::ApplyMode;
use crate::execution::ObjectFailure;
use crate::report::Level;
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

/// The field manager of what Landfall adds to a namespace beside the release.
const MANAGER: &str = "landfall";

/// A certificate with its key, as a Secret of the type `kubernetes.io/tls`.
pub struct TlsSecret<'a> {
    /// Where.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is marked with, and found by.
    pub labels: BTreeMap<String, String>,
    /// Further marks.
    pub annotations: BTreeMap<String, String>,
    /// The certificate and those that lead to its authority, in this order.
    pub chain_pem: &'a str,
    /// Its private key.
    pub key_pem: &'a str,
}

/// How a certificate stands that cert-manager sees to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Issuance {
    /// Name of the `Certificate`.
    pub name: String,
    /// Its condition `Ready`; none: cert-manager has said nothing yet.
    pub ready: Option<bool>,
    /// The condition's reason, such as `Issuing`.
    pub reason: String,
    /// The condition's message.
    pub message: String,
    /// Until when the issued one is valid.
    pub expires_at: Option<Timestamp>,
}

fn secret_key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// Applies a Secret; can be repeated.
pub async fn apply(execution: Execution<'_>, secret: &TlsSecret<'_>) -> Result<(), RolloutError> {
    let key = secret_key(secret.namespace, secret.name);
    let resource = execution.cluster.resource(&key).await?;
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": secret.name, "namespace": secret.namespace, "labels": secret.labels,
            "annotations": secret.annotations,
        },
        "data": {
            "tls.crt": STANDARD.encode(secret.chain_pem), "tls.key": STANDARD.encode(secret.key_pem),
        },
    });
    execution.before_write().await?;
    let mode = ApplyMode { force: true, dry_run: false };
    match execution.cluster.apply_as(MANAGER, &resource, &key, &object, mode).await {
        Ok(_) => {
            execution.say(Level::Info, Some(&key), format!("{key} has the certificate")).await;
            Ok(())
        }
        Err(error) if error.is_transient() => Err(error.into()),
        Err(source) => {
            let text = refusal_text(&key, &source, Sent::Applied);
            Err(RolloutError::Objects { failures: vec![ObjectFailure { key, text, source }] })
        }
    }
}

/// Deletes the Secrets with a label but the one that is named; how many there were.
pub async fn remove_others(
    execution: Execution<'_>,
    namespace: &str,
    (label, value): (&str, &str),
    keep: Option<&str>,
) -> Result<usize, RolloutError> {
    let resource = execution.cluster.resource(&secret_key(namespace, "")).await?;
    let selector = format!("{label}={value}");
    let listed =
        execution.cluster.list_metadata(&resource, Some(namespace), Some(&selector)).await?;
    let mut removed = 0;
    for secret in &listed.items {
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        if Some(name) == keep {
            continue;
        }
        let key = secret_key(namespace, name);
        execution.before_write().await?;
        let uid = secret["metadata"]["uid"].as_str();
        if execution.cluster.delete(&resource, &key, uid).await? {
            execution.say(Level::Info, Some(&key), format!("{key} deleted")).await;
            removed += 1;
        }
    }
    Ok(removed)
}

/// How the certificate stands that cert-manager keeps in a Secret; none where it has none, or there is no cert-manager.
pub async fn issuance(
    cluster: &Cluster,
    namespace: &str,
    secret: &str,
) -> Result<Option<Issuance>, ClusterError> {
    let key = ObjectKey {
        api_version: "cert-manager.io/v1".to_owned(),
        kind: "Certificate".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: String::new(),
    };
    let resource = match cluster.resource(&key).await {
        Err(ClusterError::NoSuchKind { .. }) => return Ok(None),
        other => other?,
    };
    let listed = cluster.list(&resource, Some(namespace), None).await?;
    Ok(listed.items.iter().find(|it| it["spec"]["secretName"] == secret).map(standing))
}

fn standing(certificate: &Value) -> Issuance {
    let conditions = certificate.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|it| it["type"] == "Ready");
    let text = |field: &str| {
        let text = ready.and_then(|ready| ready[field].as_str());
        text.unwrap_or_default().to_owned()
    };
    Issuance {
        name: certificate["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        ready: match text("status").as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        reason: text("reason"),
        message: text("message"),
        expires_at: certificate
            .pointer("/status/notAfter")
            .and_then(Value::as_str)
            .and_then(|time| time.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The condition `Ready` is what counts; without one nothing is claimed.
    #[test]
    fn conditions_of_certificates() {
        let issued = json!({
            "metadata": { "name": "shop" },
            "status": {
                "notAfter": "2027-02-01T10:00:00Z",
                "conditions": [
                    { "type": "Issuing", "status": "False" },
                    { "type": "Ready", "status": "True", "reason": "Ready", "message": "It is up to date" },
                ],
            },
        });
        let read = standing(&issued);
        assert_eq!((read.ready, read.message.as_str()), (Some(true), "It is up to date"));
        assert_eq!(read.expires_at.unwrap().to_string(), "2027-02-01T10:00:00Z");
        let asked = standing(&json!({ "metadata": { "name": "shop" } }));
        assert_eq!((asked.ready, asked.expires_at), (None, None));
    }
}

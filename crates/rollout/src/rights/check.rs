//! Asking a cluster what Landfall's account may do there.
//!
//! One `SelfSubjectRulesReview` for each namespace lists what is allowed. An authorizer that cannot list everything is asked
//! for what is not on its list one by one (`SelfSubjectAccessReview`), so that nothing is called missing that is not.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{Impersonation, Rule, SNAPSHOTS, rules};
use crate::{Cluster, ClusterError, ObjectKey};

/// Questions asked at once.
const AT_ONCE: usize = 8;
/// A namespace that nobody has: what is allowed in it is allowed in all of them.
const ANY: &str = "landfall-asks-for-any-namespace";

/// A right that is missing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Missing {
    /// What may not be done: `create, patch`.
    pub verbs: Vec<String>,
    /// With what: `deployments.apps`.
    pub resource: String,
    /// In which namespace; none: in the whole cluster.
    pub namespace: Option<String>,
    /// What it is needed for, after "to".
    pub purpose: String,
}

/// Who Landfall is in a cluster and what it may not do there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The user that the cluster takes it for, if the cluster says so.
    pub user: Option<String>,
    /// What it lacks.
    pub missing: Vec<Missing>,
}

/// One right.
#[derive(Clone, Copy)]
struct Need<'a> {
    rule: &'static Rule,
    resource: &'static str,
    verb: &'static str,
    namespace: Option<&'a str>,
}

/// Asks what the account may not do in these namespaces; in the whole cluster where none is named.
pub async fn check(
    cluster: &Cluster,
    namespaces: &[String],
    impersonation: Impersonation,
) -> Result<Standing, ClusterError> {
    let snapshots = serves_snapshots(cluster).await?;
    let asked = (impersonation, snapshots);
    let mut missing = Vec::new();
    if namespaces.is_empty() {
        missing.extend(lacking(cluster, None, asked).await?);
    }
    for namespace in namespaces {
        missing.extend(lacking(cluster, Some(namespace), asked).await?);
    }
    Ok(Standing { user: user(cluster).await?, missing })
}

/// Whether there are snapshots of volumes.
async fn serves_snapshots(cluster: &Cluster) -> Result<bool, ClusterError> {
    let key = ObjectKey {
        api_version: format!("{SNAPSHOTS}/v1"),
        kind: "VolumeSnapshot".to_owned(),
        namespace: None,
        name: String::new(),
    };
    match cluster.resource(&key).await {
        Ok(_) => Ok(true),
        Err(ClusterError::NoSuchKind { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Who the cluster takes us for; clusters older than 1.28 do not say it.
async fn user(cluster: &Cluster) -> Result<Option<String>, ClusterError> {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let question = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    match cluster.ask(path, &question, "asking who it takes Landfall for").await {
        Ok(answer) => {
            let name = answer.pointer("/status/userInfo/username").and_then(Value::as_str);
            Ok(name.map(str::to_owned))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(ClusterError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn lacking(
    cluster: &Cluster,
    namespace: Option<&str>,
    (impersonation, snapshots): (Impersonation, bool),
) -> Result<Vec<Missing>, ClusterError> {
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": { "namespace": namespace.unwrap_or(ANY) },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let listed = cluster.ask(path, &question, "asking what it allows").await?;
    let listed = listed.pointer("/status/resourceRules").and_then(Value::as_array);
    let listed = listed.map_or(&[][..], Vec::as_slice);
    let unlisted: Vec<Need<'_>> = rules(namespace.is_none(), impersonation, snapshots)
        .into_iter()
        .flat_map(|rule| {
            rule.resources.iter().flat_map(move |resource| {
                rule.verbs.iter().map(move |verb| Need { rule, resource, verb, namespace })
            })
        })
        .filter(|need| !listed.iter().any(|allowed| need.is_allowed_by(allowed)))
        .collect();
    // Boxed, because the compiler cannot see that borrowing closures in a stream may move between threads.
    let questions: Vec<_> =
        unlisted.iter().map(|need| is_allowed(cluster, *need).boxed()).collect();
    let allowed: Vec<bool> = stream::iter(questions).buffered(AT_ONCE).try_collect().await?;
    let mut missing: Vec<Missing> = Vec::new();
    for (need, _) in unlisted.iter().zip(allowed).filter(|(_, allowed)| !allowed) {
        let resource = need.qualified();
        match missing.last_mut().filter(|last| last.resource == resource) {
            Some(last) => last.verbs.push(need.verb.to_owned()),
            None => missing.push(Missing {
                verbs: vec![need.verb.to_owned()],
                resource,
                namespace: namespace.map(str::to_owned),
                purpose: need.rule.purpose.to_owned(),
            }),
        }
    }
    Ok(missing)
}

async fn is_allowed(cluster: &Cluster, need: Need<'_>) -> Result<bool, ClusterError> {
    let (resource, subresource) = need.resource.split_once('/').unwrap_or((need.resource, ""));
    let mut attributes = json!({
        "group": need.rule.group, "resource": resource, "subresource": subresource, "verb": need.verb,
        "namespace": need.namespace.unwrap_or_default(),
    });
    if need.resource == "namespaces" {
        attributes["name"] = json!(need.namespace.unwrap_or_default());
    }
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let doing = format!("asking whether it allows to {} {}", need.verb, need.resource);
    let answer = cluster.ask(path, &question, &doing).await?;
    Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or_default())
}

impl Need<'_> {
    /// `deployments.apps`, as kubectl writes it.
    fn qualified(&self) -> String {
        match self.rule.group {
            "" => self.resource.to_owned(),
            group => format!("{}.{group}", self.resource),
        }
    }

    fn is_allowed_by(&self, rule: &Value) -> bool {
        let words = |field: &str| {
            rule.get(field)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
        };
        let any = |field: &str, wanted: &str| words(field).any(|it| it == wanted || it == "*");
        let every = self.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        let resource = any("resources", self.resource)
            || every.is_some_and(|every| words("resources").any(|it| it == every));
        let named = words("resourceNames").next().is_some();
        let names_it = self.resource == "namespaces"
            && self.namespace.is_some_and(|own| words("resourceNames").any(|it| it == own));
        any("apiGroups", self.rule.group)
            && resource
            && any("verbs", self.verb)
            && (!named || names_it)
    }
}

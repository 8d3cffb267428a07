//! The least rights that do, as objects to apply.

use std::fmt::Write as _;

use super::{Impersonation, Rule, rules};

/// What the manifest is for. Names must be names as Kubernetes has them: they are written as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestOptions {
    /// The name of the service account, and of the roles.
    pub account: String,
    /// Its namespace.
    pub account_namespace: String,
    /// The namespaces that it is for; none: all of them, also those that do not exist yet.
    pub namespaces: Vec<String>,
    /// Whether it may act as the service accounts of environments.
    pub impersonation: Impersonation,
}

/// Writes the manifest.
pub fn manifest(options: &ManifestOptions) -> String {
    let mut out = head(options);
    account(&mut out, options);
    if options.namespaces.is_empty() {
        rights(&mut out, options, None);
    }
    for namespace in &options.namespaces {
        rights(&mut out, options, Some(namespace));
    }
    out
}

fn head(options: &ManifestOptions) -> String {
    let ManifestOptions { account, account_namespace, namespaces, .. } = options;
    let mut out = String::new();
    let whole = match namespaces.as_slice() {
        [] => "in every namespace, and may make namespaces".to_owned(),
        [one] => format!("in namespace {one}"),
        several => format!("in the namespaces {}", several.join(", ")),
    };
    let _ = writeln!(out, "# The rights Landfall needs to deploy {whole}.");
    if namespaces.is_empty() {
        out.push_str("# Charts with kinds of their own (cert-manager's Certificate, say) need these added to the ClusterRole.\n");
    } else {
        out.push_str("# The namespaces must exist. Kinds of their own that charts have must be added to the Roles.\n");
    }
    let _ = writeln!(
        out,
        "# The account's token, for `landfall cluster add --token-file`:\n\
         #   kubectl get secret {account}-token -n {account_namespace} -o jsonpath='{{.data.token}}' | base64 -d"
    );
    out
}

fn account(out: &mut String, options: &ManifestOptions) {
    let ManifestOptions { account, account_namespace, namespaces, .. } = options;
    // An own namespace for the account, unless it lives in one that must be there anyway.
    if !namespaces.contains(account_namespace) {
        let _ = write!(
            out,
            "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {account_namespace}\n"
        );
    }
    let _ = write!(
        out,
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {account}\n  namespace: {account_namespace}\n\
         ---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {account}-token\n  namespace: {account_namespace}\n  \
         annotations:\n    kubernetes.io/service-account.name: {account}\ntype: kubernetes.io/service-account-token\n"
    );
}

/// A role and its binding, in a namespace or for the whole cluster.
fn rights(out: &mut String, options: &ManifestOptions, namespace: Option<&str>) {
    let ManifestOptions { account, account_namespace, .. } = options;
    let prefix = if namespace.is_none() { "Cluster" } else { "" };
    let place = namespace.map_or(String::new(), |namespace| format!("  namespace: {namespace}\n"));
    let _ = write!(
        out,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}Role\nmetadata:\n  name: {account}\n{place}rules:\n"
    );
    for rule in rules(namespace.is_none(), options.impersonation, true) {
        write_rule(out, rule, namespace);
    }
    let _ = write!(
        out,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}RoleBinding\nmetadata:\n  name: {account}\n{place}\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {prefix}Role\n  name: {account}\n\
         subjects:\n  - kind: ServiceAccount\n    name: {account}\n    namespace: {account_namespace}\n"
    );
}

fn write_rule(out: &mut String, rule: &Rule, namespace: Option<&str>) {
    let Rule { group, resources, verbs, purpose } = rule;
    let quoted = if group.is_empty() { "\"\"" } else { group };
    let _ = writeln!(out, "  # To {purpose}.");
    let _ = writeln!(out, "  - apiGroups: [{quoted}]");
    let _ = writeln!(out, "    resources: [{}]", resources.join(", "));
    if let (Some(namespace), ["namespaces"]) = (namespace, *resources) {
        let _ = writeln!(out, "    resourceNames: [{namespace}]");
    }
    let _ = writeln!(out, "    verbs: [{}]", verbs.join(", "));
}

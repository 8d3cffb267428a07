//! What Landfall's account in a cluster must be allowed to do, and no more.
//!
//! One table says it. [`check()`] asks a cluster what of it is missing, [`manifest()`] writes it as RBAC objects, so that
//! an account with exactly those lacks nothing. Kinds that a chart has beyond Kubernetes' usual ones are not in it:
//! whoever applies the manifest adds them.
//! Rights to snapshots of volumes are in the manifest, and missed only where a cluster serves such.

mod check;
mod manifest;
#[cfg(test)]
mod tests;

pub use check::{Missing, Standing, check};
pub use manifest::{ManifestOptions, manifest};

/// Whether environments act on the cluster as service accounts of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impersonation {
    /// None does.
    #[default]
    No,
    /// Some do.
    Also,
    /// All do: the account needs no other right.
    Only,
}

/// Resources of a group that the same may be done with.
struct Rule {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    /// What it is needed for, after "to".
    purpose: &'static str,
}

/// What is done with the objects of a chart: read, waited for, applied, taken out.
const MANAGE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Inside namespaces.
const INSIDE: &[Rule] = &[
    Rule {
        group: "",
        resources: &["secrets"],
        verbs: &["get", "list", "watch", "create", "update", "patch", "delete"],
        purpose: "keep Helm's release records and deploy Secrets",
    },
    Rule {
        group: "",
        resources: &["configmaps", "persistentvolumeclaims", "pods", "serviceaccounts", "services"],
        verbs: MANAGE,
        purpose: "deploy what charts have",
    },
    Rule {
        group: "apps",
        resources: &["daemonsets", "deployments", "replicasets", "statefulsets"],
        verbs: MANAGE,
        purpose: "deploy workloads and wait for them",
    },
    Rule {
        group: "batch",
        resources: &["cronjobs", "jobs"],
        verbs: MANAGE,
        purpose: "run hooks and deploy Jobs",
    },
    Rule {
        group: "autoscaling",
        resources: &["horizontalpodautoscalers"],
        verbs: MANAGE,
        purpose: "deploy what charts have",
    },
    Rule {
        group: "networking.k8s.io",
        resources: &["ingresses", "networkpolicies"],
        verbs: MANAGE,
        purpose: "deploy what charts have",
    },
    Rule {
        group: "cert-manager.io",
        resources: &["certificates"],
        verbs: &["get", "list"],
        purpose: "tell how the certificates of custom domains stand",
    },
    Rule {
        group: "policy",
        resources: &["poddisruptionbudgets"],
        verbs: MANAGE,
        purpose: "deploy what charts have",
    },
    // Kubernetes lets nobody give rights that he has not himself.
    Rule {
        group: "rbac.authorization.k8s.io",
        resources: &["rolebindings", "roles"],
        verbs: MANAGE,
        purpose: "deploy what charts have",
    },
    Rule {
        group: "",
        resources: &["pods/log"],
        verbs: &["get"],
        purpose: "show what containers say",
    },
    // Newer servers ask for `create`, whichever way the request comes; older ones for the verb of the request.
    Rule {
        group: "",
        resources: &["pods/exec"],
        verbs: &["get", "create"],
        purpose: "run the backup commands of Apps",
    },
    Rule {
        group: "",
        resources: &["events"],
        verbs: &["get", "list", "watch"],
        purpose: "say why something does not come up",
    },
];

/// The namespace itself, inside it.
const NAMESPACE: Rule = Rule {
    group: "",
    resources: &["namespaces"],
    verbs: &["get"],
    purpose: "see that it is there",
};

/// Beyond namespaces, where the account is to work in all of them.
const BEYOND: &[Rule] = &[
    Rule {
        group: "",
        resources: &["namespaces"],
        verbs: &["get", "create", "patch"],
        purpose: "make the namespaces of new environments",
    },
    Rule {
        group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        verbs: &["get", "list", "watch", "create", "patch"],
        purpose: "install what charts have in crds/",
    },
    Rule {
        group: "admissionregistration.k8s.io",
        resources: &[
            "mutatingadmissionpolicies",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingwebhookconfigurations",
        ],
        verbs: &["list"],
        purpose: "know that nothing but the API server looks at objects that stay as they are, and leave them out",
    },
];

/// The group of snapshots of volumes, which not every cluster serves.
const SNAPSHOTS: &str = "snapshot.storage.k8s.io";

/// Snapshots of volumes, inside namespaces.
const SNAPSHOTS_INSIDE: Rule = Rule {
    group: SNAPSHOTS,
    resources: &["volumesnapshots"],
    verbs: MANAGE,
    purpose: "snapshot volumes for backups",
};

/// The same beyond namespaces.
const SNAPSHOTS_BEYOND: Rule = Rule {
    group: SNAPSHOTS,
    resources: &["volumesnapshotcontents"],
    verbs: &["get", "create", "patch", "delete"],
    purpose: "put volumes of one environment into another",
};

const IMPERSONATE: Rule = Rule {
    group: "",
    resources: &["serviceaccounts"],
    verbs: &["impersonate"],
    purpose: "act as the service accounts of environments",
};

/// The rules that count inside a namespace (`whole` false), or in the whole cluster; `snapshots`: with those of snapshots.
fn rules(whole: bool, impersonation: Impersonation, snapshots: bool) -> Vec<&'static Rule> {
    let mut rules: Vec<&Rule> = Vec::new();
    if impersonation != Impersonation::Only {
        rules.extend(INSIDE);
        if snapshots {
            rules.push(&SNAPSHOTS_INSIDE);
        }
        if whole {
            rules.extend(BEYOND);
            if snapshots {
                rules.push(&SNAPSHOTS_BEYOND);
            }
        } else {
            rules.push(&NAMESPACE);
        }
    }
    if impersonation != Impersonation::No {
        rules.push(&IMPERSONATE);
    }
    rules
}

//! Helm's order of kinds (`pkg/release/v1/util/kind_sorter.go`). Only the kind counts, not its group.

/// Kinds in the order in which they are installed.
const INSTALL: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds in the order in which they are deleted with a release. Not the reverse of the above.
const UNINSTALL: [&str; 38] = [
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// Sort key for installing: known kinds in order, then unknown ones by name.
pub(crate) fn install_rank(kind: &str) -> (usize, &str) {
    rank(&INSTALL, kind)
}

/// Sort key for deleting: known kinds in order, then unknown ones by name.
pub(crate) fn uninstall_rank(kind: &str) -> (usize, &str) {
    rank(&UNINSTALL, kind)
}

fn rank<'a>(order: &[&str], kind: &'a str) -> (usize, &'a str) {
    match order.iter().position(|known| *known == kind) {
        Some(place) => (place, ""),
        None => (order.len(), kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both orders know the same kinds.
    #[test]
    fn same_kinds() {
        let sorted = |mut kinds: Vec<&'static str>| {
            kinds.sort_unstable();
            kinds
        };
        assert_eq!(sorted(INSTALL.to_vec()), sorted(UNINSTALL.to_vec()));
    }

    /// Unknown kinds come last, among themselves by name.
    #[test]
    fn unknown_kinds_last() {
        let mut kinds = ["Zebra", "Service", "Ant", "ValidatingWebhookConfiguration", "Secret"];
        kinds.sort_by(|a, b| install_rank(a).cmp(&install_rank(b)));
        assert_eq!(kinds, ["Secret", "Service", "ValidatingWebhookConfiguration", "Ant", "Zebra"]);
        kinds.sort_by(|a, b| uninstall_rank(a).cmp(&uninstall_rank(b)));
        assert_eq!(kinds, ["ValidatingWebhookConfiguration", "Service", "Secret", "Ant", "Zebra"]);
    }
}

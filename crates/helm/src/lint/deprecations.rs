//! Kinds that Kubernetes has deprecated: since when, until when, and what to use instead.
//!
//! The table follows the life cycles that the Kubernetes 1.37 API types declare (`k8s.io/api`); kinds
//! that are not in it, custom resources among them, are never deprecated.

use crate::capabilities::KubeVersion;

/// Kinds of one API version with the same life cycle.
struct Row {
    api_version: &'static str,
    /// Separated by blanks; `+` stands for the kind and its list.
    kinds: &'static str,
    /// Minor version 1.x that deprecated them.
    deprecated: u64,
    /// Minor version 1.x that removed them; 0 if none did.
    removed: u64,
    /// API version that has the same kind, or API version and kind; empty if there is none.
    instead: &'static str,
}

const fn row(
    api_version: &'static str,
    kinds: &'static str,
    deprecated: u64,
    removed: u64,
    instead: &'static str,
) -> Row {
    Row { api_version, kinds, deprecated, removed, instead }
}

impl Row {
    fn has(&self, kind: &str) -> bool {
        self.kinds.split(' ').any(|known| match known.strip_suffix('+') {
            Some(known) => kind.strip_suffix("List").unwrap_or(kind) == known,
            None => known == kind,
        })
    }
}

/// What Helm says about a kind that is deprecated in Kubernetes `version`; `Ok(None)` if it is not.
///
/// An error is Go's text for a version whose parts are no numbers.
pub(super) fn warning(
    api_version: &str,
    kind: &str,
    version: &KubeVersion,
) -> Result<Option<String>, String> {
    let Some(row) = ROWS.iter().find(|row| row.api_version == api_version && row.has(kind)) else {
        return Ok(None);
    };
    let number = |text: &str| {
        let quoted = gotemplate::print::quote(text);
        text.parse::<u64>().map_err(|_| format!("strconv.Atoi: parsing {quoted}: invalid syntax"))
    };
    let (major, minor) = (number(&version.major)?, number(&version.minor)?);
    if (major, minor) < (1, row.deprecated) {
        return Ok(None);
    }
    let mut text = format!("{api_version} {kind} is deprecated in v1.{}+", row.deprecated);
    if row.removed > 0 {
        text = format!("{text}, unavailable in v1.{}+", row.removed);
    }
    match row.instead {
        "" => {}
        instead if instead.contains(' ') => text = format!("{text}; use {instead}"),
        instead => text = format!("{text}; use {instead} {kind}"),
    }
    Ok(Some(text))
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("admissionregistration.k8s.io/v1alpha1", "ValidatingAdmissionPolicy+ ValidatingAdmissionPolicyBinding+", 29, 32, ""),
    row("admissionregistration.k8s.io/v1alpha1", "MutatingAdmissionPolicy+ MutatingAdmissionPolicyBinding+", 35, 38, ""),
    row("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration+ ValidatingWebhookConfiguration+", 16, 22, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy+ ValidatingAdmissionPolicyBinding+", 31, 34, ""),
    row("admissionregistration.k8s.io/v1beta1", "MutatingAdmissionPolicy+ MutatingAdmissionPolicyBinding+", 37, 40, "admissionregistration.k8s.io/v1"),
    row("apps/v1beta1", "ControllerRevision+ Deployment+ DeploymentRollback StatefulSet+", 8, 16, "apps/v1"),
    row("apps/v1beta1", "Scale", 8, 16, "autoscaling/v1"),
    row("apps/v1beta2", "ControllerRevision+ DaemonSet+ Deployment+ ReplicaSet+ StatefulSet+", 9, 16, "apps/v1"),
    row("apps/v1beta2", "Scale", 9, 16, "autoscaling/v1"),
    row("authentication.k8s.io/v1alpha1", "SelfSubjectReview", 29, 32, ""),
    row("authentication.k8s.io/v1beta1", "TokenReview", 19, 22, "authentication.k8s.io/v1"),
    row("authentication.k8s.io/v1beta1", "SelfSubjectReview", 30, 33, ""),
    row("authorization.k8s.io/v1beta1", "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview", 19, 22, "authorization.k8s.io/v1"),
    row("batch/v1beta1", "CronJob+", 21, 25, "batch/v1"),
    row("certificates.k8s.io/v1alpha1", "ClusterTrustBundle+", 34, 37, ""),
    row("certificates.k8s.io/v1beta1", "CertificateSigningRequest+", 19, 22, "certificates.k8s.io/v1"),
    row("certificates.k8s.io/v1beta1", "ClusterTrustBundle+ PodCertificateRequest+", 37, 40, "certificates.k8s.io/v1"),
    row("coordination.k8s.io/v1alpha2", "LeaseCandidate+", 35, 38, ""),
    row("coordination.k8s.io/v1beta1", "Lease+", 19, 22, "coordination.k8s.io/v1"),
    row("coordination.k8s.io/v1beta1", "LeaseCandidate+", 36, 39, ""),
    row("discovery.k8s.io/v1beta1", "EndpointSlice", 21, 25, "discovery.k8s.io/v1"),
    row("discovery.k8s.io/v1beta1", "EndpointSliceList", 21, 25, "discovery.k8s.io/v1 EndpointSlice"),
    row("events.k8s.io/v1beta1", "Event+", 22, 25, ""),
    row("extensions/v1beta1", "Scale", 2, 16, ""),
    row("extensions/v1beta1", "DeploymentRollback", 8, 16, ""),
    row("extensions/v1beta1", "DaemonSet+ Deployment+ ReplicaSet+", 8, 16, "apps/v1"),
    row("extensions/v1beta1", "NetworkPolicy+", 9, 16, "networking.k8s.io/v1"),
    row("extensions/v1beta1", "Ingress+", 14, 22, "networking.k8s.io/v1"),
    row("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema+ PriorityLevelConfiguration+", 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema+ PriorityLevelConfiguration+", 26, 29, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema+ PriorityLevelConfiguration+", 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    row("lifecycle.k8s.io/v1alpha1", "Eviction+ EvictionRequest+", 40, 43, ""),
    row("networking.k8s.io/v1beta1", "Ingress+ IngressClassList", 19, 22, "networking.k8s.io/v1"),
    row("networking.k8s.io/v1beta1", "IngressClass", 19, 22, "networking.k8s.io/v1 IngressClassList"),
    row("networking.k8s.io/v1beta1", "IPAddress+ ServiceCIDR+", 34, 37, ""),
    row("node.k8s.io/v1beta1", "RuntimeClass+", 22, 25, ""),
    row("policy/v1beta1", "PodDisruptionBudget+", 21, 25, "policy/v1"),
    row("policy/v1beta1", "Eviction", 22, 25, ""),
    row("rbac.authorization.k8s.io/v1beta1", "ClusterRole+ ClusterRoleBinding+ Role+ RoleBinding+", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("resource.k8s.io/v1alpha3", "DeviceTaintRule+", 36, 39, ""),
    row("resource.k8s.io/v1alpha3", "ResourcePoolStatusRequest+", 39, 42, ""),
    row("resource.k8s.io/v1beta1", "DeviceClass+ ResourceClaim+ ResourceClaimTemplate+ ResourceSlice+", 35, 38, ""),
    row("resource.k8s.io/v1beta2", "DeviceClass+ ResourceClaim+ ResourceClaimTemplate+ ResourceSlice+", 36, 39, ""),
    row("resource.k8s.io/v1beta2", "DeviceTaintRule+", 39, 42, ""),
    row("scheduling.k8s.io/v1beta1", "PriorityClass+", 14, 22, "scheduling.k8s.io/v1"),
    row("scheduling.k8s.io/v1beta1", "PodGroup+ Workload+", 40, 43, ""),
    row("storage.k8s.io/v1alpha1", "VolumeAttachment+", 21, 24, "storage.k8s.io/v1"),
    row("storage.k8s.io/v1alpha1", "CSIStorageCapacity+", 21, 24, "storage.k8s.io/v1beta1"),
    row("storage.k8s.io/v1alpha1", "VolumeAttributesClass+", 32, 35, "storage.k8s.io/v1"),
    row("storage.k8s.io/v1beta1", "CSINode", 17, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io/v1beta1", "CSINodeList", 17, 22, "storage.k8s.io/v1 CSINode"),
    row("storage.k8s.io/v1beta1", "CSIDriver+ StorageClass+ VolumeAttachment+", 19, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io/v1beta1", "CSIStorageCapacity+", 24, 27, "storage.k8s.io/v1"),
    row("storage.k8s.io/v1beta1", "VolumeAttributesClass+", 34, 37, "storage.k8s.io/v1"),
    row("storagemigration.k8s.io/v1beta1", "StorageVersionMigration+", 37, 40, "storagemigration.k8s.io/v1"),
    row("v1", "ComponentStatus+", 19, 0, ""),
    row("v1", "Endpoints+", 33, 0, "discovery.k8s.io/v1 EndpointSlice"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(api_version: &str, kind: &str, version: &str) -> Option<String> {
        warning(api_version, kind, &KubeVersion::parse(version).unwrap()).unwrap()
    }

    /// The warning names what replaces the kind, and comes from the deprecating version on.
    #[test]
    fn texts() {
        assert_eq!(said("batch/v1beta1", "CronJob", "1.20"), None);
        assert_eq!(
            said("batch/v1beta1", "CronJob", "1.21").unwrap(),
            "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
        );
        assert_eq!(
            said("discovery.k8s.io/v1beta1", "EndpointSliceList", "1.30").unwrap(),
            "discovery.k8s.io/v1beta1 EndpointSliceList is deprecated in v1.21+, unavailable in \
             v1.25+; use discovery.k8s.io/v1 EndpointSlice"
        );
        assert_eq!(
            said("events.k8s.io/v1beta1", "Event", "1.30").unwrap(),
            "events.k8s.io/v1beta1 Event is deprecated in v1.22+, unavailable in v1.25+"
        );
    }

    /// Kinds and lists of them, and nothing else.
    #[test]
    fn other_kinds() {
        assert!(said("apps/v1beta1", "DeploymentList", "1.30").is_some());
        assert_eq!(said("apps/v1beta1", "ScaleList", "1.30"), None);
        assert_eq!(said("apps/v1", "Deployment", "1.30"), None);
        assert_eq!(said("example.com/v1beta1", "Ingress", "1.30"), None);
    }
}

//! The table of built-in kinds, in the order in which discovery lists their groups.

use super::Kind;

const CLUSTER: u8 = 0;
const NAMESPACED: u8 = 1;
const STATUS: u8 = 2;
const SCALE: u8 = 4;
/// In the category `all` of `kubectl get all`.
const ALL: u8 = 8;

type Row = (&'static str, &'static str, &'static str, &'static [&'static str], u8);

/// (apiVersion, kind, plural, short names, properties); the singular is the kind in lower case.
const ROWS: &[Row] = &[
    ("v1", "ConfigMap", "configmaps", &["cm"], NAMESPACED),
    ("v1", "Endpoints", "endpoints", &["ep"], NAMESPACED),
    ("v1", "Event", "events", &["ev"], NAMESPACED),
    ("v1", "LimitRange", "limitranges", &["limits"], NAMESPACED),
    ("v1", "Namespace", "namespaces", &["ns"], CLUSTER | STATUS),
    ("v1", "Node", "nodes", &["no"], CLUSTER | STATUS),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"], NAMESPACED | STATUS),
    ("v1", "PersistentVolume", "persistentvolumes", &["pv"], CLUSTER | STATUS),
    ("v1", "Pod", "pods", &["po"], NAMESPACED | STATUS | ALL),
    ("v1", "PodTemplate", "podtemplates", &[], NAMESPACED),
    (
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        &["rc"],
        NAMESPACED | STATUS | SCALE | ALL,
    ),
    ("v1", "ResourceQuota", "resourcequotas", &["quota"], NAMESPACED | STATUS),
    ("v1", "Secret", "secrets", &[], NAMESPACED),
    ("v1", "ServiceAccount", "serviceaccounts", &["sa"], NAMESPACED),
    ("v1", "Service", "services", &["svc"], NAMESPACED | STATUS | ALL),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices", &[], CLUSTER | STATUS),
    ("apps/v1", "ControllerRevision", "controllerrevisions", &[], NAMESPACED),
    ("apps/v1", "DaemonSet", "daemonsets", &["ds"], NAMESPACED | STATUS | ALL),
    ("apps/v1", "Deployment", "deployments", &["deploy"], NAMESPACED | STATUS | SCALE | ALL),
    ("apps/v1", "ReplicaSet", "replicasets", &["rs"], NAMESPACED | STATUS | SCALE | ALL),
    ("apps/v1", "StatefulSet", "statefulsets", &["sts"], NAMESPACED | STATUS | SCALE | ALL),
    ("events.k8s.io/v1", "Event", "events", &["ev"], NAMESPACED),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        &["hpa"],
        NAMESPACED | STATUS | ALL,
    ),
    (
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        &["hpa"],
        NAMESPACED | STATUS | ALL,
    ),
    ("batch/v1", "CronJob", "cronjobs", &["cj"], NAMESPACED | STATUS | ALL),
    ("batch/v1", "Job", "jobs", &[], NAMESPACED | STATUS | ALL),
    (
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        &["csr"],
        CLUSTER | STATUS,
    ),
    ("certificates.k8s.io/v1", "ClusterTrustBundle", "clustertrustbundles", &[], CLUSTER),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", &[], CLUSTER),
    ("networking.k8s.io/v1", "Ingress", "ingresses", &["ing"], NAMESPACED | STATUS),
    ("networking.k8s.io/v1", "IPAddress", "ipaddresses", &["ip"], CLUSTER),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", &["netpol"], NAMESPACED),
    ("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs", &[], CLUSTER | STATUS),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], NAMESPACED | STATUS),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", &[], CLUSTER),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", &[], CLUSTER),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", &[], NAMESPACED),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", &[], NAMESPACED),
    ("storage.k8s.io/v1", "CSIDriver", "csidrivers", &[], CLUSTER),
    ("storage.k8s.io/v1", "CSINode", "csinodes", &[], CLUSTER | STATUS),
    ("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities", &[], NAMESPACED),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", &["sc"], CLUSTER),
    ("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", &[], CLUSTER | STATUS),
    ("storage.k8s.io/v1", "VolumeAttributesClass", "volumeattributesclasses", &["vac"], CLUSTER),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingAdmissionPolicy",
        "mutatingadmissionpolicies",
        &[],
        CLUSTER,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
        &[],
        CLUSTER,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        &[],
        CLUSTER,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        &[],
        CLUSTER | STATUS,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        &[],
        CLUSTER,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        &[],
        CLUSTER,
    ),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
        CLUSTER | STATUS,
    ),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", &["pc"], CLUSTER),
    ("coordination.k8s.io/v1", "Lease", "leases", &[], NAMESPACED),
    ("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", &[], CLUSTER),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", &[], NAMESPACED),
    ("resource.k8s.io/v1", "DeviceClass", "deviceclasses", &[], CLUSTER),
    ("resource.k8s.io/v1", "ResourceClaim", "resourceclaims", &[], NAMESPACED | STATUS),
    ("resource.k8s.io/v1", "ResourceClaimTemplate", "resourceclaimtemplates", &[], NAMESPACED),
    ("resource.k8s.io/v1", "ResourceSlice", "resourceslices", &[], CLUSTER),
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", &[], CLUSTER | STATUS),
    (
        "flowcontrol.apiserver.k8s.io/v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        &[],
        CLUSTER | STATUS,
    ),
];

/// The rows of the table as kinds.
pub fn builtin() -> impl Iterator<Item = Kind> {
    ROWS.iter().map(|&(api_version, kind, plural, short_names, properties)| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let storage = match group {
            "" | "events.k8s.io" => plural.to_owned(),
            group => format!("{plural}.{group}"),
        };
        let has = |property: u8| properties & property != 0;
        Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            short_names: short_names.iter().map(|&name| name.to_owned()).collect(),
            namespaced: has(NAMESPACED),
            categories: if has(ALL) { vec!["all".to_owned()] } else { Vec::new() },
            status: has(STATUS),
            scale: has(SCALE),
            storage,
            custom: None,
        }
    })
}

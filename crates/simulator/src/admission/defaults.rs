//! Defaults that clients see: what Kubernetes fills in where a manifest says nothing.

use serde_json::{Map, Value, json};

use crate::{
    kinds::{
        Kind,
        schema::{Place, Shape},
    },
    object,
};

/// Fills in the defaults of a kind.
pub(super) fn fill(kind: &Kind, value: &mut Value) {
    let shape = kind.shape();
    match kind.kind.as_str() {
        "Pod" => pod_spec(spec(value), "Always"),
        "ReplicationController" => {
            replication_controller(value);
        }
        "Deployment" => deployment(spec(value)),
        "ReplicaSet" => {
            let spec = spec(value);
            default(spec, "replicas", json!(1));
            template(spec, "Always");
        }
        "StatefulSet" => stateful_set(spec(value)),
        "DaemonSet" => daemon_set(spec(value)),
        "Job" => job(value),
        "CronJob" => cron_job(spec(value)),
        "Service" => {
            service(spec(value));
            default(status(value), "loadBalancer", json!({}));
        }
        "CustomResourceDefinition" => super::definition::fill(value),
        "Secret" => secret(value),
        "Namespace" => namespace(value),
        "PersistentVolumeClaim" => claim(spec(value)),
        "PersistentVolume" => {
            default(spec(value), "persistentVolumeReclaimPolicy", json!("Retain"));
            default(spec(value), "volumeMode", json!("Filesystem"));
            default(status(value), "phase", json!("Pending"));
        }
        "Ingress" => default(status(value), "loadBalancer", json!({})),
        "NetworkPolicy" => network_policy(spec(value)),
        "HorizontalPodAutoscaler" => default(spec(value), "minReplicas", json!(1)),
        "StorageClass" => {
            let class = root(value);
            default(class, "reclaimPolicy", json!("Delete"));
            default(class, "volumeBindingMode", json!("Immediate"));
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => webhooks(value),
        "RoleBinding" | "ClusterRoleBinding" => role_binding(value),
        "LimitRange" => limit_range(spec(value)),
        "APIService" => {
            if let Some(Value::Object(service)) = spec(value).get_mut("service") {
                default(service, "port", json!(443));
            }
        }
        "CSIDriver" => csi_driver(spec(value)),
        "MutatingAdmissionPolicy" => {
            default(spec(value), "failurePolicy", json!("Fail"));
            default(spec(value), "reinvocationPolicy", json!("Never"));
            match_constraints(spec(value), "matchConstraints");
        }
        "ValidatingAdmissionPolicy" => {
            default(spec(value), "failurePolicy", json!("Fail"));
            match_constraints(spec(value), "matchConstraints");
        }
        "MutatingAdmissionPolicyBinding" | "ValidatingAdmissionPolicyBinding" => {
            match_constraints(spec(value), "matchResources");
        }
        "PriorityClass" => default(root(value), "preemptionPolicy", json!("PreemptLowerPriority")),
        _ => {}
    }
    schema_defaults(value, Place::root(&shape));
}

fn root(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object just above")
}

fn spec(value: &mut Value) -> &mut Map<String, Value> {
    object::map_mut(value, "spec")
}

fn status(value: &mut Value) -> &mut Map<String, Value> {
    object::map_mut(value, "status")
}

fn default(map: &mut Map<String, Value>, key: &str, value: Value) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key.to_owned(), value);
    }
}

fn each<'a>(
    map: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = map.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn below<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key.to_owned()).or_insert_with(|| json!({}));
    root(slot)
}

/// Defaults that the schema itself states, such as `protocol: TCP`.
fn schema_defaults(value: &mut Value, place: Place<'_>) {
    match value {
        Value::Object(map) => {
            if let Shape::Struct(index) = place.shape {
                for (name, field) in &crate::kinds::schema::Schema::builtin().get(*index).fields {
                    if let Some(value) = &field.default {
                        default(map, name, value.clone());
                    }
                }
            }
            for (key, value) in map {
                schema_defaults(value, place.key(key));
            }
        }
        Value::Array(list) => {
            for item in list {
                schema_defaults(item, place.item());
            }
        }
        _ => {}
    }
}

fn template(spec: &mut Map<String, Value>, restart_policy: &str) {
    if let Some(Value::Object(template)) = spec.get_mut("template") {
        default(template, "metadata", json!({}));
        pod_spec(below(template, "spec"), restart_policy);
    }
}

fn pod_spec(spec: &mut Map<String, Value>, restart_policy: &str) {
    default(spec, "restartPolicy", json!(restart_policy));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", json!("default-scheduler"));
    // The older name of the field is kept in step.
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        default(spec, "serviceAccount", account);
    } else if let Some(account) = spec.get("serviceAccount").cloned() {
        default(spec, "serviceAccountName", account);
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        each(spec, list).for_each(container);
    }
    each(spec, "volumes").for_each(volume);
}

fn container(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let (path, digest) = image.split_once('@').map_or((image, false), |(path, _)| (path, true));
    let last = path.rsplit('/').next().unwrap_or_default();
    let latest = !digest && (!last.contains(':') || last.ends_with(":latest"));
    default(container, "imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" }));
    default(container, "terminationMessagePath", json!("/dev/termination-log"));
    default(container, "terminationMessagePolicy", json!("File"));
    default(container, "resources", json!({}));
    // What is limited and not requested is requested as it is limited.
    let resources = below(container, "resources");
    if let Some(Value::Object(limits)) = resources.get("limits").cloned() {
        let requests = below(resources, "requests");
        for (name, quantity) in limits {
            default(requests, &name, quantity);
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(Value::Object(probe)) = container.get_mut(key) {
            default(probe, "timeoutSeconds", json!(1));
            default(probe, "periodSeconds", json!(10));
            default(probe, "successThreshold", json!(1));
            default(probe, "failureThreshold", json!(3));
            http_get(probe);
        }
    }
    if let Some(Value::Object(lifecycle)) = container.get_mut("lifecycle") {
        for key in ["postStart", "preStop"] {
            if let Some(Value::Object(handler)) = lifecycle.get_mut(key) {
                http_get(handler);
            }
        }
    }
    for variable in each(container, "env") {
        if let Some(Value::Object(source)) = variable.get_mut("valueFrom")
            && let Some(Value::Object(field)) = source.get_mut("fieldRef")
        {
            default(field, "apiVersion", json!("v1"));
        }
    }
}

fn http_get(handler: &mut Map<String, Value>) {
    if let Some(Value::Object(get)) = handler.get_mut("httpGet") {
        default(get, "path", json!("/"));
        default(get, "scheme", json!("HTTP"));
    }
    if let Some(Value::Object(grpc)) = handler.get_mut("grpc") {
        default(grpc, "service", json!(""));
    }
}

fn volume(volume: &mut Map<String, Value>) {
    const SOURCES_WITH_MODE: [&str; 4] = ["secret", "configMap", "downwardAPI", "projected"];
    if volume.len() == 1 {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in SOURCES_WITH_MODE {
        if let Some(Value::Object(source)) = volume.get_mut(source) {
            default(source, "defaultMode", json!(0o644));
        }
    }
    if let Some(Value::Object(path)) = volume.get_mut("hostPath") {
        default(path, "type", json!(""));
    }
}

fn rolling_update(strategy: &mut Map<String, Value>, surge: Value, unavailable: Value) {
    default(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        let rolling = below(strategy, "rollingUpdate");
        default(rolling, "maxSurge", surge);
        default(rolling, "maxUnavailable", unavailable);
    }
}

fn deployment(spec: &mut Map<String, Value>) {
    default(spec, "replicas", json!(1));
    default(spec, "revisionHistoryLimit", json!(10));
    default(spec, "progressDeadlineSeconds", json!(600));
    rolling_update(below(spec, "strategy"), json!("25%"), json!("25%"));
    template(spec, "Always");
}

fn daemon_set(spec: &mut Map<String, Value>) {
    default(spec, "revisionHistoryLimit", json!(10));
    rolling_update(below(spec, "updateStrategy"), json!(0), json!(1));
    template(spec, "Always");
}

fn stateful_set(spec: &mut Map<String, Value>) {
    default(spec, "replicas", json!(1));
    default(spec, "revisionHistoryLimit", json!(10));
    default(spec, "podManagementPolicy", json!("OrderedReady"));
    let strategy = below(spec, "updateStrategy");
    default(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        let rolling = below(strategy, "rollingUpdate");
        default(rolling, "partition", json!(0));
        default(rolling, "maxUnavailable", json!(1));
    }
    let retention = below(spec, "persistentVolumeClaimRetentionPolicy");
    default(retention, "whenDeleted", json!("Retain"));
    default(retention, "whenScaled", json!("Retain"));
    template(spec, "Always");
    for template in each(spec, "volumeClaimTemplates") {
        default(template, "apiVersion", json!("v1"));
        default(template, "kind", json!("PersistentVolumeClaim"));
        claim(below(template, "spec"));
        default(below(template, "status"), "phase", json!("Pending"));
    }
}

fn replication_controller(value: &mut Value) {
    let spec = spec(value);
    default(spec, "replicas", json!(1));
    template(spec, "Always");
    if let Some(labels) = object::at(value, &["spec", "template", "metadata", "labels"]).cloned() {
        default(self::spec(value), "selector", labels);
    }
}

fn job(value: &mut Value) {
    let uid = object::uid(value).to_owned();
    let name = object::name(value).to_owned();
    let spec = spec(value);
    job_spec(spec);
    if spec.get("manualSelector") == Some(&json!(true)) || uid.is_empty() {
        return;
    }
    default(
        spec,
        "selector",
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }),
    );
    let labels = below(below(below(spec, "template"), "metadata"), "labels");
    for prefix in ["batch.kubernetes.io/", ""] {
        default(labels, &format!("{prefix}controller-uid"), json!(uid));
        default(labels, &format!("{prefix}job-name"), json!(name));
    }
}

fn job_spec(spec: &mut Map<String, Value>) {
    let counted = spec.contains_key("completions") || spec.contains_key("parallelism");
    if !counted {
        default(spec, "completions", json!(1));
    }
    default(spec, "parallelism", json!(1));
    default(spec, "backoffLimit", json!(6));
    default(spec, "completionMode", json!("NonIndexed"));
    default(spec, "suspend", json!(false));
    default(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
    default(spec, "manualSelector", json!(false));
    template(spec, "Always");
}

fn cron_job(spec: &mut Map<String, Value>) {
    default(spec, "concurrencyPolicy", json!("Allow"));
    default(spec, "suspend", json!(false));
    default(spec, "successfulJobsHistoryLimit", json!(3));
    default(spec, "failedJobsHistoryLimit", json!(1));
    if let Some(Value::Object(template)) = spec.get_mut("jobTemplate") {
        default(template, "metadata", json!({}));
        // Defaults of a Job that does not exist yet: those of its pods only.
        self::template(below(template, "spec"), "Always");
    }
}

fn service(spec: &mut Map<String, Value>) {
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    if spec["sessionAffinity"] == "ClientIP" {
        let config = below(spec, "sessionAffinityConfig");
        default(below(config, "clientIP"), "timeoutSeconds", json!(10800));
    }
    for port in each(spec, "ports") {
        default(port, "protocol", json!("TCP"));
        let number = port.get("port").cloned().unwrap_or_default();
        default(port, "targetPort", number);
    }
    if spec["type"] == "ExternalName" {
        return;
    }
    default(spec, "internalTrafficPolicy", json!("Cluster"));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", json!("SingleStack"));
    if matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer")) {
        default(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if spec["type"] == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
}

fn secret(value: &mut Value) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    default(root(value), "type", json!("Opaque"));
    // `stringData` is a way of writing `data` and never read back.
    if let Some(Value::Object(texts)) = object::remove(value, "stringData") {
        let data = object::map_mut(value, "data");
        for (key, text) in texts {
            data.insert(key, json!(STANDARD.encode(text.as_str().unwrap_or_default())));
        }
    }
}

fn namespace(value: &mut Value) {
    let name = object::name(value).to_owned();
    let labels = below(object::metadata_mut(value), "labels");
    labels.insert("kubernetes.io/metadata.name".to_owned(), json!(name));
    if object::is_deleting(value) {
        return;
    }
    default(spec(value), "finalizers", json!(["kubernetes"]));
    default(status(value), "phase", json!("Active"));
}

fn claim(spec: &mut Map<String, Value>) {
    default(spec, "volumeMode", json!("Filesystem"));
}

fn network_policy(spec: &mut Map<String, Value>) {
    let egress = spec.contains_key("egress");
    let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    default(spec, "policyTypes", types);
    for direction in ["ingress", "egress"] {
        for rule in each(spec, direction) {
            for port in each(rule, "ports") {
                default(port, "protocol", json!("TCP"));
            }
        }
    }
}

fn role_binding(value: &mut Value) {
    let binding = root(value);
    for subject in each(binding, "subjects") {
        let is_account = subject.get("kind") == Some(&json!("ServiceAccount"));
        default(
            subject,
            "apiGroup",
            json!(if is_account { "" } else { "rbac.authorization.k8s.io" }),
        );
        if is_account {
            subject.shift_remove("apiGroup");
        }
    }
    if let Some(Value::Object(role)) = binding.get_mut("roleRef") {
        default(role, "apiGroup", json!("rbac.authorization.k8s.io"));
    }
}

/// What a container may have at most is what it gets if it does not say.
fn limit_range(spec: &mut Map<String, Value>) {
    for limit in each(spec, "limits") {
        if limit.get("type") != Some(&json!("Container")) {
            continue;
        }
        for (from, to) in
            [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
        {
            if let Some(Value::Object(quantities)) = limit.get(from).cloned() {
                let given = below(limit, to);
                for (name, quantity) in quantities {
                    default(given, &name, quantity);
                }
            }
        }
    }
}

fn csi_driver(spec: &mut Map<String, Value>) {
    default(spec, "attachRequired", json!(true));
    default(spec, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
    default(spec, "volumeLifecycleModes", json!(["Persistent"]));
    for switch in [
        "podInfoOnMount",
        "preventPodSchedulingIfMissing",
        "requiresRepublish",
        "seLinuxMount",
        "storageCapacity",
    ] {
        default(spec, switch, json!(false));
    }
}

/// What an admission policy is about.
fn match_constraints(spec: &mut Map<String, Value>, key: &str) {
    let Some(Value::Object(constraints)) = spec.get_mut(key) else { return };
    default(constraints, "matchPolicy", json!("Equivalent"));
    default(constraints, "namespaceSelector", json!({}));
    default(constraints, "objectSelector", json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        for rule in each(constraints, list) {
            default(rule, "scope", json!("*"));
        }
    }
}

fn webhooks(value: &mut Value) {
    let mutating = value["kind"] == "MutatingWebhookConfiguration";
    for webhook in each(root(value), "webhooks") {
        default(webhook, "failurePolicy", json!("Fail"));
        default(webhook, "matchPolicy", json!("Equivalent"));
        default(webhook, "namespaceSelector", json!({}));
        default(webhook, "objectSelector", json!({}));
        default(webhook, "timeoutSeconds", json!(10));
        if mutating {
            default(webhook, "reinvocationPolicy", json!("Never"));
        }
        for rule in each(webhook, "rules") {
            default(rule, "scope", json!("*"));
        }
        if let Some(Value::Object(config)) = webhook.get_mut("clientConfig")
            && let Some(Value::Object(service)) = config.get_mut("service")
        {
            default(service, "port", json!(443));
        }
    }
}

//! The rules of readiness, kind by kind: objects in YAML, states out.

use super::*;

const NOW: &str = "2026-01-01T00:01:00Z";

/// The state and message of one object given in YAML.
fn judge(yaml: &str, jobs: bool) -> String {
    let value = goyaml::parse_keeping_integers(yaml).unwrap();
    let text = goyaml::json::to_string(&value).unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    let Readiness { state, message } = readiness(&object, jobs, NOW.parse().unwrap());
    format!("{state}: {message}")
}

/// Judges `base` with each of the given lines (dotted keys, YAML values) laid over it.
fn table(kind: &str, cases: &[(&str, &str)]) {
    for (fields, expected) in cases {
        let (api_version, kind) = kind.rsplit_once('/').unwrap();
        let yaml = format!("{{apiVersion: {api_version}, kind: {kind}, {fields}}}");
        assert_eq!(judge(&yaml, false), *expected, "{yaml}");
    }
}

/// What counts for all kinds comes first.
#[test]
fn generic_rules() {
    table(
        "example.org/v1/Thing",
        &[
            ("metadata: {deletionTimestamp: t}", "Terminating: Resource scheduled for deletion"),
            (
                "metadata: {generation: 2}, status: {observedGeneration: 1}",
                "InProgress: Thing generation is 2, but latest observed generation is 1",
            ),
            (
                "status: {conditions: [{type: Stalled, status: 'True', message: stuck}]}",
                "Failed: stuck",
            ),
            (
                "status: {conditions: [{type: Reconciling, status: 'True', message: busy}]}",
                "InProgress: busy",
            ),
            (
                "status: {conditions: [{type: Ready, status: 'False', message: not yet}]}",
                "InProgress: not yet",
            ),
            ("status: {conditions: [{type: Ready, status: 'True'}]}", "Current: Resource is Ready"),
            ("spec: {}", "Current: Resource is current"),
        ],
    );
}

/// Deployments: the counts in Helm's order, then the conditions.
#[test]
fn deployments() {
    const CONDITIONS: &str = "conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}, {type: Available, status: 'True'}]";
    let ready = format!(
        "spec: {{replicas: 2, progressDeadlineSeconds: 600}}, status: {{replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2, {CONDITIONS}}}"
    );
    table(
        "apps/v1/Deployment",
        &[
            ("spec: {replicas: 2}", "InProgress: Replicas: 0/2"),
            (
                "spec: {replicas: 2}, status: {replicas: 2, updatedReplicas: 1}",
                "InProgress: Updated: 1/2",
            ),
            (
                "spec: {replicas: 2}, status: {replicas: 3, updatedReplicas: 2}",
                "InProgress: Pending termination: 1",
            ),
            ("status: {replicas: 1, updatedReplicas: 1}", "InProgress: Available: 0/1"),
            (
                "status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1}",
                "InProgress: Ready: 0/1",
            ),
            (
                "spec: {replicas: 0, progressDeadlineSeconds: 600}",
                "InProgress: ReplicaSet not Available",
            ),
            ("spec: {replicas: 0}", "InProgress: Deployment not Available"),
            (
                "status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}",
                "Failed: Progress deadline exceeded",
            ),
            ("spec: {paused: true}", "Current: Deployment is paused"),
            (&ready, "Current: Deployment is available. Replicas: 2"),
        ],
    );
}

/// `ReplicaSet`s: labelled, available, ready, and none too many.
#[test]
fn replica_sets() {
    table(
        "apps/v1/ReplicaSet",
        &[
            ("spec: {replicas: 1}", "InProgress: Labelled: 0/1"),
            ("status: {fullyLabeledReplicas: 1}", "InProgress: Available: 0/1"),
            ("spec: {replicas: 0}, status: {replicas: 1}", "InProgress: Pending termination: 1"),
            (
                "status: {replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1, readyReplicas: 1}",
                "Current: ReplicaSet is available. Replicas: 1",
            ),
            (
                "status: {conditions: [{type: ReplicaFailure, status: 'True'}]}",
                "InProgress: Replica Failure condition. Check Pods",
            ),
        ],
    );
}

/// `StatefulSet`s: replicas, partitions, revisions.
#[test]
fn stateful_sets() {
    table(
        "apps/v1/StatefulSet",
        &[
            ("spec: {replicas: 2}, status: {replicas: 1}", "InProgress: Replicas: 1/2"),
            ("spec: {replicas: 1}, status: {replicas: 1}", "InProgress: Ready: 0/1"),
            ("status: {replicas: 2, readyReplicas: 2}", "InProgress: Pending termination: 1"),
            (
                "spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 1}}}, status: {replicas: 3, readyReplicas: 3, updatedReplicas: 1}",
                "InProgress: updated: 1/2",
            ),
            (
                "spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 1}}}, status: {replicas: 3, readyReplicas: 3, updatedReplicas: 2}",
                "Current: Partition rollout complete. updated: 2",
            ),
            ("status: {replicas: 1, readyReplicas: 1}", "InProgress: current: 0/1"),
            (
                "status: {replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: a, updateRevision: b}",
                "InProgress: Waiting for updated revision to match current",
            ),
            (
                "status: {replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: b, updateRevision: b}",
                "Current: All replicas scheduled as expected. Replicas: 1",
            ),
            (
                "spec: {updateStrategy: {type: OnDelete}}",
                "Current: StatefulSet is using the ondelete update strategy",
            ),
        ],
    );
}

/// `DaemonSet`s: nothing counts before the controller has looked.
#[test]
fn daemon_sets() {
    let seen = |status: &str| {
        format!("metadata: {{generation: 1}}, status: {{observedGeneration: 1, {status}}}")
    };
    table(
        "apps/v1/DaemonSet",
        &[
            ("metadata: {}", "InProgress: DaemonSet metadata.generation not found"),
            (
                "metadata: {generation: 1}",
                "InProgress: DaemonSet status.observedGeneration not found",
            ),
            (&seen("x: 1"), "InProgress: Missing .status.desiredNumberScheduled"),
            (
                &seen("desiredNumberScheduled: 2, currentNumberScheduled: 1"),
                "InProgress: Current: 1/2",
            ),
            (
                &seen(
                    "desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1",
                ),
                "InProgress: Available: 1/2",
            ),
            (
                &seen("desiredNumberScheduled: 0"),
                "Current: All replicas scheduled as expected. Replicas: 0",
            ),
        ],
    );
}

/// Pods: phase, readiness, crash loops, and fifteen seconds of patience with the scheduler.
#[test]
fn pods() {
    let unschedulable = |created: &str| {
        format!(
            "metadata: {{creationTimestamp: '{created}'}}, status: {{phase: Pending, conditions: [{{type: PodScheduled, status: 'False', reason: Unschedulable}}]}}"
        )
    };
    table(
        "v1/Pod",
        &[
            ("metadata: {}", "InProgress: Pod phase not available"),
            ("status: {phase: Succeeded}", "Current: Pod has completed successfully"),
            ("status: {phase: Failed}", "Current: Pod has completed, but not successfully"),
            ("status: {phase: Pending}", "InProgress: Pod is in the Pending phase"),
            (&unschedulable("2026-01-01T00:00:50Z"), "InProgress: Pod has not been scheduled"),
            (&unschedulable("2026-01-01T00:00:45Z"), "Failed: Pod could not be scheduled"),
            ("status: {phase: Running}", "InProgress: Pod is running but is not Ready"),
            (
                "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}",
                "Current: Pod is Ready",
            ),
            (
                "status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}}]}",
                "Failed: Containers in CrashLoop state: a",
            ),
        ],
    );
}

/// Jobs count as soon as they have started, or where asked for once they are complete.
#[test]
fn jobs() {
    table(
        "batch/v1/Job",
        &[
            ("spec: {}", "InProgress: Job not started"),
            (
                "status: {startTime: t, active: 1}",
                "Current: Job in progress. success:0, active: 1, failed: 0",
            ),
            (
                "status: {succeeded: 1, conditions: [{type: Complete, status: 'True'}]}",
                "Current: Job Completed. succeeded: 1/1",
            ),
            (
                "status: {failed: 1, conditions: [{type: Failed, status: 'True'}]}",
                "Failed: Job Failed. failed: 1/1",
            ),
        ],
    );
    let started = "{apiVersion: batch/v1, kind: Job, status: {startTime: t}}";
    assert_eq!(judge(started, true), "InProgress: Job in progress");
}

/// Services, claims and definitions.
#[test]
fn services_claims_definitions() {
    table(
        "v1/Service",
        &[
            ("spec: {}", "Current: Service is ready"),
            (
                "spec: {type: LoadBalancer}",
                "InProgress: ClusterIP not set. Service type: LoadBalancer",
            ),
            ("spec: {type: LoadBalancer, clusterIP: 10.0.0.1}", "Current: Service is ready"),
        ],
    );
    table(
        "v1/PersistentVolumeClaim",
        &[
            ("spec: {}", "InProgress: PVC is not Bound. phase: unknown"),
            ("status: {phase: Bound}", "Current: PVC is Bound"),
        ],
    );
    table(
        "apiextensions.k8s.io/v1/CustomResourceDefinition",
        &[
            ("spec: {}", "InProgress: Install in progress"),
            (
                "status: {conditions: [{type: NamesAccepted, status: 'False', message: taken}]}",
                "Failed: taken",
            ),
            (
                "status: {conditions: [{type: Established, status: 'True'}]}",
                "Current: CRD is established",
            ),
        ],
    );
}

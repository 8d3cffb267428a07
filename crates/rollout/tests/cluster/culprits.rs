//! Every cause of a rollout that does not come up, with the whole message: on a simulated cluster where that can have
//! it, and on the real control plane, which have to agree.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use rollout::apply::{self, Applied};
use rollout::crds::Crds;
use rollout::culprit::{self, Culprit};
use rollout::manifest::Desired;
use rollout::plan::{self, PlanOptions};
use rollout::record::{self, Finish, NothingKept};
use rollout::report::Cursor;
use rollout::wait::{WaitOptions, WaitOutcome};
use rollout::{Execution, wait};
use tokio_util::sync::CancellationToken;

use crate::lab::{Agree, KEY, Reports, deployment_in, revision};
use crate::place::Place;

/// A release that does not come up.
#[derive(Default)]
struct Story<'a> {
    /// The namespace, of its own for each story.
    namespace: &'a str,
    /// What others have put there.
    before: &'a str,
    /// A manifest of the same release that was deployed before; it is not waited for.
    earlier: &'a str,
    manifest: &'a str,
    /// Until when to wait; what cannot come up any more ends earlier.
    seconds: i64,
}

/// The message, the same from both.
async fn on_both(story: Story<'_>) -> String {
    let simulated = story.told_by(&Place::simulated().await).await;
    if let Some(real) = Place::real().await {
        assert_eq!(
            story.told_by(&real).await,
            simulated,
            "the real control plane tells another story"
        );
    }
    simulated
}

/// The message where only the real control plane has it; none where that is left out.
async fn on_the_real_one(story: Story<'_>) -> Option<String> {
    Some(story.told_by(&Place::real().await?).await)
}

impl Story<'_> {
    async fn told_by(&self, place: &Place) -> String {
        place.kubectl(&["create", "namespace", self.namespace]).await;
        if !self.before.is_empty() {
            place.kubectl_apply(self.namespace, self.before).await;
        }
        if !self.earlier.is_empty() {
            let culprits = self.deploy(place, "d1", self.earlier, 0).await;
            // Whatever is not ready yet is not what this is about.
            drop(culprits);
        }
        let culprits = self.deploy(place, "d2", self.manifest, self.seconds).await;
        culprits.iter().map(whole).collect::<Vec<_>>().join("\n")
    }

    /// Deploys, and waits so many seconds; whom to blame.
    async fn deploy(&self, place: &Place, id: &str, manifest: &str, seconds: i64) -> Vec<Culprit> {
        let (cluster, reports, cancel) =
            (&place.cluster, Reports::default(), CancellationToken::new());
        let execution = Execution {
            cluster,
            guard: &Agree,
            reporter: &reports,
            kept: &NothingKept,
            cancel: &cancel,
        };
        let desired =
            Desired::parse("shop", self.namespace, manifest, Vec::new(), Crds::default()).unwrap();
        let history =
            record::read_history(cluster, &NothingKept, self.namespace, "shop").await.unwrap();
        let options = PlanOptions::default();
        let live = match plan::read_live(cluster, &desired, &history, &options).await {
            Ok(live) => live,
            Err(error) => return culprit::of_plan_error(&error),
        };
        let plan = match plan::plan(&desired, &history, &live, &options, KEY) {
            Ok(plan) => plan,
            Err(error) => return culprit::of_plan_error(&error),
        };
        if plan.refusals().count() > 0 {
            return culprit::of_plan(&plan);
        }
        let new = revision(id, manifest);
        let since = Timestamp::now() - SignedDuration::from_secs(2);
        record::record_pending(execution, &plan, &new).await.unwrap();
        if let Err(error) = apply::apply(execution, &desired, &plan).await {
            return culprit::of_error(&error);
        }
        let waiting = WaitOptions {
            deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
            since,
            jobs: true,
            end_when_hopeless: true,
            cursor: Cursor::default(),
        };
        let outcome = wait::wait(execution, &plan, Applied::default(), waiting).await.unwrap();
        // The next one is an upgrade of this one, whatever became of it.
        record::record_finish(execution, &plan, &new, &Finish::Deployed).await.unwrap();
        match outcome {
            WaitOutcome::Ready => Vec::new(),
            WaitOutcome::NotReady { culprits, .. } => culprits,
        }
    }
}

/// All that a culprit says; what differs from run to run in brackets.
fn whole(culprit: &Culprit) -> String {
    let Culprit {
        pod, container, cause, text, evidence, last_lines, since, remedy, hopeless, ..
    } = culprit;
    let mut lines = vec![text.clone(), format!("cause: {cause:?}, hopeless: {hopeless}")];
    let place = [("pod", pod), ("container", container)];
    lines.extend(
        place.iter().filter_map(|(what, name)| Some(format!("{what}: {}", name.as_ref()?))),
    );
    lines.extend(since.map(|since| format!("since: {since}")));
    lines.extend(evidence.iter().map(|evidence| format!("evidence: {evidence}")));
    lines.extend(last_lines.iter().map(|line| format!("| {line}")));
    lines.push(format!("remedy: {remedy}"));
    normal(&lines.join("\n"))
}

fn normal(text: &str) -> String {
    static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[time]"),
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[uid]"),
            (r"\bweb-[a-z0-9]{7,10}(-[a-z0-9]{0,5})?", "web-[pod]"),
            (r"\bmigrate-[a-z0-9]{5}\b", "migrate-[pod]"),
            (r"restarted (once|\d+ times)", "restarted [n] times"),
            (r"back-off \w+ restarting", "back-off [n] restarting"),
        ]
        .map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead))
        .into()
    });
    VARYING.iter().fold(text.to_owned(), |text, (pattern, instead)| {
        pattern.replace_all(&text, *instead).into_owned()
    })
}

fn failing(fault: &str) -> [(&'static str, &str); 2] {
    [
        ("simulator.landfall.dev/fault", fault),
        ("simulator.landfall.dev/log-lines", "reading settings\ncannot go on"),
    ]
}

/// A Deployment of one pod; `more` is put into the pod's spec.
fn web(annotations: &[(&str, &str)], more: &str) -> String {
    deployment_in("web", "web:1", annotations, more)
}

/// An image that cannot be pulled.
#[tokio::test(flavor = "multi_thread")]
async fn image_pull() {
    let manifest = web(&failing("image-pull"), "");
    let story =
        Story { namespace: "image-pull", manifest: &manifest, seconds: 60, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/image-pull/web: image "web:1" cannot be pulled: there is no such image
    cause: ImagePull, hopeless: true
    pod: web-[pod]
    container: main
    since: [time]
    evidence: Failed: Failed to pull image "web:1": rpc error: code = NotFound desc = failed to pull and unpack image "web:1": failed to resolve reference "web:1": web:1: not found
    remedy: Push the image, or correct its name or tag in the values.
    "##);
}

/// A container that ends again and again.
#[tokio::test(flavor = "multi_thread")]
async fn crash_loop() {
    let manifest = web(&failing("crash-loop"), "");
    let story =
        Story { namespace: "crash-loop", manifest: &manifest, seconds: 90, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/crash-loop/web: container "main" ends again and again (exit code 1, restarted [n] times)
    cause: CrashLoop, hopeless: true
    pod: web-[pod]
    container: main
    since: [time]
    evidence: Error: Back-off restarting failed container main in pod web-[pod]_crash-loop([uid])
    | simulated container main of web:1 starts; no program runs
    | reading settings
    | cannot go on
    | fatal: CONFIG is not usable, giving up (exit code 1)
    remedy: Read its last lines; correct the values, or roll back.
    "##);
}

/// A container that needs more memory than it may use.
#[tokio::test(flavor = "multi_thread")]
async fn out_of_memory() {
    let manifest = web(&failing("out-of-memory"), "")
        .replace("image: web:1", "image: web:1\n        resources: {limits: {memory: 64Mi}}");
    let story = Story { namespace: "memory", manifest: &manifest, seconds: 90, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/memory/web: container "main" runs out of memory (its limit is 64Mi, restarted [n] times)
    cause: OutOfMemory, hopeless: true
    pod: web-[pod]
    container: main
    since: [time]
    evidence: OOMKilled: Back-off restarting failed container main in pod web-[pod]_memory([uid])
    | simulated container main of web:1 starts; no program runs
    | reading settings
    | cannot go on
    | fatal: CONFIG is not usable, giving up (exit code 137)
    remedy: Raise the memory limit of container "main" above 64Mi in the values.
    "##);
}

/// A readiness probe that never passes: it might yet, so the deadline ends it.
#[tokio::test(flavor = "multi_thread")]
async fn never_ready() {
    let manifest = web(&failing("never-ready"), "");
    let story =
        Story { namespace: "never-ready", manifest: &manifest, seconds: 8, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/never-ready/web: container "main" runs but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503
    cause: NeverReady, hopeless: false
    pod: web-[pod]
    container: main
    since: [time]
    evidence: Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503
    | simulated container main of web:1 starts; no program runs
    | reading settings
    | cannot go on
    remedy: Read its last lines; correct what it needs to answer its readiness probe, or the probe.
    "##);
}

/// A quota that is used up.
#[tokio::test(flavor = "multi_thread")]
async fn quota() {
    let before =
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {pods: '0'}}}";
    let manifest = web(&[], "");
    let story =
        Story { namespace: "quota", before, manifest: &manifest, seconds: 8, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/quota/web: quota "small" is used up (pods=1 more wanted, pods=0 of pods=0 used)
    cause: Quota, hopeless: false
    since: [time]
    evidence: FailedCreate: Error creating: pods "web-[pod]" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0
    remedy: Raise quota "small" of the namespace, or ask for less in the values.
    "##);
}

/// A service account that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn service_account() {
    let manifest = web(&[], "      serviceAccountName: releaser\n");
    let story =
        Story { namespace: "account", manifest: &manifest, seconds: 60, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/account/web: its pods' service account "releaser" does not exist
    cause: ServiceAccount, hopeless: true
    since: [time]
    evidence: FailedCreate: Error creating: pods "web-[pod]" is forbidden: error looking up service account account/releaser: serviceaccount "releaser" not found
    remedy: Create the service account "releaser", or name one that exists in the values.
    "##);
}

/// A pod that asks for more than any node has.
#[tokio::test(flavor = "multi_thread")]
async fn unschedulable() {
    let manifest = web(&[], "")
        .replace("image: web:1", "image: web:1\n        resources: {requests: {cpu: '64'}}");
    let story = Story { namespace: "too-big", manifest: &manifest, seconds: 4, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Deployment/too-big/web: no node takes its pod: 0/1 nodes are available: 1 Insufficient cpu
    cause: Unschedulable, hopeless: false
    pod: web-[pod]
    since: [time]
    evidence: FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    remedy: Ask for less in the pods' resource requests, or add nodes.
    "##);
}

/// A volume claim of a storage class that is not there, which a pod waits for.
#[tokio::test(flavor = "multi_thread")]
async fn unbound_claim() {
    let claim = "---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
";
    let volume = "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";
    let manifest = format!("{claim}{}", web(&[], volume));
    let story = Story { namespace: "claim", manifest: &manifest, seconds: 60, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    PersistentVolumeClaim/claim/data: volume claim "data" is not bound: there is no storage class "fast"
    cause: UnboundClaim, hopeless: true
    since: [time]
    evidence: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found
    remedy: Create the storage class "fast", or choose one that exists in the values.
    Deployment/claim/web: volume claim "data" is not bound: there is no storage class "fast"
    cause: UnboundClaim, hopeless: true
    pod: web-[pod]
    since: [time]
    evidence: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found
    remedy: Create the storage class "fast", or choose one that exists in the values.
    "##);
}

const JOB: &str = "---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/fault: crash-loop
        simulator.landfall.dev/log-lines: \"migrating\\ntable orders is locked\"
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: migrate:1, env: [{name: PASSWORD, value: s3cret}]}
";

/// A Job that has failed.
#[tokio::test(flavor = "multi_thread")]
async fn job() {
    let story = Story { namespace: "job", manifest: JOB, seconds: 60, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Job/job/migrate: the Job has failed, it failed as often as it may: container "main" ended with exit code 1
    cause: JobFailed, hopeless: true
    pod: migrate-[pod]
    container: main
    since: [time]
    evidence: BackoffLimitExceeded: Job has reached the specified backoff limit
    | simulated container main of migrate:1 starts; no program runs
    | migrating
    | table orders is locked
    | fatal: PASSWORD is not usable, giving up (exit code 1)
    remedy: Read its last lines; correct the values or the chart, then deploy again.
    "##);
}

/// A field that cannot be changed; the server's answer quotes the whole template, with its password.
#[tokio::test(flavor = "multi_thread")]
async fn immutable() {
    let changed = JOB.replace("migrate:1", "migrate:2");
    let story = Story {
        namespace: "immutable",
        earlier: JOB,
        manifest: &changed,
        seconds: 60,
        ..Story::default()
    };
    let told = on_both(story).await;
    assert!(!told.contains("s3cret"), "{told}");
    insta::assert_snapshot!(told, @r##"
    Job/immutable/migrate: spec.template cannot be changed once the object exists
    cause: Immutable, hopeless: true
    evidence: Invalid: server-side apply failed for object immutable/migrate batch/v1, Kind=Job: Job.batch "migrate" is invalid: spec.template: Invalid value: …: field is immutable
    remedy: Keep the field as it is, or delete the Job first so that it is made anew.
    "##);
}

/// A field that someone else's manager owns.
#[tokio::test(flavor = "multi_thread")]
async fn field_conflict() {
    let settings = |value: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{mode: {value}}}\n"
        )
    };
    let (earlier, manifest) = (settings("one"), settings("two"));
    let place = Place::simulated().await;
    let mut told = Vec::new();
    for place in [Some(place), Place::real().await].into_iter().flatten() {
        let story =
            Story { namespace: "conflict", manifest: &earlier, seconds: 10, ..Story::default() };
        assert_eq!(story.told_by(&place).await, "");
        let patch = [
            "patch",
            "configmap",
            "settings",
            "--namespace",
            "conflict",
            "--patch",
            "{\"data\":{\"mode\":\"mine\"}}",
        ];
        place.kubectl(&patch).await;
        let culprits = story.deploy(&place, "d3", &manifest, 10).await;
        told.push(culprits.iter().map(whole).collect::<Vec<_>>().join("\n"));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "the clusters tell different stories: {told:#?}");
    insta::assert_snapshot!(told[0], @r##"
    ConfigMap/conflict/settings: field data.mode belongs to "kubectl-patch"
    cause: FieldConflict, hopeless: true
    evidence: Conflict: conflict occurred while applying object conflict/settings /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.mode
    remedy: Deploy with "Take fields over" (`--force-conflicts`), which overrules "kubectl-patch"; or let "kubectl-patch" give the fields up, or take them out of the chart.
    "##);
}

/// A name that another Helm release has.
#[tokio::test(flavor = "multi_thread")]
async fn name_taken() {
    let before = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: billing, meta.helm.sh/release-namespace: taken}
";
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
    let story = Story { namespace: "taken", before, manifest, seconds: 10, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    ConfigMap/taken/settings: it exists and belongs to Helm release "billing" in namespace "taken"
    cause: NameTaken, hopeless: true
    evidence: ConfigMap "settings" in namespace "taken" exists and cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "meta.helm.sh/release-name" must equal "shop": current value is "billing"
    remedy: Give the object another name in the values, or uninstall release "billing".
    "##);
}

/// A kind that the cluster does not have.
#[tokio::test(flavor = "multi_thread")]
async fn kind_missing() {
    let manifest = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\n";
    let story = Story { namespace: "kind", manifest, seconds: 10, ..Story::default() };
    insta::assert_snapshot!(on_both(story).await, @r##"
    Widget/w: the cluster knows no kind Widget in example.org/v1
    cause: KindMissing, hopeless: true
    remedy: Install what brings the kind Widget (its CustomResourceDefinition), or use an API version that the cluster has.
    "##);
}

/// Pods that an admission rule refuses.
#[tokio::test(flavor = "multi_thread")]
async fn admission_of_pods() {
    let before = "
apiVersion: v1
kind: Namespace
metadata: {name: admission, labels: {pod-security.kubernetes.io/enforce: baseline}}
";
    let manifest = web(&[], "")
        .replace("image: web:1", "image: web:1\n        securityContext: {privileged: true}");
    let story = Story {
        namespace: "admission",
        before,
        manifest: &manifest,
        seconds: 60,
        ..Story::default()
    };
    let Some(told) = on_the_real_one(story).await else { return };
    insta::assert_snapshot!(told, @r##"
    Deployment/admission/web: its pods are not admitted: violates PodSecurity "baseline:latest": privileged (container "main" must not set securityContext.privileged=true)
    cause: Admission, hopeless: true
    since: [time]
    evidence: FailedCreate: Error creating: pods "web-[pod]" is forbidden: violates PodSecurity "baseline:latest": privileged (container "main" must not set securityContext.privileged=true)
    remedy: Change what the rule objects to, in the values or the chart, or have the rule changed.
    "##);
}

/// An object that a policy refuses.
#[tokio::test(flavor = "multi_thread")]
async fn admission_of_objects() {
    let before = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: fixed-tags}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  matchConditions: [{name: here, expression: \"object.metadata.namespace == 'policy'\"}]
  validations: [{expression: \"false\", message: images need a fixed tag}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: fixed-tags}
spec: {policyName: fixed-tags, validationActions: [Deny]}
";
    let manifest = web(&[], "");
    let Some(place) = Place::real().await else { return };
    let story =
        Story { namespace: "policy", before, manifest: &manifest, seconds: 0, ..Story::default() };
    let mut told = story.told_by(&place).await;
    // A policy works some moments after it was made.
    for _ in 0..20 {
        if told.contains("Admission") {
            break;
        }
        let culprits = story.deploy(&place, "d3", &manifest, 1).await;
        told = culprits.iter().map(whole).collect::<Vec<_>>().join("\n");
    }
    insta::assert_snapshot!(told, @r##"
    Deployment/policy/web: it is not admitted: ValidatingAdmissionPolicy 'fixed-tags' with binding 'fixed-tags' denied request: images need a fixed tag
    cause: Admission, hopeless: true
    evidence: Invalid: server-side apply failed for object policy/web apps/v1, Kind=Deployment: deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'fixed-tags' with binding 'fixed-tags' denied request: images need a fixed tag
    remedy: Change what the rule objects to, in the values or the chart, or have the rule changed.
    "##);
}

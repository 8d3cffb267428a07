//! Workloads come up, change, fail and go as their users expect; seen through watches, without sleeping.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    bootstrap,
    cluster::{Cluster, DeleteOptions, Part, Propagation, WriteOptions},
    kinds::Kinds,
    object,
    store::Store,
    timing::Timing,
};

struct Running {
    cluster: Cluster,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn run() -> Running {
    let kinds = Kinds::builtin();
    let store = Store::in_memory(&kinds);
    let cluster = Cluster::new("test", kinds, store, Timing::instant());
    bootstrap::run(&cluster);
    let stop = CancellationToken::new();
    super::start(&cluster, "certificate", &TaskTracker::new(), &stop);
    Running { cluster, stop }
}

impl Running {
    fn create(&self, resource: &str, value: Value) {
        self.cluster.create(resource, value, &WriteOptions::manager("test")).unwrap();
    }

    fn change(&self, resource: &str, name: &str, change: impl Fn(&mut Value)) {
        let options = WriteOptions::manager("test");
        self.cluster
            .update(resource, "default", name, Part::Main, &options, |object| {
                change(object);
                Ok(())
            })
            .unwrap();
    }

    /// Waits until the objects of a resource in `default` are as wanted, and returns them.
    async fn until(&self, resource: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let waiting = async {
            loop {
                let (_, mut watch) = self.cluster.list_and_watch(resource);
                let objects: Vec<Value> = self
                    .cluster
                    .store()
                    .list(resource, Some("default"))
                    .1
                    .iter()
                    .map(|object| object.value())
                    .collect();
                if holds(&objects) {
                    return objects;
                }
                let _ = watch.next().await;
            }
        };
        if let Ok(objects) = tokio::time::timeout(Duration::from_secs(30), waiting).await {
            return objects;
        }
        let (_, found) = self.cluster.store().list(resource, None);
        let found: Vec<Value> = found.iter().map(|object| object.value()).collect();
        panic!("{resource} never became as wanted: {found:#?}");
    }

    async fn events(&self, reason: &str) -> Vec<String> {
        let events = self
            .until("events", |events| events.iter().any(|event| event["reason"] == *reason))
            .await;
        let of_reason = events.iter().filter(|event| event["reason"] == *reason);
        of_reason.map(|event| object::text(event, &["message"]).to_owned()).collect()
    }
}

fn deployment(annotations: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" }, "annotations": annotations },
                "spec": { "containers": [{ "name": "web", "image": "shop/web:1", "ports": [{ "containerPort": 80 }] }] },
            },
        },
    })
}

fn ready(set: &Value) -> i64 {
    object::integer(set, &["status", "readyReplicas"]).unwrap_or(0)
}

/// A Deployment gets its `ReplicaSet` and pods, says that it is available, and its containers speak.
#[tokio::test]
async fn deployment_comes_up() {
    let running = run();
    running.create("deployments.apps", deployment(&json!({})));
    let found = running.until("deployments.apps", |all| all.iter().all(|it| ready(it) == 3)).await;
    assert_eq!(object::condition(&found[0], "Available"), "True");
    let found = running
        .until("deployments.apps", |all| {
            object::list(&all[0], &["status", "conditions"])
                .iter()
                .any(|it| it["reason"] == "NewReplicaSetAvailable")
        })
        .await;
    assert_eq!(object::integer(&found[0], &["status", "updatedReplicas"]), Some(3));
    let pods = running.until("pods", |pods| pods.len() == 3).await;
    let (lines, ended) =
        running.cluster.logs().open(object::uid(&pods[0]), "web", false).unwrap().ready();
    assert!(
        !ended
            && lines
                .iter()
                .any(|line| line.text.contains("ready, accepting connections on port 80"))
    );
}

/// A changed template rolls: new pods replace the old ones, and at no time fewer than the bound are available.
#[tokio::test]
async fn rolling_update_keeps_the_bound() {
    let running = run();
    running.create("deployments.apps", deployment(&json!({})));
    running.until("deployments.apps", |all| all.iter().all(|it| ready(it) == 3)).await;
    let (_, mut watch) = running.cluster.list_and_watch("deployments.apps");
    running.change("deployments.apps", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shop/web:2");
    });
    let mut fewest = i64::MAX;
    'rolled: loop {
        for change in watch.next().await.unwrap() {
            let web = change.object.value();
            fewest =
                fewest.min(object::integer(&web, &["status", "availableReplicas"]).unwrap_or(0));
            let number = |field: &str| object::integer(&web, &["status", field]).unwrap_or(0);
            if number("updatedReplicas") == 3
                && number("replicas") == 3
                && number("availableReplicas") == 3
            {
                break 'rolled;
            }
        }
    }
    assert_eq!(fewest, 3, "25 % of 3 rounded down is 0 unavailable");
    let sets = running.until("replicasets.apps", |sets| sets.len() == 2).await;
    let mut revisions: Vec<_> = sets
        .iter()
        .filter_map(|set| object::annotation(set, "deployment.kubernetes.io/revision"))
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["1", "2"]);
}

/// An image that cannot be pulled shows as Kubernetes shows it, in the pod and in events.
#[tokio::test]
async fn image_that_cannot_be_pulled() {
    let running = run();
    running.create(
        "deployments.apps",
        deployment(&json!({ "simulator.landfall.dev/fault": "image-pull" })),
    );
    let messages = running.events("Failed").await;
    insta::assert_snapshot!(messages.iter().find(|text| text.contains("pull image")).unwrap(), @r#"Failed to pull image "shop/web:1": rpc error: code = NotFound desc = failed to pull and unpack image "shop/web:1": failed to resolve reference "shop/web:1": shop/web:1: not found"#);
    let waiting = |pod: &Value| {
        object::list(pod, &["status", "containerStatuses"])
            .first()
            .map(|it| it["state"]["waiting"]["reason"].clone())
    };
    running
        .until("pods", |pods| {
            pods.iter().any(|pod| waiting(pod) == Some(json!("ImagePullBackOff")))
        })
        .await;
}

/// A crashing container restarts with growing counts, and its last words stay readable.
#[tokio::test]
async fn crash_loop() {
    let running = run();
    running.create(
        "deployments.apps",
        deployment(&json!({ "simulator.landfall.dev/fault": "crash-loop" })),
    );
    let restarts = |pod: &Value| {
        let first = object::list(pod, &["status", "containerStatuses"]).first();
        first.and_then(|it| object::integer(it, &["restartCount"])).unwrap_or(0)
    };
    let pods = running.until("pods", |pods| pods.iter().any(|pod| restarts(pod) >= 1)).await;
    let crashed = pods.iter().find(|pod| restarts(pod) >= 1).unwrap();
    let (lines, ended) =
        running.cluster.logs().open(object::uid(crashed), "web", true).unwrap().ready();
    assert!(ended && lines.last().unwrap().text.starts_with("fatal: "), "{lines:?}");
}

/// A `StatefulSet` makes its pods in order, each with its claim, and its claims outlive it.
#[tokio::test]
async fn stateful_set_in_order() {
    let running = run();
    running.create(
        "statefulsets.apps",
        json!({
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": { "name": "db", "namespace": "default" },
            "spec": {
                "replicas": 2,
                "serviceName": "db",
                "selector": { "matchLabels": { "app": "db" } },
                "template": {
                    "metadata": { "labels": { "app": "db" } },
                    "spec": { "containers": [{ "name": "postgres", "image": "postgres:16" }] },
                },
                "volumeClaimTemplates": [{
                    "metadata": { "name": "data" },
                    "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
                }],
            },
        }),
    );
    running.until("statefulsets.apps", |all| all.iter().all(|it| ready(it) == 2)).await;
    let names = |objects: &[Value]| {
        objects.iter().map(|it| object::name(it).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&running.until("pods", |pods| pods.len() == 2).await), ["db-0", "db-1"]);
    let options = DeleteOptions::propagation(Propagation::Background);
    running.cluster.delete("statefulsets.apps", "default", "db", &options).unwrap();
    running.until("pods", <[Value]>::is_empty).await;
    let claims = running.until("persistentvolumeclaims", |claims| claims.len() == 2).await;
    assert_eq!(names(&claims), ["data-db-0", "data-db-1"]);
    assert_eq!(claims[0]["status"]["phase"], "Bound");
    assert_eq!(claims[0]["spec"]["storageClassName"], "standard");
}

fn job(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": "default" },
        "spec": {
            "backoffLimit": 1,
            "template": {
                "metadata": { "annotations": annotations },
                "spec": { "restartPolicy": "Never", "containers": [{ "name": "migrate", "image": "shop/api:1" }] },
            },
        },
    })
}

/// A Job runs its pod to the end and is complete; one whose pods fail reaches its limit.
#[tokio::test]
async fn jobs_end() {
    let running = run();
    running.create("jobs.batch", job("good", &json!({})));
    running
        .create("jobs.batch", job("bad", &json!({ "simulator.landfall.dev/fault": "crash-loop" })));
    let jobs = running
        .until("jobs.batch", |jobs| {
            jobs.iter().any(|job| object::condition(job, "Complete") == "True")
                && jobs.iter().any(|job| object::condition(job, "Failed") == "True")
        })
        .await;
    let bad = jobs.iter().find(|job| object::name(job) == "bad").unwrap();
    assert_eq!(object::integer(bad, &["status", "failed"]), Some(2));
}

/// However a pod's end falls between the looks at its Job, no second pod is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_has_one_pod() {
    const JOBS: usize = 400;
    let running = run();
    for number in 0..JOBS {
        running.create("jobs.batch", job(&format!("job-{number}"), &json!({})));
    }
    let complete = |job: &Value| object::condition(job, "Complete") == "True";
    running.until("jobs.batch", |jobs| jobs.iter().all(complete)).await;
    assert_eq!(running.until("pods", |_| true).await.len(), JOBS);
}

/// Services of type `LoadBalancer` and Ingresses get an address.
#[tokio::test]
async fn addresses() {
    let running = run();
    running.create(
        "services",
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": "edge", "namespace": "default" },
            "spec": { "type": "LoadBalancer", "ports": [{ "port": 80 }] },
        }),
    );
    let with_address = |all: &[Value]| {
        all.iter().any(|it| !object::list(it, &["status", "loadBalancer", "ingress"]).is_empty())
    };
    running.until("services", with_address).await;
    running.create(
        "ingresses.networking.k8s.io",
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": { "name": "edge", "namespace": "default" },
            "spec": { "rules": [{ "host": "shop.example.com" }] },
        }),
    );
    running.until("ingresses.networking.k8s.io", with_address).await;
}

fn cron_job(policy: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": { "name": "nightly", "namespace": "default" },
        "spec": {
            "schedule": "* * * * *",
            "concurrencyPolicy": policy,
            "successfulJobsHistoryLimit": 1,
            "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "Never",
                "containers": [{ "name": "job", "image": "example.org/job:1" }],
            } } } },
        },
    })
}

impl Running {
    /// Makes a `CronJob` believe that it last ran long ago, so that its next time has come.
    fn miss_a_run(&self, name: &str, minutes: i64) {
        let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        let ago = ago.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.cluster
            .update_status("cronjobs.batch", "default", name, |cron_job| {
                object::map_mut(cron_job, "status")
                    .insert("lastScheduleTime".to_owned(), json!(ago));
            })
            .unwrap();
    }
}

/// A missed time is made up for by one Job, named after it; the end is noted.
#[tokio::test]
async fn a_cron_job_runs() {
    let running = run();
    running.create("cronjobs.batch", cron_job("Allow"));
    running.miss_a_run("nightly", 90);
    let jobs = running.until("jobs.batch", |jobs| jobs.len() == 1).await;
    let scheduled =
        object::annotation(&jobs[0], "batch.kubernetes.io/cronjob-scheduled-timestamp").unwrap();
    let scheduled: jiff::Timestamp = scheduled.parse().unwrap();
    assert_eq!(object::name(&jobs[0]), format!("nightly-{}", scheduled.as_second() / 60));
    let done = |cron_jobs: &[Value]| {
        let status = &cron_jobs[0]["status"];
        status.get("lastSuccessfulTime").is_some() && status.get("active").is_none()
    };
    running.until("cronjobs.batch", done).await;
    assert_eq!(running.events("SuccessfulCreate").await.len(), 2, "of the CronJob and of the Job");
    running.miss_a_run("nightly", 2);
    running
        .until("events", |events| events.iter().any(|it| it["reason"] == "SawCompletedJob"))
        .await;
}

/// A Job that still runs keeps the next one from starting where the policy forbids it, and a
/// suspended `CronJob` starts none.
#[tokio::test]
async fn cron_jobs_that_do_not_start() {
    let running = run();
    let mut stuck = cron_job("Forbid");
    stuck["spec"]["jobTemplate"]["spec"]["template"]["metadata"] =
        json!({ "annotations": { "simulator.landfall.dev/fault": "image-pull" } });
    running.create("cronjobs.batch", stuck);
    running.miss_a_run("nightly", 5);
    running.until("jobs.batch", |jobs| jobs.len() == 1).await;
    running.miss_a_run("nightly", 5);
    running
        .until("events", |events| events.iter().any(|it| it["reason"] == "JobAlreadyActive"))
        .await;
    running.change("cronjobs.batch", "nightly", |it| it["spec"]["suspend"] = json!(true));
    running.miss_a_run("nightly", 5);
    assert_eq!(running.until("jobs.batch", |jobs| !jobs.is_empty()).await.len(), 1);
}

/// A suspended Job has no pods until it is resumed; an ended one goes when its time is over.
#[tokio::test]
async fn jobs_are_suspended_and_cleared_away() {
    let running = run();
    let mut job = cron_job("Allow")["spec"]["jobTemplate"].clone();
    job["apiVersion"] = json!("batch/v1");
    job["kind"] = json!("Job");
    job["metadata"] = json!({ "name": "once", "namespace": "default" });
    job["spec"]["suspend"] = json!(true);
    job["spec"]["ttlSecondsAfterFinished"] = json!(0);
    running.create("jobs.batch", job);
    let suspended = |jobs: &[Value]| object::condition(&jobs[0], "Suspended") == "True";
    running.until("jobs.batch", suspended).await;
    assert!(running.cluster.store().list("pods", Some("default")).1.is_empty());
    running.change("jobs.batch", "once", |job| job["spec"]["suspend"] = json!(false));
    running.until("jobs.batch", <[Value]>::is_empty).await;
    assert_eq!(running.events("Completed").await.len(), 1);
}

/// A Job that does not end in its time fails, and its pods go.
#[tokio::test]
async fn a_job_meets_its_deadline() {
    let running = run();
    let mut job = cron_job("Allow")["spec"]["jobTemplate"].clone();
    job["apiVersion"] = json!("batch/v1");
    job["kind"] = json!("Job");
    job["metadata"] = json!({ "name": "late", "namespace": "default" });
    job["spec"]["activeDeadlineSeconds"] = json!(1);
    job["spec"]["template"]["metadata"] =
        json!({ "annotations": { "simulator.landfall.dev/fault": "image-pull" } });
    running.create("jobs.batch", job);
    let failed = |jobs: &[Value]| object::condition(&jobs[0], "Failed") == "True";
    let jobs = running.until("jobs.batch", failed).await;
    let conditions = object::list(&jobs[0], &["status", "conditions"]);
    assert_eq!(conditions[0]["reason"], "DeadlineExceeded");
    assert_eq!(jobs[0]["status"]["failed"], 1);
}

/// A Service leads to the ready pods that it selects, by the names of their ports; a budget counts
/// them.
#[tokio::test]
async fn what_selects_pods_follows_them() {
    let running = run();
    running.create(
        "services",
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "web", "namespace": "default" },
            "spec": {
                "selector": { "app": "web" },
                "ports": [{ "name": "http", "port": 80, "targetPort": "web" }],
            },
        }),
    );
    running.create(
        "poddisruptionbudgets.policy",
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": { "name": "web", "namespace": "default" },
            "spec": { "minAvailable": "50%", "selector": { "matchLabels": { "app": "web" } } },
        }),
    );
    let mut web = deployment(&json!({}));
    web["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{ "name": "web", "containerPort": 8080 }]);
    running.create("deployments.apps", web);
    let ready = |slices: &[Value]| {
        let endpoints = slices.iter().flat_map(|slice| object::list(slice, &["endpoints"]));
        endpoints.filter(|it| it["conditions"]["ready"] == json!(true)).count() == 3
    };
    let slices = running.until("endpointslices.discovery.k8s.io", ready).await;
    assert_eq!(slices[0]["ports"], json!([{ "name": "http", "protocol": "TCP", "port": 8080 }]));
    let counted = |budgets: &[Value]| budgets[0]["status"]["currentHealthy"] == json!(3);
    let budgets = running.until("poddisruptionbudgets.policy", counted).await;
    let status = &budgets[0]["status"];
    assert_eq!((&status["expectedPods"], &status["desiredHealthy"]), (&json!(3), &json!(2)));
    assert_eq!(status["disruptionsAllowed"], 1);
}

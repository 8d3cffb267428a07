//! Volumes of a `StatefulSet`, snapshotted and put back, on a simulated cluster and on a real control plane: broken off before
//! every single write, and gone on with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fixture::snapshots::{BROKEN, DRIVER};
use fixture::{ClusterTools, SnapshotController};
use futures_util::future::BoxFuture;
use rollout::record::NothingKept;
use rollout::volumes::{self, Claim, How, Move, Restore, Snapshot, Volume, VolumeError, Wanted};
use rollout::{Execution, GuardError, RolloutError, WriteGuard};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::lab::{Agree, Reports};
use crate::place::Place;

/// Agrees to so many writes, then to none: as a process that is killed before the next one.
struct Dies(AtomicUsize);

impl WriteGuard for Dies {
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>> {
        let less = |left: usize| left.checked_sub(1);
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        let answer = left.map(|_| ()).map_err(|_| GuardError { reason: "it died".to_owned() });
        Box::pin(std::future::ready(answer))
    }
}

/// Agrees to writes as long as a claim is there: as a process that is killed between its end and its new beginning.
struct DiesWithout<'a> {
    tools: &'a ClusterTools,
    namespace: &'a str,
    claim: &'a str,
}

impl WriteGuard for DiesWithout<'_> {
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>> {
        let looked = self.tools.try_kubectl(&["get", "pvc", self.claim, "-n", self.namespace]);
        let answer = looked.map(|_| ()).map_err(|reason| GuardError { reason });
        Box::pin(std::future::ready(answer))
    }
}

/// A cluster with snapshots, and what is done there.
struct Ground {
    place: Place,
    reports: Reports,
    cancel: CancellationToken,
    _controller: SnapshotController,
}

impl Ground {
    async fn new(place: Place) -> Self {
        let controller = SnapshotController::start(&place.tools.kubeconfig).await;
        Self {
            place,
            reports: Reports::default(),
            cancel: CancellationToken::new(),
            _controller: controller,
        }
    }

    fn execution<'a>(&'a self, guard: &'a dyn WriteGuard) -> Execution<'a> {
        Execution {
            cluster: &self.place.cluster,
            guard,
            reporter: &self.reports,
            kept: &NothingKept,
            cancel: &self.cancel,
        }
    }

    async fn release(&self, namespace: &str, name: &str) {
        let _ = self.place.tools.try_kubectl(&["create", "namespace", namespace]);
        self.place.kubectl_apply(namespace, &set(name)).await;
        self.running(namespace, name).await;
    }

    async fn running(&self, namespace: &str, name: &str) {
        let set = format!("statefulset/{name}-db");
        let wait = ["rollout", "status", "--namespace", namespace, "--timeout=90s", &set];
        self.place.kubectl(&wait).await;
    }

    fn object(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let get = ["get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields"];
        serde_json::from_str(&self.place.tools.kubectl(&get)).unwrap()
    }

    async fn claims(&self, namespace: &str, name: &str) -> Vec<Claim> {
        let found = volumes::find(&self.place.cluster, namespace, &format!("of={name}")).await;
        found.unwrap()
    }

    async fn snapshot(
        &self,
        guard: &dyn WriteGuard,
        claims: &[Claim],
        class: Option<&str>,
    ) -> Result<Vec<Snapshot>, VolumeError> {
        let name = |claim: &Claim| format!("snap-{}-{}", class.unwrap_or("default"), claim.name);
        let wanted: Vec<Wanted<'_>> =
            claims.iter().map(|claim| Wanted { claim, name: name(claim) }).collect();
        let how = How {
            class,
            labels: BTreeMap::from([("of-backup".to_owned(), "one".to_owned())]),
            timeout: Duration::from_secs(60),
            patience: Duration::from_millis(300),
        };
        volumes::snapshot(self.execution(guard), &wanted, &how).await
    }
}

/// A `StatefulSet` of two pods with a claim each, and a claim of its own beside it.
fn set(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {name}-db\nspec:\n  replicas: 2\n  serviceName: db\n  \
         podManagementPolicy: Parallel\n  selector: {{matchLabels: {{of: {name}}}}}\n  template:\n    metadata: {{labels: {{of: {name}}}}}\n    \
         spec:\n      terminationGracePeriodSeconds: 0\n      containers: [{{name: db, image: shop/db}}]\n  volumeClaimTemplates:\n  - metadata: {{name: data}}\n    \
         spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\n"
    )
}

fn restore<'a>(
    execution: Execution<'a>,
    namespace: &'a str,
    mark: &'a str,
    volumes: &'a [Volume],
) -> Restore<'a> {
    let timeout = Duration::from_secs(60);
    Restore { execution, namespace, mark, place: "env_1", volumes, timeout, patience: timeout }
}

/// Made, looked at, and deleted by label.
async fn made_and_deleted(ground: &Ground) {
    ground.release("vol-made", "eu").await;
    let claims = ground.claims("vol-made", "eu").await;
    assert_eq!(
        claims.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["data-eu-db-0", "data-eu-db-1"]
    );
    // Whoever goes on finds what was begun.
    let died = ground.snapshot(&Dies(1.into()), &claims, None).await;
    assert!(matches!(died, Err(VolumeError::Rollout(RolloutError::Guard(_)))), "{died:?}");
    let made = ground.snapshot(&Agree, &claims, None).await.unwrap();
    assert_eq!(made.iter().map(|it| it.bytes).sum::<i64>(), 2 << 30);
    assert_eq!(made[0].driver, DRIVER);
    assert!(made[0].handle.starts_with("snap-"), "{made:?}");
    let cluster = &ground.place.cluster;
    assert_eq!(volumes::standing(cluster, &made[1]).await.unwrap(), None);
    let broken = ground.snapshot(&Agree, &claims, Some("broken")).await.unwrap_err();
    assert_eq!(
        broken.to_string(),
        format!(
            "VolumeSnapshot/vol-made/snap-broken-data-eu-db-0 of PersistentVolumeClaim data-eu-db-0 failed: {BROKEN}"
        )
    );
    assert_eq!(volumes::delete(cluster, "vol-made", ("of-backup", "one")).await.unwrap(), 4);
    assert_eq!(volumes::delete(cluster, "vol-made", ("of-backup", "one")).await.unwrap(), 0);
    let gone = volumes::standing(cluster, &made[1]).await.unwrap();
    assert_eq!(
        gone.as_deref(),
        Some("VolumeSnapshot/vol-made/snap-default-data-eu-db-1 is gone from cluster `demo`")
    );
    let none = volumes::find(cluster, "vol-made", "of=nobody").await.unwrap_err();
    assert_eq!(
        none.to_string(),
        "no PersistentVolumeClaim with the labels of=nobody is in namespace vol-made"
    );
}

/// What a restore must have left, however often it was broken off.
async fn is_back(ground: &Ground, namespace: &str, name: &str, mark: &str) {
    ground.running(namespace, name).await;
    let set = ground.object(namespace, "statefulset", &format!("{name}-db"));
    assert_eq!(set["spec"]["replicas"], 2, "{mark}");
    assert!(!set["metadata"].to_string().contains("landfall"), "{mark}: {:#}", set["metadata"]);
    for number in 0..2 {
        let claim = ground.object(namespace, "pvc", &format!("data-{name}-db-{number}"));
        assert_eq!(claim["metadata"]["annotations"]["landfall.dev/restored-by"], mark);
        assert_eq!(claim["spec"]["dataSource"]["kind"], "VolumeSnapshot", "{mark}: {claim:#}");
        assert_eq!(claim["status"]["phase"], "Bound", "{mark}");
        assert_eq!(claim["metadata"]["labels"]["of"], name);
    }
}

/// Broken off before each write in turn, and gone on with: the claims are made anew, all replicas are back, and nobody is
/// left to own fields that the next deployment wants.
async fn put_back(ground: &Ground, most: usize) {
    ground.release("vol-back", "eu").await;
    let made = ground.snapshot(&Agree, &ground.claims("vol-back", "eu").await, None).await.unwrap();
    let way = Move { from_release: "eu", to_release: "eu", to_namespace: "vol-back" };
    let volumes: Vec<Volume> = made.iter().map(|it| Volume::of(it, way)).collect();
    let mut broken_off = 0;
    for writes in 0.. {
        let mark = format!("op-{writes}");
        let before = ground.object("vol-back", "pvc", "data-eu-db-0")["metadata"]["uid"].clone();
        let dies = Dies(writes.into());
        let first = restore(ground.execution(&dies), "vol-back", &mark, &volumes);
        let keys: Vec<String> =
            first.check().await.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["StatefulSet/vol-back/eu-db"]);
        let ended = first.run().await;
        if ended.is_err() {
            assert!(
                matches!(ended, Err(VolumeError::Rollout(RolloutError::Guard(_)))),
                "{ended:?}"
            );
            broken_off += 1;
            restore(ground.execution(&Agree), "vol-back", &mark, &volumes).run().await.unwrap();
        }
        is_back(ground, "vol-back", "eu", &mark).await;
        assert_ne!(ground.object("vol-back", "pvc", "data-eu-db-0")["metadata"]["uid"], before);
        if ended.is_ok() || broken_off == most {
            break;
        }
    }
    assert!(broken_off >= most.min(8), "{broken_off}");
}

/// What is broken off for good runs on where it can, and stays down where a claim is missing.
async fn given_up(ground: &Ground) {
    ground.release("vol-up", "eu").await;
    let made = ground.snapshot(&Agree, &ground.claims("vol-up", "eu").await, None).await.unwrap();
    let way = Move { from_release: "eu", to_release: "eu", to_namespace: "vol-up" };
    let volumes: Vec<Volume> = made.iter().map(|it| Volume::of(it, way)).collect();
    let mut resumed = 0;
    // Scaling down and letting go of it come first; one that meets a change of others is tried again.
    for writes in 1..=2 {
        let dies = Dies(writes.into());
        restore(ground.execution(&dies), "vol-up", "op-1", &volumes).run().await.unwrap_err();
        let set = ground.object("vol-up", "statefulset", "eu-db");
        let down = set["spec"]["replicas"] == 0;
        if down {
            assert_eq!(set["metadata"]["annotations"]["landfall.dev/scaled-down"], "env_1/2");
        }
        let again = restore(ground.execution(&Agree), "vol-up", "op-1", &volumes);
        assert_eq!(again.resume().await.unwrap(), Vec::<String>::new());
        ground.running("vol-up", "eu").await;
        assert_eq!(ground.object("vol-up", "statefulset", "eu-db")["spec"]["replicas"], 2);
        resumed += i32::from(down);
    }
    assert!(resumed > 0, "it was never scaled down alone");
    let dies =
        DiesWithout { tools: &ground.place.tools, namespace: "vol-up", claim: "data-eu-db-0" };
    restore(ground.execution(&dies), "vol-up", "op-1", &volumes).run().await.unwrap_err();
    let again = restore(ground.execution(&Agree), "vol-up", "op-1", &volumes);
    assert_eq!(again.resume().await.unwrap(), ["StatefulSet/vol-up/eu-db"]);
    let set = ground.object("vol-up", "statefulset", "eu-db");
    assert_eq!(set["spec"]["replicas"], 0);
    assert_eq!(set["metadata"]["annotations"]["landfall.dev/scaled-down"], "env_1/2");
    // Another restore knows how many there were.
    restore(ground.execution(&Agree), "vol-up", "op-3", &volumes).run().await.unwrap();
    is_back(ground, "vol-up", "eu", "op-3").await;
}

/// Another release in another namespace gets the volumes; what handed them over is gone afterwards, broken off or not.
async fn cloned(ground: &Ground) {
    ground.release("vol-from", "eu").await;
    ground.release("vol-to", "us").await;
    let mut made =
        ground.snapshot(&Agree, &ground.claims("vol-from", "eu").await, None).await.unwrap();
    let way = Move { from_release: "eu", to_release: "us", to_namespace: "vol-to" };
    let volumes: Vec<Volume> = made.iter().map(|it| Volume::of(it, way)).collect();
    for (mark, writes) in [("op-4", 4), ("op-5", 1000)] {
        let dies = Dies(writes.into());
        // The first one never ends.
        let first = restore(ground.execution(&dies), "vol-to", mark, &volumes);
        first.check().await.unwrap();
        first.clear_leftovers().await.unwrap();
        assert_eq!(first.run().await.is_err(), writes < 1000, "{mark}");
    }
    is_back(ground, "vol-to", "us", "op-5").await;
    let tools = &ground.place.tools;
    let left = tools.kubectl(&["get", "volumesnapshots", "-n", "vol-to", "-o", "name"]);
    let contents = tools.kubectl(&[
        "get",
        "volumesnapshotcontents",
        "-o",
        "name",
        "-l",
        "landfall.dev/restored-to",
    ]);
    assert_eq!((left.as_str(), contents.as_str()), ("", ""));
    assert_eq!(volumes::standing(&ground.place.cluster, &made[0]).await.unwrap(), None);

    // Nothing is changed where a claim has no counterpart, or what the storage calls it is not known.
    let nowhere = Move { from_release: "eu", to_release: "nowhere", to_namespace: "vol-to" };
    let lost: Vec<Volume> = made.iter().map(|it| Volume::of(it, nowhere)).collect();
    let refused =
        restore(ground.execution(&Agree), "vol-to", "op-6", &lost).check().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "PersistentVolumeClaim/vol-to/data-nowhere-db-0 is not there: the volume of data-eu-db-0 is put into the claim of the same name, with the Helm release's name in it replaced"
    );
    made[0].handle.clear();
    let unknown: Vec<Volume> = made.iter().map(|it| Volume::of(it, way)).collect();
    let refused =
        restore(ground.execution(&Agree), "vol-to", "op-7", &unknown).check().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "what the storage calls VolumeSnapshot/vol-from/snap-default-data-eu-db-0 is not known, since VolumeSnapshotContents could not be read when it was made"
    );
}

/// A pod that belongs to nothing that can be scaled down is named before anything is changed.
async fn used_by_others(ground: &Ground) {
    ground.release("vol-used", "eu").await;
    let made = ground.snapshot(&Agree, &ground.claims("vol-used", "eu").await, None).await.unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: reader}\nspec:\n  containers: [{name: main, image: shop/reader}]\n  \
               volumes: [{name: data, persistentVolumeClaim: {claimName: data-eu-db-1}}]\n";
    ground.place.kubectl_apply("vol-used", pod).await;
    let way = Move { from_release: "eu", to_release: "eu", to_namespace: "vol-used" };
    let volumes: Vec<Volume> = made.iter().map(|it| Volume::of(it, way)).collect();
    let refused =
        restore(ground.execution(&Agree), "vol-used", "op-8", &volumes).check().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Pod/vol-used/reader uses PersistentVolumeClaim data-eu-db-1, and is no StatefulSet or Deployment that could be scaled down, nor of one"
    );
    ground.place.kubectl(&["delete", "pod", "reader", "-n", "vol-used", "--now"]).await;
    // Nor can what an operator scales.
    ground.place.kubectl(&["create", "configmap", "boss", "-n", "vol-used"]).await;
    let uid = ground.object("vol-used", "configmap", "boss")["metadata"]["uid"].clone();
    let owner = serde_json::json!({ "metadata": { "ownerReferences": [
        { "apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "uid": uid, "controller": true },
    ] } });
    let patch = ["patch", "statefulset", "eu-db", "-n", "vol-used", "-p", &owner.to_string()];
    ground.place.kubectl(&patch).await;
    let owned = restore(ground.execution(&Agree), "vol-used", "op-9", &volumes);
    assert_eq!(
        owned.check().await.unwrap_err().to_string(),
        "StatefulSet/vol-used/eu-db of ConfigMap/boss uses PersistentVolumeClaim data-eu-db-0, and is no StatefulSet or Deployment that could be scaled down, nor of one"
    );
}

/// A cluster without the API is told as such.
#[tokio::test(flavor = "multi_thread")]
async fn no_api() {
    let place = Place::simulated().await;
    let refused = volumes::find(&place.cluster, "default", "app=db").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cluster `demo` has no VolumeSnapshot API (snapshot.storage.k8s.io/v1)"
    );
    assert_eq!(volumes::delete(&place.cluster, "default", ("a", "b")).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_simulated_cluster() {
    let ground = Ground::new(Place::simulated().await).await;
    made_and_deleted(&ground).await;
    put_back(&ground, usize::MAX).await;
    given_up(&ground).await;
    cloned(&ground).await;
    used_by_others(&ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_control_plane() {
    let Some(place) = Place::real().await else { return };
    let ground = Ground::new(place).await;
    made_and_deleted(&ground).await;
    put_back(&ground, 3).await;
    given_up(&ground).await;
    cloned(&ground).await;
    used_by_others(&ground).await;
}

//! Pages here, workers there: what each process serves, and what it refuses to begin with.

use fixture::{Postgres, S3Server};
use harness::{Api, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

use crate::world::binary;

async fn text(url: &str) -> (u16, String) {
    let answer = harness::client().build().unwrap().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What the processes share.
struct Shared {
    folder: tempfile::TempDir,
    _s3: S3Server,
    _postgres: Postgres,
    _cluster: Simulator,
}

impl Shared {
    /// PostgreSQL, S3 and a cluster, and a file of settings that names them. No process can serve metrics where the file says.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let s3 = S3Server::start(folder.path(), &["landfall"]).await;
        let postgres = Postgres::start();
        let cluster = Simulator::start(binary(), folder.path(), "instant").await;
        let settings = format!(
            "database-url = \"{}\"\nobjects = \"s3://landfall/acme?endpoint={}&region=eu-central-1\"\nkey-file = \"{}\"\n\
             simulated-cluster = [\"lab={}\"]\nmetrics-listen = \"192.0.2.1:1\"\nlog-format = \"json\"\n",
            postgres.url(),
            s3.url,
            folder.path().join("key").display(),
            cluster.kubeconfig.display(),
        );
        std::fs::write(folder.path().join("landfall.toml"), settings).unwrap();
        Self { folder, _s3: s3, _postgres: postgres, _cluster: cluster }
    }

    /// A process of this role. What its variables say comes before the file, what its arguments say before both.
    async fn start(&self, role: &str) -> Server {
        let file = self.folder.path().join("landfall.toml");
        let more = ["--config", file.to_str().unwrap(), "--role", role];
        let variables = [
            ("AWS_ACCESS_KEY_ID", S3Server::ID),
            ("AWS_SECRET_ACCESS_KEY", S3Server::SECRET),
            ("LANDFALL_METRICS_LISTEN", "127.0.0.1:0"),
            ("LANDFALL_ROLE", "all"),
        ];
        Server::start_with(binary(), &self.folder.path().join(role), &more, &variables).await
    }
}

/// Queues the Op that makes an environment; its id.
async fn queued(api: &Api) -> String {
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({ "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel" });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Parcel", "tag": "2.4.0", "chart_version": "0.31.0" }))
        .await;
    let body = json!({
        "name": "staging", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0",
    });
    op_of(&api.post("/environments", body).await)
}

/// What a process measures has these lines.
async fn measures(server: &Server, lines: &[&str]) -> String {
    let (_, told) = text(server.metrics.as_ref().unwrap()).await;
    for line in lines {
        assert!(told.contains(&format!("{line}\n")), "{line} is not in {told}");
    }
    told
}

/// A process with pages alone takes the call, one with workers alone carries it out, both keep their objects in S3, and
/// metrics say so. The processes are configured by one file.
#[tokio::test(flavor = "multi_thread")]
async fn web_and_worker() {
    let shared = Shared::new().await;
    let web = shared.start("web").await;
    let api = web.set_up().await;
    let op = queued(&api).await;
    let told = measures(&web, &["landfall_ops{state=\"queued\"} 1"]).await;
    assert!(!told.contains("landfall_worker_places"), "{told}");

    let worker = shared.start("worker").await;
    api.op_succeeds(&op).await;
    assert_eq!(text(&format!("{}/sign-in", worker.url)).await.0, 404);
    for url in [&web.url, &worker.url] {
        let (status, ready) = text(&format!("{url}/readyz")).await;
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let parts = json!({ "database": "ok", "schema": "ok", "objects": "ok" });
        assert_eq!((status, ready), (200, json!({ "status": "ready", "parts": parts })));
    }
    let lines = [
        "landfall_ops_ended_total{state=\"succeeded\"} 1",
        "landfall_step_duration_seconds_count{step=\"apply\",state=\"done\"} 1",
        "landfall_worker_places{state=\"free\"} 8",
    ];
    measures(&worker, &lines).await;
    let folder = shared.folder.path();
    assert!(folder.join("s3/landfall/acme/sealed/together").is_dir());
    assert!(!folder.join("web/objects").exists());

    // The bucket goes: each part says how it stands, and no address. An answer counts for a second.
    std::fs::remove_dir_all(folder.join("s3/landfall")).unwrap();
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
    let (status, unready) = loop {
        pace.tick().await;
        let answer = text(&format!("{}/readyz", web.url)).await;
        if answer.0 != 200 {
            break answer;
        }
    };
    assert_eq!(status, 503);
    let unready: Value = serde_json::from_str(&unready).unwrap();
    assert_eq!(unready["parts"]["database"], "ok");
    assert_eq!(unready["parts"]["objects"], "cannot be used; the server's log has the cause");
}

/// A process that cannot do its work with these settings does not begin, and says what to change.
#[tokio::test]
async fn refused_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.toml");
    std::fs::write(&file, "workers = 4\nlisen = \"127.0.0.1:0\"\n").unwrap();
    let data = folder.path().join("data");
    let refused = async |more: &[&str]| {
        let output = tokio::process::Command::new(binary())
            .args(["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"])
            .args(more)
            .output()
            .await
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let unknown = refused(&["--config", file.to_str().unwrap()]).await;
    assert!(
        unknown.contains("landfall.toml:2: there is no setting `lisen`; did you mean `listen`?"),
        "{unknown}"
    );
    let alone = refused(&["--role", "worker"]).await;
    assert!(alone.contains("--database-url"), "{alone}");
    let scheme = refused(&["--objects", "gs://bucket"]).await;
    assert!(scheme.contains("s3://BUCKET"), "{scheme}");
}

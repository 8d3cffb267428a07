//! A Landfall for one test.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use simulator::{Program, Programs, Simulator, Timing};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::account::{NewPerson, Remote};
use crate::actor::Actor;
use crate::app::{App, NewApp};
use crate::cluster::{AccessFuture, Cluster, NewSimulatedCluster, SimulatedClusters};
use crate::config::{Config, Database, Limits, OutboundPolicy, WorkerSettings};
use crate::control::Control;
use crate::deployment::Started;
use crate::environment::{Environment, NewEnvironment};
use crate::error::{Error, Problem};
use crate::names::ClusterName;
use crate::release::{NewRelease, Release};
use crate::rights::Role;
use crate::store::ids::{ClusterId, WorkerId};

/// A Landfall with a database of its own.
pub(crate) struct Site {
    pub(crate) control: Control,
    pub(crate) config: Config,
    simulated: Arc<InMemory>,
    folder: TempDir,
}

/// Simulated clusters in memory, started when asked for.
#[derive(Default)]
struct InMemory {
    running: Mutex<HashMap<ClusterId, Simulator>>,
    /// Whether they cannot be reached by who has no connection yet.
    away: AtomicBool,
    /// What stands in for commands in those that are started from now on.
    programs: std::sync::Mutex<Programs>,
}

impl SimulatedClusters for InMemory {
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a> {
        Box::pin(async move {
            if self.away.load(Ordering::SeqCst) {
                return Err("it is away".into());
            }
            let mut running = self.running.lock().await;
            let simulator = match running.entry(id) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(place) => {
                    let builder = Simulator::builder().name(name.as_str());
                    let programs = self.programs.lock().unwrap().clone();
                    let builder = builder.timing(Timing::instant()).programs(programs);
                    place.insert(builder.start().await?)
                }
            };
            Ok(rollout::ClusterConfig::with_token(
                name.as_str(),
                simulator.url(),
                Some(simulator.ca_pem().to_owned()),
                simulator.token().to_owned(),
            ))
        })
    }
}

impl Site {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("landfall.db"));
        Self::open(folder, database).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(tempfile::tempdir().unwrap(), schema_of_its_own().await).await
    }

    async fn open(folder: TempDir, database: Database) -> Self {
        // Another test of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulated = Arc::new(InMemory::default());
        let config = Config {
            database,
            objects: folder.path().join("objects").into(),
            key_file: folder.path().join("landfall.key"),
            outbound: OutboundPolicy { allowed_networks: vec!["127.0.0.0/8".parse().unwrap()] },
            workers: WorkerSettings {
                count: 2,
                lease: Duration::from_secs(5),
                poll: Duration::from_millis(500),
                ..WorkerSettings::default()
            },
            limits: Limits::default(),
            simulated: Some(simulated.clone()),
            in_cluster: None,
            dns_server: None,
        };
        let control = Control::open(config.clone()).await.unwrap();
        Self { control, config, simulated, folder }
    }

    /// A shell script that stands in for a command, in clusters that are started from now on.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let program = Program { path: "/bin/sh".into(), arguments };
        self.simulated.programs.lock().unwrap().insert(name.to_owned(), program);
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A second process on the same database and objects.
    pub(crate) async fn second_process(&self) -> Control {
        Control::open(self.config.clone()).await.unwrap()
    }

    /// An environment that was made while its cluster could not be reached.
    pub(crate) async fn environment_made_blindly(&self, name: &str) {
        let other = self.second_process().await;
        self.away(true);
        let new = new_environment(name, "sandbox");
        other.environment_create(&Actor::system(), new).await.unwrap();
        self.away(false);
    }

    /// Whether simulated clusters cannot be reached by who has no connection yet.
    pub(crate) fn away(&self, away: bool) {
        self.simulated.away.store(away, Ordering::SeqCst);
    }

    /// The address, certificate authority and token of the simulated cluster that was started first.
    pub(crate) async fn simulator_access(&self) -> (String, String, String) {
        let running = self.simulated.running.lock().await;
        let simulator = running.values().next().expect("a simulated cluster was added");
        let text = |text: &str| text.to_owned();
        (text(simulator.url()), text(simulator.ca_pem()), text(simulator.token()))
    }

    /// Someone with a role.
    pub(crate) async fn person(&self, role: Role) -> Actor {
        let new = NewPerson {
            email: format!("{role}@example.com"),
            name: role.to_string(),
            role: role.to_string(),
            password: None,
        };
        let person = self.control.person_create(&Actor::system(), new).await.unwrap();
        Actor::on_behalf_of(&person.brief)
    }

    /// An App whose archives are uploaded.
    pub(crate) async fn app(&self, name: &str) -> App {
        self.app_waiting(name, 60).await
    }

    async fn app_waiting(&self, name: &str, seconds: u32) -> App {
        let new = NewApp {
            name: name.to_owned(),
            chart_kind: "upload".to_owned(),
            chart_name: "shop".to_owned(),
            wait_seconds: Some(seconds),
            ..NewApp::default()
        };
        self.control.app_create(&Actor::system(), new).await.unwrap()
    }

    /// A Release of an App whose archives are uploaded.
    pub(crate) async fn release(&self, app: &str, tag: &str) -> Release {
        self.control.release_add(&Actor::system(), new_release(app, tag)).await.unwrap()
    }

    /// A simulated cluster that admits everything.
    pub(crate) async fn cluster(&self, name: &str) -> Cluster {
        let new = NewSimulatedCluster { name: name.to_owned(), admits: "both".to_owned() };
        self.control.cluster_add_simulated(&Actor::system(), new).await.unwrap()
    }

    /// App `shop` with release `1.0`, and cluster `demo`.
    pub(crate) async fn ground(&self) {
        self.ground_waiting(60).await;
    }

    /// The same; deployments wait so many seconds at most.
    pub(crate) async fn ground_waiting(&self, seconds: u32) {
        self.app_waiting("shop", seconds).await;
        self.release("shop", "1.0").await;
        self.cluster("demo").await;
    }

    /// The same; the chart of release `1.0` has more files.
    pub(crate) async fn ground_with(&self, files: &[(&str, &str)]) {
        self.app("shop").await;
        let archive = Some(chart_with("1.0.0", files));
        let new = NewRelease { archive, ..new_release("shop", "1.0") };
        self.control.release_add(&Actor::system(), new).await.unwrap();
        self.cluster("demo").await;
    }

    /// A revision's Helm record.
    pub(crate) async fn record(&self, release: &str, revision: u32) -> helm::release::Release {
        use base64::Engine as _;
        let name = helm::release::storage::secret_name(release, revision);
        let secrets = self.objects("secrets").await;
        let secret = secrets.iter().find(|secret| secret["metadata"]["name"] == name.as_str());
        let data = secret.expect("the record is there")["data"]["release"].as_str().unwrap();
        let data = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        helm::release::Release::decode(&data).unwrap()
    }

    /// All objects of a resource (such as `secrets`) in all simulated clusters.
    pub(crate) async fn objects(&self, resource: &str) -> Vec<serde_json::Value> {
        let running = self.simulated.running.lock().await;
        let mut found = Vec::new();
        for simulator in running.values() {
            let (objects, _) = simulator.cluster().list_and_watch(resource);
            found.extend(objects.iter().map(|object| object.value().clone()));
        }
        found
    }

    /// An environment of App `shop` on cluster `demo`, with its first deployment queued.
    pub(crate) async fn environment(&self, name: &str, kind: &str) -> (Environment, Started) {
        let new = new_environment(name, kind);
        self.control.environment_create(&Actor::system(), new).await.unwrap()
    }

    /// A worker's next Op, under a lease that lasts longer than the test.
    pub(crate) async fn claim(&self) -> Option<crate::work::Lease> {
        let now = crate::store::sql::now();
        let until = now + jiff::SignedDuration::from_secs(3600);
        let most = self.config.workers.per_cluster;
        {
            let wanted = crate::work::store::Wanted::any(WorkerId::generate(), most);
            crate::work::store::claim(self.control.db(), || (now, until), wanted)
        }
        .await
        .unwrap()
    }
}

/// The form of an environment of App `shop` on cluster `demo`.
pub(crate) fn new_environment(name: &str, kind: &str) -> NewEnvironment {
    NewEnvironment {
        name: name.to_owned(),
        app: "shop".to_owned(),
        kind: kind.to_owned(),
        cluster: "demo".to_owned(),
        ..NewEnvironment::default()
    }
}

/// The form of a Release with an uploaded archive.
pub(crate) fn new_release(app: &str, tag: &str) -> NewRelease {
    NewRelease {
        app: app.to_owned(),
        tag: tag.to_owned(),
        archive: Some(chart("1.0.0")),
        ..NewRelease::default()
    }
}

/// The archive of a chart `shop`: a `ConfigMap`, and a Deployment that fails as `fault` says.
pub(crate) fn chart(version: &str) -> Vec<u8> {
    chart_with(version, &[])
}

/// The same with more files, by path.
pub(crate) fn chart_with(version: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("shop");
    std::fs::create_dir_all(root.join("templates")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    write("Chart.yaml", &format!("apiVersion: v2\nname: shop\nversion: {version}\n"));
    write("values.yaml", "greeting: hello\nreplicas: 1\nfault: none\n");
    write(
        "templates/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-web\nspec:\n  \
         replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template:\n    \
         metadata:\n      labels: {app: web}\n      annotations:\n        greeting: {{ .Values.greeting }}\n        \
         simulator.landfall.dev/fault: {{ .Values.fault }}\n    spec:\n      containers:\n      \
         - {name: web, image: \"shop/web:{{ .Chart.Version }}\"}\n",
    );
    write(
        "templates/config.yaml",
        "{{- if eq .Values.greeting \"rude\" }}{{ fail \"greet politely\" }}{{ end }}\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
         greeting: {{ .Values.greeting }}\n  replicas: {{ .Values.replicas | quote }}\n",
    );
    for (path, text) in files {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        write(path, text);
    }
    helm::chart::package(&root).unwrap()
}

/// What is wrong with which field, one line each.
pub(crate) fn problems<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    let Err(Error::Invalid(invalid)) = outcome else {
        panic!("not refused as invalid: {outcome:?}")
    };
    let line = |p: &Problem| format!("{}: {} {}", p.field, p.message, p.remedy);
    invalid.problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A request from this machine.
pub(crate) fn loopback() -> Remote {
    Remote { address: Some([127, 0, 0, 1].into()), user_agent: "test".to_owned() }
}

/// An empty database on PostgreSQL.
pub(crate) async fn schema_of_its_own() -> Database {
    let url = std::env::var("LANDFALL_TEST_POSTGRES_URL").expect(
        "LANDFALL_TEST_POSTGRES_URL names no PostgreSQL; run the tests by \
         `scripts/with-postgres cargo test -p control`",
    );
    let mut id = [0_u8; 8];
    getrandom::fill(&mut id).unwrap();
    let schema = format!("test_{}", crate::objects::hex(&id));
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let sign = if url.contains('?') { '&' } else { '?' };
    Database::Postgres(SecretString::from(format!("{url}{sign}options=-csearch_path%3D{schema}")))
}

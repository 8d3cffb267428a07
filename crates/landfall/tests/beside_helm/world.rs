//! A server with App `Ledger` on a cluster: its Releases `1` and `2` have charts 1.0.0 and 1.1.0.

use std::path::{Path, PathBuf};

use harness::{Api, ClusterTools, Server, charts, op_of};
use serde_json::{Value, json};

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const SETTINGS: &str = r"{{- if .Values.refuse }}{{ fail .Values.refuse }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data:
  currency: {{ .Values.currency | quote }}
  version: {{ .Chart.Version | quote }}
";
/// Fails where the values say so; what they add goes again with the way back.
const WEB: &str = r"apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}-web}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}-web}
      annotations: {simulator.landfall.dev/fault: {{ .Values.fault | quote }}}
    spec:
      containers: [{name: web, image: 'ledger/web:{{ .Chart.Version }}'}]
{{- with .Values.more }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ $.Release.Name }}-more}
{{- end }}
";

fn chart(version: &str) -> Vec<u8> {
    charts::packed(&[
        ("Chart.yaml", &format!("apiVersion: v2\nname: ledger\nversion: {version}\n")),
        ("values.yaml", "currency: EUR\nfault: none\n"),
        ("templates/settings.yaml", SETTINGS),
        ("templates/web.yaml", WEB),
    ])
}

pub(crate) struct World {
    pub(crate) api: Api,
    pub(crate) cluster: ClusterTools,
    pub(crate) chart: PathBuf,
    _server: Server,
    _data: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(cluster: &ClusterTools) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
        let repository = charts::serve(vec![chart("1.0.0"), chart("1.1.0")]).await;
        let app = json!({
            "name": "Ledger", "chart_kind": "repository", "chart_url": repository,
            "chart_name": "ledger", "wait_seconds": 60,
        });
        api.post("/apps", app).await;
        let settings = json!({ "end_when_hopeless": true });
        let (status, answer) = api.try_patch("/apps/Ledger/settings", settings).await;
        assert_eq!(status, 200, "{answer:#}");
        for (tag, version) in [("1", "1.0.0"), ("2", "1.1.0")] {
            let release = json!({ "app": "Ledger", "tag": tag, "chart_version": version });
            api.post("/releases", release).await;
        }
        let file = data.path().join("ledger-1.0.0.tgz");
        std::fs::write(&file, chart("1.0.0")).unwrap();
        Self { api, cluster: cluster.clone(), chart: file, _server: server, _data: data }
    }

    /// Real Helm installs chart 1.0.0.
    pub(crate) fn install(&self, release: &str, namespace: &str) {
        let chart = self.chart.to_str().unwrap();
        self.cluster.helm(&["install", release, chart, "-n", namespace, "--create-namespace"]);
    }

    /// An environment of release `1`, named like its Helm release and its namespace.
    pub(crate) async fn environment(&self, name: &str) {
        let made = self.api.post("/environments", environment(name)).await;
        self.api.op_succeeds(&op_of(&made)).await;
    }

    pub(crate) async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }

    /// What real Helm tells of a release: number, status and description of each revision.
    pub(crate) fn history(&self, name: &str) -> Vec<String> {
        self.cluster.told_history(name, name)
    }

    /// A key of the release's settings.
    pub(crate) fn setting(&self, name: &str, key: &str) -> String {
        let settings = format!("{name}-settings");
        let path = format!("jsonpath={{.data.{key}}}");
        self.cluster.kubectl(&["get", "configmap", &settings, "-n", name, "-o", &path])
    }
}

/// An environment of release `1`, in a namespace of its own name.
pub(crate) fn environment(name: &str) -> Value {
    json!({
        "name": name, "app": "Ledger", "kind": "sandbox", "cluster": "lab", "release": "1",
        "namespace": name,
    })
}

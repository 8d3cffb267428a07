//! Custom domains with the sample product, through the command line and the API, on a simulated cluster and on a real
//! Kubernetes control plane: a name server whose records the test makes, and a stand-in for cert-manager.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, ClusterTools, DnsServer, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const NAMESPACE: &str = "parcel-eu";

const TEMPLATE: &str = "ingress:\n  host: {{ host }}\n  tls:\n    secretName: {{ tls_secret }}\n  annotations:\n    \
    cert-manager.io/cluster-issuer: {{ issuer }}\n";

/// What counts of cert-manager's definition.
const CERTIFICATES: &str = r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: Certificate, plural: certificates, singular: certificate, listKind: CertificateList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

struct World {
    api: Api,
    cluster: ClusterTools,
    dns: DnsServer,
    _server: Server,
    data: tempfile::TempDir,
}

/// A server with App `Parcel`, which takes domains, and environment `eu` deployed.
async fn world(cluster: &ClusterTools) -> World {
    let data = tempfile::tempdir().unwrap();
    let dns = DnsServer::start().await;
    let address = dns.address.to_string();
    let more = ["--dns-server", address.as_str()];
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &more).await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({
        "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel",
        "wait_seconds": 120,
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Parcel", "tag": "2.4.0", "chart_version": "0.31.0" }))
        .await;
    let file = data.path().join("template.yaml");
    std::fs::write(&file, TEMPLATE).unwrap();
    let set = [
        "app",
        "settings",
        "set",
        "Parcel",
        "--domain-template",
        file.to_str().unwrap(),
        "--default-host",
        "{{ environment }}.parcel.example.net",
        "--issuer",
        "letsencrypt",
    ];
    let (code, out, told) = api.landfall(binary(), &set).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(out.contains("letsencrypt") && out.contains("{{ tls_secret }}"), "{out}");
    let made = json!({ "name": "eu", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0" });
    let made = api.post("/environments", made).await;
    api.op_succeeds(&op_of(&made)).await;
    World { api, cluster: cluster.clone(), dns, _server: server, data }
}

impl World {
    async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }

    /// A command that must succeed; what it printed.
    async fn succeeds(&self, args: &[&str]) -> String {
        self.api.succeeds(binary(), args).await
    }

    fn ingress(&self) -> Value {
        let get = ["get", "ingress", "eu", "-n", NAMESPACE, "-o", "json"];
        serde_json::from_str(&self.cluster.kubectl(&get)).unwrap()
    }

    fn host(&self) -> String {
        self.ingress()["spec"]["rules"][0]["host"].as_str().unwrap().to_owned()
    }

    /// The records that a domain needs, made.
    async fn make_records(&self, host: &str) {
        let domain = self.api.get(&format!("/environments/eu/domains/{host}")).await;
        for record in domain["records"].as_array().unwrap() {
            let values: Vec<&str> =
                record["expected"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            self.dns.set(
                record["name"].as_str().unwrap(),
                record["kind"].as_str().unwrap(),
                &values,
            );
        }
    }

    fn apply(&self, object: &str) {
        let file = self.data.path().join("object.yaml");
        std::fs::write(&file, object).unwrap();
        self.cluster.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    }

    /// A stand-in for cert-manager: makes the Certificate that the Ingress asks for, and says how it stands.
    fn cert_manager(&self, ready: &str, message: &str) {
        let ingress = self.ingress();
        assert_eq!(
            ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"],
            "letsencrypt"
        );
        let secret = ingress["spec"]["tls"][0]["secretName"].as_str().unwrap();
        let object = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": { "name": secret, "namespace": NAMESPACE }, "spec": { "secretName": secret },
        });
        self.apply(&object.to_string());
        let status = json!({ "status": {
            "notAfter": "2099-01-01T00:00:00Z",
            "conditions": [{ "type": "Ready", "status": ready, "reason": "Stand-in", "message": message }],
        } });
        self.cluster.kubectl(&[
            "patch",
            "certificates.cert-manager.io",
            secret,
            "-n",
            NAMESPACE,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status.to_string(),
        ]);
    }

    /// What the last check saw of the certificate.
    async fn issuance(&self) -> Value {
        self.api.get("/environments/eu/domains/shop.example.com").await["issuance"]["found"].clone()
    }
}

/// Added, told what is missing, proved, deployed with TLS from the issuer, and reset.
async fn a_domain(world: &World) {
    world.apply(CERTIFICATES);
    let established = ["wait", "--for=condition=Established", "crd/certificates.cert-manager.io"];
    world.cluster.kubectl(&established);
    assert_eq!(world.host(), "eu.parcel.example.net");
    let added = world.succeeds(&["domain", "add", "eu", "Shop.Example.com"]).await;
    assert!(
        added.contains("_landfall-challenge.shop.example.com") && added.contains("landfall-"),
        "{added}"
    );

    let (code, out, told) = world.landfall(&["domain", "check", "eu"]).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("missing") && out.contains("There is no such record"), "{out}");
    assert!(told.contains("✗ shop.example.com is not proved"), "{told}");
    let (code, _, told) = world.landfall(&["domain", "deploy", "eu"]).await;
    assert_eq!(code, Some(1));
    assert!(told.contains("Make its TXT record, then check it"), "{told}");

    world.make_records("shop.example.com").await;
    let out = world.succeeds(&["domain", "check", "eu"]).await;
    assert!(!out.contains("missing"), "{out}");
    let shown = world.succeeds(&["domain", "deploy", "eu", "--preview"]).await;
    assert!(
        shown.contains("Ingress/parcel-eu/eu") && shown.contains("host: shop.example.com"),
        "{shown}"
    );
    assert_eq!(world.host(), "eu.parcel.example.net", "it was only shown");
    let deploy = ["domain", "deploy", "eu", "--watch", "--reason", "their own name"];
    let out = world.succeeds(&deploy).await;
    assert!(out.contains("Looking up TXT _landfall-challenge.shop.example.com"), "{out}");
    assert_eq!(world.host(), "shop.example.com");
    let deployment = world.api.get("/environments/eu/deployments/2").await;
    assert_eq!(deployment["trigger"], "domain_deployed");
    assert_eq!(
        (&deployment["host"], &deployment["reason"]),
        (&json!("shop.example.com"), &json!("their own name"))
    );
    assert_eq!(deployment["by"]["name"], "test");

    world.cert_manager("False", "Issuing certificate as Secret does not exist");
    world.succeeds(&["domain", "check", "eu"]).await;
    assert_eq!(world.issuance().await["ready"], false);
    let shown = world.succeeds(&["domain", "show", "eu"]).await;
    assert!(shown.contains("Issuing certificate as Secret does not exist"), "{shown}");
    world.cert_manager("True", "Certificate is up to date and has not expired");
    world.succeeds(&["domain", "check", "eu"]).await;
    assert_eq!(world.issuance().await["ready"], true);

    let values = world.api.get("/environments/eu/values").await;
    let keys = values["running"]["keys"].as_array().unwrap();
    let host = keys.iter().find(|key| key["path"] == "ingress.host").unwrap();
    assert_eq!(host["layer"], "domain");

    world.dns.set("_landfall-challenge.shop.example.com", "TXT", &[]);
    let (code, out, told) = world.landfall(&["domain", "deploy", "eu", "--watch"]).await;
    assert_eq!(code, Some(1), "{out}{told}");
    assert!(out.contains("is no longer proved"), "{out}{told}");
    assert_eq!(world.host(), "shop.example.com");

    world.succeeds(&["domain", "reset", "eu", "--watch"]).await;
    assert_eq!(world.host(), "eu.parcel.example.net");
    assert!(world.ingress()["spec"].get("tls").is_none());
    let left = world.succeeds(&["domain", "remove", "eu", "shop.example.com"]).await;
    assert!(!left.contains("shop.example.com"), "{left}");
    let removed = world.api.try_delete("/environments/eu").await;
    world.api.op_succeeds(removed.1["id"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    a_domain(&world(&cluster).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    a_domain(&world(&cluster).await).await;
    cluster.kubectl(&["delete", "crd", "certificates.cert-manager.io", "--wait=false"]);
    cluster.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
    cluster.stop().await;
}

//! The least that any client must do for as many releases: the writes that Landfall made for one of them, made for all of them
//! under other names, and nothing else: nothing is read, rendered, planned, waited for or kept.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::{StreamExt, TryStreamExt};
use harness::ClusterTools;
use helm::release::Release;
use reqwest::{Method, RequestBuilder};
use rollout::crds::Crds;
use rollout::manifest::Desired;
use serde_json::{Value, json};

/// The seconds it takes to write releases of these numbers like `deployed`, which Landfall has deployed into the namespace
/// of its name.
pub(crate) async fn write(
    cluster: &ClusterTools,
    deployed: &str,
    numbers: Range<usize>,
    at_a_time: usize,
) -> Result<f64> {
    let client = Client::new(cluster)?;
    let like = Writes::of(cluster, deployed)?;
    let begun = Instant::now();
    futures_util::stream::iter(numbers)
        .map(|number| client.release(&like, name(number)))
        .buffer_unordered(at_a_time)
        .try_collect::<()>()
        .await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The name of such a release and of its namespace.
pub(crate) fn name(number: usize) -> String {
    format!("bare-{number}")
}

/// What is written for a release, in this order after its namespace.
struct Writes {
    /// The name in all of it that is to be another one each time.
    name: String,
    record: Value,
    objects: Vec<Value>,
}

impl Writes {
    fn of(cluster: &ClusterTools, name: &str) -> Result<Self> {
        let secret = helm::release::storage::secret_name(name, 1);
        let text = cluster.kubectl(&["get", "secret", &secret, "--namespace", name, "-o", "json"]);
        let stored: Value = serde_json::from_str(&text)?;
        let data = &stored["data"]["release"];
        let encoded = BASE64.decode(data.as_str().context("the record has no release")?)?;
        let manifest = Release::decode(&encoded)?.manifest;
        let desired = Desired::parse(name, name, &manifest, Vec::new(), Crds::default())?;
        let objects =
            desired.objects.into_iter().map(|object| owned(object.object, name)).collect();
        let record = json!({
            "apiVersion": "v1", "kind": "Secret", "type": stored["type"], "data": stored["data"],
            "metadata": { "name": secret, "labels": stored["metadata"]["labels"] },
        });
        Ok(Self { name: name.to_owned(), record, objects })
    }

    fn renamed(&self, object: &Value, name: &str) -> Result<Value> {
        Ok(serde_json::from_str(&object.to_string().replace(&self.name, name))?)
    }
}

/// The object with what Helm writes on all objects of a release.
fn owned(mut object: Value, release: &str) -> Value {
    object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
    object["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!(release);
    object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = json!(release);
    object
}

/// HTTP with the cluster's certificate and token.
struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
}

impl Client {
    fn new(cluster: &ClusterTools) -> Result<Self> {
        let text = cluster.kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"]);
        let config: Value = serde_json::from_str(&text)?;
        let text = |pointer: &str| {
            let found = config.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            found.with_context(|| format!("the kubeconfig has no {pointer}"))
        };
        let authority = BASE64.decode(text("/clusters/0/cluster/certificate-authority-data")?)?;
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&authority)?])
            .build()?;
        Ok(Self {
            http,
            server: text("/clusters/0/cluster/server")?,
            token: text("/users/0/user/token")?,
        })
    }

    async fn release(&self, like: &Writes, name: String) -> Result<()> {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.send(self.request(Method::POST, "/api/v1/namespaces").json(&namespace)).await?;
        let record = like.renamed(&like.record, &name)?;
        let secrets = format!("/api/v1/namespaces/{name}/secrets");
        self.send(self.request(Method::POST, &secrets).json(&record)).await?;
        for object in &like.objects {
            let object = like.renamed(object, &name)?;
            let path =
                format!("{}/{}", collection(&object, &name)?, text(&object, "/metadata/name"));
            let request = self
                .request(Method::PATCH, &path)
                .query(&[
                    ("fieldManager", "helm"),
                    ("fieldValidation", "Strict"),
                    ("force", "false"),
                ])
                .header("content-type", "application/apply-patch+yaml")
                .body(object.to_string());
            self.send(request).await?;
        }
        let path = format!("{secrets}/{}", text(&record, "/metadata/name"));
        self.send(self.request(Method::PUT, &path).json(&record)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server)).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<()> {
        let answer = request.send().await?;
        let (status, url) = (answer.status(), answer.url().clone());
        let body = answer.text().await?;
        ensure!(status.is_success(), "{url}: {status}: {body}");
        Ok(())
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Where objects of this one's kind are, for the kinds that podinfo has.
fn collection(object: &Value, namespace: &str) -> Result<String> {
    let kind = text(object, "/kind");
    let api = match text(object, "/apiVersion") {
        "v1" => "/api/v1".to_owned(),
        version => format!("/apis/{version}"),
    };
    ensure!(
        ["Service", "Deployment", "ServiceAccount"].contains(&kind),
        "{kind} is not known here"
    );
    Ok(format!("{api}/namespaces/{namespace}/{}s", kind.to_lowercase()))
}

//! Charts in an OCI registry, against Debian's `docker-registry` and with the real Helm at the other
//! end: what one pushes the other pulls, and the manifests are the same bytes.

#[path = "../../harness/src/docker_registry.rs"]
#[allow(unreachable_pub, reason = "it is public in the crate it belongs to")]
mod docker_registry;
mod support;

use std::path::PathBuf;
use std::process::Command;

use docker_registry::DockerRegistry as Registry;
use helm::registry::oci::{Parts, Push};
use helm::registry::{
    Access, ArchiveDigest, ChartSource, Credentials, OciChart, Provenance, RegistryError, Transport,
};

impl Registry {
    fn open() -> Self {
        Self::start(|_| String::new())
    }

    /// Runs the real Helm with a home of its own.
    fn helm(&self, args: &[&str]) -> String {
        let home = self.folder.path().join("helm");
        let output = Command::new(support::helm_binary())
            .args(args)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .current_dir(self.folder.path())
            .output()
            .expect("Helm can be started");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "helm {args:?}: {told}");
        format!("{}{told}", String::from_utf8_lossy(&output.stdout))
    }

    fn place(&self) -> String {
        format!("oci://{}/charts", self.host)
    }

    /// A chart archive on disk.
    fn chart(&self, version: &str) -> PathBuf {
        let source = self.folder.path().join("shop");
        std::fs::create_dir_all(source.join("templates")).expect("a folder");
        let chartfile = format!(
            "apiVersion: v2\nname: shop\nversion: {version}\ndescription: A <shop> & more\n\
             home: https://shop.test\nmaintainers: [{{name: Ana, email: a@shop.test}}]\n\
             annotations: {{x: 'y <&>'}}\n"
        );
        std::fs::write(source.join("Chart.yaml"), chartfile).expect("a file");
        let archive = helm::chart::package(&source).expect("a chart");
        let path = self.folder.path().join(format!("shop-{version}.tgz"));
        std::fs::write(&path, archive).expect("a file");
        path
    }
}

fn access(password: Option<&str>) -> Access {
    // Fails only if another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = password
        .map(|password| Credentials { username: "ana".to_owned(), password: password.to_owned() });
    Access::new(Transport::new(reqwest::Client::new()))
        .with_credentials(credentials)
        .with_plain_http(true)
}

/// What the real Helm pushed is listed newest first, resolved by constraint and pulled; the digests
/// are those that Helm prints.
#[tokio::test]
async fn helm_pushes_and_we_pull() {
    let registry = Registry::open();
    let place = registry.place();
    let mut told = String::new();
    for version in ["1.2.0", "1.10.0+b1", "2.0.0-rc.1"] {
        let archive = registry.chart(version);
        let archive = archive.to_str().expect("a path");
        told = registry.helm(&["push", archive, &place, "--plain-http"]);
    }
    let source = ChartSource::oci(&format!("{place}/shop"), access(None)).unwrap();
    let versions = source.versions().await.unwrap();
    let versions: Vec<&str> = versions.iter().map(|offered| &*offered.version).collect();
    assert_eq!(versions, ["2.0.0-rc.1", "1.10.0+b1", "1.2.0"]);
    assert_eq!(source.resolve("").await.unwrap().version, "1.10.0+b1");
    assert_eq!(source.resolve("~1.2").await.unwrap().version, "1.2.0");

    let offered = source.resolve(">0.0.0-0").await.unwrap();
    let fetched = source.fetch(&offered, Provenance::IfPresent).await.unwrap();
    let pushed = std::fs::read(registry.folder.path().join("shop-2.0.0-rc.1.tgz")).unwrap();
    assert_eq!(fetched.archive, pushed);
    assert_eq!(fetched.digest, ArchiveDigest::of(&pushed));
    assert_eq!(fetched.file_name, "shop-2.0.0-rc.1.tgz");
    let digest = fetched.manifest_digest.expect("comes from a registry");
    assert!(told.contains(&format!("Digest: {digest}")), "{told}");

    // Pinned by that digest it is the same chart; what is not there is told as Helm tells it.
    let pinned = ChartSource::oci(&format!("{place}/shop@{digest}"), access(None)).unwrap();
    let offered = pinned.resolve("").await.unwrap();
    assert_eq!(pinned.fetch(&offered, Provenance::Unwanted).await.unwrap().archive, pushed);
    let missing = source.resolve("3.0.0").await.unwrap();
    let error = source.fetch(&missing, Provenance::Unwanted).await.unwrap_err();
    let RegistryError::Step { source: cause, .. } = error else { panic!("{error}") };
    assert_eq!(cause.to_string(), format!("{}/charts/shop:3.0.0: not found", registry.host));
}

/// A chart that Helm pushed is pushed again by us: the manifest is the same to the byte, because its
/// digest is the same. What we push the real Helm pulls.
#[tokio::test]
async fn we_push_as_helm_does() {
    let (theirs, ours) = (Registry::open(), Registry::open());
    let path = theirs.chart("1.2.0+b1");
    let told =
        theirs.helm(&["push", path.to_str().expect("a path"), &theirs.place(), "--plain-http"]);
    let archive = std::fs::read(&path).unwrap();
    let created = std::fs::metadata(&path).unwrap().modified().unwrap();
    let created = helm::registry::oci::created_at(created);
    let push = Push { archive: &archive, provenance: None, created: &created };
    let pushed = OciChart::push(&ours.place(), access(None), push).await.unwrap();
    assert_eq!(pushed.reference, format!("{}/charts/shop:1.2.0_b1", ours.host));
    assert!(told.contains(&format!("Digest: {}", pushed.manifest_digest)), "{told}");

    let chart = format!("{}/shop", ours.place());
    let told = ours.helm(&["pull", &chart, "--version", "1.2.0+b1", "--plain-http"]);
    assert!(told.contains(&pushed.manifest_digest), "{told}");
    assert_eq!(std::fs::read(ours.folder.path().join("shop-1.2.0+b1.tgz")).unwrap(), archive);
}

/// A provenance travels with its archive, and is required only where the caller requires it.
#[tokio::test]
async fn provenance_travels_along() {
    let registry = Registry::open();
    let archive = std::fs::read(registry.chart("1.2.0")).unwrap();
    let push = |provenance| Push { archive: &archive, provenance, created: "2026-01-01T00:00:00Z" };
    let (place, chart) = (registry.place(), format!("{}/shop", registry.place()));
    let source = ChartSource::oci(&chart, access(None)).unwrap();
    let offered = source.resolve("1.2.0").await.unwrap();

    OciChart::push(&place, access(None), push(None)).await.unwrap();
    let lacking = source.fetch(&offered, Provenance::Required).await;
    assert!(matches!(lacking, Err(RegistryError::NoProvenance { .. })), "{lacking:?}");

    OciChart::push(&place, access(None), push(Some(b"signed"))).await.unwrap();
    let fetched = source.fetch(&offered, Provenance::Required).await.unwrap();
    assert_eq!(fetched.provenance.as_deref(), Some(b"signed".as_slice()));
    let oci = OciChart::new(&chart, access(None)).unwrap();
    let version = oci.resolve("1.2.0").await.unwrap();
    let pulled = oci.pull(&version.reference, Parts::Provenance).await.unwrap();
    assert_eq!((pulled.chart, pulled.provenance), (None, Some(b"signed".to_vec())));
}

/// A registry that asks for a password gets it; without one, or with another, nothing is told.
#[tokio::test]
async fn passwords() {
    let registry = Registry::with_password();
    let archive = std::fs::read(registry.chart("1.2.0")).unwrap();
    let push = Push { archive: &archive, provenance: None, created: "2026-01-01T00:00:00Z" };
    let refused = OciChart::push(&registry.place(), access(Some("wrong")), push).await;
    assert!(refused.is_err());
    OciChart::push(&registry.place(), access(Some("secret")), push).await.unwrap();

    let chart = format!("{}/shop", registry.place());
    let versions =
        async |password| ChartSource::oci(&chart, access(password)).unwrap().versions().await;
    assert_eq!(versions(Some("secret")).await.unwrap().len(), 1);
    let refused = versions(None).await.unwrap_err();
    assert!(matches!(refused, RegistryError::NoCredentials { .. }), "{refused:?}");
    let refused = versions(Some("wrong")).await.unwrap_err();
    let RegistryError::Answer { status, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(status.as_u16(), 401);
    assert!(!format!("{refused:?}").contains("wrong"));
}

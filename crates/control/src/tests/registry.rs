//! Chart repositories over HTTP, clusters by address, and what the one outbound client refuses.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::site::{Site, chart, problems};
use crate::actor::Actor;
use crate::app::NewApp;
use crate::cluster::{NewAccess, NewCluster};
use crate::config::OutboundPolicy;
use crate::control::Control;
use crate::error::Error;
use crate::release::NewRelease;

/// A chart repository on a port of its own that asks for a password; its address.
async fn repository() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let entry = |version: &str, url: &str| {
        format!("  - {{name: shop, apiVersion: v2, version: {version}, urls: ['{url}']}}\n")
    };
    let index = format!(
        "apiVersion: v1\nentries:\n  shop:\n{}{}{}{}",
        entry("1.0.0", "shop-1.0.0.tgz"),
        entry("1.1.0", "shop-1.1.0.tgz"),
        entry("1.2.0", "http://169.254.169.254/shop-1.2.0.tgz"),
        entry("2.0.0-rc.1", "missing.tgz"),
    );
    let index = Arc::new(index);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let index = index.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let signed = request.contains(&format!("Basic {}", STANDARD.encode("bot:hunter2")));
                let (status, body) = match path.as_str() {
                    _ if !signed => ("401 Unauthorized", Vec::new()),
                    "/charts/index.yaml" => ("200 OK", index.as_bytes().to_vec()),
                    "/charts/shop-1.0.0.tgz" => ("200 OK", chart("1.0.0")),
                    // An archive that is not what the index says.
                    "/charts/shop-1.1.0.tgz" => ("200 OK", chart("1.0.9")),
                    _ => ("404 Not Found", Vec::new()),
                };
                let length = body.len();
                // Servers are about that call an archive encoded, which it must stay to be one.
                let archive = path.strip_suffix(".tgz").is_some();
                let encoding = if archive { "Content-Encoding: gzip\r\n" } else { "" };
                let head = format!(
                    "HTTP/1.1 {status}\r\n{encoding}Content-Length: {length}\r\nConnection: \
                     close\r\n\r\n"
                );
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            });
        }
    });
    format!("http://{address}/charts")
}

fn app(url: &str, chart: &str, password: &str) -> NewApp {
    NewApp {
        name: "shop".to_owned(),
        chart_url: url.to_owned(),
        chart_name: chart.to_owned(),
        registry_username: Some("bot".to_owned()),
        registry_password: Some(SecretString::from(password)),
        ..NewApp::default()
    }
}

async fn create(site: &Site, new: NewApp) -> Result<crate::app::App, Error> {
    site.control.app_create(&Actor::system(), new).await
}

/// A wrong password and a wrong chart are told at their fields; the right ones make the App.
#[tokio::test]
async fn apps_of_a_repository() {
    let site = Site::sqlite().await;
    let url = repository().await;
    let refused = problems(create(&site, app(&url, "shop", "wrong")).await);
    assert!(refused.starts_with("chart_url: ") && refused.contains("401"), "{refused}");
    let refused = problems(create(&site, app(&url, "shoppe", "hunter2")).await);
    assert!(refused.starts_with("chart_name: ") && refused.contains("has shop."), "{refused}");
    create(&site, app(&url, "shop", "hunter2")).await.unwrap();
}

/// The list of versions says which is the newest, which are pre-releases, and which are used.
#[tokio::test]
async fn versions_and_releases() {
    let site = Site::sqlite().await;
    let system = Actor::system();
    let url = repository().await;
    create(&site, app(&url, "shop", "hunter2")).await.unwrap();
    let new = |tag: &str, version: &str| NewRelease {
        app: "shop".to_owned(),
        tag: tag.to_owned(),
        chart_version: version.to_owned(),
        ..NewRelease::default()
    };
    let added = site.control.release_add(&system, new("one", "1.0.0")).await.unwrap();
    assert_eq!(added.chart.version, "1.0.0");
    let offered = site.control.chart_versions(&system, "shop").await.unwrap();
    assert_eq!(offered.registry, format!("{url}, chart shop"));
    let told: Vec<String> = offered
        .versions
        .iter()
        .map(|v| format!("{} {} {} {:?}", v.version, v.newest, v.prerelease, v.used_by))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    2.0.0-rc.1 false true []
    1.2.0 true false []
    1.1.0 false false []
    1.0.0 false false [ReleaseTag("one")]
    "#);

    let refused = problems(site.control.release_add(&system, new("two", "3.0.0")).await);
    assert!(
        refused.starts_with("chart_version: The repository has no version `3.0.0`"),
        "{refused}"
    );
    let refused = problems(site.control.release_add(&system, new("two", "")).await);
    assert!(refused.starts_with("chart_version: No chart version is chosen."), "{refused}");
    let refused = problems(site.control.release_add(&system, new("two", "1.1.0")).await);
    assert!(refused.contains("This is version 1.0.9, not 1.1.0."), "{refused}");
    // An index that points to the machine's own network is not followed.
    let refused = problems(site.control.release_add(&system, new("two", "1.2.0")).await);
    assert!(refused.contains("169.254.169.254") && refused.contains("cloud metadata"), "{refused}");
    let gone = problems(site.control.release_add(&system, new("two", "2.0.0-rc.1")).await);
    assert!(gone.starts_with("chart_version: The archive of shop 2.0.0-rc.1"), "{gone}");
    let page = crate::store::paging::PageRequest::default();
    let all = crate::release::ReleaseFilter::default();
    assert_eq!(site.control.release_list(&system, &all, &page).await.unwrap().items.len(), 1);
}

/// Without leave, addresses of the machine itself are refused for repositories and clusters alike.
#[tokio::test]
async fn own_addresses_are_refused() {
    let site = Site::sqlite().await;
    site.cluster("simulated").await;
    let (server, ca_pem, token) = site.simulator_access().await;
    let mut config = site.config.clone();
    config.outbound = OutboundPolicy::default();
    let strict = Control::open(config).await.unwrap();
    let url = repository().await;
    for url in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        let made = strict.app_create(&Actor::system(), app(&url, "shop", "hunter2")).await;
        let refused = problems(made);
        assert!(refused.starts_with("chart_url: "), "{refused}");
        assert!(refused.contains("--allow-network 127.0.0.1/32"), "{refused}");
    }
    let new = NewCluster {
        name: "real".to_owned(),
        admits: "both".to_owned(),
        access: NewAccess { server, ca_pem, token: token.into(), ..NewAccess::default() },
        ..NewCluster::default()
    };
    let refused = problems(strict.cluster_add(&Actor::system(), new).await);
    assert!(refused.starts_with("server: ") && refused.contains("loopback"), "{refused}");
}

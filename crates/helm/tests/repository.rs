//! Chart repositories over HTTP, against a small server in this process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helm::chart::Chart;
use helm::registry::{
    Access, Credentials, IndexError, Limits, RegistryError, Repository, Transport,
};

/// What the server answers to a path: status and body; `None` never answers.
type Answers = fn(&str) -> Option<(u16, Vec<u8>)>;

struct Server {
    address: String,
    /// Path and `authorization` of each request.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::default();
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().flatten() {
                kept.extend(serve(stream, answers, &log));
            }
        });
        Self { address, seen }
    }
}

/// Answers one request; gives the connection back if it is to stay unanswered.
fn serve(
    mut stream: TcpStream,
    answers: Answers,
    log: &Mutex<Vec<(String, String)>>,
) -> Option<TcpStream> {
    let lines = BufReader::new(stream.try_clone().ok()?).lines();
    let head: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    let authorization =
        head.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    log.lock().expect("no panic").push((path.clone(), authorization.to_owned()));
    let Some((status, body)) = answers(&path) else { return Some(stream) };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok()?;
    None
}

fn access() -> Access {
    // Fails only if another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Access::new(Transport::new(reqwest::Client::new()))
}

fn packed() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let chartfile = "apiVersion: v2\nname: shop\nversion: 1.2.0\n";
    std::fs::write(folder.path().join("Chart.yaml"), chartfile).expect("a file");
    helm::chart::package(folder.path()).expect("a chart")
}

const INDEX: &str = "apiVersion: v1
entries:
  shop:
  - name: shop
    version: 1.2.0
    urls: [charts/shop-1.2.0.tgz]
  - name: shop
    version: 1.1.0
    urls: [charts/shop-1.1.0.tgz]
    digest: 0000000000000000000000000000000000000000000000000000000000000000
  - name: shop
    version: 1.0.0
    urls: [charts/missing.tgz]
  - name: shop
    version: 0.9.0
";

#[expect(clippy::unnecessary_wraps, reason = "the signature of all answers")]
fn repository(path: &str) -> Option<(u16, Vec<u8>)> {
    Some(match path {
        "/r/index.yaml?k=1" => (200, INDEX.into()),
        "/r/charts/shop-1.2.0.tgz?k=1" | "/r/charts/shop-1.1.0.tgz?k=1" => (200, packed()),
        _ => (404, Vec::new()),
    })
}

fn open(server: &Server) -> Repository {
    open_within(server, Limits::default())
}

fn open_within(server: &Server, limits: Limits) -> Repository {
    let credentials = Credentials { username: "ana".into(), password: "secret".into() };
    let access = access().with_credentials(Some(credentials)).with_limits(limits);
    Repository::new(&format!("{}/r/?k=1", server.address), access).expect("an address")
}

/// An error and what it comes from, as the command line prints it.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Why an index was not read.
async fn unread(repository: &Repository) -> RegistryError {
    match repository.index().await {
        Err(RegistryError::NotARepository { source, .. }) => *source,
        other => panic!("{other:?}"),
    }
}

/// The newest version is found and its archive fetched, with credentials and the query kept.
#[tokio::test]
async fn newest_version_is_fetched() {
    let server = Server::start(repository);
    let (entry, archive) = open(&server).fetch_chart("shop", "").await.unwrap();
    assert_eq!(entry.metadata.version, "1.2.0");
    assert_eq!(Chart::from_archive(&archive).unwrap().name(), "shop");
    let seen = server.seen.lock().unwrap();
    let paths: Vec<&str> = seen.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/r/index.yaml?k=1", "/r/charts/shop-1.2.0.tgz?k=1"]);
    assert!(seen.iter().all(|(_, authorization)| authorization == "Basic YW5hOnNlY3JldA=="));
}

/// An archive other than the listed one, a missing one and an unlisted one are told apart.
#[tokio::test]
async fn archives_that_cannot_be_had() {
    let server = Server::start(repository);
    let repository = open(&server);
    let fetch = async |version| repository.fetch_chart("shop", version).await.unwrap_err();
    assert!(matches!(fetch("1.1.0").await, RegistryError::Digest { .. }));
    let missing = fetch("1.0.0").await.to_string();
    let wanted = format!("failed to fetch {}/r/charts/missing.tgz : 404 Not Found", server.address);
    assert_eq!(missing, wanted, "the query is not shown");
    assert!(matches!(fetch("0.9.0").await, RegistryError::NoUrl { .. }));
    let RegistryError::NotFound { why, .. } = fetch("3").await else { panic!("is not there") };
    assert!(matches!(*why, IndexError::NoVersion { .. }));
}

/// What the server says or does not say ends in an error that names the repository and the cause.
#[tokio::test]
async fn servers_that_do_not_help() {
    let refuse = Server::start(|_| Some((401, Vec::new())));
    let error = in_full(&open(&refuse).index().await.unwrap_err());
    assert!(error.contains("is not a valid chart repository or cannot be reached: "), "{error}");
    assert!(error.ends_with("/r/index.yaml : 401 Unauthorized"), "{error}");
    assert!(!error.contains("secret"));

    let html = Server::start(|_| Some((200, b"<html>".into())));
    assert!(matches!(unread(&open(&html)).await, RegistryError::Index(_)));

    let silent = Server::start(|_| None);
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let repository = open_within(&silent, limits);
    assert!(matches!(unread(&repository).await, RegistryError::TimedOut { .. }));

    let gone = Repository::new("http://127.0.0.1:1/r", access()).unwrap();
    let error = in_full(&unread(&gone).await);
    assert_eq!(
        error,
        "Get \"http://127.0.0.1:1/r/index.yaml\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

/// A file larger than the limit is not read to its end.
#[tokio::test]
async fn oversized_files() {
    let server = Server::start(repository);
    let limits = Limits { index_bytes: 100, ..Limits::default() };
    let error = unread(&open_within(&server, limits)).await;
    assert!(matches!(error, RegistryError::TooLarge { limit: 100, .. }));
}

/// An index of 50,000 versions, as large repositories have them, is read whole and gives the right
/// one; how long that takes is printed.
#[test]
fn large_indexes() {
    use std::fmt::Write as _;
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    for chart in 0..500 {
        let _ = writeln!(text, "  chart-{chart}:");
        for version in 0..100 {
            let _ = write!(
                text,
                "  - apiVersion: v2\n    appVersion: 1.{version}.0\n    created: \
                 \"2024-01-01T00:00:00Z\"\n    dependencies:\n    - name: common\n      \
                 repository: https://charts.test\n      version: 1.x.x\n    description: A chart \
                 of many versions\n    digest: {version:064}\n    maintainers:\n    - email: \
                 a@a.test\n      name: Ana\n    name: chart-{chart}\n    urls:\n    - \
                 chart-{chart}-1.{version}.0.tgz\n    version: 1.{version}.0\n"
            );
        }
    }
    let started = std::time::Instant::now();
    let index = helm::registry::Index::parse(text.as_bytes()).unwrap();
    let found = index.resolve("chart-499", "~1.42").unwrap();
    println!("{} bytes: {:?}", text.len(), started.elapsed());
    assert_eq!(index.chart_names().count(), 500);
    assert_eq!(found.metadata.version, "1.42.0");
    assert_eq!(found.urls, ["chart-499-1.42.0.tgz"]);
    assert_eq!(index.versions("chart-7").unwrap().len(), 100);
}

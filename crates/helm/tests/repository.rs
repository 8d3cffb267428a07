//! Chart repositories over HTTP, against a small server in this process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helm::chart::Chart;
use helm::registry::{Credentials, IndexError, Limits, RegistryError, Repository};

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

fn client() -> reqwest::Client {
    // Fails only if another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
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
    let credentials = Credentials { username: "ana".into(), password: "secret".into() };
    Repository::new(&format!("{}/r/?k=1", server.address), Some(credentials)).expect("an address")
}

/// The newest version is found and its archive fetched, with credentials and the query kept.
#[tokio::test]
async fn newest_version_is_fetched() {
    let server = Server::start(repository);
    let (entry, archive) = open(&server).fetch_chart(&client(), "shop", "").await.unwrap();
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
    let (repository, client) = (open(&server), client());
    let fetch = async |version| repository.fetch_chart(&client, "shop", version).await.unwrap_err();
    assert!(matches!(fetch("1.1.0").await, RegistryError::Digest { .. }));
    let missing = fetch("1.0.0").await.to_string();
    assert!(missing.contains("/r/charts/missing.tgz: the server answered 404"), "{missing}");
    assert!(!missing.contains("k=1"), "the query is not shown");
    assert!(matches!(fetch("0.9.0").await, RegistryError::NoUrl { .. }));
    assert!(matches!(
        fetch("3").await,
        RegistryError::Index { source: IndexError::NoVersion { .. }, .. }
    ));
}

/// What the server says or does not say ends in an error that names the address and the remedy.
#[tokio::test]
async fn servers_that_do_not_help() {
    let refuse = Server::start(|_| Some((401, Vec::new())));
    let error = open(&refuse).index(&client()).await.unwrap_err().to_string();
    assert!(error.ends_with("401 Unauthorized (check the user and password)"), "{error}");
    assert!(!error.contains("secret"));

    let html = Server::start(|_| Some((200, b"<html>".into())));
    assert!(matches!(open(&html).index(&client()).await, Err(RegistryError::Index { .. })));

    let silent = Server::start(|_| None);
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let repository = open(&silent).with_limits(limits);
    assert!(matches!(repository.index(&client()).await, Err(RegistryError::TimedOut { .. })));

    let gone = Repository::new("http://127.0.0.1:1/r", None).unwrap();
    assert!(matches!(gone.index(&client()).await, Err(RegistryError::Request { .. })));
}

/// A file larger than the limit is not read to its end.
#[tokio::test]
async fn oversized_files() {
    let server = Server::start(repository);
    let limits = Limits { index_bytes: 100, ..Limits::default() };
    let error = open(&server).with_limits(limits).index(&client()).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { limit: 100, .. }));
}

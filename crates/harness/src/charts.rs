//! Charts for the tests: the sample product's two versions, small ones made for a test, and public ones where a folder
//! of them is given; and repositories that serve them, or anything else.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::routing::get;
use server::ChartRepository;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/parcel")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// Both versions of the sample product, packed.
pub fn parcel() -> Vec<Vec<u8>> {
    let next = tempfile::tempdir().unwrap();
    copy(&demo().join("0.31.0"), next.path());
    copy(&demo().join("0.31.2"), next.path());
    vec![
        helm::chart::package(demo().join("0.31.0")).unwrap(),
        helm::chart::package(next.path()).unwrap(),
    ]
}

/// A chart made of these files (path, text), Chart.yaml among them, packed.
pub fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    helm::chart::package(folder.path()).unwrap()
}

/// A public chart out of the folder that `LANDFALL_CHARTS` names; says so where it is left out.
pub fn public(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("LANDFALL_CHARTS") else {
        eprintln!("LEFT OUT: {name}, because LANDFALL_CHARTS names no folder of public charts");
        return None;
    };
    let chart = Path::new(&folder).join(name);
    assert!(chart.is_dir(), "LANDFALL_CHARTS has no chart {name}");
    Some(chart)
}

/// Serves archives as a chart repository on loopback; its address.
pub async fn serve(archives: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let repository = ChartRepository::new(archives).unwrap();
    tokio::spawn(repository.serve(listener, CancellationToken::new()));
    address
}

/// Serves these files (path, content) on loopback whatever they are, all others as not found; its address.
pub async fn serve_files(files: Vec<(&str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut router = Router::new();
    for (path, content) in files {
        router = router.route(path, get(move || async move { content }));
    }
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

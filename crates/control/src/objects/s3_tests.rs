//! Objects in S3: the same as in a folder, against an S3 server that checks signatures.

use fixture::S3Server;
use futures_util::stream::{self, TryStreamExt as _};
use tokio_util::bytes::Bytes;

use super::key::load_or_make;
use super::*;

/// Objects in a bucket of this server, with this secret.
fn objects(server: &S3Server, folder: &Path, bucket: &str, secret: &str) -> Objects {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let place = format!("s3://{bucket}/acme?endpoint={}&region=eu-central-1", server.url);
    let Ok(ObjectPlace::S3(bucket)) = place.parse() else { panic!("{place} is not a bucket") };
    let environment = [("AWS_ACCESS_KEY_ID", S3Server::ID), ("AWS_SECRET_ACCESS_KEY", secret)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let store = bucket.open(environment.into_iter()).unwrap();
    Objects {
        store: Store::of(store),
        sealer: Sealer::new(load_or_make(&folder.join("key")).unwrap()),
    }
}

fn pieces(of: &[Bytes]) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + Send + use<> {
    stream::iter(of.iter().cloned().map(Ok).collect::<Vec<_>>())
}

/// Contents come back, are kept once, and chart archives stand under their digest.
#[tokio::test]
async fn contents_in_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start(folder.path(), &["landfall"]).await;
    let objects = objects(&server, folder.path(), "landfall", S3Server::SECRET);
    let first = objects.put(ObjectKind::Values, b"replicas: 3\n").await.unwrap();
    let again = objects.put(ObjectKind::Values, b"replicas: 3\n").await.unwrap();
    assert_eq!(first, again);
    assert_eq!(objects.get(&first).await.unwrap(), b"replicas: 3\n");
    let digest = objects.put_archive(b"a chart").await.unwrap();
    assert_eq!(objects.archive(&digest).await.unwrap(), b"a chart");
    let listed: Vec<(String, u64)> = objects.store().list("").try_collect().await.unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(folder.path().join("s3/landfall/acme/charts/sha256").is_dir());
    objects.store().reachable().await.unwrap();
}

/// What is larger than a part comes back piece by piece, and is gone once deleted.
#[tokio::test]
async fn streams_in_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start(folder.path(), &["landfall"]).await;
    let objects = objects(&server, folder.path(), "landfall", S3Server::SECRET);
    let all: Vec<Bytes> = (0..20_u8).map(|n| Bytes::from(vec![n; 1024 * 1024])).collect();
    let length = objects.store().put_stream("backups/one", pieces(&all)).await.unwrap();
    assert_eq!(length, 20 * 1024 * 1024);
    let (found, read) = objects.store().get_stream("backups/one").await.unwrap();
    let read: Vec<Bytes> = read.try_collect().await.unwrap();
    assert_eq!(found, length);
    assert!(read.concat() == all.concat());
    objects.store().delete("backups/one").await.unwrap();
    objects.store().delete("backups/one").await.unwrap();
    assert!(objects.store().get_stream("backups/one").await.is_err());
}

/// A stream that breaks off leaves nothing at its path, in a bucket as in a folder.
#[tokio::test]
async fn broken_streams_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start(folder.path(), &["landfall"]).await;
    let place = ObjectPlace::Folder(folder.path().join("objects"));
    let in_folder = Objects::open(&place, &folder.path().join("key")).unwrap();
    for objects in [objects(&server, folder.path(), "landfall", S3Server::SECRET), in_folder] {
        let broken = Err(Error::internal("read a snapshot", "the pod is gone"));
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), broken]);
        let Err(Error::Internal { doing, .. }) =
            objects.store().put_stream("backups/two", broken).await
        else {
            panic!("a broken stream was kept");
        };
        assert_eq!(doing, "read a snapshot");
        let listed: Vec<(String, u64)> =
            objects.store().list("backups").try_collect().await.unwrap();
        assert!(listed.is_empty(), "{listed:?}");
    }
}

/// What keeps a bucket from being used is found out, and is no reason to write twice or to take it for empty.
#[tokio::test]
async fn buckets_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start(folder.path(), &["landfall"]).await;
    let missing = objects(&server, folder.path(), "elsewhere", S3Server::SECRET);
    assert!(missing.store().reachable().await.is_err());
    let stranger = objects(&server, folder.path(), "landfall", "another secret");
    assert!(stranger.store().reachable().await.is_err());
    let Err(Error::Internal { doing, .. }) = stranger.put(ObjectKind::Values, b"a: 1\n").await
    else {
        panic!("written with another secret");
    };
    assert_eq!(doing, "ask its object store");
}

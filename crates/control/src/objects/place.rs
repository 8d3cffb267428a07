//! Where objects are kept: a folder, or a bucket of S3 or of what speaks like it.
//!
//! Nothing secret stands in a place: credentials of S3 come from the environment variables that other programs take, too
//! (`AWS_ACCESS_KEY_ID` and so on), or from the machine that Landfall runs on.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::error::Cause;

/// The longest that a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest that S3 may say nothing; a large object may take longer as a whole.
const SILENCE: Duration = Duration::from_secs(60);
/// How long and how often a call that failed is tried again.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    },
    max_retries: 6,
    retry_timeout: Duration::from_secs(60),
};

/// Where objects are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectPlace {
    /// A folder, made if missing.
    Folder(PathBuf),
    /// A bucket.
    S3(Bucket),
}

/// A bucket of S3, or of what speaks like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    name: String,
    /// Without slashes at its ends; may be empty.
    prefix: String,
    /// None: Amazon's own, or what `AWS_ENDPOINT_URL` says.
    endpoint: Option<Url>,
    /// None: what `AWS_REGION` says.
    region: Option<String>,
}

/// Why a text is no place for objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; write a folder, or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION")]
pub struct InvalidPlace {
    problem: String,
}

impl From<PathBuf> for ObjectPlace {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl FromStr for ObjectPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        match text.split_once("://") {
            Some(("s3", _)) => Bucket::parse(text).map(Self::S3),
            Some((scheme, _)) => {
                Err(InvalidPlace { problem: format!("objects cannot be kept in {scheme}://") })
            }
            None if text.is_empty() => {
                Err(InvalidPlace { problem: "there is no place in an empty text".to_owned() })
            }
            None => Ok(Self::Folder(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::S3(Bucket { name, prefix, .. }) => write!(f, "s3://{name}/{prefix}"),
        }
    }
}

impl Bucket {
    fn parse(text: &str) -> Result<Self, InvalidPlace> {
        let wrong = |problem: String| InvalidPlace { problem };
        let url = Url::parse(text).map_err(|e| wrong(format!("this is not a URL ({e})")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "credentials do not belong into the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    .to_owned(),
            ));
        }
        let name = url.host_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(wrong("no bucket is named".to_owned()));
        }
        let prefix = url.path().trim_matches('/').to_owned();
        let mut bucket = Self { name, prefix, endpoint: None, region: None };
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "endpoint" => bucket.endpoint = Some(endpoint(&value).map_err(wrong)?),
                "region" => bucket.region = Some(value.into_owned()),
                other => {
                    return Err(wrong(format!("`{other}` is neither `endpoint` nor `region`")));
                }
            }
        }
        Ok(bucket)
    }

    /// Opens it with what the environment says of credentials, endpoint and region.
    pub(super) fn open(
        &self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_timeout_disabled()
            .with_read_timeout(SILENCE);
        let known = |(name, value): (String, String)| {
            let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse())?.ok()?;
            Some((key, value))
        };
        let mut builder = environment
            .filter_map(known)
            .fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
            .with_client_options(options)
            .with_retry(RETRIES)
            .with_bucket_name(&self.name);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        // Whoever writes http:// means it: a server on the same machine or network.
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint).unwrap_or_default();
        let store = builder.with_allow_http(endpoint.starts_with("http://")).build()?;
        if self.prefix.is_empty() {
            return Ok(Arc::new(store));
        }
        Ok(Arc::new(PrefixStore::new(store, self.prefix.as_str())))
    }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("the endpoint `{text}` is not a URL ({e})"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(format!("the endpoint `{text}` is not an address of http or https")),
    }
}

impl ObjectPlace {
    /// Opens it; a folder is made if missing. Whether a bucket is there shows at the first call.
    pub(crate) fn open(&self) -> Result<Arc<dyn ObjectStore>, Cause> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)))
            }
            Self::S3(bucket) => {
                let text = |(name, value): (OsString, OsString)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                };
                Ok(bucket.open(std::env::vars_os().filter_map(text))?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder is a folder; of S3 there are bucket, prefix, endpoint and region.
    #[test]
    fn places() {
        let read = |text: &str| text.parse::<ObjectPlace>();
        assert_eq!(read("/var/objects"), Ok(ObjectPlace::Folder("/var/objects".into())));
        let text = "s3://bucket/some/prefix/?endpoint=http://127.0.0.1:9000&region=eu-central-1";
        let Ok(ObjectPlace::S3(bucket)) = read(text) else { panic!("not a bucket") };
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("bucket", "some/prefix"));
        assert_eq!(bucket.endpoint.unwrap().as_str(), "http://127.0.0.1:9000/");
        assert_eq!(bucket.region.as_deref(), Some("eu-central-1"));
        assert_eq!(read("s3://bucket").unwrap().to_string(), "s3://bucket/");
    }

    /// What is wrong is said, and how a place is written.
    #[test]
    fn no_places() {
        let refused = |text: &str| text.parse::<ObjectPlace>().unwrap_err().problem;
        let refusals = [
            "",
            "gs://bucket",
            "s3:///prefix",
            "s3://id:secret@bucket",
            "s3://bucket?acl=public",
            "s3://bucket?endpoint=ftp://host",
        ]
        .map(refused);
        insta::assert_snapshot!(refusals.join("\n"), @r"
        there is no place in an empty text
        objects cannot be kept in gs://
        no bucket is named
        credentials do not belong into the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
        `acl` is neither `endpoint` nor `region`
        the endpoint `ftp://host` is not an address of http or https
        ");
    }
}

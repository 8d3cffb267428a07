//! Charts in OCI registries: tags, version choice, pull and push.
//!
//! [`OciChart`] is one repository of a registry, which holds the versions of one chart. A session
//! with the registry (tokens it gave) lives as long as the `OciChart` and is shared by its clones.
//! Nothing is cached here.

mod answer;
mod auth;
mod challenge;
mod manifest;
mod pull;
mod push;
mod reference;

use std::sync::Arc;

use reqwest::header::{HeaderMap, LINK};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::access::Access;
use super::error::RegistryError;
use super::fetch;
use crate::semver::{Constraint, Version};
use auth::{Request, Session};

pub use answer::ServerMistake;
pub use manifest::{CHART_LAYER, CONFIG, LEGACY_CHART_LAYER, PROVENANCE_LAYER};
pub use pull::{Parts, Pulled};
pub use push::{Push, Pushed, created_at};
pub use reference::{Reference, ReferenceError, SCHEME};

/// Largest answer that is not an archive, in bytes.
const METADATA_BYTES: usize = 4 * 1024 * 1024;

/// Most pages of tags that are read.
const TAG_PAGES: usize = 1000;

/// What Helm prints behind a reference whose tag has `_`, with a line break at either end.
pub const UNDERSCORE_NOTE: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.
";

/// The versions of one chart in a registry.
#[derive(Clone, Debug)]
pub struct OciChart {
    reference: Reference,
    /// The tag as it was written, where it could not be one: it has `+`.
    odd_tag: Option<String>,
    access: Access,
    session: Arc<Session>,
}

/// A version that was chosen, not fetched yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciVersion {
    /// The version as charts write it, with `+`; empty where a digest alone was given.
    pub version: String,
    /// What is pulled: with a tag, or with a digest.
    pub reference: Reference,
}

impl OciVersion {
    /// The name Helm gives the archive: `shop-1.2.0.tgz`, or `shop@sha256-….tgz`.
    pub fn file_name(&self) -> String {
        let chart = self.reference.chart();
        match &self.reference.digest {
            Some(digest) => format!("{chart}@{}.tgz", digest.replacen(':', "-", 1)),
            None => format!("{chart}-{}.tgz", self.version),
        }
    }
}

#[derive(Deserialize)]
struct TagPage {
    tags: Option<Vec<String>>,
}

impl OciChart {
    /// The chart that `reference` (`oci://host/path/chart`, with or without tag and digest) names.
    pub fn new(reference: &str, access: Access) -> Result<Self, RegistryError> {
        let parsed = Reference::parse(reference)?;
        let place = reference.strip_prefix(SCHEME).unwrap_or(reference);
        let path = place.split('@').next().and_then(|place| place.split_once('/'));
        let tag = path.and_then(|(_, path)| path.split_once(':')).map(|(_, tag)| tag);
        Ok(Self {
            reference: parsed,
            odd_tag: tag.filter(|tag| tag.contains('+')).map(str::to_owned),
            access,
            session: Arc::default(),
        })
    }

    /// What was given to [`Self::new`].
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The versions among the registry's tags, newest first and with `+`.
    pub async fn versions(&self) -> Result<Vec<String>, RegistryError> {
        let mut found: Vec<Version> = Vec::new();
        let mut next = Some(self.url("tags/list")?);
        for _ in 0..TAG_PAGES {
            let Some(url) = next else { break };
            let (page, link) = self.tag_page(&url).await?;
            let tags = page.tags.unwrap_or_default();
            found.extend(tags.iter().filter_map(|tag| strict_version(&tag.replace('_', "+"))));
            next = link;
        }
        found.sort();
        Ok(found.iter().rev().map(ToString::to_string).collect())
    }

    /// The version that Helm would take: what `wanted` or the reference's own tag says, a version
    /// as such without asking, anything else the newest tag that fits; empty means the newest
    /// release.
    pub async fn resolve(&self, wanted: &str) -> Result<OciVersion, RegistryError> {
        let tag = self.reference.tag.as_deref();
        let wanted = match (wanted, tag) {
            ("", tag) => tag.unwrap_or_default(),
            (wanted, Some(tag)) if wanted != tag => {
                let (wanted, tag) = (wanted.to_owned(), tag.to_owned());
                return Err(RegistryError::VersionMismatch { wanted, tag });
            }
            (wanted, _) => wanted,
        };
        if let Some(digest) = &self.reference.digest {
            if !wanted.is_empty() {
                self.check_digest(wanted, digest).await?;
            }
            let reference = self.reference.with_digest(digest);
            return Ok(OciVersion { version: String::new(), reference });
        }
        let version = if Version::parse(wanted).is_ok() {
            wanted.to_owned()
        } else {
            self.choose(wanted).await?
        };
        Ok(OciVersion { reference: self.reference.with_tag(&version), version })
    }

    /// The newest of the registry's versions that fits.
    async fn choose(&self, wanted: &str) -> Result<String, RegistryError> {
        if let Some(tag) = &self.odd_tag {
            return Err(ReferenceError::Tag(tag.clone()).into());
        }
        let versions = self.versions().await?;
        if versions.is_empty() {
            let reference = format!("{SCHEME}{}", self.reference);
            return Err(RegistryError::NoTags { reference });
        }
        if versions.iter().any(|version| version == wanted) {
            return Ok(wanted.to_owned());
        }
        let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })?;
        let fits = |version: &String| Version::parse(version).is_ok_and(|v| constraint.check(&v));
        let missing = || RegistryError::NoVersion { wanted: wanted.to_owned() };
        versions.into_iter().find(fits).ok_or_else(missing)
    }

    /// Whether the tag leads to the digest; a tag that cannot be looked up does not matter.
    async fn check_digest(&self, tag: &str, wanted: &str) -> Result<(), RegistryError> {
        match self.digest_of(tag).await {
            Ok(Some(found)) if found != wanted => {
                Err(RegistryError::DigestMismatch { found, wanted: wanted.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The digest of the manifest that a tag leads to, as far as the registry tells it.
    async fn digest_of(&self, tag: &str) -> Result<Option<String>, RegistryError> {
        if tag.contains('+') {
            return Err(ReferenceError::Tag(tag.to_owned()).into());
        }
        let url = self.url(&format!("manifests/{tag}"))?;
        let response = self.send(Method::HEAD, &url, Some(manifest::ACCEPTED), None).await?;
        let told = response.headers().get(CONTENT_DIGEST).and_then(|value| value.to_str().ok());
        Ok(told.filter(|_| response.status() == StatusCode::OK).map(str::to_owned))
    }

    async fn tag_page(&self, url: &Url) -> Result<(TagPage, Option<Url>), RegistryError> {
        let response = self.send(Method::GET, url, None, None).await?;
        if response.status() != StatusCode::OK {
            return Err(answer::refusal(response, &Method::GET, url).await);
        }
        let link = next_page(response.headers(), url)?;
        let bytes = self.body(response, url, METADATA_BYTES).await?;
        let page = serde_json::from_slice(&bytes)
            .map_err(|_| ServerMistake::of(&Method::GET, url, "failed to decode response"))?;
        Ok((page, link))
    }

    /// An address below the chart's own in the registry.
    fn url(&self, path: &str) -> Result<Url, RegistryError> {
        let scheme = if self.access.plain_http { "http" } else { "https" };
        let (host, repository) = (self.reference.host(), &self.reference.repository);
        let text = format!("{scheme}://{host}/v2/{repository}/{path}");
        Url::parse(&text)
            .map_err(|_| ReferenceError::Registry(self.reference.registry.clone()).into())
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        accept: Option<&'static str>,
        body: Option<(&'static str, &[u8])>,
    ) -> Result<reqwest::Response, RegistryError> {
        self.send_as("pull", method, url, accept, body).await
    }

    /// Sends a request for which a token must allow these actions.
    async fn send_as(
        &self,
        actions: &str,
        method: Method,
        url: &Url,
        accept: Option<&'static str>,
        body: Option<(&'static str, &[u8])>,
    ) -> Result<reqwest::Response, RegistryError> {
        let scope = format!("repository:{}:{actions}", self.reference.repository);
        let request = Request { method, url: url.clone(), accept, body, scope: &scope };
        self.session.send(&self.access, &request).await
    }

    async fn body(
        &self,
        response: reqwest::Response,
        url: &Url,
        limit: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        let read = fetch::body(response, "Get", url, limit);
        fetch::within(self.access.limits.time, url, read).await
    }
}

/// The header in which registries tell the digest of what they send.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// A version with all three numbers and no `v`, as tags must be.
fn strict_version(tag: &str) -> Option<Version> {
    let version = Version::parse(tag).ok()?;
    (version.to_string() == tag).then_some(version)
}

/// Where the next page of tags lies. It must be the same server: the address is the server's own
/// word.
fn next_page(headers: &HeaderMap, url: &Url) -> Result<Option<Url>, ServerMistake> {
    let Some(header) = headers.get(LINK) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default();
    let mistake = |why: String| ServerMistake::new(format!("invalid next link {text:?}: {why}"));
    let inner = text.strip_prefix('<').ok_or_else(|| mistake("missing '<'".to_owned()))?;
    let (link, _) = inner.split_once('>').ok_or_else(|| mistake("missing '>'".to_owned()))?;
    let next = url.join(link).map_err(|e| mistake(e.to_string()))?;
    if next.origin() != url.origin() {
        return Err(mistake(format!("not the same origin as {:?}", url.as_str())));
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages are followed on the same server only.
    #[test]
    fn next_pages() {
        let url = Url::parse("https://a.test/v2/x/tags/list").unwrap();
        let next = |link: &'static str| {
            let headers = HeaderMap::from_iter([(LINK, link.parse().unwrap())]);
            next_page(&headers, &url).map(|next| next.map(String::from))
        };
        assert_eq!(next_page(&HeaderMap::new(), &url), Ok(None));
        assert_eq!(
            next("</v2/x/tags/list?last=b&n=2>; rel=\"next\"").unwrap().as_deref(),
            Some("https://a.test/v2/x/tags/list?last=b&n=2")
        );
        for link in ["<https://b.test/v2/x/tags/list>", "<http://a.test/>", "/v2", "</v2"] {
            let mistake = next(link).unwrap_err().to_string();
            assert!(mistake.starts_with("invalid next link "), "{mistake}");
        }
    }

    /// Tags that are no whole versions are no versions of the chart.
    #[test]
    fn tags_that_count() {
        for tag in ["1.2.3", "1.2.3-rc.1", "1.2.3+b.1"] {
            assert!(strict_version(tag).is_some(), "{tag}");
        }
        for tag in ["v1.2.3", "1.2", "01.2.3", "latest", "sha256-00"] {
            assert!(strict_version(tag).is_none(), "{tag}");
        }
    }
}

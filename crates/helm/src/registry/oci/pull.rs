//! Pulling a chart: its manifest, metadata, archive and provenance, each held against its digest.

use reqwest::{Method, StatusCode};
use url::Url;

use super::super::error::RegistryError;
use super::answer::{self, ServerMistake};
use super::manifest::{
    self, CHART_LAYER, CONFIG, DOCKER_LIST, DOCKER_MANIFEST, Descriptor, IMAGE_INDEX,
    IMAGE_MANIFEST, LEGACY_CHART_LAYER, Manifest, PROVENANCE_LAYER,
};
use super::reference::{ContentDigest, Reference, sha256};
use super::{CONTENT_DIGEST, METADATA_BYTES, OciChart};

/// Most manifests that one list may lead to.
const MOST_MANIFESTS: usize = 32;

/// Fewest parts of a chart: the metadata, and one of archive and provenance.
const LEAST: usize = 2;

/// Which parts of a chart are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// The archive alone.
    Chart,
    /// The provenance alone.
    Provenance,
    /// The archive, and the provenance if there is one.
    ChartAndProvenance,
}

impl Parts {
    fn chart(self) -> bool {
        self != Self::Provenance
    }

    fn provenance(self) -> bool {
        self != Self::Chart
    }
}

/// A chart as it lay in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The reference as Helm prints it behind `Pulled: `.
    pub reference: String,
    /// The digest of the manifest, as Helm prints it behind `Digest: `.
    pub manifest_digest: String,
    /// The chart's metadata as JSON.
    pub config: Vec<u8>,
    /// The archive, if it was wanted.
    pub chart: Option<Vec<u8>>,
    /// The provenance, if it was wanted and is there.
    pub provenance: Option<Vec<u8>>,
    /// Whether the archive had a media type of earlier days, which Helm warns of.
    pub legacy: bool,
}

/// A manifest that was fetched.
struct Root {
    descriptor: Descriptor,
    bytes: Vec<u8>,
}

impl OciChart {
    /// Fetches what a reference of this chart leads to.
    pub async fn pull(&self, reference: &Reference, parts: Parts) -> Result<Pulled, RegistryError> {
        let root = self.manifest(reference).await.map_err(|e| e.at("FetchReference", "source"))?;
        let manifest_digest = root.descriptor.digest.clone();
        let found = self.walk(root, parts).await?;
        let last = |wanted: &[&str]| {
            found.iter().rev().find(|descriptor| wanted.contains(&&*descriptor.media_type))
        };
        if found.len() < LEAST {
            return Err(RegistryError::NotAChart(format!(
                "manifest does not contain minimum number of descriptors ({LEAST}), descriptors \
                 found: {}",
                found.len()
            )));
        }
        let config = last(&[CONFIG]).ok_or_else(|| {
            RegistryError::NotAChart(format!("could not load config with mediatype {CONFIG}"))
        })?;
        let chart = last(&[CHART_LAYER, LEGACY_CHART_LAYER]);
        let provenance = last(&[PROVENANCE_LAYER]);
        let lacks = |layer: &str| {
            let text = format!("manifest does not contain a layer with mediatype {layer}");
            Err(RegistryError::NotAChart(text))
        };
        if parts.chart() && chart.is_none() {
            return lacks(CHART_LAYER);
        }
        if parts == Parts::Provenance && provenance.is_none() {
            return lacks(PROVENANCE_LAYER);
        }
        let largest = self.access.limits.archive_bytes;
        Ok(Pulled {
            reference: reference.to_string(),
            manifest_digest,
            config: self.blob(config, METADATA_BYTES).await?,
            legacy: parts.chart()
                && chart.is_some_and(|chart| chart.media_type == LEGACY_CHART_LAYER),
            chart: match chart.filter(|_| parts.chart()) {
                Some(chart) => Some(self.blob(chart, largest).await?),
                None => None,
            },
            provenance: match provenance.filter(|_| parts.provenance()) {
                Some(provenance) => Some(self.blob(provenance, METADATA_BYTES).await?),
                None => None,
            },
        })
    }

    /// The manifest and everything below it that may belong to a chart.
    async fn walk(&self, root: Root, parts: Parts) -> Result<Vec<Descriptor>, RegistryError> {
        let allowed = |descriptor: &Descriptor| match &*descriptor.media_type {
            CONFIG | IMAGE_INDEX | IMAGE_MANIFEST => true,
            CHART_LAYER | LEGACY_CHART_LAYER => parts.chart(),
            PROVENANCE_LAYER => parts.provenance(),
            _ => false,
        };
        let (mut found, mut waiting, mut read) = (Vec::new(), vec![root], 0);
        while let Some(Root { descriptor, bytes }) = waiting.pop() {
            read += 1;
            if read > MOST_MANIFESTS {
                let text = format!("manifest leads to more than {MOST_MANIFESTS} others");
                return Err(RegistryError::NotAChart(text));
            }
            let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| {
                RegistryError::from(ServerMistake::new(e.to_string())).at("Successors", "source")
            })?;
            for child in manifest.manifests.unwrap_or_default() {
                let reference = self.reference.with_digest(&child.digest);
                let child = self.manifest(&reference).await;
                waiting.push(child.map_err(|e| e.at("FindSuccessors", "source"))?);
            }
            found.push(descriptor);
            found.extend(manifest.config);
            found.extend(manifest.layers.unwrap_or_default());
        }
        found.retain(allowed);
        Ok(found)
    }

    /// The manifest that a reference leads to.
    async fn manifest(&self, reference: &Reference) -> Result<Root, RegistryError> {
        let url = self.url(&format!("manifests/{}", reference.target()))?;
        let response = self.send(Method::GET, &url, Some(manifest::ACCEPTED), None).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::Missing { what: reference.to_string() });
            }
            _ => return Err(answer::refusal(response, &Method::GET, &url).await),
        }
        let mistake = |why: &str| ServerMistake::of(&Method::GET, &url, why);
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let media_type = header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let told = header(CONTENT_DIGEST).map(str::to_owned);
        if !matches!(&*media_type, IMAGE_MANIFEST | IMAGE_INDEX | DOCKER_MANIFEST | DOCKER_LIST) {
            let why = format!("invalid response `Content-Type` header: {media_type:?}");
            return Err(mistake(&why).into());
        }
        let bytes = self.body(response, &url, METADATA_BYTES).await?;
        let digest = told.unwrap_or_else(|| sha256(&bytes));
        if !ContentDigest::parse(&digest)?.fits(&bytes) {
            return Err(ServerMistake::new("mismatched digest").into());
        }
        // With a tag, a digest in the reference was compared when the version was chosen.
        let wanted = reference.digest.as_ref().filter(|_| reference.tag.is_none());
        if let Some(wanted) = wanted.filter(|wanted| **wanted != digest) {
            return Err(mistake(&format!(
                "invalid response; digest mismatch in Docker-Content-Digest: received \
                 {digest:?} when expecting {wanted:?}"
            ))
            .into());
        }
        let descriptor = Descriptor { media_type, digest, size: bytes.len() as u64 };
        Ok(Root { descriptor, bytes })
    }

    /// The content a descriptor stands for.
    async fn blob(&self, part: &Descriptor, limit: usize) -> Result<Vec<u8>, RegistryError> {
        let digest = ContentDigest::parse(&part.digest)?;
        let url = self.url(&format!("blobs/{}", part.digest))?;
        if part.size > limit as u64 {
            return Err(RegistryError::TooLarge { url: url.to_string(), limit });
        }
        let bytes = self.blob_at(&url, part, limit).await.map_err(|e| e.at("Fetch", "source"))?;
        if bytes.len() as u64 != part.size || !digest.fits(&bytes) {
            let mistake = RegistryError::from(ServerMistake::new("mismatched digest"));
            return Err(mistake.at("Push", "destination"));
        }
        Ok(bytes)
    }

    async fn blob_at(
        &self,
        url: &Url,
        part: &Descriptor,
        limit: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        let response = self.send(Method::GET, url, None, None).await?;
        match response.status() {
            StatusCode::OK => self.body(response, url, limit).await,
            StatusCode::NOT_FOUND => Err(RegistryError::Missing { what: part.digest.clone() }),
            _ => Err(answer::refusal(response, &Method::GET, url).await),
        }
    }
}

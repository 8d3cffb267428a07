//! The manifest of a chart in a registry, to the byte as Helm writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chart::Metadata;
use crate::json::to_go_json;

/// A manifest.
pub(super) const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(super) const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A manifest as Docker wrote it before there was a standard.
pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A list of those.
pub(super) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// What manifests are asked for as.
pub(super) const ACCEPTED: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.artifact.manifest.v1+json, \
    application/vnd.oci.image.manifest.v1+json";

/// Media type of the chart's metadata.
pub const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// Media type of the chart's archive.
pub const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Media type that archives had before.
pub const LEGACY_CHART_LAYER: &str = "application/tar+gzip";
/// Media type of the archive's provenance.
pub const PROVENANCE_LAYER: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

/// What a manifest says of one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

impl Descriptor {
    pub(super) fn of(media_type: &str, content: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: super::reference::sha256(content),
            size: content.len() as u64,
        }
    }
}

/// A manifest or a list of them, as far as charts need it.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Option<Descriptor>,
    #[serde(default)]
    pub(super) layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    pub(super) manifests: Option<Vec<Descriptor>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenManifest<'a> {
    schema_version: u8,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

/// The bytes of a chart's manifest; the layers are put in order of their digests.
pub(super) fn write(
    metadata: &Metadata,
    config: &Descriptor,
    mut layers: Vec<Descriptor>,
    created: &str,
) -> Vec<u8> {
    layers.sort_by(|a, b| a.digest.cmp(&b.digest));
    to_go_json(&WrittenManifest {
        schema_version: 2,
        config,
        layers: &layers,
        annotations: annotations(metadata, created),
    })
}

/// The chart's metadata under the names of the standard, then its own annotations, which may take
/// the place of all but title and version.
fn annotations<'a>(metadata: &'a Metadata, created: &str) -> BTreeMap<&'a str, String> {
    const TITLE: &str = "org.opencontainers.image.title";
    const VERSION: &str = "org.opencontainers.image.version";
    let standard = [
        ("org.opencontainers.image.description", metadata.description.clone()),
        (TITLE, metadata.name.clone()),
        (VERSION, metadata.version.clone()),
        ("org.opencontainers.image.url", metadata.home.clone()),
        ("org.opencontainers.image.created", created.to_owned()),
        ("org.opencontainers.image.source", metadata.sources.first().cloned().unwrap_or_default()),
        ("org.opencontainers.image.authors", authors(metadata)),
    ];
    let mut all: BTreeMap<&str, String> =
        standard.into_iter().filter(|(_, text)| !text.trim().is_empty()).collect();
    for (key, text) in metadata.annotations.iter().flatten() {
        if key != TITLE && key != VERSION {
            all.insert(key, text.clone());
        }
    }
    all
}

fn authors(metadata: &Metadata) -> String {
    let one = |maintainer: &crate::chart::Maintainer| match &*maintainer.email {
        "" => maintainer.name.clone(),
        email => format!("{} ({email})", maintainer.name),
    };
    metadata.maintainers.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Maintainer;

    /// The bytes that real Helm pushed for this chart.
    #[test]
    fn bytes_of_a_manifest() {
        let person = |name: &str, email: &str| Maintainer {
            name: name.to_owned(),
            email: email.to_owned(),
            url: String::new(),
        };
        let annotation = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        let metadata = Metadata {
            name: "parcel".to_owned(),
            version: "1.2.0+b1".to_owned(),
            description: "a <b> & c".to_owned(),
            home: "https://x.test".to_owned(),
            sources: vec!["https://src.test".to_owned(), "https://b.test".to_owned()],
            maintainers: vec![person("Ana", "a@x.test"), person("Bo", "")],
            annotations: Some(BTreeMap::from([
                annotation("x", "y <&>"),
                annotation("org.opencontainers.image.title", "no"),
            ])),
            ..Metadata::default()
        };
        let part = |media_type: &str, digit: &str, size| Descriptor {
            media_type: media_type.to_owned(),
            digest: format!("sha256:{}", digit.repeat(64)),
            size,
        };
        let config = part(CONFIG, "4", 334);
        let layers = vec![part(PROVENANCE_LAYER, "9", 12), part(CHART_LAYER, "0", 330)];
        let bytes = write(&metadata, &config, layers, "2026-11-26T11:44:27Z");
        let text = String::from_utf8(bytes).unwrap();
        let short = text.replace(&"0".repeat(64), "0…").replace(&"9".repeat(64), "9…");
        insta::assert_snapshot!(short.replace(&"4".repeat(64), "4…"), @r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:4…","size":334},"layers":[{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","digest":"sha256:0…","size":330},{"mediaType":"application/vnd.cncf.helm.chart.provenance.v1.prov","digest":"sha256:9…","size":12}],"annotations":{"org.opencontainers.image.authors":"Ana (a@x.test), Bo","org.opencontainers.image.created":"2026-11-26T11:44:27Z","org.opencontainers.image.description":"a \u003cb\u003e \u0026 c","org.opencontainers.image.source":"https://src.test","org.opencontainers.image.title":"parcel","org.opencontainers.image.url":"https://x.test","org.opencontainers.image.version":"1.2.0+b1","x":"y \u003c\u0026\u003e"}}"#);
    }
}

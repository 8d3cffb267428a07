//! Pushing a chart: its parts, the manifest by its digest, then the manifest by its tag, as Helm
//! does it and with the same bytes.

use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::super::access::Access;
use super::super::error::RegistryError;
use super::OciChart;
use super::answer::{self, ServerMistake};
use super::manifest::{self, CHART_LAYER, CONFIG, Descriptor, IMAGE_MANIFEST, PROVENANCE_LAYER};
use crate::chart::Chart;
use crate::golang::path;
use crate::json::to_go_json;

/// What may be done with a token for pushing.
const ACTIONS: &str = "pull,push";

/// A chart to push.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// The archive.
    pub archive: &'a [u8],
    /// Its provenance, if it has one.
    pub provenance: Option<&'a [u8]>,
    /// When the archive was made, in the form of RFC 3339: see [`created_at`].
    pub created: &'a str,
}

/// A chart that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The reference as Helm prints it behind `Pushed: `.
    pub reference: String,
    /// The digest of the manifest, as Helm prints it behind `Digest: `.
    pub manifest_digest: String,
}

/// The time of a file as Helm writes it into a manifest: local time, whole seconds.
pub fn created_at(time: SystemTime) -> String {
    let Ok(time) = Timestamp::try_from(time) else { return String::new() };
    in_zone(&time.to_zoned(TimeZone::system()))
}

fn in_zone(time: &Zoned) -> String {
    let form = if time.offset().seconds() == 0 { "%FT%TZ" } else { "%FT%T%:z" };
    time.strftime(form).to_string()
}

impl OciChart {
    /// Pushes a chart below `target` (`oci://host/path`); name and version are the chart's own.
    pub async fn push(
        target: &str,
        access: Access,
        push: Push<'_>,
    ) -> Result<Pushed, RegistryError> {
        let chart = Chart::from_archive(push.archive)?;
        let metadata = chart.metadata();
        let base = target.strip_prefix(super::SCHEME).unwrap_or(target);
        let place = path::clean(format!("{base}/{}", metadata.name).as_bytes());
        let place = format!("{}:{}", String::from_utf8_lossy(&place), metadata.version);
        let place = Self::new(&place, access)?;

        let config = to_go_json(metadata);
        let mut parts = vec![(Descriptor::of(CHART_LAYER, push.archive), push.archive)];
        if let Some(provenance) = push.provenance {
            parts.push((Descriptor::of(PROVENANCE_LAYER, provenance), provenance));
        }
        let layers = parts.iter().map(|(layer, _)| layer.clone()).collect();
        let described = Descriptor::of(CONFIG, &config);
        let bytes = manifest::write(metadata, &described, layers, push.created);
        parts.insert(0, (described, &config));

        let root = Descriptor::of(IMAGE_MANIFEST, &bytes);
        if !place.exists("manifests", &root).await.map_err(exists_failed)? {
            for (part, content) in &parts {
                if !place.exists("blobs", part).await.map_err(exists_failed)? {
                    let sent = place.upload(part, content).await;
                    sent.map_err(|e| e.at("Push", "destination"))?;
                }
            }
            let sent = place.put_manifest(&root.digest, &bytes).await;
            sent.map_err(|e| e.at("Push", "destination"))?;
        }
        let tagged = place.put_manifest(place.reference.target(), &bytes).await;
        tagged.map_err(|e| e.at("Tag", "destination"))?;
        Ok(Pushed { reference: place.reference.to_string(), manifest_digest: root.digest })
    }

    async fn exists(&self, kind: &str, part: &Descriptor) -> Result<bool, RegistryError> {
        let url = self.url(&format!("{kind}/{}", part.digest))?;
        let accept = (kind == "manifests").then_some(manifest::ACCEPTED);
        let response = self.send_as(ACTIONS, Method::HEAD, &url, accept, None).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer::refusal(response, &Method::HEAD, &url).await),
        }
    }

    /// Sends one part: the registry names a place, which must be on the same host.
    async fn upload(&self, part: &Descriptor, content: &[u8]) -> Result<(), RegistryError> {
        let url = self.url("blobs/uploads/")?;
        let response = self.send_as(ACTIONS, Method::POST, &url, None, None).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(answer::refusal(response, &Method::POST, &url).await);
        }
        let mut place = upload_place(&response, &url)?;
        place.query_pairs_mut().append_pair("digest", &part.digest);
        let body = Some(("application/octet-stream", content));
        created(self.send_as(ACTIONS, Method::PUT, &place, None, body).await?, &place).await
    }

    async fn put_manifest(&self, target: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        let url = self.url(&format!("manifests/{target}"))?;
        let body = Some((IMAGE_MANIFEST, bytes));
        created(self.send_as(ACTIONS, Method::PUT, &url, None, body).await?, &url).await
    }
}

async fn created(response: Response, url: &Url) -> Result<(), RegistryError> {
    match response.status() {
        StatusCode::CREATED => Ok(()),
        _ => Err(answer::refusal(response, &Method::PUT, url).await),
    }
}

fn exists_failed(error: RegistryError) -> RegistryError {
    error.at("Exists", "destination")
}

/// Where the registry wants a part to be sent. It is the server's own word and gets what signs us
/// in, so another host or a step down from TLS is refused.
fn upload_place(response: &Response, url: &Url) -> Result<Url, ServerMistake> {
    let told = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let told = told.ok_or_else(|| ServerMistake::new("http: no Location header in response"))?;
    checked_place(told, url)
}

fn checked_place(told: &str, url: &Url) -> Result<Url, ServerMistake> {
    let place = url.join(told).map_err(|e| ServerMistake::new(e.to_string()))?;
    let named = |url: &Url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", url.host_str().unwrap_or_default())
    };
    if place.host() != url.host() || place.port_or_known_default() != url.port_or_known_default() {
        return Err(ServerMistake::new(format!(
            "blob upload Location {:?} is on a different host than the registry {:?}",
            named(&place),
            named(url)
        )));
    }
    if url.scheme() == "https" && place.scheme() != "https" {
        let text = format!("blob upload Location {:?} downgrades scheme from https", named(&place));
        return Err(ServerMistake::new(text));
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts are sent to the registry's own host alone.
    #[test]
    fn upload_places() {
        let url = Url::parse("https://a.test:5000/v2/x/blobs/uploads/").unwrap();
        let place = |told: &str| checked_place(told, &url).map(String::from);
        assert_eq!(
            place("/v2/x/blobs/uploads/1?_state=s").unwrap(),
            "https://a.test:5000/v2/x/blobs/uploads/1?_state=s"
        );
        let refused = |told: &str| place(told).unwrap_err().to_string();
        assert_eq!(
            refused("https://b.test/u"),
            "blob upload Location \"b.test\" is on a different host than the registry \
             \"a.test:5000\""
        );
        assert!(refused("https://a.test/u").contains("different host"));
        assert_eq!(
            refused("http://a.test:5000/u"),
            "blob upload Location \"a.test:5000\" downgrades scheme from https"
        );
    }

    /// Times are written as Go's RFC 3339: `Z` only where the zone is the world's.
    #[test]
    fn times() {
        let at = |zone: &str| {
            let time: Timestamp = "2026-11-26T11:44:27.5Z".parse().unwrap();
            in_zone(&time.in_tz(zone).unwrap())
        };
        assert_eq!(at("UTC"), "2026-11-26T11:44:27Z");
        assert_eq!(at("Asia/Kolkata"), "2026-11-26T17:14:27+05:30");
    }
}

//! Packing of release records: JSON as Go writes it, gzip, base64.
//!
//! The Kubernetes API adds its own base64 around Secret data; that layer is not handled here.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::packed::{self, Piece, Place};
use super::record::{ChartOutline, Release};
use super::shared::Shared;
use crate::json;

/// Magic bytes of gzip with the deflate method.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// The largest record that is unpacked. Secrets hold 1 MiB packed; templates shrink some ten-fold.
const MAX_RECORD: u64 = 256 * 1024 * 1024;

/// Why a stored record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The text is not base64.
    #[error("the release record is not base64")]
    Base64(#[source] base64::DecodeError),
    /// The bytes begin like gzip and are not.
    #[error("the release record could not be unpacked")]
    Gzip(#[source] std::io::Error),
    /// Unpacked, it is larger than any release can be.
    #[error("the release record is larger than {MAX_RECORD} bytes")]
    TooLarge,
    /// The JSON is not a release.
    #[error("the release record is not the JSON of a Helm release")]
    Json(#[source] serde_json::Error),
}

/// How hard a record is packed. Any gzip is a record to Helm, whose own is of the smallest kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// One or two hundredths larger than the smallest, in a third of the time.
    Quick,
    /// As small as gzip makes it.
    Smallest,
}

impl Release {
    /// The record as it stands in the Secret's key `release`, before the API's own base64.
    pub fn encode(&self, packing: Packing) -> Vec<u8> {
        let packed = match packing {
            Packing::Quick => self.packed_quickly(),
            Packing::Smallest => {
                let level = flate2::Compression::best();
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
                gzip.write_all(&self.to_json())
                    .and_then(|()| gzip.finish())
                    .expect("writing to memory does not fail")
            }
        };
        STANDARD.encode(packed).into_bytes()
    }

    /// Packs the chart once for all that have it, and the rest around it.
    fn packed_quickly(&self) -> Vec<u8> {
        let sorted = self.sorted();
        let Some(chart) = &sorted.chart else {
            return packed::gzip([&Piece::pack(&json::to_go_json(&*sorted), Place::Last)]);
        };
        let without = (*sorted).clone().with_chart(Some(Shared::new(WITHOUT)));
        let around = json::to_go_json(&without);
        // A quotation mark within a text has a backslash in front: the first one of these is the field.
        let field = br#","chart":"#;
        let at = around
            .windows(field.len())
            .position(|part| part == field)
            .expect("a field that is there is written");
        let (before, behind) = around.split_at(at + field.len());
        let behind = &behind[b"null".len()..];
        let before = Piece::pack(before, Place::Before);
        let chart = chart.packed(|chart| Piece::pack(&json::to_go_json(chart), Place::Before));
        packed::gzip([&before, chart, &Piece::pack(behind, Place::Last)])
    }

    /// The JSON of the record: compact, HTML-escaped, maps sorted, numbers as Go writes them.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_go_json(&*self.sorted())
    }

    /// The same with the keys of its values in order, as in records that Helm wrote.
    fn sorted(&self) -> Cow<'_, Self> {
        let values = self.chart.as_ref().and_then(|chart| chart.values.as_ref());
        let (config_is, values_are) = (is_sorted(&self.config), values.is_none_or(is_sorted));
        if config_is && values_are {
            return Cow::Borrowed(self);
        }
        let mut sorted = self.clone();
        sort(&mut sorted.config);
        if !values_are
            && let Some(chart) = &mut sorted.chart
            && let Some(values) = &mut chart.make_mut().values
        {
            sort(values);
        }
        Cow::Owned(sorted)
    }

    /// Reads what [`Release::encode`] or any Helm since 3.0 wrote.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        Self::from_json(&unpack(stored)?)
    }

    /// Reads the JSON of a record.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(json).map_err(DecodeError::Json)
    }
}

impl Release<ChartOutline> {
    /// Reads the same as [`Release::decode`] without the bulk of it, the chart's files and values: a fraction of the time
    /// and of the memory where many revisions are looked at.
    pub fn decode_outline(stored: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(&unpack(stored)?).map_err(DecodeError::Json)
    }
}

/// Nothing of a chart: it is put in later.
const WITHOUT: () = ();

/// The JSON of a stored record.
fn unpack(stored: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let bytes = STANDARD.decode(stored.trim_ascii()).map_err(DecodeError::Base64)?;
    if bytes.len() <= GZIP.len() || !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut json = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(MAX_RECORD + 1)
        .read_to_end(&mut json)
        .map_err(DecodeError::Gzip)?;
    if json.len() as u64 > MAX_RECORD {
        return Err(DecodeError::TooLarge);
    }
    Ok(json)
}

/// Whether the keys of an object and of all objects in it are in order.
fn is_sorted(object: &serde_json::Map<String, serde_json::Value>) -> bool {
    fn below(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Object(object) => is_sorted(object),
            serde_json::Value::Array(items) => items.iter().all(below),
            _ => true,
        }
    }
    object.keys().is_sorted() && object.values().all(below)
}

pub(super) fn sort(object: &mut serde_json::Map<String, serde_json::Value>) {
    object.sort_keys();
    object.values_mut().for_each(serde_json::Value::sort_all_objects);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{ApplyMethod, HookEvent, HookPhase, Status, StoredChart};

    /// The record of a real `helm install r f --set b=2`, its times and files shortened.
    const RECORD: &str = r#"{"name":"r","info":{"first_deployed":"2026-11-22T23:19:30.510102652Z","last_deployed":"2026-11-22T23:19:30.5Z","description":"Install complete","status":"deployed"},"chart":{"metadata":{"name":"f","version":"0.1.0","apiVersion":"v2"},"lock":null,"templates":[{"name":"templates/a.yaml","data":"YXBp","modtime":"2026-11-22T23:19:30.448811201Z"}],"values":{"a":1,"b":1e+21},"schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null,"modtime":"2026-11-22T23:19:30.448811201Z"},"config":{"a":"\u003c\u0026\u003e","b":2},"manifest":"---\n# Source: f/templates/a.yaml\nkind: ConfigMap\n\n","hooks":[{"name":"h","kind":"ConfigMap","path":"f/templates/h.yaml","manifest":"kind: ConfigMap\n","events":["pre-install","test"],"last_run":{"started_at":"2026-11-22T23:19:30.62151291Z","completed_at":"2026-11-22T23:19:30.640488273Z","phase":"Succeeded"},"weight":3,"delete_policies":["hook-succeeded"]}],"version":1,"namespace":"r-ns","apply_method":"ssa"}"#;

    /// A record of Helm is written again byte for byte.
    #[test]
    fn real_record_survives_a_round_trip() {
        let release = Release::from_json(RECORD.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(release.to_json()).unwrap(), RECORD);
        assert_eq!(Release::decode(&release.encode(Packing::Quick)).unwrap(), release);
        assert_eq!(Release::decode(&release.encode(Packing::Smallest)).unwrap(), release);
    }

    /// What the record says is found in its fields.
    #[test]
    fn fields_are_read() {
        let release = Release::from_json(RECORD.as_bytes()).unwrap();
        assert_eq!(release.info.status, Status::Deployed);
        assert_eq!(release.hooks[0].events, [HookEvent::PreInstall, HookEvent::Test]);
        assert_eq!(release.hooks[0].last_run.phase, HookPhase::Succeeded);
        assert_eq!(release.effective_apply_method(), ApplyMethod::ServerSide);
        let chart = release.chart.unwrap();
        assert_eq!(chart.schema_modified, None);
        assert_eq!(chart.templates.as_ref().unwrap()[0].data.as_deref(), Some(b"api".as_slice()));
    }

    /// An outline has all but the chart's files and values.
    #[test]
    fn outlines_are_read() {
        let whole = Release::from_json(RECORD.as_bytes()).unwrap();
        let stored = whole.encode(Packing::Quick);
        let outline = Release::decode_outline(&stored).unwrap();
        let metadata = whole.chart.as_ref().and_then(|chart| chart.metadata.clone());
        let chart = Shared::new(StoredChart::from(ChartOutline { metadata }));
        assert_eq!(Release::from(outline), Release { chart: Some(chart), ..whole });
    }

    /// Records that share a chart share what it was packed to, until one of them has another chart.
    #[test]
    fn charts_are_packed_once() {
        let first = Release::from_json(RECORD.as_bytes()).unwrap();
        let second = Release { manifest: "---\nkind: Secret\n".to_owned(), ..first.clone() };
        let mut third = second.clone();
        for release in [&first, &second] {
            assert_eq!(Release::decode(&release.encode(Packing::Quick)).unwrap(), *release);
        }
        third.chart.as_mut().unwrap().make_mut().templates = None;
        let mut last = third.clone();
        assert_eq!(Release::decode(&third.encode(Packing::Quick)).unwrap(), third);
        drop(third);
        // Nobody else has it any more, and it was packed.
        last.chart.as_mut().unwrap().make_mut().schema = Some(b"{}".to_vec());
        assert_eq!(Release::decode(&last.encode(Packing::Quick)).unwrap(), last);
        assert!(last.chart.as_ref().unwrap().templates.is_none());
        assert!(second.chart.as_ref().unwrap().templates.is_some());
    }

    /// A record without a chart is packed as well.
    #[test]
    fn records_without_a_chart() {
        let release = Release { chart: None, ..Release::from_json(RECORD.as_bytes()).unwrap() };
        assert_eq!(Release::decode(&release.encode(Packing::Quick)).unwrap(), release);
    }

    /// Values whose keys are in no order, as users write them, are written in order.
    #[test]
    fn keys_are_sorted() {
        let mut release = Release::from_json(RECORD.as_bytes()).unwrap();
        release.config = serde_json::from_str(r#"{"b":2,"a":"<&>"}"#).unwrap();
        assert_eq!(String::from_utf8(release.to_json()).unwrap(), RECORD);
        let chart = release.chart.as_mut().unwrap().make_mut();
        chart.values = serde_json::from_str(r#"{"b":1e+21,"a":1}"#).unwrap();
        assert_eq!(String::from_utf8(release.to_json()).unwrap(), RECORD);
    }

    /// Helm 3 wrote empty times, no apply method and sometimes plain JSON without gzip.
    #[test]
    fn older_records_are_read() {
        let json = br#"{"name":"r","info":{"first_deployed":"2021-01-01T10:00:00.5+02:00","deleted":"","status":"superseded"},"version":3,"config":null,"hooks":null}"#;
        let release = Release::decode(STANDARD.encode(json).as_bytes()).unwrap();
        assert_eq!(release.info.deleted, None);
        assert_eq!(release.info.first_deployed.unwrap().to_string(), "2021-01-01T08:00:00.5Z");
        assert_eq!(release.info.status, Status::Superseded);
        assert_eq!(release.effective_apply_method(), ApplyMethod::ClientSide);
    }

    /// Damaged records are refused by what is wrong with them.
    #[test]
    fn damaged_records_are_refused() {
        assert!(matches!(Release::decode(b"%%%"), Err(DecodeError::Base64(_))));
        let half_gzip = STANDARD.encode([0x1f, 0x8b, 0x08, 0x00, 0x01]);
        assert!(matches!(Release::decode(half_gzip.as_bytes()), Err(DecodeError::Gzip(_))));
        assert!(matches!(
            Release::decode(STANDARD.encode("7").as_bytes()),
            Err(DecodeError::Json(_))
        ));
    }
}

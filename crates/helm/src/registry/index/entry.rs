//! The parts of an index, decoded as strictly as Helm does and dropped where Helm drops them.

use goyaml::Value;

use crate::chart::{Decoder, Metadata, NullItems, TypeError, metadata_field, validate};

/// One version of a chart in an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// The chart's metadata.
    pub metadata: Metadata,
    /// Where the archive lies, absolute or relative to the repository; the first one counts.
    pub urls: Vec<String>,
    /// When the archive was made, as the index spells it.
    pub created: String,
    /// SHA-256 of the archive in hex, without prefix; empty if the index does not say.
    pub digest: String,
}

/// An entry as it stands there, and the reason Helm leaves it out, if it does.
pub(super) struct Read {
    pub(super) entry: IndexEntry,
    pub(super) dropped: Option<String>,
}

/// Reads one entry of a chart's list.
pub(super) fn read(item: &Value, strict: bool) -> Result<Read, TypeError> {
    let mut decoder = if strict { Decoder::strict() } else { Decoder::default() };
    let mut entry = IndexEntry {
        metadata: Metadata::default(),
        urls: Vec::new(),
        created: String::new(),
        digest: String::new(),
    };
    let mut nulls = NullItems::default();
    decoder.object(item, "repo.ChartVersion", |decoder, key, value| match key {
        "urls" => decoder.texts(value, &mut entry.urls),
        "created" => {
            decoder.text(value, &mut entry.created);
            time(decoder, &entry.created);
        }
        "digest" => {
            decoder.text(value, &mut entry.digest);
            if let Some(at) = entry.digest.find(':') {
                entry.digest.drain(..=at);
            }
        }
        "removed" => decoder.flag(value, &mut false),
        // Fields of the past, of which Helm only wants to know that they are texts.
        "checksum" | "engine" | "tillerversion" | "url" => {
            decoder.text(value, &mut String::new());
        }
        key => {
            if !metadata_field(decoder, key, value, &mut entry.metadata, &mut nulls) {
                decoder.unknown();
            }
        }
    });
    let mut entry = decoder.finish(entry)?;
    if item.is_null() {
        return Ok(Read { entry, dropped: Some("empty entry".to_owned()) });
    }
    if entry.metadata.api_version.is_empty() {
        "v1".clone_into(&mut entry.metadata.api_version);
    }
    let broken = validate(&mut entry.metadata, nulls).err().map(|error| error.to_string());
    // Some repositories leave aliases out, after which names stand there twice.
    let dropped = broken.filter(|why| !why.starts_with(DOUBLED));
    Ok(Read { entry, dropped })
}

const DOUBLED: &str = "validation: more than one dependency with name or alias";

/// Reads the fields beside the charts; the format's version.
pub(super) fn read_rest(
    document: &Value,
    strict: bool,
    mut entries: impl FnMut(&mut Decoder, &Value),
) -> Result<String, TypeError> {
    let mut decoder = if strict { Decoder::strict() } else { Decoder::default() };
    let mut api_version = String::new();
    decoder.object(document, "repo.IndexFile", |decoder, key, value| match key {
        "apiversion" => decoder.text(value, &mut api_version),
        "entries" => entries(decoder, value),
        "generated" => {
            let mut generated = String::new();
            decoder.text(value, &mut generated);
            time(decoder, &generated);
        }
        "publickeys" => decoder.texts(value, &mut Vec::new()),
        "annotations" => {
            decoder.text_map(value);
        }
        "serverinfo" if matches!(value, Value::Map(_) | Value::Null) => {}
        "serverinfo" => decoder.mistake(value, "map[string]interface {}"),
        _ => decoder.unknown(),
    });
    decoder.finish(api_version)
}

/// The forms a time may take, in Go's notation, and how long each part is.
const PARTS: [(&str, usize); 11] = [
    ("2006", 4),
    ("-", 1),
    ("01", 2),
    ("-", 1),
    ("02", 2),
    ("T", 1),
    ("15", 2),
    (":", 1),
    ("04", 2),
    (":", 1),
    ("05", 2),
];

/// Remembers a text that is no time of RFC 3339, with what Go finds wrong first.
fn time(decoder: &mut Decoder, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some((rest, part)) = first_fault(text) {
        decoder.not_a_time(format!(
            "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {rest:?} as {part:?}"
        ));
    }
}

fn first_fault(text: &str) -> Option<(&str, &'static str)> {
    let mut rest = text;
    for (part, length) in PARTS {
        let fits = |head: &str| match part.as_bytes() {
            [b'0'..=b'9', ..] => head.bytes().all(|b| b.is_ascii_digit()),
            _ => head == part,
        };
        match rest.split_at_checked(length) {
            Some((head, tail)) if fits(head) => rest = tail,
            _ => return Some((rest, part)),
        }
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            rest = &fraction[digits..];
        }
    }
    let zone = rest.as_bytes();
    let fits = match zone {
        b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    };
    (!fits).then_some((rest, "Z07:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times as indexes have them; the first fault is told as Go tells it.
    #[test]
    fn times() {
        for text in [
            "2016-10-06T16:23:20.499814565-06:00",
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.5Z",
        ] {
            assert_eq!(first_fault(text), None);
        }
        for (text, fault) in [
            ("nodate", ("nodate", "2006")),
            ("2024-1-01T00:00:00Z", ("1-01T00:00:00Z", "01")),
            ("2024-01-01 00:00:00Z", (" 00:00:00Z", "T")),
            ("2024-01-01T00:00:00", ("", "Z07:00")),
            ("2024-01-01T00:00:00+0100", ("+0100", "Z07:00")),
        ] {
            assert_eq!(first_fault(text), Some(fault), "{text}");
        }
    }
}

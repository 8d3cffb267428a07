//! index.yaml: the charts of a repository and their versions.
//!
//! Large indexes hold thousands of charts of which a caller wants one. Where the file has the block
//! layout Helm writes, charts are found by their lines and only the wanted one is parsed; any other
//! layout (JSON, flow style) is parsed as a whole.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use goyaml::Value;

use crate::chart::{Decoder, Metadata, NullItems, TypeError, metadata_field};
use crate::semver::{Constraint, Version};

/// The list of charts in a repository.
#[derive(Clone, Debug)]
pub struct Index {
    charts: Charts,
}

#[derive(Clone, Debug)]
enum Charts {
    /// Chart names and where in the text their versions stand.
    Lines { text: String, sections: Vec<(String, Range<usize>)> },
    /// `entries` of a parsed file.
    Parsed(goyaml::Map),
}

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

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is nothing in the file.
    #[error("empty index.yaml file")]
    Empty,
    /// The file does not say which format it has.
    #[error("no API version specified")]
    NoApiVersion,
    /// The file is not YAML.
    #[error("the index is not valid YAML")]
    Yaml(#[source] goyaml::ParseError),
    /// The file is YAML of another shape.
    #[error("the index has an unexpected shape")]
    Shape(#[source] TypeError),
    /// The chart is not in the index.
    #[error("chart {chart:?} not found in the repository")]
    NoChart {
        /// The chart that was asked for.
        chart: String,
    },
    /// No version of the chart fits.
    #[error("chart {chart:?} version {version:?} not found in the repository")]
    NoVersion {
        /// The chart that was asked for.
        chart: String,
        /// The version or constraint that was asked for.
        version: String,
    },
    /// The version asked for is neither a version nor a constraint.
    #[error("{version:?} is neither a version nor a version constraint")]
    Constraint {
        /// What was asked for.
        version: String,
    },
}

impl Index {
    /// Reads the bytes of an index.yaml.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Err(IndexError::Empty);
        }
        if let Some(sections) = sections(&text) {
            return Ok(Self { charts: Charts::Lines { text: text.into_owned(), sections } });
        }
        Ok(Self { charts: Charts::Parsed(parse_whole(&text)?) })
    }

    /// The names of all charts, in the order of the file.
    pub fn chart_names(&self) -> impl Iterator<Item = &str> {
        let (lines, parsed) = match &self.charts {
            Charts::Lines { sections, .. } => (Some(sections), None),
            Charts::Parsed(map) => (None, Some(map)),
        };
        lines
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .chain(parsed.into_iter().flat_map(goyaml::Map::keys))
    }

    /// The versions of a chart, newest first. Entries that are no charts are left out.
    pub fn versions(&self, chart: &str) -> Result<Vec<IndexEntry>, IndexError> {
        let found = match &self.charts {
            Charts::Parsed(map) => map.get(chart).map(Cow::Borrowed),
            Charts::Lines { text, sections } => {
                let section = sections.iter().find(|(name, _)| name == chart);
                section.map(|(_, range)| parse_section(text, range.clone(), chart)).transpose()?
            }
        };
        let found = found.ok_or_else(|| IndexError::NoChart { chart: chart.to_owned() })?;
        let mut entries: Vec<(Version, IndexEntry)> = found
            .as_seq()
            .unwrap_or_default()
            .iter()
            .filter_map(|item| match read_entry(item) {
                Ok(entry) => Some((Version::parse(&entry.metadata.version).ok()?, entry)),
                Err(error) => {
                    tracing::warn!(chart, %error, "skipping an invalid entry of the index");
                    None
                }
            })
            .collect();
        entries.sort_by_cached_key(|(version, _)| Reverse(version.clone()));
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The version of a chart that Helm would take: `wanted` itself, else the newest that fits it
    /// as a constraint; with an empty text the newest release that is no pre-release.
    pub fn resolve(&self, chart: &str, wanted: &str) -> Result<IndexEntry, IndexError> {
        let mut entries = self.versions(chart)?;
        let wanted = wanted.trim();
        if let Some(at) = entries.iter().position(|entry| entry.metadata.version == wanted) {
            return Ok(entries.swap_remove(at));
        }
        let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })
            .map_err(|_| IndexError::Constraint { version: wanted.to_owned() })?;
        entries
            .into_iter()
            .find(|entry| {
                Version::parse(&entry.metadata.version).is_ok_and(|v| constraint.check(&v))
            })
            .ok_or_else(|| IndexError::NoVersion {
                chart: chart.to_owned(),
                version: if wanted.is_empty() { "*".to_owned() } else { wanted.to_owned() },
            })
    }
}

fn parse_whole(text: &str) -> Result<goyaml::Map, IndexError> {
    let document = goyaml::parse_keeping_integers(text).map_err(IndexError::Yaml)?;
    let mut decoder = Decoder::default();
    let mut api_version = String::new();
    let mut entries = goyaml::Map::new();
    decoder.object(&document, "repo.IndexFile", |decoder, key, value| match (key, value) {
        ("apiversion", value) => decoder.text(value, &mut api_version),
        ("entries", Value::Map(map)) => entries = map.clone(),
        ("entries", Value::Null) => {}
        ("entries", other) => decoder.mistake(other, "map[string]repo.ChartVersions"),
        _ => {}
    });
    decoder.finish(()).map_err(IndexError::Shape)?;
    if api_version.is_empty() { Err(IndexError::NoApiVersion) } else { Ok(entries) }
}

/// The charts of an index in the layout Helm writes: `entries:` at the margin, chart names two
/// columns in, everything of a chart below its name. `None` for any other layout.
fn sections(text: &str) -> Option<Vec<(String, Range<usize>)>> {
    let mut sections: Vec<(String, Range<usize>)> = Vec::new();
    let (mut versioned, mut inside) = (false, false);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        match content.bytes().take_while(|b| *b == b' ').count() {
            0 if content.is_empty() || content.starts_with('#') || content == "---" => {}
            0 => {
                inside = content == "entries:";
                versioned |= content.starts_with("apiVersion:");
                let plain = content.split_once(':').is_some_and(|(key, _)| is_plain(key));
                // Lists of other fields (`publicKeys`) may stand at the margin as well.
                if !plain && (inside || !content.starts_with("- ")) {
                    return None;
                }
            }
            2 if inside && !content[2..].starts_with(['-', '#']) => {
                let name = content[2..].strip_suffix(':').filter(|name| is_plain(name))?;
                sections.push((name.to_owned(), at..at));
            }
            _ if inside => match sections.last_mut() {
                Some((_, range)) => range.end = start + line.len(),
                None => return None,
            },
            _ => {}
        }
    }
    (versioned && !sections.is_empty()).then_some(sections)
}

/// Whether a key needs no YAML rules to be understood.
fn is_plain(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        )
}

/// Parses the lines of one chart; the whole file where they do not stand for themselves (an alias
/// to an anchor elsewhere).
fn parse_section<'a>(
    text: &str,
    range: Range<usize>,
    chart: &str,
) -> Result<Cow<'a, Value>, IndexError> {
    if let Ok(value) = goyaml::parse_keeping_integers(&text[range]) {
        return Ok(Cow::Owned(value));
    }
    Ok(Cow::Owned(parse_whole(text)?.get(chart).cloned().unwrap_or_default()))
}

fn read_entry(item: &Value) -> Result<IndexEntry, TypeError> {
    let mut decoder = Decoder::default();
    let mut entry = IndexEntry {
        metadata: Metadata::default(),
        urls: Vec::new(),
        created: String::new(),
        digest: String::new(),
    };
    let mut nulls = NullItems::default();
    decoder.object(item, "repo.ChartVersion", |decoder, key, value| match key {
        "urls" => decoder.texts(value, &mut entry.urls),
        "created" => decoder.text(value, &mut entry.created),
        "digest" => {
            decoder.text(value, &mut entry.digest);
            if entry.digest.starts_with("sha256:") {
                entry.digest.drain(.."sha256:".len());
            }
        }
        key => {
            metadata_field(decoder, key, value, &mut entry.metadata, &mut nulls);
        }
    });
    decoder.finish(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "apiVersion: v1
entries:
  other:
  - name: other
    version: 1.0.0
  shop:
  - apiVersion: v2
    created: \"2024-01-01T00:00:00Z\"
    description: |-
      two
      lines
    digest: sha256:abc
    name: shop
    urls:
    - charts/shop-1.2.0.tgz
    version: 1.2.0
  - name: shop
    version: 1.10.0
  - name: shop
    version: 2.0.0-rc.1
  - name: shop
    version: not a version
generated: \"2024-01-01T00:00:00Z\"
";

    fn versions(index: &Index) -> Vec<String> {
        let entries = index.versions("shop").unwrap();
        entries.into_iter().map(|entry| entry.metadata.version).collect()
    }

    /// Versions come newest first, entries without a version are left out.
    #[test]
    fn block_layout() {
        let index = Index::parse(BLOCK.as_bytes()).unwrap();
        assert!(matches!(index.charts, Charts::Lines { .. }));
        assert_eq!(versions(&index), ["2.0.0-rc.1", "1.10.0", "1.2.0"]);
        assert_eq!(index.chart_names().collect::<Vec<_>>(), ["other", "shop"]);
        let entry = index.resolve("shop", "1.2.0").unwrap();
        assert_eq!(entry.digest, "abc");
        assert_eq!(entry.urls, ["charts/shop-1.2.0.tgz"]);
        assert_eq!(entry.metadata.description, "two\nlines");
    }

    /// Other layouts give the same answers.
    #[test]
    fn other_layouts() {
        let json = r#"{"apiVersion":"v1","entries":{"shop":[{"name":"shop","version":"1.2.0"},
            {"name":"shop","version":"1.10.0"}]}}"#;
        let index = Index::parse(json.as_bytes()).unwrap();
        assert!(matches!(index.charts, Charts::Parsed(_)));
        assert_eq!(versions(&index), ["1.10.0", "1.2.0"]);
        let indented = "apiVersion: v1\nentries:\n    shop:\n        - name: shop\n          \
                        version: 1.2.0\n";
        let index = Index::parse(indented.as_bytes()).unwrap();
        assert_eq!(versions(&index), ["1.2.0"]);
    }

    /// An anchor outside a chart's lines makes the whole file be read.
    #[test]
    fn aliases_across_charts() {
        let text = "apiVersion: v1\nentries:\n  a:\n  - &x {name: a, version: 1.0.0}\n  shop:\n  \
                    - *x\n";
        assert_eq!(versions(&Index::parse(text.as_bytes()).unwrap()), ["1.0.0"]);
    }

    /// An empty wish means the newest release; constraints take the newest that fits.
    #[test]
    fn choosing_versions() {
        let index = Index::parse(BLOCK.as_bytes()).unwrap();
        let chosen = |wanted| index.resolve("shop", wanted).map(|entry| entry.metadata.version);
        assert_eq!(chosen("").unwrap(), "1.10.0");
        assert_eq!(chosen("~1.2").unwrap(), "1.2.0");
        assert_eq!(chosen(">0.0.0-0").unwrap(), "2.0.0-rc.1");
        assert!(matches!(chosen("9"), Err(IndexError::NoVersion { .. })));
        assert!(matches!(chosen("what"), Err(IndexError::Constraint { .. })));
        assert!(matches!(index.resolve("nope", ""), Err(IndexError::NoChart { .. })));
    }

    /// What is no index is refused.
    #[test]
    fn refusals() {
        assert!(matches!(Index::parse(b" \n"), Err(IndexError::Empty)));
        assert!(matches!(Index::parse(b"entries: {}"), Err(IndexError::NoApiVersion)));
        assert!(matches!(Index::parse(b"<html>"), Err(IndexError::Shape(_))));
        assert!(matches!(Index::parse(b"a: b: c"), Err(IndexError::Yaml(_))));
    }
}

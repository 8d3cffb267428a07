//! index.yaml: the charts of a repository and their versions.
//!
//! Indexes hold tens of thousands of versions of which a caller wants those of one chart. Every
//! entry is read once, to refuse what Helm refuses, and forgotten: where the file has the layout
//! Helm writes, it is read chart by chart, so that memory stays small, and only the wanted chart is
//! read again. Any other layout (JSON, flow style) is kept as it was parsed.

mod entry;
mod sections;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;
use std::thread::available_parallelism;

use goyaml::Value;

use crate::chart::TypeError;
use crate::semver::{Constraint, Version};
use sections::Sections;

pub use entry::IndexEntry;

/// The list of charts in a repository.
#[derive(Clone, Debug)]
pub struct Index {
    charts: Charts,
    /// JSON is read less strictly than YAML.
    strict: bool,
}

#[derive(Clone, Debug)]
enum Charts {
    /// Chart names and where in the text their versions stand.
    Lines { text: String, sections: Vec<(String, Range<usize>)> },
    /// `entries` of a parsed file.
    Parsed(goyaml::Map),
}

/// Why an index cannot be used; where Helm has words for it, they are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is nothing in the file.
    #[error("empty index.yaml file")]
    Empty,
    /// The file does not say which format it has.
    #[error("no API version specified")]
    NoApiVersion,
    /// The file is not YAML, or a key stands twice.
    #[error(transparent)]
    Yaml(#[from] goyaml::ParseError),
    /// The file is YAML of another shape.
    #[error(transparent)]
    Shape(#[from] TypeError),
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
    /// Reads the bytes of an index.yaml. Entries that Helm leaves out are told as warnings.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        if bytes.is_empty() {
            return Err(IndexError::Empty);
        }
        let text = String::from_utf8_lossy(bytes);
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        if !is_json
            && let Some(sections) = sections::sections(&text)
            && let Ok(()) = check_sections(&text, &sections)
        {
            let charts = Charts::Lines { text: text.into_owned(), sections: sections.charts };
            return Ok(Self { charts, strict: true });
        }
        let document = if is_json {
            goyaml::parse_keeping_integers(&text)
        } else {
            goyaml::parse_strict(&text)
        };
        let entries = check_whole(&document?, !is_json)?;
        Ok(Self { charts: Charts::Parsed(entries), strict: !is_json })
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

    /// The versions of a chart, newest first.
    pub fn versions(&self, chart: &str) -> Result<Vec<IndexEntry>, IndexError> {
        let found = match &self.charts {
            Charts::Parsed(map) => map.get(chart).map(Cow::Borrowed),
            Charts::Lines { text, sections } => {
                let section = sections.iter().find(|(name, _)| name == chart);
                let parsed =
                    section.map(|(_, range)| goyaml::parse_keeping_integers(&text[range.clone()]));
                parsed.transpose()?.map(Cow::Owned)
            }
        };
        let found = found.ok_or_else(|| IndexError::NoChart { chart: chart.to_owned() })?;
        let mut entries: Vec<(Version, IndexEntry)> = Vec::new();
        for item in found.as_seq().unwrap_or_default() {
            let read = entry::read(item, self.strict)?;
            if read.dropped.is_none()
                && let Ok(version) = Version::parse(&read.entry.metadata.version)
            {
                entries.push((version, read.entry));
            }
        }
        entries.sort_by_cached_key(|(version, _)| Reverse(version.clone()));
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Whether an archive of any version lies at this address.
    pub fn lists(&self, address: &str) -> bool {
        let lists = |entry: &IndexEntry| entry.urls.iter().any(|url| url == address);
        let chart = |name: &str| self.versions(name).is_ok_and(|entries| entries.iter().any(lists));
        match &self.charts {
            Charts::Parsed(map) => map.keys().any(chart),
            Charts::Lines { text, sections } => {
                // Only charts whose text has the archive's name are read.
                let file = address.rsplit('/').next().unwrap_or_default();
                let mut sections = sections.iter();
                sections.any(|(name, range)| text[range.clone()].contains(file) && chart(name))
            }
        }
    }

    /// The version of a chart that Helm would take: `wanted` itself, else the newest that fits it
    /// as a constraint; with an empty text the newest release that is no pre-release.
    pub fn resolve(&self, chart: &str, wanted: &str) -> Result<IndexEntry, IndexError> {
        let mut entries = self.versions(chart)?;
        let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })
            .map_err(|_| IndexError::Constraint { version: wanted.to_owned() })?;
        if let Some(at) = entries.iter().position(|entry| entry.metadata.version == wanted) {
            return Ok(entries.swap_remove(at));
        }
        let fits = |entry: &IndexEntry| {
            Version::parse(&entry.metadata.version).is_ok_and(|version| constraint.check(&version))
        };
        let found = entries.into_iter().find(fits).ok_or_else(|| IndexError::NoVersion {
            chart: chart.to_owned(),
            version: if wanted.is_empty() { "*".to_owned() } else { wanted.to_owned() },
        })?;
        if !wanted.is_empty() && !is_range(wanted) {
            let selected = &found.metadata.version;
            tracing::warn!(
                chart,
                requested = wanted,
                selected,
                "unable to find exact version requested; falling back to closest available version"
            );
        }
        Ok(found)
    }
}

/// Whether a text asks for any of several versions, rather than for one.
fn is_range(version: &str) -> bool {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    version.contains(['^', '~', '<', '>', '=', '!', '*'])
        || version.contains("||")
        || version.contains(" - ")
        || numbers.contains(['x', 'X'])
}

/// Something is wrong with a file that was taken apart; reading it as a whole tells what.
struct Doubt;

/// From this size on, in bytes, a file is read by several threads.
const LARGE: usize = 1 << 20;

/// An entry that Helm leaves out.
struct Dropped {
    chart: String,
    version: String,
    why: String,
}

/// Reads everything in a file that was taken apart, chart by chart.
fn check_sections(text: &str, sections: &Sections) -> Result<(), Doubt> {
    let rest = goyaml::parse_strict(&sections.rest).map_err(|_| Doubt)?;
    match entry::read_rest(&rest, true, |_, _| {}) {
        Ok(version) if !version.is_empty() => {}
        _ => return Err(Doubt),
    }
    let threads =
        if text.len() < LARGE { 1 } else { available_parallelism().map_or(1, usize::from) };
    let outcomes: Vec<Result<Vec<Dropped>, Doubt>> = std::thread::scope(|scope| {
        let parts = parts(&sections.charts, threads);
        let threads: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || check_charts(text, part))).collect();
        // What cannot be read in a thread is read again as a whole, and fails there.
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(Doubt))).collect()
    });
    let dropped: Vec<Vec<Dropped>> = outcomes.into_iter().collect::<Result<_, _>>()?;
    dropped.iter().flatten().for_each(Dropped::tell);
    Ok(())
}

/// Charts that follow one another, in parts of about the same size.
fn parts(charts: &[(String, Range<usize>)], count: usize) -> Vec<&[(String, Range<usize>)]> {
    let total: usize = charts.iter().map(|(_, range)| range.len()).sum();
    let (mut parts, mut start, mut taken) = (Vec::new(), 0, 0);
    for (at, (_, range)) in charts.iter().enumerate() {
        taken += range.len();
        if taken >= total.div_ceil(count) || at + 1 == charts.len() {
            parts.push(&charts[start..=at]);
            (start, taken) = (at + 1, 0);
        }
    }
    parts
}

fn check_charts(text: &str, charts: &[(String, Range<usize>)]) -> Result<Vec<Dropped>, Doubt> {
    let mut dropped = Vec::new();
    for (chart, range) in charts {
        let list = goyaml::parse_strict(&text[range.clone()]).map_err(|_| Doubt)?;
        match &list {
            Value::Null => {}
            Value::Seq(items) => {
                dropped.extend(check_entries(chart, items, true).map_err(|_| Doubt)?);
            }
            _ => return Err(Doubt),
        }
    }
    Ok(dropped)
}

/// Reads everything in a parsed file; its charts.
fn check_whole(document: &Value, strict: bool) -> Result<goyaml::Map, IndexError> {
    let mut charts = goyaml::Map::new();
    let api_version = entry::read_rest(document, strict, |decoder, value| match value {
        Value::Map(map) => {
            for (_, list) in map.iter() {
                if !matches!(list, Value::Seq(_) | Value::Null) {
                    decoder.mistake(list, "repo.ChartVersions");
                }
            }
            charts = map.clone();
        }
        Value::Null => {}
        other => decoder.mistake(other, "map[string]repo.ChartVersions"),
    })?;
    for (chart, list) in charts.iter() {
        let items = list.as_seq().unwrap_or_default();
        check_entries(chart, items, strict)?.iter().for_each(Dropped::tell);
    }
    if api_version.is_empty() { Err(IndexError::NoApiVersion) } else { Ok(charts) }
}

/// Reads the entries of a chart; those that Helm leaves out.
fn check_entries(chart: &str, items: &[Value], strict: bool) -> Result<Vec<Dropped>, TypeError> {
    let mut dropped = Vec::new();
    for item in items {
        let read = entry::read(item, strict)?;
        if let Some(why) = read.dropped {
            let (chart, version) = (chart.to_owned(), read.entry.metadata.version);
            dropped.push(Dropped { chart, version, why });
        }
    }
    Ok(dropped)
}

impl Dropped {
    fn tell(&self) {
        let Self { chart: name, version, why: error } = self;
        tracing::warn!(name, version, error, "skipping loading invalid entry for chart");
    }
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
        // Helm makes one line of a description.
        assert_eq!(entry.metadata.description, "two lines");
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
        assert!(matches!(Index::parse(b""), Err(IndexError::Empty)));
        assert!(matches!(Index::parse(b" \n"), Err(IndexError::NoApiVersion)));
        assert!(matches!(Index::parse(b"entries: {}"), Err(IndexError::NoApiVersion)));
        assert!(matches!(Index::parse(b"<html>"), Err(IndexError::Shape(_))));
        assert!(matches!(Index::parse(b"a: b: c"), Err(IndexError::Yaml(_))));
    }

    /// YAML is read strictly, as Helm reads it and with its words, whatever the layout.
    #[test]
    fn strictness() {
        let refused = |text: &str| Index::parse(text.as_bytes()).unwrap_err().to_string();
        let entry = |more: &str| {
            format!("apiVersion: v1\nentries:\n  shop:\n  - name: shop\n    version: 1.0.0\n{more}")
        };
        // go-yaml counts the line of the second value.
        let twice = |line: u32| {
            format!("error converting YAML to JSON: yaml: unmarshal errors:\n  line {line}: key ")
        };
        assert_eq!(refused(&entry("    name: shop\n")), twice(6) + "\"name\" already set in map");
        assert_eq!(
            refused(&entry("  shop:\n  - name: shop\n")),
            twice(7) + "\"shop\" already set in map"
        );
        let decoding = "error unmarshaling JSON: while decoding JSON: ";
        assert_eq!(
            refused(&entry("    nonsense: x\n")),
            format!("{decoding}json: unknown field \"nonsense\"")
        );
        assert_eq!(
            refused(&entry("    maintainers: [{name: a, x: y}]\n")),
            format!("{decoding}json: unknown field \"x\"")
        );
        assert_eq!(refused(&entry("foo: 1\n")), format!("{decoding}json: unknown field \"foo\""));
        assert_eq!(
            refused(&entry("    created: nodate\n")),
            format!(
                "{decoding}parsing time \"nodate\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \
                 \"nodate\" as \"2006\""
            )
        );
        // Fields of the past are still fields, and JSON may have any.
        let old = "    engine: gotpl\n    tillerVersion: '>2'\n    checksum: x\n    url: y\n";
        assert!(Index::parse(entry(old).as_bytes()).is_ok());
        let json = br#"{"apiVersion":"v1","foo":1,"entries":{"shop":[{"name":"shop","bar":2,
            "version":"1.0.0"}]}}"#;
        assert_eq!(versions(&Index::parse(json).unwrap()), ["1.0.0"]);
    }

    /// What Helm leaves out of a list is left out; names beside the list's own are not looked at.
    #[test]
    fn dropped_entries() {
        let text = "apiVersion: v1
entries:
  shop:
  - name: shop
    version: 1.0.0
  -
  - name: shop
    version: foo
  - name: a/b
    version: 3.0.0
  - name: other
    version: 2.0.0
  - name: shop
    version: 4.0.0
    type: odd
  - name: shop
    version: 5.0.0
    dependencies: [{name: a, repository: r}, {name: a, repository: r}]
";
        assert_eq!(versions(&Index::parse(text.as_bytes()).unwrap()), ["5.0.0", "2.0.0", "1.0.0"]);
    }

    /// What asks for one version and what for any of several.
    #[test]
    fn ranges() {
        for range in ["^1", "~1.2", ">=1", "1 || 2", "1 - 2", "1.x", "*"] {
            assert!(is_range(range), "{range}");
        }
        for version in ["1", "1.2", "1.2.3-x", "v1.2.3+X"] {
            assert!(!is_range(version), "{version}");
        }
    }

    /// Charts are cut into as many parts as there are threads, none of them lost.
    #[test]
    fn parts_of_a_large_index() {
        let charts: Vec<_> =
            [10, 10, 50, 1, 1, 30].map(|length| (String::new(), 0..length)).into_iter().collect();
        let lengths =
            |count| parts(&charts, count).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(lengths(1), [6]);
        assert_eq!(lengths(2), [3, 3]);
        assert_eq!(lengths(50), [1, 1, 1, 3]);
        assert!(parts(&[], 2).is_empty());
    }
}

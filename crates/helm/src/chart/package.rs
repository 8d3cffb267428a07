//! Packing a chart into a `.tgz` with the content `helm package` gives it.
//!
//! Chart.yaml and Chart.lock are written anew, charts below `charts/` are packed as folders. The
//! compressed bytes are not Helm's, because compressors differ; what they unpack to is.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::ChartError;
use super::{Chart, Lock, Metadata, tar};

/// Helm's extra field in the gzip header.
const GZIP_EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// What Go calls an unknown operating system in a gzip header.
const UNKNOWN_SYSTEM: u8 = 255;

/// Why a folder cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is not a chart Helm can load.
    #[error("the folder is not a chart")]
    Chart(#[from] ChartError),
    /// values.schema.json is not JSON.
    #[error("invalid JSON in values.schema.json")]
    Schema,
    /// A chart's name would lead out of its folder.
    #[error("invalid chart name(\"{name}\")")]
    Name {
        /// The name.
        name: String,
    },
}

/// Packs the chart in folder `path` as if everything in it had been changed at the start of 1970,
/// so that equal folders give equal archives and digests can be compared.
pub fn package(path: impl AsRef<Path>) -> Result<Vec<u8>, PackageError> {
    pack(&Chart::load(path)?, Some(Timestamp::UNIX_EPOCH))
}

/// Packs a chart. With `stamp` every file bears that time, which also stands in Chart.lock.
pub fn pack(chart: &Chart, stamp: Option<Timestamp>) -> Result<Vec<u8>, PackageError> {
    let mut packing = Packing { tar: tar::Writer::default(), stamp };
    packing.chart(chart, "")?;
    let tar = packing.tar.finish();
    let mut gzip = flate2::GzBuilder::new()
        .comment("Helm")
        .extra(GZIP_EXTRA)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), flate2::Compression::default());
    let packed = gzip.write_all(&tar).and_then(|()| gzip.finish());
    Ok(packed.expect("writing to memory does not fail"))
}

impl Chart {
    /// The same chart under another version (`--version` of `helm package`).
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut Arc::make_mut(&mut self.metadata).version);
        self
    }

    /// The same chart for another version of the application (`--app-version`).
    #[must_use]
    pub fn with_app_version(mut self, version: &str) -> Self {
        version.clone_into(&mut Arc::make_mut(&mut self.metadata).app_version);
        self
    }
}

struct Packing {
    tar: tar::Writer,
    stamp: Option<Timestamp>,
}

impl Packing {
    fn chart(&mut self, chart: &Chart, above: &str) -> Result<(), PackageError> {
        if chart.name().contains('/') {
            return Err(PackageError::Name { name: chart.name().to_owned() });
        }
        let base = format!("{above}{}", chart.name());
        let yaml = chartfile(chart.metadata());
        self.file(&base, "Chart.yaml", yaml.as_bytes(), chart.modified());
        if chart.metadata().api_version == "v2"
            && let Some(lock) = chart.lock()
        {
            self.lock(&base, lock);
        }
        if let Some(values) = chart.raw_file("values.yaml") {
            self.file(&base, "values.yaml", &values.data, values.modified);
        }
        if let Some(schema) = chart.schema() {
            if serde_json::from_slice::<serde::de::IgnoredAny>(&schema.data).is_err() {
                return Err(PackageError::Schema);
            }
            self.file(&base, "values.schema.json", &schema.data, schema.modified);
        }
        for file in chart.templates().iter().chain(chart.files()) {
            self.file(&base, &file.name, &file.data, file.modified);
        }
        for child in chart.dependencies() {
            self.chart(child, &format!("{base}/charts/"))?;
        }
        Ok(())
    }

    fn lock(&mut self, base: &str, lock: &Lock) {
        let generated = match self.stamp {
            Some(stamp) => stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            None => go_time(&lock.generated),
        };
        let modified = lock.generated.parse().ok().filter(|time: &Timestamp| {
            // Go's zero time means that there is none.
            time.as_second() > -62_135_596_800
        });
        let yaml = crate::json::to_yaml(&Lock { generated, ..lock.clone() });
        self.file(base, "Chart.lock", yaml.as_bytes(), modified);
    }

    fn file(&mut self, base: &str, name: &str, data: &[u8], modified: Option<Timestamp>) {
        let time = self.stamp.or(modified).unwrap_or_else(Timestamp::now);
        // Go rounds to the nearest second.
        let seconds = time.as_second() + i64::from(time.subsec_nanosecond() >= 500_000_000);
        self.tar.file(&format!("{base}/{name}"), data, u64::try_from(seconds).unwrap_or(0));
    }
}

/// Chart.yaml as Helm writes it; that of old charts has its dependencies in a file of its own.
fn chartfile(metadata: &Metadata) -> String {
    if metadata.api_version == "v1" && metadata.dependencies.is_some() {
        return Metadata { dependencies: None, ..metadata.clone() }.to_yaml();
    }
    metadata.to_yaml()
}

/// A time of RFC 3339 as Go writes it: no needless zeros in the fraction, `Z` for no offset.
fn go_time(text: &str) -> String {
    let (rest, zone) = match text.find(['Z', '+']).or_else(|| text.rfind('-').filter(|at| *at > 10))
    {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let zone = if matches!(zone, "+00:00" | "-00:00") { "Z" } else { zone };
    let rest = match rest.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => rest.to_owned(),
    };
    format!("{rest}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packed folder loads as the same chart, and packing it again gives the same bytes.
    #[test]
    fn round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, data: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, data).unwrap();
        };
        write("values.yaml", "a: 1 # kept\n");
        write("templates/a.yaml", "kind: Foo\n");
        write("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 1.0.0\n");
        write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n");
        write(&format!("files/{}.txt", "long/".repeat(60)), "x");
        let bytes = package(folder.path()).unwrap();
        let chart = Chart::from_archive(&bytes).unwrap();
        assert_eq!(chart.name(), "c");
        assert_eq!(chart.dependencies()[0].name(), "s");
        assert_eq!(&*chart.raw_file("values.yaml").unwrap().data, b"a: 1 # kept\n");
        assert_eq!(chart.files().len(), 1);
        write("values.yaml", "a: 1 # kept\n");
        assert_eq!(package(folder.path()).unwrap(), bytes);
    }

    /// Versions given for the archive stand in its Chart.yaml; the time given, on every file.
    #[test]
    fn versions_and_times() {
        let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
        let chart = Chart::from_files(vec![
            file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            file("Chart.lock", "digest: d\ngenerated: \"2020-01-01T00:00:00Z\"\n"),
        ])
        .unwrap();
        let stamp = Timestamp::from_second(1_700_000_000).unwrap();
        let bytes = pack(&chart.with_version("2.0.0").with_app_version("7"), Some(stamp)).unwrap();
        let packed = Chart::from_archive(&bytes).unwrap();
        assert_eq!((packed.version(), packed.metadata().app_version.as_str()), ("2.0.0", "7"));
        assert_eq!(packed.lock().unwrap().generated, "2023-11-14T22:13:20Z");
        assert_eq!(packed.modified(), Some(stamp));
    }

    /// Times are spelled as Go spells them.
    #[test]
    fn times() {
        for (read, written) in [
            ("2020-01-02T03:04:05.120000000+02:00", "2020-01-02T03:04:05.12+02:00"),
            ("2020-01-02T03:04:05.000Z", "2020-01-02T03:04:05Z"),
            ("2020-01-02T03:04:05-00:00", "2020-01-02T03:04:05Z"),
            ("2020-01-02T03:04:05-07:00", "2020-01-02T03:04:05-07:00"),
        ] {
            assert_eq!(go_time(read), written);
        }
    }
}

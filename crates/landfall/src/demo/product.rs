//! The product that the demo releases: the embedded sample, or any chart of the user's.

use std::path::Path;

use anyhow::{Context, Result, bail};
use helm::chart::{Chart, package};

/// Files of the sample's first chart version, and those that differ in the next; see `demo/README.md`.
macro_rules! embedded {
    ($version:literal: $($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../demo/parcel/", $version, "/", $file)))),+]
    };
}

const FIRST: &[(&str, &str)] = embedded!("0.31.0":
    "Chart.yaml",
    "values.yaml",
    "values.schema.json",
    "templates/_helpers.tpl",
    "templates/NOTES.txt",
    "templates/api.yaml",
    "templates/config.yaml",
    "templates/db.yaml",
    "templates/ingress.yaml",
    "templates/keys.yaml",
    "templates/migrate.yaml",
    "templates/web.yaml",
    "templates/worker.yaml",
);

const NEXT: &[(&str, &str)] = embedded!("0.31.2": "Chart.yaml", "templates/disruption.yaml");

/// A release of the product.
#[derive(Clone, Debug)]
pub(crate) struct DemoRelease {
    pub(crate) tag: String,
    pub(crate) chart_version: String,
    pub(crate) changelog: &'static str,
}

/// An environment of the product.
#[derive(Clone, Debug)]
pub(crate) struct DemoEnvironment {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) values: &'static str,
}

/// What is released, where to.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    /// The App's name.
    pub(crate) name: String,
    /// The chart's name.
    pub(crate) chart: String,
    /// Packed chart versions.
    pub(crate) archives: Vec<Vec<u8>>,
    /// The App's Helm values.
    pub(crate) values: &'static str,
    /// In the order they are added; environments are created with the first.
    pub(crate) releases: Vec<DemoRelease>,
    /// Where it runs; the last release is deployed to the first of them.
    pub(crate) environments: Vec<DemoEnvironment>,
}

impl Product {
    /// The embedded sample: Parcel, two releases, three environments.
    pub(crate) fn sample() -> Result<Self> {
        let next: Vec<_> = FIRST
            .iter()
            .filter(|(file, _)| NEXT.iter().all(|(newer, _)| newer != file))
            .chain(NEXT)
            .copied()
            .collect();
        Ok(Self {
            name: "Parcel".to_owned(),
            chart: "parcel".to_owned(),
            archives: vec![pack(FIRST)?, pack(&next)?],
            values: "# Every environment of Parcel starts from these.\nglobal:\n  edition: standard\n  logLevel: info\n",
            releases: vec![
                DemoRelease {
                    tag: "2.4.0".to_owned(),
                    chart_version: "0.31.0".to_owned(),
                    changelog: "Faster label printing; new returns page.",
                },
                DemoRelease {
                    tag: "2.4.1".to_owned(),
                    chart_version: "0.31.2".to_owned(),
                    changelog: "Fixes double charging when a checkout is retried.\n\n- `web` and `api` stay up while nodes are drained\n",
                },
            ],
            environments: vec![
                DemoEnvironment {
                    name: "northwind-prod",
                    kind: "production",
                    values: "# northwind has its own label printers\nprinting:\n  endpoint: https://labels.northwind.example\napi:\n  replicas: 3\ningress:\n  host: parcel.northwind.example\n",
                },
                DemoEnvironment {
                    name: "contoso-prod",
                    kind: "production",
                    values: "global:\n  edition: enterprise\ningress:\n  host: parcel.contoso.example\n",
                },
                DemoEnvironment {
                    name: "staging",
                    kind: "sandbox",
                    values: "web:\n  replicas: 1\napi:\n  replicas: 1\ningress:\n  host: parcel-staging.example.com\n",
                },
            ],
        })
    }

    /// A chart of the user's as a product of one release and one environment.
    pub(crate) async fn from_chart(place: &str) -> Result<Self> {
        let archive = read_chart(place).await?;
        let chart =
            Chart::from_archive(&archive).with_context(|| format!("{place} is not a chart"))?;
        Ok(Self {
            name: chart.name().to_owned(),
            chart: chart.name().to_owned(),
            values: "",
            releases: vec![DemoRelease {
                tag: chart.version().to_owned(),
                chart_version: chart.version().to_owned(),
                changelog: "",
            }],
            archives: vec![archive],
            environments: vec![DemoEnvironment { name: "try", kind: "sandbox", values: "" }],
        })
    }
}

/// Packs files as `helm package` would; the packer wants a folder, because that is what charts are.
fn pack(files: &[(&str, &str)]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    for (file, text) in files {
        let path = folder.path().join(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).context("could not make a temporary folder")?;
        }
        std::fs::write(&path, text).context("could not write a temporary file")?;
    }
    package(folder.path()).context("could not pack the sample chart")
}

/// A folder is packed, a file or the answer of a URL is taken as it is.
async fn read_chart(place: &str) -> Result<Vec<u8>> {
    if place.starts_with("http://") || place.starts_with("https://") {
        let get = async {
            let answer = reqwest::get(place).await?.error_for_status()?;
            answer.bytes().await
        };
        return Ok(get.await.with_context(|| format!("could not fetch {place}"))?.to_vec());
    }
    let path = Path::new(place);
    if path.is_dir() {
        return package(path).with_context(|| format!("could not pack the chart in {place}"));
    }
    if !path.exists() {
        bail!(
            "there is no chart at {place}: give a folder with a Chart.yaml, a .tgz file, or the URL of one"
        );
    }
    std::fs::read(path).with_context(|| format!("could not read {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both versions of the sample load as charts, and the second has what the first lacks.
    #[test]
    fn sample_charts_load() {
        let product = Product::sample().unwrap();
        let charts: Vec<Chart> =
            product.archives.iter().map(|archive| Chart::from_archive(archive).unwrap()).collect();
        let versions: Vec<&str> = charts.iter().map(Chart::version).collect();
        assert_eq!(versions, ["0.31.0", "0.31.2"]);
        let templates: Vec<usize> = charts.iter().map(|chart| chart.templates().len()).collect();
        assert_eq!(templates, [10, 11]);
        for (release, chart) in product.releases.iter().zip(&charts) {
            assert_eq!(release.chart_version, chart.version());
            assert_eq!(chart.metadata().app_version, release.tag);
        }
    }
}

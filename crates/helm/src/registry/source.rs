//! One way to ask for a chart, wherever it lies: in a repository over HTTP or in an OCI registry.
//!
//! The versions are listed or one is resolved by Helm's rules; what was found is then fetched,
//! with its provenance if that is wanted. Nothing is cached: archives can be kept in a
//! [`ContentCache`](super::ContentCache).

use super::access::Access;
use super::cache::ArchiveDigest;
use super::error::RegistryError;
use super::http::Repository;
use super::index::{IndexEntry, IndexError};
use super::oci::{OciChart, OciVersion, Parts, Reference};

/// Where the versions of one chart lie.
#[derive(Clone, Debug)]
pub struct ChartSource(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Repository { repository: Repository, chart: String },
    Oci(OciChart),
}

/// A version that a source offers, not fetched yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedVersion {
    /// The version as the chart writes it; empty where a digest alone names it.
    pub version: String,
    /// The version of the application inside, where the source says it.
    pub app_version: Option<String>,
    /// One sentence about the chart, where the source says it.
    pub description: Option<String>,
    /// When the archive was made, as the source spells it.
    pub created: Option<String>,
    /// SHA-256 of the archive, where the source says it.
    pub archive_digest: Option<ArchiveDigest>,
    place: Place,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    Entry(Box<IndexEntry>),
    Oci(OciVersion),
}

/// Whether the provenance of an archive is fetched with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Not at all.
    Unwanted,
    /// If there is one.
    IfPresent,
    /// An archive without one is an error.
    Required,
}

/// A chart that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedChart {
    /// The archive.
    pub archive: Vec<u8>,
    /// Its SHA-256.
    pub digest: ArchiveDigest,
    /// Its provenance, if that was wanted and is there.
    pub provenance: Option<Vec<u8>>,
    /// The name that Helm gives the archive, and that its provenance knows it by.
    pub file_name: String,
    /// Digest of the manifest, from an OCI registry: what the reference can be pinned to.
    pub manifest_digest: Option<String>,
}

impl ChartSource {
    /// The chart of this name in a repository.
    pub fn repository(url: &str, chart: &str, access: Access) -> Result<Self, RegistryError> {
        let repository = Repository::new(url, access)?;
        Ok(Self(Kind::Repository { repository, chart: chart.to_owned() }))
    }

    /// The chart that a reference (`oci://host/path/chart[:tag][@digest]`) names.
    pub fn oci(reference: &str, access: Access) -> Result<Self, RegistryError> {
        Ok(Self(Kind::Oci(OciChart::new(reference, access)?)))
    }

    /// The chart `chart` below an address of either kind, as dependencies name it.
    pub fn below(address: &str, chart: &str, access: Access) -> Result<Self, RegistryError> {
        if Reference::is_oci(address) {
            Self::oci(&format!("{}/{chart}", address.trim_end_matches('/')), access)
        } else {
            Self::repository(address, chart, access)
        }
    }

    /// All versions, newest first.
    pub async fn versions(&self) -> Result<Vec<OfferedVersion>, RegistryError> {
        match &self.0 {
            Kind::Repository { repository, chart } => {
                let index = repository.index().await?;
                let entries = index.versions(chart).map_err(|why| match why {
                    IndexError::NoChart { .. } => RegistryError::NoSuchChart {
                        chart: chart.clone(),
                        others: index.chart_names().take(10).map(str::to_owned).collect(),
                    },
                    other => other.into(),
                })?;
                Ok(entries.into_iter().map(OfferedVersion::listed).collect())
            }
            Kind::Oci(oci) => {
                let offered = |version: String| {
                    let reference = oci.reference().with_tag(&version);
                    OfferedVersion::tagged(OciVersion { version, reference })
                };
                Ok(oci.versions().await?.into_iter().map(offered).collect())
            }
        }
    }

    /// The version that Helm would take: `wanted` itself, else the newest that fits it as a
    /// constraint; with an empty text the newest release.
    pub async fn resolve(&self, wanted: &str) -> Result<OfferedVersion, RegistryError> {
        match &self.0 {
            Kind::Repository { repository, chart } => {
                let index = repository.index().await?;
                Ok(OfferedVersion::listed(repository.resolve(&index, chart, wanted)?))
            }
            Kind::Oci(oci) => Ok(OfferedVersion::tagged(oci.resolve(wanted).await?)),
        }
    }

    /// Fetches a version that this source offered.
    pub async fn fetch(
        &self,
        offered: &OfferedVersion,
        provenance: Provenance,
    ) -> Result<FetchedChart, RegistryError> {
        match (&self.0, &offered.place) {
            (Kind::Repository { repository, .. }, Place::Entry(entry)) => {
                from_repository(repository, entry, provenance).await
            }
            (Kind::Oci(oci), Place::Oci(version)) => from_registry(oci, version, provenance).await,
            // Another source's offer: nothing here is known under it.
            _ => Err(RegistryError::NoVersion { wanted: offered.version.clone() }),
        }
    }
}

impl OfferedVersion {
    fn listed(entry: IndexEntry) -> Self {
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            version: entry.metadata.version.clone(),
            app_version: text(&entry.metadata.app_version),
            description: text(&entry.metadata.description),
            created: text(&entry.created),
            archive_digest: ArchiveDigest::parse(&entry.digest),
            place: Place::Entry(Box::new(entry)),
        }
    }

    fn tagged(version: OciVersion) -> Self {
        Self {
            version: version.version.clone(),
            app_version: None,
            description: None,
            created: None,
            archive_digest: None,
            place: Place::Oci(version),
        }
    }
}

async fn from_repository(
    repository: &Repository,
    entry: &IndexEntry,
    provenance: Provenance,
) -> Result<FetchedChart, RegistryError> {
    let archive = repository.archive(entry).await?;
    let provenance = match provenance {
        Provenance::Unwanted => None,
        Provenance::Required => Some(repository.provenance(entry).await?),
        Provenance::IfPresent => match repository.provenance(entry).await {
            Ok(provenance) => Some(provenance),
            Err(RegistryError::NoProvenance { .. }) => None,
            Err(other) => return Err(other),
        },
    };
    let url = repository.archive_url(entry)?;
    let name = url.path().rsplit('/').next().unwrap_or_default();
    Ok(FetchedChart {
        digest: ArchiveDigest::of(&archive),
        archive,
        provenance,
        file_name: name.to_owned(),
        manifest_digest: None,
    })
}

async fn from_registry(
    oci: &OciChart,
    version: &OciVersion,
    provenance: Provenance,
) -> Result<FetchedChart, RegistryError> {
    let parts = match provenance {
        Provenance::Unwanted => Parts::Chart,
        Provenance::IfPresent | Provenance::Required => Parts::ChartAndProvenance,
    };
    let pulled = oci.pull(&version.reference, parts).await?;
    if provenance == Provenance::Required && pulled.provenance.is_none() {
        let url = format!("oci://{}.prov", pulled.reference);
        return Err(RegistryError::NoProvenance { url });
    }
    let lacking = || RegistryError::NotAChart("manifest has no chart layer".to_owned());
    let archive = pulled.chart.ok_or_else(lacking)?;
    Ok(FetchedChart {
        digest: ArchiveDigest::of(&archive),
        archive,
        provenance: pulled.provenance,
        file_name: version.file_name(),
        manifest_digest: Some(pulled.manifest_digest),
    })
}

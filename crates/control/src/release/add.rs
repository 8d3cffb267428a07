//! Adding a Release: the chart is fetched or taken as uploaded, checked, and stored for good.

use helm::chart::{Chart, ChartLimits};
use helm::registry::Provenance;

use super::signature::{self, Signed, Trusted};
use super::{NewRelease, Release, store};
use crate::actor::Actor;
use crate::app::TrustedKey;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::blocking::blocking;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Checks, Error, Invalid, Problem};
use crate::limits::{self, Met};
use crate::names::ReleaseTag;
use crate::rights::Subject;
use crate::store::ids::ReleaseId;
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{commit, search};
use crate::values::check_values;

/// Longest changelog, in bytes.
const CHANGELOG_LONGEST: usize = 256 * 1024;

/// An archive as it was fetched or uploaded.
struct Fetched {
    archive: Vec<u8>,
    /// The name that a signature knows it by; none: the one that Helm gives it.
    file_name: Option<String>,
    provenance: Option<Vec<u8>>,
    /// Digest of the OCI manifest that led to the archive.
    manifest_digest: Option<String>,
}

/// A chart to be kept, as its archive and as what that holds.
struct Packed {
    archive: Vec<u8>,
    chart: Chart,
    manifest_digest: Option<String>,
    signed_by: Option<TrustedKey>,
}

impl Control {
    /// Adds a Release: fetches the chart, checks it and stores it.
    pub async fn release_add(&self, actor: &Actor, new: NewRelease) -> Result<Release, Error> {
        actor.write(Subject::Apps, "add Releases", || Error::not_found("page", "releases"))?;
        let mut checks = Checks::default();
        let app = match self.app_row(actor, new.app.trim()).await {
            Ok(app) => Some(app),
            Err(Error::NotFound { .. }) => {
                let message = if new.app.trim().is_empty() {
                    "No App is chosen.".to_owned()
                } else {
                    format!("There is no App `{}`.", new.app.trim())
                };
                checks.add(Problem::new("app", message, "Choose one of the list."));
                None
            }
            Err(other) => return Err(other),
        };
        let tag = checks.name::<ReleaseTag>("tag", new.tag.trim());
        checks.take(check_values("values", &new.values))?;
        if new.changelog.len() > CHANGELOG_LONGEST {
            let message = "This changelog is too long.";
            checks.add(Problem::new("changelog", message, "Use at most 256 KiB."));
        }
        if let (Some(app), Some(tag)) = (&app, &tag)
            && store::by_tag(self.db().read(), app.id, tag).await?.is_some()
        {
            checks.add(taken(app, tag));
        }
        let archive = match &app {
            Some(app) => checks.take(self.packed(app, &new).await)?,
            None => None,
        };
        checks.done()?;
        let (Some(app), Some(tag), Some(packed)) = (app, tag, archive) else {
            return Err(Error::internal("check a Release", "nothing was checked"));
        };
        self.insert_release(actor, &app, &tag, &new, &packed).await
    }

    /// The chart of a new Release: fetched, or as uploaded; checked, with who signed it.
    async fn packed(&self, app: &AppRow, new: &NewRelease) -> Result<Packed, Error> {
        let version = new.chart_version.trim();
        let trusted = self.trusted_keys(app).await?;
        let (fetched, field) = match &new.archive {
            Some(archive) => (uploaded(archive, new, trusted.is_some())?, "archive"),
            None => (self.fetched(app, version, trusted.is_some()).await?, "chart_version"),
        };
        let limits = &self.config().limits;
        if fetched.archive.len() > limits.chart_archive {
            return Err(too_much(field, limits::archive(limits)));
        }
        let within = limits.chart();
        let _place = self.place_to_render().await?;
        let loading = move || load(fetched, within, trusted.as_ref(), field);
        let packed = blocking("load a chart", loading).await??;
        check_chart(app, field, version, &packed.chart)?;
        Ok(packed)
    }

    /// What the App's repository or registry has of a version.
    async fn fetched(&self, app: &AppRow, version: &str, signed: bool) -> Result<Fetched, Error> {
        let Some(source) = self.app_source(app)? else {
            let message = "No chart archive was uploaded.";
            let remedy = "Upload the archive that `helm package` makes.";
            return Err(Error::invalid("archive", message, remedy));
        };
        if version.is_empty() {
            let message = "No chart version is chosen.";
            return Err(Error::invalid("chart_version", message, "Choose one of the list."));
        }
        let wanted = if signed { Provenance::IfPresent } else { Provenance::Unwanted };
        let fetched = self.fetch_archive(&source, version, wanted).await?;
        if signed && fetched.provenance.is_none() {
            let what = format!("{} has no provenance beside it", fetched.file_name);
            return Err(signature::unsigned("chart_version", &what));
        }
        Ok(Fetched {
            archive: fetched.archive,
            file_name: Some(fetched.file_name),
            provenance: fetched.provenance,
            manifest_digest: fetched.manifest_digest,
        })
    }

    async fn insert_release(
        &self,
        actor: &Actor,
        app: &AppRow,
        tag: &ReleaseTag,
        new: &NewRelease,
        packed: &Packed,
    ) -> Result<Release, Error> {
        let Packed { archive, chart, manifest_digest, signed_by } = packed;
        let id = ReleaseId::generate();
        let sha256 = self.objects().put_archive(archive).await?;
        let values = self.objects().put_text(&new.values).await?;
        let app_version = chart.metadata().app_version.as_str();
        let row = store::NewRow {
            id,
            app: app.id,
            tag,
            reference: &app.chart,
            chart_name: chart.name(),
            chart_version: chart.version(),
            chart_app_version: Some(app_version).filter(|version| !version.is_empty()),
            archive_sha256: &sha256,
            archive_size: i64::try_from(archive.len()).unwrap_or(i64::MAX),
            manifest_digest: manifest_digest.as_deref(),
            signed_by: signed_by.as_ref(),
            values: values.as_ref(),
            changelog: new.changelog.trim(),
            at: now(),
            by: &actor.by(),
        };
        let tx = self.db().begin().await?;
        if let Err(failed) = store::insert(&tx, &row).await {
            return Err(if failed.violates("releases_tag", "releases.app_id, releases.tag") {
                Error::Invalid(Invalid { problems: vec![taken(app, tag)] })
            } else {
                failed.into()
            });
        }
        let words = [tag.as_str(), chart.name(), chart.version(), new.changelog.as_str()];
        search::index(&tx, "release", &id.to_string(), words).await?;
        let act = Act {
            action: "release.add",
            kind: "release",
            id: id.to_string(),
            name: tag.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({
                "app": app.name, "chart": chart.name(), "version": chart.version(), "sha256": sha256,
                "signed_by": signed_by,
            }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Apps).await;
        self.release_get(actor, id).await
    }
}

fn taken(app: &AppRow, tag: &ReleaseTag) -> Problem {
    let message = format!("{} has a release with the tag `{tag}` already.", app.name);
    Problem::new("tag", message, "Use another tag: a release never changes.")
}

/// A limit that a chart meets.
fn too_much(field: &str, met: Met) -> Error {
    Error::invalid(field, format!("The chart cannot be used: {}.", met.what), met.remedy)
}

/// An archive that came with the request.
fn uploaded(archive: &[u8], new: &NewRelease, signed: bool) -> Result<Fetched, Error> {
    let provenance = new.provenance.as_ref().map(|text| text.clone().into_bytes());
    if signed && provenance.is_none() {
        return Err(signature::unsigned("provenance", "No provenance was uploaded"));
    }
    Ok(Fetched {
        archive: archive.to_vec(),
        file_name: None,
        provenance: provenance.filter(|_| signed),
        manifest_digest: None,
    })
}

/// Unpacks an archive, and verifies its signature where keys are to have made one.
fn load(
    fetched: Fetched,
    within: ChartLimits,
    trusted: Option<&Trusted>,
    field: &str,
) -> Result<Packed, Error> {
    let Fetched { archive, file_name, provenance, manifest_digest } = fetched;
    let chart = Chart::from_archive_within(&archive, within).map_err(|e| {
        if let Some(limit) = e.exceeded() {
            return too_much(field, limits::chart(limit));
        }
        let message = format!("The chart cannot be loaded: {}.", whole_text(&e));
        Error::invalid(field, message, "Package it again with `helm package`.")
    })?;
    let signed_by = match (trusted, provenance) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(Error::internal("verify a signature", "none was looked for"));
        }
        (Some(trusted), Some(provenance)) => {
            let usual = || format!("{}-{}.tgz", chart.name(), chart.version());
            let file_name = file_name.unwrap_or_else(usual);
            let signed =
                Signed { archive: &archive, file_name: &file_name, provenance: &provenance };
            Some(signature::signer(trusted, &signed, field)?)
        }
    };
    Ok(Packed { archive, chart, manifest_digest, signed_by })
}

/// Whether the archive holds what it was fetched or uploaded as.
fn check_chart(app: &AppRow, field: &str, version: &str, chart: &Chart) -> Result<(), Error> {
    let wrong = |message: String, remedy: &str| Err(Error::invalid(field, message, remedy));
    let wanted = app.chart.chart_name();
    if chart.name() != wanted {
        let message = format!("This is chart `{}`, not `{wanted}`.", chart.name());
        return wrong(message, "Take the archive of the App's own chart.");
    }
    if !version.is_empty() && chart.version() != version {
        let message = format!("This is version {}, not {version}.", chart.version());
        return wrong(message, "Choose the version that the archive has.");
    }
    if chart.metadata().is_library() {
        let message = "A library chart cannot be deployed.".to_owned();
        return wrong(message, "Take a chart of the type application.");
    }
    Ok(())
}

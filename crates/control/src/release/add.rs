//! Adding a Release: the chart is fetched or taken as uploaded, checked, and stored for good.

use helm::chart::Chart;

use super::{NewRelease, Release, store};
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Checks, Error, Invalid, Problem};
use crate::names::ReleaseTag;
use crate::rights::Subject;
use crate::store::ids::ReleaseId;
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{commit, search};
use crate::values::check_values;

/// Longest changelog, in bytes.
const CHANGELOG_LONGEST: usize = 256 * 1024;

/// Largest uploaded archive, in bytes.
const ARCHIVE_LARGEST: usize = 32 * 1024 * 1024;

/// A chart to be kept, as its archive and as what that holds.
struct Packed {
    archive: Vec<u8>,
    chart: Chart,
    /// Digest of the OCI manifest that led to the archive.
    manifest_digest: Option<String>,
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
            Some(app) => checks.take(self.archive_of(app, &new).await)?,
            None => None,
        };
        checks.done()?;
        let (Some(app), Some(tag), Some(packed)) = (app, tag, archive) else {
            return Err(Error::internal("check a Release", "nothing was checked"));
        };
        self.insert_release(actor, &app, &tag, &new, &packed).await
    }

    /// The chart archive of a new Release: fetched, or as uploaded.
    async fn archive_of(&self, app: &AppRow, new: &NewRelease) -> Result<Packed, Error> {
        let version = new.chart_version.trim();
        let mut manifest_digest = None;
        let (archive, field) = match (&new.archive, self.app_source(app)?) {
            (Some(archive), _) => (archive.clone(), "archive"),
            (None, None) => {
                let message = "No chart archive was uploaded.";
                let remedy = "Upload the archive that `helm package` makes.";
                return Err(Error::invalid("archive", message, remedy));
            }
            (None, Some(_)) if version.is_empty() => {
                let message = "No chart version is chosen.";
                return Err(Error::invalid("chart_version", message, "Choose one of the list."));
            }
            (None, Some(source)) => {
                let fetched = self.fetch_archive(&source, version).await?;
                manifest_digest = fetched.manifest_digest;
                (fetched.archive, "chart_version")
            }
        };
        if archive.len() > ARCHIVE_LARGEST {
            let message = "This chart archive is too large.";
            return Err(Error::invalid(field, message, "Use at most 32 MiB."));
        }
        let loaded = tokio::task::spawn_blocking(move || {
            Chart::from_archive(&archive).map(|chart| (archive, chart))
        });
        let loaded = loaded.await.map_err(|e| Error::internal("load a chart", e))?;
        let (archive, chart) = loaded.map_err(|e| {
            let message = format!("The chart cannot be loaded: {}.", whole_text(&e));
            Error::invalid(field, message, "Package it again with `helm package`.")
        })?;
        check_chart(app, field, version, &chart)?;
        Ok(Packed { archive, chart, manifest_digest })
    }

    async fn insert_release(
        &self,
        actor: &Actor,
        app: &AppRow,
        tag: &ReleaseTag,
        new: &NewRelease,
        packed: &Packed,
    ) -> Result<Release, Error> {
        let Packed { archive, chart, manifest_digest } = packed;
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

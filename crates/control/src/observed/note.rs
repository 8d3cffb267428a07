//! Holding the records of a Helm release against what is known of it: what others made is kept.
//!
//! A revision is an environment's own if it carries the mark of one of its deployments and is the first that does, since
//! Helm hands marks on to the revisions it makes after it.

use helm::release::Status;
use jiff::Timestamp;
use rollout::record::{History, Owner, StoredRevision};

use super::store::{self, NewRow};
use super::{ObservedCause, ObservedRevision, description_identity};
use crate::actor::By;
use crate::control::Control;
use crate::deployment::content::StoredRendering;
use crate::deployment::prepare::OWNER_LABEL;
use crate::deployment::store as deployments;
use crate::environment::EnvironmentRow;
use crate::error::Error;
use crate::objects::ObjectKind;
use crate::release::store as releases;
use crate::store::commit;
use crate::store::ids::{AppId, DeploymentId, EnvironmentId, ObservedId};
use crate::store::sql::now;
use crate::store::wake::Wake;

/// A look at a cluster that is no part of an Op.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// When it began: what an Op did since is not in it.
    pub(crate) began: Timestamp,
}

/// What a look tells that was not known.
pub(crate) struct News {
    pub(super) environment: EnvironmentId,
    pub(super) rows: Vec<NewRow>,
    /// The newest observed one has another status now.
    pub(super) status: Option<(ObservedId, String)>,
    pub(super) newest: Option<ObservedId>,
}

impl Look {
    pub(crate) fn now() -> Self {
        Self { began: now() }
    }
}

impl Control {
    /// Keeps what a look outside any Op tells, unless an Op has worked there meanwhile; what the release is at, if no
    /// deployment of the environment wrote it.
    pub(crate) async fn note_revisions(
        &self,
        environment: &EnvironmentRow,
        history: &History,
        look: Look,
    ) -> Result<Option<ObservedRevision>, Error> {
        if let Some(news) = self.revisions_news(environment, history).await? {
            let tx = self.db().begin().await?;
            if store::is_current(&tx, environment.id, look).await? {
                store::write(&tx, &news).await?;
                commit(tx).await?;
                self.wakes().send(Wake::Environment(environment.id, environment.kind)).await;
            }
        }
        self.observed_now(environment).await
    }

    /// The observed revision that an environment's Helm release is at.
    pub(crate) async fn observed_now(
        &self,
        environment: &EnvironmentRow,
    ) -> Result<Option<ObservedRevision>, Error> {
        let c = self.db().read();
        let row = crate::environment::store::by_id(c, environment.id).await?;
        match row.and_then(|row| row.observed) {
            Some(id) => Ok(store::by_id(c, id, self.objects().sealer()).await?),
            None => Ok(None),
        }
    }

    /// What the records of an environment's Helm release tell that is not known yet.
    pub(crate) async fn revisions_news(
        &self,
        environment: &EnvironmentRow,
        history: &History,
    ) -> Result<Option<News>, Error> {
        let mut news =
            News { environment: environment.id, rows: Vec::new(), status: None, newest: None };
        let last = history.last().filter(|last| last.status() != Status::Uninstalled);
        let Some(last) = last else {
            return self.gone(environment, news).await;
        };
        let c = self.db().read();
        let mut unknown: Vec<&StoredRevision> = Vec::new();
        let mut reached = false;
        for revision in history.revisions().iter().rev() {
            if self.is_own(environment, history, revision).await? {
                reached = true;
                break;
            }
            let number = i64::from(revision.revision());
            let known = store::known(c, environment.id, number, made_at(revision)).await?;
            let Some((id, status)) = known else {
                unknown.push(revision);
                continue;
            };
            if revision.revision() == last.revision() {
                news.newest = Some(id);
                let now = revision.status().to_string();
                news.status = (now != status).then_some((id, now));
            }
            reached = true;
            break;
        }
        if !reached {
            // Nothing of it is known: the release was made anew, or its records were cut. What runs counts.
            unknown.truncate(1);
        }
        let cause = ObservedCause::Outside;
        for revision in unknown.into_iter().rev() {
            let row = self.observe(environment.id, environment.app, cause, revision).await?;
            news.newest = Some(row.id);
            news.rows.push(row);
        }
        let nothing = news.rows.is_empty() && news.status.is_none();
        Ok((!nothing || news.newest != environment.observed).then_some(news))
    }

    /// There is no release any more, where there was one.
    async fn gone(
        &self,
        environment: &EnvironmentRow,
        mut news: News,
    ) -> Result<Option<News>, Error> {
        let c = self.db().read();
        let Some(revision) = store::last_known(c, environment.id).await? else { return Ok(None) };
        if let Some(id) = environment.observed {
            let known = store::by_id(c, id, self.objects().sealer()).await?;
            if known.is_some_and(|known| known.cause == ObservedCause::Gone) {
                return Ok(None);
            }
        }
        let (id, at) = (ObservedId::generate(), now());
        news.rows.push(NewRow {
            id,
            environment: environment.id,
            cause: ObservedCause::Gone,
            revision,
            status: Status::Uninstalled.to_string(),
            chart_name: String::new(),
            chart_version: String::new(),
            app_version: None,
            description_sealed: self.sealed_description(id, "")?,
            release: None,
            rendering: None,
            made_at: at,
            observed_at: at,
            by: None,
        });
        news.newest = Some(id);
        Ok(Some(news))
    }

    /// Whether a deployment of the environment, or its way back, wrote a revision.
    pub(super) async fn is_own(
        &self,
        environment: &EnvironmentRow,
        history: &History,
        revision: &StoredRevision,
    ) -> Result<bool, Error> {
        let Some(value) = revision.labels.get(OWNER_LABEL) else { return Ok(false) };
        let owner = Owner { key: OWNER_LABEL.to_owned(), value: value.clone() };
        if history.of(&owner).is_none_or(|first| first.revision() != revision.revision()) {
            return Ok(false);
        }
        let (id, way_back) = match value.strip_suffix(".back") {
            Some(id) => (id, true),
            None => (value.as_str(), false),
        };
        let Ok(id) = id.parse::<DeploymentId>() else { return Ok(false) };
        let deployment = deployments::by_id(self.db().read(), id).await?;
        Ok(deployment.is_some_and(|own| {
            // Where the record of the first was cut, the number still tells.
            let number = own.helm_revision.filter(|_| !way_back);
            own.environment == environment.id
                && number.is_none_or(|number| number == i64::from(revision.revision()))
        }))
    }

    /// A revision as it is kept. Its rendering is stored; the row is not.
    pub(super) async fn observe(
        &self,
        environment: EnvironmentId,
        app: AppId,
        cause: ObservedCause,
        revision: &StoredRevision,
    ) -> Result<NewRow, Error> {
        let record = &revision.release;
        let (name, version, app_version) = chart_of(revision);
        let rendering = StoredRendering {
            manifest: record.manifest.clone(),
            hooks: record.hooks.clone(),
            notes: Some(record.info.notes.clone()).filter(|notes| !notes.is_empty()),
            crds: Vec::new(),
        };
        let rendering = self.objects().put_json(ObjectKind::Rendering, &rendering).await?;
        let releases = releases::by_chart(self.db().read(), app, &name, &version).await?;
        let id = ObservedId::generate();
        Ok(NewRow {
            id,
            environment,
            cause,
            revision: revision.revision().into(),
            status: revision.status().to_string(),
            description_sealed: self.sealed_description(id, &record.info.description)?,
            chart_name: name,
            chart_version: version,
            app_version,
            release: releases.first().map(|release| release.id),
            rendering: Some(rendering),
            made_at: made_at(revision),
            observed_at: now(),
            by: None::<By>,
        })
    }

    /// What Helm says of a revision may quote what the cluster answered: it is kept sealed.
    fn sealed_description(&self, id: ObservedId, text: &str) -> Result<Vec<u8>, Error> {
        let sealed = self.objects().sealer().seal(&description_identity(id), text.as_bytes());
        sealed.map_err(|e| Error::internal("encrypt what Helm says of a revision", e))
    }
}

/// Name, version and app version of a revision's chart; empty where the record has none.
pub(super) fn chart_of(revision: &StoredRevision) -> (String, String, Option<String>) {
    let metadata = revision.release.chart.as_ref().and_then(|chart| chart.metadata.as_ref());
    metadata.map_or_else(Default::default, |chart| {
        let app_version = Some(chart.app_version.clone());
        let app_version = app_version.filter(|version| !version.is_empty());
        (chart.name.clone(), chart.version.clone(), app_version)
    })
}

/// When Helm made a revision, cut to what the database keeps.
pub(super) fn made_at(revision: &StoredRevision) -> Timestamp {
    let at = revision.release.info.last_deployed.unwrap_or_default();
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

//! A Helm release that stands where an environment is to be, and that no environment owns: it is never upgraded over,
//! it can be adopted.

use std::time::Duration;

use helm::release::Status;
use rollout::record::History;

use super::note::chart_of;
use crate::control::Control;
use crate::deployment::prepare::{PrepareError, Target, whole_text};
use crate::deployment::store as deployments;
use crate::environment::EnvironmentRow;
use crate::error::Error;

/// How long a cluster may take to tell whether a release is there, before the environment is made without knowing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A release of others, as far as it must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignRelease {
    release: String,
    namespace: String,
    revision: u32,
    status: Status,
    chart: String,
}

impl ForeignRelease {
    /// What stands in the way, as a sentence.
    pub(crate) fn told(&self) -> String {
        let Self { release, namespace, revision, status, chart } = self;
        format!(
            "There is a Helm release `{release}` in namespace `{namespace}` already, at revision {revision} ({status}, chart {chart}), and it belongs to no environment."
        )
    }

    /// What to do before the environment is made.
    pub(crate) fn remedy(&self) -> String {
        let Self { release, namespace, .. } = self;
        format!(
            "Adopt it (Adopt a Helm release; `landfall env adopt {release} -n {namespace}`), or use another release name."
        )
    }

    /// What to do once it is made.
    pub(crate) fn remedy_of_made(&self) -> String {
        let Self { release, namespace, .. } = self;
        format!(
            "Remove this environment, which leaves the release alone; then adopt the release (`landfall env adopt {release} -n {namespace}`), or make an environment with another release name."
        )
    }
}

impl Control {
    /// The release that is at an environment's place although nothing of the environment ever was there.
    pub(crate) async fn foreign_release(
        &self,
        environment: &EnvironmentRow,
        history: &History,
    ) -> Result<Option<ForeignRelease>, Error> {
        let last = history.last().filter(|last| last.status() != Status::Uninstalled);
        let Some(last) = last else { return Ok(None) };
        let c = self.db().read();
        if super::store::was_adopted(c, environment.id).await?
            || deployments::ever_recorded(c, environment.id).await?
        {
            return Ok(None);
        }
        // A worker that died just after it had written the first record has not noted it.
        for revision in history.revisions() {
            if self.is_own(environment, history, revision).await? {
                return Ok(None);
            }
        }
        let (name, version, _) = chart_of(last);
        Ok(Some(ForeignRelease {
            release: environment.release_name.to_string(),
            namespace: environment.namespace.to_string(),
            revision: last.revision(),
            status: last.status(),
            chart: format!("{name} {version}"),
        }))
    }

    /// The same before the environment is made, as far as its cluster tells in time: one that does not answer stands in
    /// nobody's way, as the first deployment looks again.
    pub(crate) async fn foreign_release_at(
        &self,
        environment: &EnvironmentRow,
    ) -> Result<Option<ForeignRelease>, Error> {
        let looking = async {
            let cluster =
                self.environment_connect(environment).await.map_err(PrepareError::from)?;
            Target::new(cluster, environment, "").history(self).await
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(Ok(history)) => self.foreign_release(environment, &history).await,
            Ok(Err(error)) => {
                let error = whole_text(&error);
                tracing::info!(error, environment = %environment.name, "not known whether a Helm release is there");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

//! Rollbacks: a new deployment that repeats an earlier one's stored manifest, without rendering.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::create::{Queued, queue};
use super::store::{self, DeploymentRow};
use super::{DeploymentState, OnFailure, Started, Trigger};
use crate::actor::Actor;
use crate::audit;
use crate::control::Control;
use crate::environment::EnvironmentRow;
use crate::error::Error;
use crate::names::ReleaseTag;
use crate::release::store as releases;
use crate::store::commit;

/// What to roll back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackTo {
    /// The deployment of this number; it must have succeeded.
    Number(i64),
    /// The last successful deployment of this tag here.
    Tag(ReleaseTag),
}

impl std::str::FromStr for RollbackTo {
    type Err = crate::names::InvalidName;

    /// `#41` is a number; anything else is a tag (`41` too: tags may be numbers).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            Some(number) => Ok(Self::Number(number)),
            None => text.parse().map(Self::Tag),
        }
    }
}

/// What to do about a target that is none.
const SUCCEEDED: &str = "Choose a deployment of this environment that succeeded.";

/// A rollback as asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewRollback {
    /// To what.
    pub to: RollbackTo,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
    /// What happens if the rollback itself fails; none: it is left as it is.
    #[serde(default)]
    pub on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    #[serde(default)]
    pub force_conflicts: bool,
}

impl Control {
    /// Makes a deployment of the trigger `rollback` and queues its Op.
    ///
    /// The environment then holds the App values revision of what it went back to.
    pub async fn rollback(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewRollback,
    ) -> Result<Started, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let earlier = self.rollback_target(&row, &new.to).await?;
        self.refuse_host_of_others(actor, &row, &earlier).await?;
        let queued = Queued {
            trigger: Trigger::Rollback,
            repeats: Some(earlier.id),
            on_failure: new.on_failure.unwrap_or(OnFailure::Leave),
            force_conflicts: new.force_conflicts,
            reason: new.reason.trim(),
            values: earlier.values,
            app_values_revision: earlier.app_values_revision,
            ..Queued::empty(earlier.release)
        };
        let tx = self.db().begin().await?;
        let number = queue(&tx, &actor.by(), &row, &queued).await?;
        let name = format!("{}#{number}", row.name);
        audit::write(&tx, actor, queued.act("deployment.rollback", &name)).await?;
        commit(tx).await?;
        self.started(actor, &row, &queued).await
    }

    /// What it repeats may answer on a host that is another environment's by now.
    async fn refuse_host_of_others(
        &self,
        actor: &Actor,
        environment: &EnvironmentRow,
        earlier: &DeploymentRow,
    ) -> Result<(), Error> {
        let Some(content) = earlier.content else { return Ok(()) };
        let Some(host) = self.content_row(content).await?.host else { return Ok(()) };
        let Ok(host) = host.parse() else { return Ok(()) };
        let owner = self.domain_owner(actor, environment.id, &host).await?;
        let Some(owner) = owner else { return Ok(()) };
        let message = format!(
            "Deployment #{} answers on `{host}`, which belongs to {owner} now.",
            earlier.number
        );
        Err(Error::invalid("to", message, "Choose another deployment, or deploy its version anew."))
    }

    /// The deployment that a rollback repeats: one that succeeded and whose content is kept.
    async fn rollback_target(
        &self,
        environment: &EnvironmentRow,
        to: &RollbackTo,
    ) -> Result<DeploymentRow, Error> {
        let c = self.db().read();
        let refused = |message: String| Error::invalid("to", message, SUCCEEDED);
        let earlier = match to {
            RollbackTo::Number(number) => {
                let found = store::by_number(c, environment.id, *number).await?;
                let found = found.ok_or_else(|| {
                    refused(format!("{} has no deployment #{number}.", environment.name))
                })?;
                if found.state != DeploymentState::Succeeded {
                    return Err(refused(format!("Deployment #{number} is {}.", found.state)));
                }
                found
            }
            RollbackTo::Tag(tag) => {
                let release = releases::by_tag(c, environment.app, tag).await?;
                let release = release.ok_or_else(|| no_such_tag(environment, tag))?;
                let found = store::last_success(c, environment.id, release.id).await?;
                found.ok_or_else(|| {
                    refused(format!("Release {tag} never ran in {}.", environment.name))
                })?
            }
        };
        // After a failure that was left as it was, the last good deployment is no longer what runs.
        let runs_now = Some(earlier.id) == environment.current_deployment
            && !store::left_behind(c, environment.id, earlier.number).await?;
        if runs_now {
            let message = format!("Deployment #{} is what runs now.", earlier.number);
            return Err(refused(message));
        }
        Ok(earlier)
    }
}

/// A tag that is none. A bare number is most likely meant as a deployment's.
fn no_such_tag(environment: &EnvironmentRow, tag: &ReleaseTag) -> Error {
    let message = format!("This App has no release `{tag}`.");
    let remedy = if tag.as_str().bytes().all(|b| b.is_ascii_digit()) {
        format!("Write deployment {tag} of {} as `#{tag}`.", environment.name)
    } else {
        SUCCEEDED.to_owned()
    };
    Error::invalid("to", message, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number has a sign before it; a tag may look like a number.
    #[test]
    fn numbers_and_tags() {
        let tag = |text: &str| RollbackTo::Tag(text.parse().unwrap());
        assert_eq!("#41".parse(), Ok(RollbackTo::Number(41)));
        assert_eq!("2.4.1".parse(), Ok(tag("2.4.1")));
        assert_eq!("41".parse(), Ok(tag("41")));
        assert!("#4 1".parse::<RollbackTo>().is_err());
    }
}

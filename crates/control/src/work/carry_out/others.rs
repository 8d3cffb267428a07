//! Waiting for the pending revision of someone else, before anything is rendered or planned: what they do changes both.

use std::time::Duration;

use jiff::Timestamp;
use rollout::record::{AtWork, History};

use super::{Interrupted, Run};
use crate::deployment::prepare::Target;
use crate::op::{ABANDONED_AFTER, LogLevel, StepName, WaitsFor};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Waits until nobody else works on the release, as far as can be known: their revision has ended, is old enough to
    /// be the remains of a crash, or a person says that it is. The revisions then, and the one that a person has spoken of.
    pub(super) async fn wait_for_others(
        &self,
        target: &Target,
        mut history: History,
    ) -> Result<(History, Option<u32>), Interrupted> {
        let mut told: Option<AtWork> = None;
        loop {
            let own = &target.owner.key;
            let Some(work) = history.at_work(own, ABANDONED_AFTER, Timestamp::now()) else { break };
            if told.as_ref() != Some(&work) {
                self.tell_of_others(target, &work).await?;
                told = Some(work.clone());
            }
            if let Some(by) = self.recorder.recovers(work.revision.into()).await? {
                let text = format!(
                    "{} says that nobody works on revision {}: it is marked failed",
                    by.name, work.revision
                );
                self.reports.say(LogLevel::Warning, text).await;
                return Ok((history, Some(work.revision)));
            }
            if self.held.stop().run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return Err(Interrupted::Stopped);
            }
            let read = self.retry_reading(|| async { Ok(target.history(self.control).await?) });
            history = match read.await {
                Ok(history) => history,
                Err(error) => return self.fail(StepName::Check, error).await,
            };
        }
        if let Some(work) = told {
            self.recorder.waits_for(None).await?;
            self.note_revisions(&self.job.environment, &history).await?;
            let ended = history.revisions().iter().find(|it| it.revision() == work.revision);
            let status = ended.map(|it| it.status().to_string());
            self.say(match status {
                Some(status) if status != work.status.to_string() => {
                    format!("Revision {} has ended: {status}", work.revision)
                }
                _ => format!("Revision {} counts as abandoned", work.revision),
            })
            .await;
        }
        Ok((history, None))
    }

    async fn tell_of_others(&self, target: &Target, work: &AtWork) -> Result<(), Interrupted> {
        let AtWork { revision, status, since, until } = work;
        let at = |time: &Timestamp| time.strftime("%H:%M:%S UTC").to_string();
        let text = format!(
            "Revision {revision} of Helm release {} is {status} since {}, and not by Landfall: waiting for it to end, until {} at most; then it counts as abandoned. `landfall op recover {}` says that nobody works on it",
            target.release_name,
            at(since),
            at(until),
            self.held.lease().op,
        );
        self.reports.say(LogLevel::Warning, text).await;
        self.reports.flush().await;
        let waits_for = WaitsFor {
            revision: i64::from(*revision),
            status: status.to_string(),
            since: *since,
            until: *until,
            recover_by: None,
        };
        Ok(self.recorder.waits_for(Some(&waits_for)).await?)
    }
}

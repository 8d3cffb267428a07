//! The workers that answer previews over fleets: they claim one under a lease, look at a few environments at a time, and
//! keep what they have several times a second, so that everybody sees how far it is, a cancelled one stops, and one whose
//! worker has died goes on from there.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::compute::{Outcome, Question, unreadable};
use super::store::{self, GroupRow, Lease, Member};
use super::{FleetPreviewState, failure_identity, group_identity};
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::store::commit;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// How often what was found is kept.
const PACE: Duration = Duration::from_millis(250);
/// Environments read at once.
const CHUNK: i64 = 256;

/// What became of a worker's turn with a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is done.
    Done,
    /// It is another worker's by now, or was cancelled.
    Lost,
    /// The process stops.
    Stopped,
}

impl Control {
    /// Answers one preview that nobody works on, if there is one; whether there was.
    pub(crate) async fn fleet_turn(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let at = now();
        let Some(lease) = store::claim(self.db().write(), at, self.fleet_lease(at)).await? else {
            return Ok(false);
        };
        match self.answer(&lease, stop).await {
            Ok(Turn::Done) => {
                let state = FleetPreviewState::Done;
                store::end(self.db().write(), &lease, state, None, now()).await?;
            }
            Ok(Turn::Stopped) => store::give_back(self.db().write(), &lease).await?,
            Ok(Turn::Lost) => {}
            // Its lease runs out; whoever takes it up goes on from what was kept.
            Err(error) if error.is_outage() => return Err(error),
            Err(error) => {
                let why = whole_text(&error);
                tracing::error!(error = why, preview = %lease.preview.id, "a preview over a fleet failed");
                let identity = failure_identity(lease.preview.id);
                let told = error.to_string();
                let sealed = self.objects().sealer().seal_json(
                    &identity,
                    &told,
                    "keep why a preview failed",
                )?;
                let state = FleetPreviewState::Failed;
                store::end(self.db().write(), &lease, state, Some(sealed), now()).await?;
            }
        }
        self.wakes().send(Wake::Fleet).await;
        Ok(true)
    }

    fn fleet_lease(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.config().workers.lease).unwrap_or(at)
    }

    async fn answer(&self, lease: &Lease, stop: &CancellationToken) -> Result<Turn, Error> {
        let preview = &lease.preview;
        let values = self.objects().text(&preview.values).await?;
        let settings = crate::app::store::settings(self.db().read(), preview.app).await?;
        let question = Question::new(values, settings.unwrap_or_default());
        loop {
            let members = store::next(self.db().read(), preview.id, CHUNK).await?;
            if members.is_empty() {
                return Ok(Turn::Done);
            }
            match self.answer_some(lease, &question, members, stop).await? {
                Turn::Done => {}
                ended => return Ok(ended),
            }
        }
    }

    async fn answer_some(
        &self,
        lease: &Lease,
        question: &Question,
        members: Vec<Member>,
        stop: &CancellationToken,
    ) -> Result<Turn, Error> {
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get) * 2;
        let one = |member: Member| async move {
            let outcome = match question.answer(self, member.id).await {
                Ok(outcome) => outcome,
                Err(error) if error.is_outage() => return Err(error),
                Err(error) => unreadable(self, member.id, &error),
            };
            Ok((member, outcome))
        };
        // In their order, so that what is told of a group is that of its first environment by name.
        let mut answers = stream::iter(members).map(one).buffered(at_once);
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut found = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(Turn::Stopped),
                _ = pace.tick() => {
                    if !self.keep(lease, std::mem::take(&mut found)).await? {
                        return Ok(Turn::Lost);
                    }
                }
                answer = answers.next() => match answer {
                    Some(answer) => found.push(answer?),
                    None => {
                        let kept = self.keep(lease, found).await?;
                        return Ok(if kept { Turn::Done } else { Turn::Lost });
                    }
                }
            }
        }
    }

    /// Keeps what was found and the hold; false if that is lost.
    async fn keep(&self, lease: &Lease, found: Vec<(Member, Outcome)>) -> Result<bool, Error> {
        let preview = lease.preview.id;
        let some = !found.is_empty();
        let done = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let mut groups: BTreeMap<String, GroupRow> = BTreeMap::new();
        let mut members = Vec::new();
        for (member, Outcome { key, kind, told }) in found {
            let group = match groups.entry(key.clone()) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let told_sealed = match &told {
                        None => None,
                        Some(told) => {
                            let identity = group_identity(preview, &key);
                            let sealer = self.objects().sealer();
                            Some(sealer.seal_json(&identity, told, "keep a group of a preview")?)
                        }
                    };
                    place.insert(GroupRow {
                        key: key.clone(),
                        kind,
                        production: 0,
                        sandbox: 0,
                        told_sealed,
                    })
                }
            };
            match member.kind {
                EnvironmentKind::Production => group.production += 1,
                EnvironmentKind::Sandbox => group.sandbox += 1,
            }
            members.push((member.id, key));
        }
        let tx = self.db().begin().await?;
        if !store::advance(&tx, lease, done, self.fleet_lease(now())).await? {
            return Ok(false);
        }
        for (member, key) in members {
            store::put_member(&tx, preview, member, &key).await?;
        }
        for group in groups.into_values() {
            store::add_to_group(&tx, preview, group).await?;
        }
        commit(tx).await?;
        if some {
            self.wakes().send(Wake::Fleet).await;
        }
        Ok(true)
    }
}

#[cfg(test)]
impl Control {
    /// A worker that claims a preview, keeps what it finds in `many` environments, and dies.
    pub(crate) async fn fleet_turn_that_dies(&self, many: i64) -> Result<i64, Error> {
        let at = now();
        let lease = store::claim(self.db().write(), at, at).await?;
        let lease = lease.ok_or_else(|| Error::not_found("preview", "to work on"))?;
        let values = self.objects().text(&lease.preview.values).await?;
        let question = Question::new(values, crate::app::AppSettings::default());
        let mut found = Vec::new();
        for member in store::next(self.db().read(), lease.preview.id, many).await? {
            let outcome = question.answer(self, member.id).await?;
            found.push((member, outcome));
        }
        let done = i64::try_from(found.len()).unwrap_or(0);
        self.keep(&lease, found).await?;
        // Its lease ends with it.
        store::give_back(self.db().write(), &lease).await?;
        Ok(done)
    }
}

//! Writes the deployments of a history, what they consisted of, their Ops and their batches.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use sea_orm::Value;

use super::Told;
use super::copies_store::{DEPLOYMENT, OF_DEPLOYMENTS};
use super::history::{Event, History, Place, later};
use super::store::{self, Made, Template, World};
use crate::deployment::{DeploymentState, Failure, culprit_identity, failure_identity};
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::objects::{Address, ObjectKind, Objects};
use crate::store::ids::DeploymentId;
use crate::store::sql::{Json, Param};
use crate::store::{Db, commit};

/// Deployments of one transaction.
const CHUNK: usize = 20_000;
/// Objects written at once, and how many until it is told.
const OBJECTS: usize = 16;
const TOLD: usize = 1_000;

/// Makes the deployments with what they consisted of and their Ops.
pub(super) async fn write(
    db: &Db,
    objects: &Objects,
    world: &World,
    history: &History,
    told: Told<'_>,
) -> Result<(), Error> {
    batches(db, world, history).await?;
    let own = own_contents(objects, world, history, told).await?;
    let mut made = Made::new("multiplied_deployments", DEPLOYMENT);
    made.create(db.write()).await?;
    let all = history.events.len();
    for (chunk, events) in history.events.chunks(CHUNK).enumerate() {
        told("deployments", chunk * CHUNK, all);
        for (event, at) in events.iter().zip(chunk * CHUNK..) {
            let place = &history.environments[event.environment];
            let own = own.get(&event.id).filter(|_| place.current == Some(at));
            made.push(deployment_row(objects, world, history, event, own, place.last == Some(at))?);
        }
        let tx = db.begin().await?;
        made.send(&tx).await?;
        for copies in &OF_DEPLOYMENTS {
            store::copy(&tx, world, copies).await?;
        }
        commit(tx).await?;
    }
    Ok(made.drop(db.write()).await?)
}

fn deployment_row(
    objects: &Objects,
    world: &World,
    history: &History,
    event: &Event,
    own: Option<&Own>,
    shown: bool,
) -> Result<Vec<Value>, Error> {
    let place = &history.environments[event.environment];
    let app = &world.apps[place.app];
    let told = match event.state {
        DeploymentState::Failed => Some(told_failure(objects, event.id)?),
        _ => None,
    };
    let (culprit, failure) = told.unzip();
    let by = match event.batch {
        Some((batch, _)) => history.batches[batch].by,
        None => event.by,
    };
    Ok(vec![
        event.id.param(),
        event.op.param(),
        event.took.map(|_| event.content).param(),
        source(&app.templates[place.template], event).param(),
        place.id.param(),
        event.number.into(),
        app.id.param(),
        place.kind.param(),
        app.releases[event.release].param(),
        event.from.map(|from| app.releases[from]).param(),
        event.trigger.param(),
        event.repeats.param(),
        event.batch.map(|(batch, _)| history.batches[batch].id).param(),
        event.batch.map(|(_, place)| place).param(),
        if event.drawn.is_multiple_of(9) { "the window on Thursday" } else { "" }.param(),
        event.state.param(),
        event.at.param(),
        event.started().param(),
        event.finished().param(),
        Json(&world.people[by]).param(),
        shown.into(),
        own.map(|own| own.rendering.clone()).param(),
        own.map(|own| own.context.clone()).param(),
        own.map(|own| own.plan.clone()).param(),
        place.name.clone().into(),
        culprit.param(),
        failure.param(),
    ])
}

/// The real deployment that this one is a copy of: to its template, and of the same end where there is one. What runs is a
/// copy of what runs there.
fn source(template: &Template, event: &Event) -> DeploymentId {
    if event.state == DeploymentState::Succeeded {
        return template.current;
    }
    let alike = template.ended.iter().find(|(state, _)| *state == event.state);
    alike.map_or(template.current, |(_, id)| *id)
}

/// The line that lists show of a failure, and what its page tells, sealed.
fn told_failure(objects: &Objects, id: DeploymentId) -> Result<(Vec<u8>, Vec<u8>), Error> {
    const DOING: &str = "seal why a deployment failed";
    let line = "Pod api-7d9c5b5f6-x2k9p: image parcel/api:2.4.1 cannot be pulled";
    let failure = Failure {
        message: "The Deployment api was not ready after 5 minutes.".to_owned(),
        remedy: "Look whether the image is there, then deploy again.".to_owned(),
        cluster_state: "The objects of this deployment are in the cluster.".to_owned(),
        culprit: None,
    };
    let culprit = objects.sealer().seal(&culprit_identity(id), line.as_bytes());
    let culprit = culprit.map_err(|e| Error::internal(DOING, e))?;
    let failure = objects.sealer().seal_json(&failure_identity(id), &failure, DOING)?;
    Ok((culprit, failure))
}

/// What is stored of an environment's current deployment for it alone.
struct Own {
    rendering: Address,
    context: Address,
    plan: Address,
}

/// Stores what runs in each environment under its own names.
async fn own_contents(
    objects: &Objects,
    world: &World,
    history: &History,
    told: Told<'_>,
) -> Result<HashMap<DeploymentId, Own>, Error> {
    let mut texts = HashMap::new();
    for template in world.apps.iter().flat_map(|app| &app.templates) {
        for address in [&template.rendering, &template.context, &template.plan] {
            texts.insert(address, objects.text(address).await?);
        }
    }
    let (all, texts) = (history.environments.len(), &texts);
    let mut own = stream::iter(&history.environments)
        .map(async |place: &Place| {
            let Some(current) = place.current else { return Ok(None) };
            let template = &world.apps[place.app].templates[place.template];
            let stored = async |kind, address: &Address| {
                let text = texts[address].replace(&template.release_name, &place.name);
                objects.put(kind, text.as_bytes()).await
            };
            let own = Own {
                rendering: stored(ObjectKind::Rendering, &template.rendering).await?,
                context: stored(ObjectKind::Context, &template.context).await?,
                plan: stored(ObjectKind::Plan, &template.plan).await?,
            };
            Ok::<_, Error>(Some((history.events[current].id, own)))
        })
        .buffer_unordered(OBJECTS);
    let mut found = HashMap::new();
    let mut done = 0;
    while let Some(one) = own.try_next().await? {
        if done % TOLD == 0 {
            told("contents", done, all);
        }
        done += 1;
        found.extend(one);
    }
    Ok(found)
}

async fn batches(db: &Db, world: &World, history: &History) -> Result<(), Error> {
    let columns = [
        "id",
        "trigger_kind",
        "app_id",
        "state",
        "at_once",
        "stop_after",
        "created_at",
        "created_by",
        "app_values_revision",
        "note",
        "sandbox_first",
        "failures",
        "tally",
        "sandbox",
        "finished_at",
    ];
    let rows = history.batches.iter().map(|batch| {
        let of = |wanted: fn(&(EnvironmentKind, DeploymentState, i64)) -> bool| -> i64 {
            batch.tally.iter().filter(|it| wanted(it)).map(|it| it.2).sum()
        };
        vec![
            batch.id.param(),
            "values_updated".param(),
            world.apps[batch.app].id.param(),
            "ended".param(),
            20_i64.into(),
            0_i64.into(),
            batch.at.param(),
            Json(&world.people[batch.by]).param(),
            batch.revision.into(),
            "more memory for the workers".param(),
            true.into(),
            of(|it| it.1 == DeploymentState::Failed).into(),
            Json(&batch.tally).param(),
            of(|it| it.0 == EnvironmentKind::Sandbox).into(),
            later(batch.at, SignedDuration::from_secs(3_600)).param(),
        ]
    });
    let rows = rows.collect();
    let tx = db.begin().await?;
    store::insert(&tx, "batches", &columns, rows).await?;
    Ok(commit(tx).await?)
}

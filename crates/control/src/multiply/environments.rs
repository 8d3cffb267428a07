//! Writes the environments of a history.

use sea_orm::Value;

use super::Told;
use super::copies_store::{ENVIRONMENTS, PLACE, VALUES};
use super::history::{History, Place};
use super::store::{self, Made, World};
use crate::error::Error;
use crate::store::sql::{Json, Param};
use crate::store::{Db, commit, search};

/// Environments of one transaction.
const PLACES: usize = 1_000;

/// Makes the environments, as they are at the end, with their values.
pub(super) async fn write(
    db: &Db,
    world: &World,
    history: &History,
    told: Told<'_>,
) -> Result<(), Error> {
    let mut made = Made::new("multiplied_environments", PLACE);
    made.create(db.write()).await?;
    for (done, places) in history.environments.chunks(PLACES).enumerate() {
        told("environments", done * PLACES, history.environments.len());
        let tx = db.begin().await?;
        for place in places {
            made.push(place_row(world, history, place));
            let app = &world.apps[place.app];
            let (cluster, namespace) =
                (&world.clusters[place.cluster].1, &app.templates[place.template].namespace);
            let words = [place.name.as_str(), namespace, cluster, &app.name];
            search::index(&tx, "environment", &place.id.to_string(), words).await?;
        }
        made.send(&tx).await?;
        store::copy(&tx, world, &ENVIRONMENTS).await?;
        store::copy(&tx, world, &VALUES).await?;
        commit(tx).await?;
    }
    Ok(made.drop(db.write()).await?)
}

fn place_row(world: &World, history: &History, place: &Place) -> Vec<Value> {
    let app = &world.apps[place.app];
    let event = |at: Option<usize>| at.map(|at| &history.events[at]);
    let (last, current) = (event(place.last), event(place.current));
    let state = match (place.deleted, current) {
        (true, _) => "deleted",
        (false, None) => "creating",
        (false, Some(_)) => "active",
    };
    let last_at = last.map_or(place.made_at, |last| last.at);
    vec![
        place.id.param(),
        app.templates[place.template].id.param(),
        place.name.clone().into(),
        world.clusters[place.cluster].0.param(),
        place.kind.param(),
        state.param(),
        place.status(&history.events).param(),
        current.map(|current| app.releases[current.release]).param(),
        current.map(|current| current.id).param(),
        last.map(|last| last.id).param(),
        place.deployments.into(),
        last_at.param(),
        place.made_at.param(),
        Json(&world.people[place.made_by]).param(),
        Some(last_at).filter(|_| place.deleted).param(),
    ]
}

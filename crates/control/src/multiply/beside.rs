//! Writes what stands beside deployments: the audit log, domains and backups.

use jiff::SignedDuration;

use super::Told;
use super::history::{Event, History, later};
use super::store::{self, World};
use crate::error::Error;
use crate::store::ids::{AuditId, BackupId, DomainId, OpId};
use crate::store::sql::{Json, Param};
use crate::store::{Db, Tx, commit, search};

/// Of the deployments that people made, every how many are in the audit log: it is cleared now and then.
const AUDITED: usize = 4;
/// Entries of one transaction.
const ENTRIES: usize = 1_000;
/// Every how many environments have backups, and how many.
const BACKED_UP: usize = 50;
const BACKUPS: i64 = 20;
/// Every how many environments have a domain.
const WITH_DOMAIN: usize = 8;

/// The audit log, domains and backups.
pub(super) async fn write(
    db: &Db,
    world: &World,
    history: &History,
    told: Told<'_>,
) -> Result<(), Error> {
    let made_by_people: Vec<&Event> =
        history.events.iter().filter(|event| event.batch.is_none()).step_by(AUDITED).collect();
    for (chunk, events) in made_by_people.chunks(ENTRIES).enumerate() {
        if chunk % 10 == 0 {
            told("entries of the audit log", chunk * ENTRIES, made_by_people.len());
        }
        let tx = db.begin().await?;
        audit(&tx, world, history, events).await?;
        commit(tx).await?;
    }
    let tx = db.begin().await?;
    domains(&tx, world, history).await?;
    backups(&tx, world, history).await?;
    store::count_backups(&tx).await?;
    Ok(commit(tx).await?)
}

async fn audit(tx: &Tx, world: &World, history: &History, events: &[&Event]) -> Result<(), Error> {
    let columns = [
        "id",
        "at",
        "by_kind",
        "by_id",
        "by_name",
        "remote_address",
        "action",
        "subject_kind",
        "subject_id",
        "subject_name",
        "old_value",
        "new_value",
    ];
    let mut rows = Vec::new();
    for (event, rest) in events.iter().zip(1..) {
        let (by, place) = (&world.people[event.by], &history.environments[event.environment]);
        let (id, name) = (AuditId::of(event.at, rest), format!("{}#{}", place.name, event.number));
        let release = world.apps[place.app].releases[event.release];
        let action =
            if event.repeats.is_some() { "deployment.rollback" } else { "deployment.create" };
        rows.push(vec![
            id.param(),
            event.at.param(),
            by.kind.param(),
            by.id.as_deref().param(),
            by.name.as_str().param(),
            "192.0.2.7".param(),
            action.param(),
            "deployment".param(),
            event.id.to_string().into(),
            name.as_str().param(),
            "null".param(),
            Json(&serde_json::json!({ "release": release.to_string() })).param(),
        ]);
        search::index(tx, "audit", &id.to_string(), [name.as_str(), by.name.as_str(), action])
            .await?;
    }
    Ok(store::insert(tx, "audit", &columns, rows).await?)
}

async fn domains(tx: &Tx, world: &World, history: &History) -> Result<(), Error> {
    let columns = [
        "id",
        "environment_id",
        "host",
        "token",
        "proved_at",
        "deployed_at",
        "tls",
        "created_at",
        "created_by",
    ];
    let mut rows = Vec::new();
    for (place, rest) in
        history.environments.iter().filter(|place| !place.deleted).step_by(WITH_DOMAIN).zip(1..)
    {
        let since = Some(place.made_at).filter(|_| rest % 4 != 0);
        rows.push(vec![
            DomainId::of(place.made_at, rest).param(),
            place.id.param(),
            format!("labels-{rest}.example.com").into(),
            format!("landfall-{rest}").into(),
            since.param(),
            since.param(),
            "issuer".param(),
            place.made_at.param(),
            Json(&world.people[place.made_by]).param(),
        ]);
    }
    Ok(store::insert(tx, "domains", &columns, rows).await?)
}

async fn backups(tx: &Tx, world: &World, history: &History) -> Result<(), Error> {
    let columns = [
        "id",
        "environment_id",
        "number",
        "cause",
        "deployment_id",
        "release_id",
        "content_id",
        "methods",
        "note",
        "state",
        "bytes",
        "stored_bytes",
        "op_id",
        "created_at",
        "created_by",
        "started_at",
        "finished_at",
    ];
    let op_columns = [
        "id",
        "op_kind",
        "environment_id",
        "environment_kind",
        "state",
        "fence",
        "percent",
        "last_sequence",
        "created_at",
        "started_at",
        "finished_at",
        "app_id",
    ];
    let (mut rows, mut ops) = (Vec::new(), Vec::new());
    let chosen =
        history.environments.iter().filter(|place| !place.deleted && place.current.is_some());
    for place in chosen.step_by(BACKED_UP) {
        let Some(current) = place.current.map(|current| &history.events[current]) else { continue };
        let app = &world.apps[place.app];
        for number in 1..=BACKUPS {
            let at = later(current.finished(), SignedDuration::from_secs(number * 600));
            let (id, op) =
                (BackupId::of(at, number.unsigned_abs()), OpId::of(at, number.unsigned_abs()));
            rows.push(vec![
                id.param(),
                place.id.param(),
                number.into(),
                "scheduled".param(),
                current.id.param(),
                app.releases[current.release].param(),
                current.content.param(),
                "[]".param(),
                "".param(),
                "complete".param(),
                48_000_000_i64.into(),
                9_000_000_i64.into(),
                op.param(),
                at.param(),
                Json(&world.people[place.made_by]).param(),
                at.param(),
                later(at, SignedDuration::from_secs(60)).param(),
            ]);
            ops.push(vec![
                op.param(),
                "backup".param(),
                place.id.param(),
                place.kind.param(),
                "succeeded".param(),
                1_i64.into(),
                100_i64.into(),
                0_i64.into(),
                at.param(),
                at.param(),
                later(at, SignedDuration::from_secs(60)).param(),
                app.id.param(),
            ]);
        }
    }
    store::insert(tx, "ops", &op_columns, ops).await?;
    Ok(store::insert(tx, "backups", &columns, rows).await?)
}

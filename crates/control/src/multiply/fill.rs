//! Writes a history into the database, a few thousand rows at a time.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use sea_orm::Value;

use super::history::{Event, History, Place};
use super::store::{self, Copies, Made, Template, World};
use crate::actor::{ActorKind, By};
use crate::deployment::{DeploymentState, Failure, culprit_identity, failure_identity};
use crate::error::Error;
use crate::objects::{Address, ObjectKind, Objects};
use crate::rights::Role;
use crate::store::ids::{
    AuditId, BackupId, ClusterId, DeploymentId, DomainId, OpId, PersonId, TokenId,
};
use crate::store::sql::{Json, Param, now};
use crate::store::{Db, Tx, commit, search};

type Told<'a> = &'a mut (dyn FnMut(&'static str, usize, usize) + Send);

/// Deployments of one transaction.
const CHUNK: usize = 20_000;
/// Environments of one transaction.
const PLACES: usize = 1_000;
/// Objects written at once.
const OBJECTS: usize = 16;
/// Clusters and people beyond those that are there.
const CLUSTERS: u64 = 40;
const PEOPLE: u64 = 60;
/// Of the deployments that people made, every how many are in the audit log: it is cleared now and then.
const AUDITED: usize = 4;
/// Every how many environments have backups, and how many; and domains.
const BACKED_UP: usize = 50;
const BACKUPS: i64 = 20;
const WITH_DOMAIN: usize = 8;

const NAMES: [&str; 10] =
    ["Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jean"];
const SURNAMES: [&str; 6] = ["Lovelace", "Liskov", "Shannon", "Knuth", "Dijkstra", "Allen"];

/// Adds clusters like the first, and people of every role with tokens.
pub(super) async fn clusters_and_people(db: &Db, world: &mut World) -> Result<(), Error> {
    let at = now();
    let tx = db.begin().await?;
    for number in 1..=CLUSTERS {
        let (first, _) = world.clusters[0];
        let (id, name) = (ClusterId::of(at, number), format!("customer-{number:02}"));
        let (id_text, name_text) = (format!("'{id}'"), format!("'{name}'"));
        let copies = Copies {
            table: "clusters",
            differ: &[
                ("id", &id_text),
                ("name", &name_text),
                ("kind", "'kubernetes'"),
                ("access_kind", "'token'"),
                ("access_changed_at", "t.created_at"),
                ("access_sealed", "NULL"),
                ("check_sealed", "NULL"),
                ("server", "'https://kubernetes.example.com:6443'"),
            ],
            from: &format!("clusters t WHERE t.id = '{first}'"),
        };
        store::copy(&tx, world, &copies).await?;
        search::index(&tx, "cluster", &id.to_string(), [name.as_str()]).await?;
        world.clusters.push((id, name));
    }
    let system = By { kind: ActorKind::System, id: None, name: "system".to_owned() };
    let (mut people, mut tokens) = (Vec::new(), Vec::new());
    for (number, role) in (1..=PEOPLE).zip(Role::ALL.iter().cycle()) {
        let id = PersonId::of(at, number);
        let which = usize::try_from(number).unwrap_or_default();
        let name =
            format!("{} {} {number}", NAMES[which % NAMES.len()], SURNAMES[which % SURNAMES.len()]);
        let email = format!("person-{number}@example.com");
        people.push(vec![
            id.to_string().into(),
            email.clone().into(),
            email.clone().into(),
            name.clone().into(),
            name.to_lowercase().into(),
            (*role).param(),
            at.param(),
            Json(&system).param(),
        ]);
        tokens.push(vec![
            TokenId::of(at, number).param(),
            number.to_be_bytes().to_vec().into(),
            id.param(),
            format!("ci-{number}").into(),
            (*role).param(),
            "lf_0000".param(),
            at.param(),
        ]);
        search::index(&tx, "person", &id.to_string(), [name.as_str(), email.as_str()]).await?;
        world.people.push(By { kind: ActorKind::Person, id: Some(id.to_string()), name });
    }
    let columns =
        ["id", "email", "email_key", "name", "name_key", "role", "created_at", "created_by"];
    store::insert(&tx, "people", &columns, people).await?;
    let columns = ["id", "token_hash", "person_id", "name", "role", "prefix", "created_at"];
    store::insert(&tx, "tokens", &columns, tokens).await?;
    Ok(commit(tx).await?)
}

const PLACE: &[(&str, &str)] = &[
    ("id", "TEXT"),
    ("template", "TEXT"),
    ("name", "TEXT"),
    ("cluster", "TEXT"),
    ("kind", "TEXT"),
    ("state", "TEXT"),
    ("status", "TEXT"),
    ("release", "TEXT"),
    ("current", "TEXT"),
    ("last", "TEXT"),
    ("number", "BIGINT"),
    ("last_at", "BIGINT"),
    ("made_at", "BIGINT"),
    ("made_by", "TEXT"),
    ("deleted_at", "BIGINT"),
];

/// Makes the environments, as they are at the end, with their values.
pub(super) async fn environments(
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

const ENVIRONMENTS: Copies<'_> = Copies {
    table: "environments",
    differ: &[
        ("id", "m.id"),
        ("name", "m.name"),
        ("release_name", "m.name"),
        ("cluster_id", "m.cluster"),
        ("kind", "m.kind"),
        ("state", "m.state"),
        ("status", "m.status"),
        ("current_release_id", "m.release"),
        ("current_deployment_id", "m.current"),
        ("last_deployment_id", "m.last"),
        ("last_number", "m.number"),
        ("last_at", "m.last_at"),
        ("created_at", "m.made_at"),
        ("created_by", "m.made_by"),
        ("deleted_at", "m.deleted_at"),
        ("holds_app_values", "NULL"),
        ("observed_id", "NULL"),
        ("removal_id", "NULL"),
    ],
    from: "multiplied_environments m JOIN environments t ON t.id = m.template",
};

const VALUES: Copies<'_> = Copies {
    table: "environment_values",
    differ: &[("environment_id", "m.id"), ("deployment_id", "NULL"), ("created_by", "m.made_by")],
    from: "multiplied_environments m JOIN environment_values t ON t.environment_id = m.template",
};

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

const DEPLOYMENT: &[(&str, &str)] = &[
    ("id", "TEXT"),
    ("op", "TEXT"),
    ("content", "TEXT"),
    ("source", "TEXT"),
    ("environment", "TEXT"),
    ("number", "BIGINT"),
    ("app", "TEXT"),
    ("kind", "TEXT"),
    ("release", "TEXT"),
    ("from_release", "TEXT"),
    ("made_by_trigger", "TEXT"),
    ("repeats", "TEXT"),
    ("batch", "TEXT"),
    ("place", "BIGINT"),
    ("reason", "TEXT"),
    ("state", "TEXT"),
    ("at", "BIGINT"),
    ("started", "BIGINT"),
    ("finished", "BIGINT"),
    ("made_by", "TEXT"),
    ("shown", "BOOLEAN"),
    ("rendering", "TEXT"),
    ("context", "TEXT"),
    ("plan", "TEXT"),
    ("own_name", "TEXT"),
    ("culprit", "BLOB"),
    ("failure", "BLOB"),
];

/// Makes the deployments with what they consisted of and their Ops.
pub(super) async fn deployments(
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

/// What a deployment is copied from, `s` being the deployment itself.
const OF_DEPLOYMENTS: [Copies<'_>; 7] = [
    Copies {
        table: "contents",
        differ: &[
            ("id", "m.content"),
            ("release_id", "m.release"),
            ("created_at", "m.at"),
            ("rendering_object", "COALESCE(m.rendering, t.rendering_object)"),
            ("context_object", "COALESCE(m.context, t.context_object)"),
            ("plan_object", "COALESCE(m.plan, t.plan_object)"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN contents t ON t.id = s.content_id \
               WHERE m.content IS NOT NULL",
    },
    Copies {
        table: "deployments",
        differ: &[
            ("id", "m.id"),
            ("environment_id", "m.environment"),
            ("number", "m.number"),
            ("app_id", "m.app"),
            ("kind", "m.kind"),
            ("release_id", "m.release"),
            ("from_release_id", "m.from_release"),
            ("trigger_kind", "m.made_by_trigger"),
            ("repeats_id", "m.repeats"),
            ("batch_id", "m.batch"),
            ("reason", "m.reason"),
            ("state", "m.state"),
            ("content_id", "m.content"),
            ("preview_id", "NULL"),
            ("new_preview_id", "NULL"),
            ("rolled_back_to_id", "NULL"),
            ("rollback_content_id", "NULL"),
            ("helm_revision", "CASE WHEN m.content IS NULL THEN NULL ELSE m.number END"),
            ("culprit_sealed", "m.culprit"),
            ("failure_sealed", "m.failure"),
            ("op_id", "m.op"),
            ("created_at", "m.at"),
            ("created_by", "m.made_by"),
            ("started_at", "m.started"),
            ("finished_at", "m.finished"),
            ("domain_id", "NULL"),
            ("backup_id", "NULL"),
            ("backup_before_id", "NULL"),
        ],
        from: "multiplied_deployments m JOIN deployments t ON t.id = m.source",
    },
    Copies {
        table: "ops",
        differ: &[
            ("id", "m.op"),
            ("environment_id", "m.environment"),
            ("environment_kind", "m.kind"),
            ("deployment_id", "m.id"),
            ("app_id", "m.app"),
            ("state", "m.state"),
            ("worker", "NULL"),
            ("lease_until", "NULL"),
            ("deadline", "NULL"),
            ("culprits_sealed", "NULL"),
            ("cursor_sealed", "NULL"),
            ("cancel_by", "NULL"),
            ("waits_for", "NULL"),
            ("last_sequence", "CASE WHEN m.shown THEN t.last_sequence ELSE 0 END"),
            ("created_at", "m.at"),
            ("started_at", "m.started"),
            ("finished_at", "m.finished"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN ops t ON t.id = s.op_id ORDER BY m.at",
    },
    Copies {
        table: "op_steps",
        differ: &[
            ("op_id", "m.op"),
            ("state", "CASE WHEN m.started IS NULL THEN 'skipped' ELSE t.state END"),
            ("started_at", "m.started + (t.started_at - s.started_at)"),
            ("finished_at", "m.started + (t.finished_at - s.started_at)"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_steps t ON t.op_id = s.op_id \
               ORDER BY m.op",
    },
    Copies {
        table: "op_objects",
        differ: &[("op_id", "m.op"), ("name", "REPLACE(t.name, e.release_name, m.own_name)")],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_objects t ON t.op_id = s.op_id \
               JOIN environments e ON e.id = s.environment_id WHERE m.shown",
    },
    Copies {
        table: "op_log",
        differ: &[("op_id", "m.op")],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_log t ON t.op_id = s.op_id \
               WHERE m.shown AND t.lines_sealed IS NULL",
    },
    Copies {
        table: "batch_members",
        differ: &[
            ("batch_id", "m.batch"),
            ("id", "m.environment"),
            ("ordinal", "m.place"),
            ("kind", "m.kind"),
            ("state", "m.state"),
            ("deployment_id", "m.id"),
            ("note", "''"),
        ],
        from: "multiplied_deployments m WHERE m.batch IS NOT NULL",
    },
];

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
    let (culprit, failure) = match event.state {
        DeploymentState::Failed => told_failure(objects, event.id)?,
        _ => (None, None),
    };
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
fn told_failure(
    objects: &Objects,
    id: DeploymentId,
) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), Error> {
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
    Ok((Some(culprit), Some(failure)))
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
        if done % PLACES == 0 {
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
        let of = |wanted: fn(
            &(crate::environment::EnvironmentKind, DeploymentState, i64),
        ) -> bool|
         -> i64 {
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
            of(|it| it.0 == crate::environment::EnvironmentKind::Sandbox).into(),
            later(batch.at, 3_600).param(),
        ]
    });
    let rows = rows.collect();
    let tx = db.begin().await?;
    store::insert(&tx, "batches", &columns, rows).await?;
    Ok(commit(tx).await?)
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// The audit log, domains and backups.
pub(super) async fn rest(
    db: &Db,
    world: &World,
    history: &History,
    told: Told<'_>,
) -> Result<(), Error> {
    let made_by_people: Vec<&Event> =
        history.events.iter().filter(|event| event.batch.is_none()).step_by(AUDITED).collect();
    for (chunk, events) in made_by_people.chunks(PLACES).enumerate() {
        if chunk % 10 == 0 {
            told("entries of the audit log", chunk * PLACES, made_by_people.len());
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
            let at = later(current.finished(), number * 600);
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
                later(at, 60).param(),
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
                later(at, 60).param(),
                app.id.param(),
            ]);
        }
    }
    store::insert(tx, "ops", &op_columns, ops).await?;
    Ok(store::insert(tx, "backups", &columns, rows).await?)
}

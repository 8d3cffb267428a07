//! Clusters beyond those that are there, and people of every role.

use super::copies_store;
use super::store::{self, World};
use crate::actor::{ActorKind, By};
use crate::error::Error;
use crate::rights::Role;
use crate::store::ids::{ClusterId, PersonId, TokenId};
use crate::store::sql::{Json, Param, now};
use crate::store::{Db, commit, search};

const CLUSTERS: u64 = 40;
const PEOPLE: u64 = 60;
const NAMES: [&str; 10] =
    ["Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jean"];
const SURNAMES: [&str; 6] = ["Lovelace", "Liskov", "Shannon", "Knuth", "Dijkstra", "Allen"];

/// Adds clusters like the first, and people of every role with tokens.
pub(super) async fn write(db: &Db, world: &mut World) -> Result<(), Error> {
    let at = now();
    let tx = db.begin().await?;
    for number in 1..=CLUSTERS {
        let (first, _) = world.clusters[0];
        let (id, name) = (ClusterId::of(at, number), format!("customer-{number:02}"));
        copies_store::cluster(&tx, world, first, id, &name).await?;
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

//! SQL of what changes people: roles, shutting out, removal, invitations, password resets.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::store::{read_brief, read_person};
use super::{Invitation, PasswordHash, Person, PersonBrief};
use crate::actor::By;
use crate::names::Email;
use crate::rights::Role;
use crate::store::Executor;
use crate::store::ids::{PersonId, SessionId};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Makes changes of people wait for each other: which of two Administrators may go depends on the other.
pub(super) async fn lock_people(c: &impl Executor) -> Result<(), StoreError> {
    sql("UPDATE account SET created_at = created_at WHERE id = 1")
        .run(c, "wait for other changes of people")
        .await
        .map(drop)
}

/// One person by e-mail address.
pub(super) async fn person_by_email(
    c: &impl Executor,
    email: &Email,
) -> Result<Option<Person>, StoreError> {
    sql("SELECT * FROM people WHERE email_key = $1")
        .bind(email.key())
        .one(c, "read a person", read_person)
        .await
}

/// How many Administrators there are besides this one who are not shut out.
pub(super) async fn other_administrators(
    c: &impl Executor,
    person: PersonId,
) -> Result<i64, StoreError> {
    let counted = sql(
        "SELECT COUNT(*) AS n FROM people WHERE role = $1 AND disabled_at IS NULL AND id <> $2",
    )
    .bind(Role::Administrator)
    .bind(person)
    .one(c, "count the Administrators", |row| row.get("n"))
    .await?;
    Ok(counted.unwrap_or(0))
}

/// Puts a person's name, role, and whether they are shut out.
pub(super) async fn update_person(c: &impl Executor, person: &Person) -> Result<(), StoreError> {
    sql("UPDATE people SET name = $2, name_key = $3, role = $4, disabled_at = $5 WHERE id = $1")
        .bind(person.brief.id)
        .bind(person.brief.name.as_str())
        .bind(person.brief.name.to_lowercase())
        .bind(person.brief.role)
        .bind(person.disabled_at)
        .run(c, "change a person")
        .await
        .map(drop)
}

/// Forgets the words that a person is found by.
pub(super) async fn forget_terms(c: &impl Executor, person: PersonId) -> Result<(), StoreError> {
    sql("DELETE FROM search_terms WHERE kind = 'person' AND subject_id = $1")
        .bind(person)
        .run(c, "forget search terms")
        .await
        .map(drop)
}

/// Deletes a person with everything by which they could come in. What they did keeps their name.
pub(super) async fn delete_person(c: &impl Executor, person: PersonId) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM password_resets WHERE person_id = $1",
        "DELETE FROM signin_links WHERE person_id = $1",
        "DELETE FROM tokens WHERE person_id = $1",
        "DELETE FROM sessions WHERE person_id = $1",
        "DELETE FROM people WHERE id = $1",
    ] {
        sql(text).bind(person).run(c, "remove a person").await?;
    }
    Ok(())
}

/// Ends a person's sessions but the one to keep; how many.
pub(super) async fn end_sessions(
    c: &impl Executor,
    person: PersonId,
    keep: Option<SessionId>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    sql("UPDATE sessions SET ended_at = $2 WHERE person_id = $1 AND ended_at IS NULL \
         AND expires_at > $2 AND id <> $3")
    .bind(person)
    .bind(at)
    .bind(keep.map_or_else(String::new, |session| session.to_string()))
    .run(c, "end sessions")
    .await
}

/// Ends a person's tokens; how many.
pub(super) async fn revoke_tokens(
    c: &impl Executor,
    owner: PersonId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    sql("UPDATE tokens SET revoked_at = $2 WHERE person_id = $1 AND revoked_at IS NULL")
        .bind(owner)
        .bind(at)
        .run(c, "revoke tokens")
        .await
}

/// Withdraws the links that someone made for others.
pub(super) async fn withdraw_links_of(
    c: &impl Executor,
    maker: PersonId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM invitations WHERE created_by_id = $1",
        "DELETE FROM password_resets WHERE created_by_id = $1",
    ] {
        sql(text).bind(maker).run(c, "withdraw links").await?;
    }
    Ok(())
}

/// The password of a person, if they have one.
pub(super) async fn password(
    c: &impl Executor,
    person: PersonId,
) -> Result<Option<PasswordHash>, StoreError> {
    let found = sql("SELECT password_hash FROM people WHERE id = $1")
        .bind(person)
        .one(c, "read a person", |row| row.opt("password_hash"))
        .await?;
    Ok(found.flatten())
}

/// Puts a person's password.
pub(super) async fn set_password(
    c: &impl Executor,
    person: PersonId,
    password: PasswordHash,
) -> Result<(), StoreError> {
    sql("UPDATE people SET password_hash = $2 WHERE id = $1")
        .bind(person)
        .bind(password)
        .run(c, "set a password")
        .await
        .map(drop)
}

/// Invitations as lists show them.
pub(super) fn invitations_view() -> View {
    View { table: "invitations", alias: "i", columns: "i.*", joins: "", doing: "list invitations" }
}

pub(super) fn read_invitation(row: &Row<'_>) -> Result<Invitation, DbErr> {
    Ok(Invitation {
        id: row.get("id")?,
        email: row.get("email")?,
        role: row.get("role")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
        expires_at: row.get("expires_at")?,
    })
}

/// Adds an invitation.
pub(super) async fn insert_invitation(
    c: &impl Executor,
    new: &Invitation,
    token_hash: &[u8],
    maker: Option<PersonId>,
) -> Result<(), StoreError> {
    sql("INSERT INTO invitations (id, token_hash, email, email_key, role, created_at, created_by, \
         created_by_id, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(new.id)
    .bind(token_hash)
    .bind(&new.email)
    .bind(new.email.key())
    .bind(new.role)
    .bind(new.created_at)
    .bind(Json::<&By>(&new.created_by))
    .bind(maker)
    .bind(new.expires_at)
    .run(c, "add an invitation")
    .await
    .map(drop)
}

/// The invitation behind a link, if it can still be accepted.
pub(super) async fn invitation_of_link(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    sql("SELECT * FROM invitations WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash)
        .bind(at)
        .one(c, "read an invitation", read_invitation)
        .await
}

/// Takes an invitation away by a column of it; what it was, if there was one.
async fn take_invitation(
    c: &impl Executor,
    condition: &str,
    value: String,
) -> Result<Option<Invitation>, StoreError> {
    sql(format!("DELETE FROM invitations WHERE {condition} = $1 RETURNING *"))
        .bind(value)
        .one(c, "take an invitation away", read_invitation)
        .await
}

/// Takes an invitation away by its id; what it was, if there was one.
pub(super) async fn take_invitation_by_id(
    c: &impl Executor,
    id: crate::store::ids::InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    take_invitation(c, "id", id.to_string()).await
}

/// Takes the invitation for an address away; what it was, if there was one.
pub(super) async fn take_invitation_by_email(
    c: &impl Executor,
    email: &Email,
) -> Result<Option<Invitation>, StoreError> {
    take_invitation(c, "email_key", email.key()).await
}

/// A link to set a new password.
pub(super) struct NewReset<'a> {
    pub(super) person: PersonId,
    pub(super) token_hash: &'a [u8],
    pub(super) at: Timestamp,
    pub(super) maker: Option<PersonId>,
    pub(super) expires_at: Timestamp,
}

/// Makes a link to set a new password; an earlier one of the person ends.
pub(super) async fn put_reset(c: &impl Executor, new: &NewReset<'_>) -> Result<(), StoreError> {
    sql("INSERT INTO password_resets (person_id, token_hash, created_at, created_by_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person_id) DO UPDATE SET \
         token_hash = excluded.token_hash, created_at = excluded.created_at, \
         created_by_id = excluded.created_by_id, expires_at = excluded.expires_at")
    .bind(new.person)
    .bind(new.token_hash)
    .bind(new.at)
    .bind(new.maker)
    .bind(new.expires_at)
    .run(c, "make a link to set a password")
    .await
    .map(drop)
}

/// Whose password a link sets, if it can still be used.
pub(super) async fn person_of_reset(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<Option<PersonBrief>, StoreError> {
    sql("SELECT p.* FROM password_resets r JOIN people p ON p.id = r.person_id \
         WHERE r.token_hash = $1 AND r.expires_at > $2 AND p.disabled_at IS NULL")
    .bind(token_hash)
    .bind(at)
    .one(c, "read a link to set a password", read_brief)
    .await
}

/// Takes a person's link away; whether there was one.
pub(super) async fn take_reset(c: &impl Executor, person: PersonId) -> Result<bool, StoreError> {
    let taken = sql("DELETE FROM password_resets WHERE person_id = $1")
        .bind(person)
        .run(c, "use a link to set a password up")
        .await?;
    Ok(taken == 1)
}

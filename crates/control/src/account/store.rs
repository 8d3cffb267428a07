//! SQL of people, sessions, tokens and sign-in links.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{PasswordHash, Person, PersonBrief, SessionInfo, Token};
use crate::actor::By;
use crate::names::Email;
use crate::rights::Role;
use crate::store::Executor;
use crate::store::ids::{PersonId, SessionId, SigninLinkId, TokenId};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// People as lists show them.
pub(crate) fn people_view() -> View {
    View { table: "people", alias: "p", columns: "p.*", joins: "", doing: "list people" }
}

pub(super) fn read_brief(row: &Row<'_>) -> Result<PersonBrief, DbErr> {
    Ok(PersonBrief {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        role: row.get("role")?,
    })
}

pub(super) fn read_person(row: &Row<'_>) -> Result<Person, DbErr> {
    Ok(Person {
        brief: read_brief(row)?,
        last_seen_at: row.opt("last_seen_at")?,
        created_at: row.get("created_at")?,
        disabled_at: row.opt("disabled_at")?,
    })
}

/// Whether there is anybody.
pub(super) async fn anybody(c: &impl Executor) -> Result<bool, StoreError> {
    let found = sql("SELECT id FROM people LIMIT 1").one(c, "look for people", |_| Ok(())).await?;
    Ok(found.is_some())
}

/// One person.
pub(super) async fn person(c: &impl Executor, id: PersonId) -> Result<Option<Person>, StoreError> {
    sql("SELECT * FROM people WHERE id = $1").bind(id).one(c, "read a person", read_person).await
}

/// A person who may sign in, with their password.
pub(super) async fn for_sign_in(
    c: &impl Executor,
    email: &Email,
) -> Result<Option<(PersonBrief, Option<PasswordHash>)>, StoreError> {
    sql("SELECT * FROM people WHERE email_key = $1 AND disabled_at IS NULL")
        .bind(email.key())
        .one(c, "read a person", |row| Ok((read_brief(row)?, row.opt("password_hash")?)))
        .await
}

/// Adds a person.
pub(super) async fn insert_person(
    c: &impl Executor,
    person: &PersonBrief,
    password: Option<PasswordHash>,
    at: Timestamp,
    by: &By,
) -> Result<(), StoreError> {
    sql("INSERT INTO people (id, email, email_key, name, name_key, role, password_hash, created_at, \
         created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(person.id)
    .bind(&person.email)
    .bind(person.email.key())
    .bind(person.name.as_str())
    .bind(person.name.to_lowercase())
    .bind(person.role)
    .bind(password)
    .bind(at)
    .bind(Json(by))
    .run(c, "add a person")
    .await
    .map(drop)
}

/// Puts the digest of the set-up code; none: there is none any more.
pub(super) async fn set_setup_code(
    c: &impl Executor,
    hash: Option<&[u8]>,
) -> Result<(), StoreError> {
    sql("UPDATE account SET setup_code_hash = $1 WHERE id = 1")
        .bind(hash.map(<[u8]>::to_vec))
        .run(c, "store the set-up code")
        .await
        .map(drop)
}

/// Uses the set-up code up; false if it is not this one.
pub(super) async fn use_setup_code(c: &impl Executor, hash: &[u8]) -> Result<bool, StoreError> {
    let used =
        sql("UPDATE account SET setup_code_hash = NULL WHERE id = 1 AND setup_code_hash = $1")
            .bind(hash)
            .run(c, "use the set-up code up")
            .await?;
    Ok(used == 1)
}

/// A session to begin.
pub(super) struct NewSessionRow<'a> {
    pub(super) id: SessionId,
    pub(super) token_hash: &'a [u8],
    pub(super) person: PersonId,
    pub(super) remote_address: Option<String>,
    pub(super) user_agent: &'a str,
    pub(super) at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Begins a session.
pub(super) async fn insert_session(
    c: &impl Executor,
    new: &NewSessionRow<'_>,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO sessions (id, token_hash, person_id, remote_address, user_agent, created_at, \
         last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
    )
    .bind(new.id)
    .bind(new.token_hash)
    .bind(new.person)
    .bind(new.remote_address.as_deref())
    .bind(new.user_agent)
    .bind(new.at)
    .bind(new.expires_at)
    .run(c, "begin a session")
    .await?;
    sql("UPDATE people SET last_seen_at = $2 WHERE id = $1")
        .bind(new.person)
        .bind(new.at)
        .run(c, "begin a session")
        .await
        .map(drop)
}

/// A credential that lasts: who it is for, and when it was last seen.
pub(super) struct Held<Id> {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) person: PersonBrief,
    pub(super) role: Role,
    pub(super) seen_at: Option<Timestamp>,
}

/// The session behind a cookie, if it lasts and its person is not shut out.
pub(super) async fn session(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<Option<Held<SessionId>>, StoreError> {
    sql("SELECT p.*, s.id AS session_id, s.last_seen_at AS seen_at FROM sessions s \
         JOIN people p ON p.id = s.person_id \
         WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2 \
         AND p.disabled_at IS NULL")
    .bind(token_hash)
    .bind(at)
    .one(c, "read a session", |row| {
        let person = read_brief(row)?;
        Ok(Held {
            id: row.get("session_id")?,
            name: person.name.clone(),
            role: person.role,
            seen_at: row.opt("seen_at")?,
            person,
        })
    })
    .await
}

/// Notes that a session is used, and prolongs it.
pub(super) async fn touch_session(
    c: &impl Executor,
    session: SessionId,
    person: PersonId,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "prolong a session";
    sql(
        "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1 AND ended_at IS NULL",
    )
    .bind(session)
    .bind(at)
    .bind(expires_at)
    .run(c, DOING)
    .await?;
    sql("UPDATE people SET last_seen_at = $2 WHERE id = $1")
        .bind(person)
        .bind(at)
        .run(c, DOING)
        .await
        .map(drop)
}

/// Ends a session of a person; what it was, if there is one.
pub(super) async fn end_session(
    c: &impl Executor,
    session: SessionId,
    person: PersonId,
    at: Timestamp,
) -> Result<Option<SessionInfo>, StoreError> {
    sql("UPDATE sessions SET ended_at = $3 \
         WHERE id = $1 AND person_id = $2 AND ended_at IS NULL RETURNING *")
    .bind(session)
    .bind(person)
    .bind(at)
    .one(c, "end a session", |row| read_session(row, None))
    .await
}

/// A person's sessions that last, last begun first.
pub(super) async fn sessions(
    c: &impl Executor,
    person: PersonId,
    current: Option<SessionId>,
    at: Timestamp,
) -> Result<Vec<SessionInfo>, StoreError> {
    sql("SELECT * FROM sessions WHERE person_id = $1 AND ended_at IS NULL AND expires_at > $2 \
         ORDER BY id DESC LIMIT 200")
    .bind(person)
    .bind(at)
    .all(c, "list sessions", |row| read_session(row, current))
    .await
}

fn read_session(row: &Row<'_>, current: Option<SessionId>) -> Result<SessionInfo, DbErr> {
    let id = row.get("id")?;
    Ok(SessionInfo {
        id,
        current: current == Some(id),
        remote_address: row.opt("remote_address")?,
        user_agent: row.get("user_agent")?,
        created_at: row.get("created_at")?,
        last_seen_at: row.get("last_seen_at")?,
    })
}

/// The role that a session gives now, if it lasts.
pub(super) async fn session_role(
    c: &impl Executor,
    session: SessionId,
    at: Timestamp,
) -> Result<Option<Role>, StoreError> {
    sql("SELECT p.role FROM sessions s JOIN people p ON p.id = s.person_id WHERE s.id = $1 \
         AND s.ended_at IS NULL AND s.expires_at > $2 AND p.disabled_at IS NULL")
    .bind(session)
    .bind(at)
    .one(c, "read a session", |row| row.get("role"))
    .await
}

/// Makes a token.
pub(super) async fn insert_token(
    c: &impl Executor,
    token: &Token,
    token_hash: &[u8],
    owner: PersonId,
) -> Result<(), StoreError> {
    sql("INSERT INTO tokens (id, token_hash, person_id, name, role, prefix, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(token.id)
    .bind(token_hash)
    .bind(owner)
    .bind(token.name.as_str())
    .bind(token.role)
    .bind(token.prefix.as_str())
    .bind(token.created_at)
    .bind(token.expires_at)
    .run(c, "make a token")
    .await
    .map(drop)
}

/// A person's tokens that were not revoked, last made first.
pub(super) async fn tokens(c: &impl Executor, owner: PersonId) -> Result<Vec<Token>, StoreError> {
    sql("SELECT * FROM tokens WHERE person_id = $1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 200")
        .bind(owner)
        .all(c, "list tokens", read_token)
        .await
}

fn read_token(row: &Row<'_>) -> Result<Token, DbErr> {
    Ok(Token {
        id: row.get("id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        prefix: row.get("prefix")?,
        created_at: row.get("created_at")?,
        expires_at: row.opt("expires_at")?,
        last_used_at: row.opt("last_used_at")?,
    })
}

/// The role that a token gives now, if it lasts.
pub(super) async fn token_role(
    c: &impl Executor,
    token: TokenId,
    at: Timestamp,
) -> Result<Option<Role>, StoreError> {
    sql("SELECT t.role AS token_role, p.role FROM tokens t JOIN people p ON p.id = t.person_id \
         WHERE t.id = $1 AND t.revoked_at IS NULL \
         AND (t.expires_at IS NULL OR t.expires_at > $2) AND p.disabled_at IS NULL")
    .bind(token)
    .bind(at)
    .one(c, "read a token", |row| {
        let (own, owner): (Role, Role) = (row.get("token_role")?, row.get("role")?);
        Ok(own.min(owner))
    })
    .await
}

/// The token behind a secret, if it lasts and its owner is not shut out.
pub(super) async fn token(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<Option<Held<TokenId>>, StoreError> {
    sql("SELECT p.*, t.id AS token_id, t.name AS token_name, t.role AS token_role, \
         t.last_used_at AS seen_at FROM tokens t JOIN people p ON p.id = t.person_id \
         WHERE t.token_hash = $1 AND t.revoked_at IS NULL \
         AND (t.expires_at IS NULL OR t.expires_at > $2) AND p.disabled_at IS NULL")
    .bind(token_hash)
    .bind(at)
    .one(c, "read a token", |row| {
        let person = read_brief(row)?;
        let role: Role = row.get("token_role")?;
        Ok(Held {
            id: row.get("token_id")?,
            name: row.get("token_name")?,
            role: role.min(person.role),
            seen_at: row.opt("seen_at")?,
            person,
        })
    })
    .await
}

/// Notes that a token is used.
pub(super) async fn touch_token(
    c: &impl Executor,
    token: TokenId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE tokens SET last_used_at = $2 WHERE id = $1")
        .bind(token)
        .bind(at)
        .run(c, "note the use of a token")
        .await
        .map(drop)
}

/// A token that was not revoked, and whose it is.
pub(super) async fn token_by_id(
    c: &impl Executor,
    token: TokenId,
) -> Result<Option<(Token, PersonBrief)>, StoreError> {
    let token = sql("SELECT * FROM tokens WHERE id = $1 AND revoked_at IS NULL")
        .bind(token)
        .one(c, "read a token", |row| Ok((read_token(row)?, row.get("person_id")?)))
        .await?;
    let Some((token, owner)) = token else { return Ok(None) };
    Ok(person(c, owner).await?.map(|person| (token, person.brief)))
}

/// Ends a token; false if it has ended already.
pub(super) async fn revoke_token(
    c: &impl Executor,
    token: TokenId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let revoked = sql("UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(token)
        .bind(at)
        .run(c, "revoke a token")
        .await?;
    Ok(revoked == 1)
}

/// Makes a sign-in link.
pub(super) async fn insert_link(
    c: &impl Executor,
    token_hash: &[u8],
    person: PersonId,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sql("INSERT INTO signin_links (id, token_hash, person_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)")
    .bind(SigninLinkId::generate())
    .bind(token_hash)
    .bind(person)
    .bind(at)
    .bind(expires_at)
    .run(c, "make a sign-in link")
    .await
    .map(drop)
}

/// Whom a link signs in, if it can still be used.
pub(super) async fn link(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<Option<PersonBrief>, StoreError> {
    sql("SELECT p.* FROM signin_links l JOIN people p ON p.id = l.person_id \
         WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2 \
         AND p.disabled_at IS NULL")
    .bind(token_hash)
    .bind(at)
    .one(c, "read a sign-in link", read_brief)
    .await
}

/// Uses a link up; false if it was used or has ended.
pub(super) async fn use_link(
    c: &impl Executor,
    token_hash: &[u8],
    at: Timestamp,
) -> Result<bool, StoreError> {
    let used = sql("UPDATE signin_links SET used_at = $2 \
                    WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2")
    .bind(token_hash)
    .bind(at)
    .run(c, "use a sign-in link up")
    .await?;
    Ok(used == 1)
}

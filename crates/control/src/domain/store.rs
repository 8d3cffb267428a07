//! SQL of custom domains.

use jiff::Timestamp;
use rollout::certificate::Issuance;
use rollout::ingress::IngressAddresses;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};

use super::records::Findings;
use super::{Certificate, Host, Tls};
use crate::actor::By;
use crate::environment::EnvironmentRow;
use crate::store::Executor;
use crate::store::ids::{DomainId, EnvironmentId};
use crate::store::sql::{Json, Row, StoreError, sql};

/// A domain's own row.
#[derive(Clone, Debug)]
pub(crate) struct DomainRow {
    pub(crate) id: DomainId,
    pub(crate) environment: EnvironmentId,
    pub(crate) host: Host,
    /// What its record is to say.
    pub(crate) token: String,
    /// When it was proved last; none: it is only claimed.
    pub(crate) proved_at: Option<Timestamp>,
    /// Since when the environment answers on it, as far as deployments say.
    pub(crate) deployed_at: Option<Timestamp>,
    pub(crate) tls: Tls,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) certificate_sealed: Option<Vec<u8>>,
    pub(crate) findings: Option<Findings>,
    pub(crate) issuance: Option<SeenIssuance>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: By,
}

/// How the certificate stood that cert-manager sees to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenIssuance {
    pub(crate) at: Timestamp,
    /// None: there was no such certificate.
    pub(crate) found: Option<Issuance>,
}

const READ: &str = "read a custom domain";

fn read_row(row: &Row<'_>) -> Result<DomainRow, DbErr> {
    Ok(DomainRow {
        id: row.get("id")?,
        environment: row.get("environment_id")?,
        host: row.get("host")?,
        token: row.get("token")?,
        proved_at: row.opt("proved_at")?,
        deployed_at: row.opt("deployed_at")?,
        tls: row.get("tls")?,
        certificate: row.json_opt("certificate")?,
        certificate_sealed: row.opt("certificate_sealed")?,
        findings: row.json_opt("findings")?,
        issuance: row.json_opt("issuance")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
    })
}

/// The domains of an environment, in the order in which they were added.
pub(crate) async fn of_environment(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Vec<DomainRow>, StoreError> {
    sql("SELECT * FROM domains WHERE environment_id = $1 ORDER BY id")
        .bind(environment)
        .all(c, READ, read_row)
        .await
}

/// One of them, by id.
pub(crate) async fn by_id(
    c: &impl Executor,
    environment: EnvironmentId,
    id: DomainId,
) -> Result<Option<DomainRow>, StoreError> {
    sql("SELECT * FROM domains WHERE id = $1 AND environment_id = $2")
        .bind(id)
        .bind(environment)
        .one(c, READ, read_row)
        .await
}

/// One of them, by host.
pub(crate) async fn by_host(
    c: &impl Executor,
    environment: EnvironmentId,
    host: &Host,
) -> Result<Option<DomainRow>, StoreError> {
    sql("SELECT * FROM domains WHERE environment_id = $1 AND host = $2")
        .bind(environment)
        .bind(host)
        .one(c, READ, read_row)
        .await
}

/// The one that an environment answers on.
pub(crate) async fn deployed(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<DomainRow>, StoreError> {
    sql("SELECT * FROM domains WHERE environment_id = $1 AND deployed_at IS NOT NULL")
        .bind(environment)
        .one(c, READ, read_row)
        .await
}

/// Whose a host is: the environment that proved it.
pub(crate) async fn owner(
    c: &impl Executor,
    host: &Host,
) -> Result<Option<EnvironmentId>, StoreError> {
    sql("SELECT environment_id FROM domains WHERE host = $1 AND proved_at IS NOT NULL")
        .bind(host)
        .one(c, READ, |row| row.get("environment_id"))
        .await
}

/// Adds a domain that is only claimed; false where the environment has it already.
pub(crate) async fn insert(c: &impl Executor, row: &DomainRow) -> Result<bool, StoreError> {
    let added =
        sql("INSERT INTO domains (id, environment_id, host, token, tls, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (environment_id, host) DO NOTHING")
        .bind(row.id)
        .bind(row.environment)
        .bind(&row.host)
        .bind(row.token.as_str())
        .bind(row.tls)
        .bind(row.created_at)
        .bind(Json(&row.created_by))
        .run(c, "add a custom domain")
        .await?;
    Ok(added == 1)
}

/// Keeps what was found of a domain.
pub(crate) async fn set_findings(
    c: &impl Executor,
    id: DomainId,
    findings: &Findings,
) -> Result<(), StoreError> {
    sql("UPDATE domains SET findings = $2 WHERE id = $1")
        .bind(id)
        .bind(Json(findings))
        .run(c, "keep what was found of a domain")
        .await
        .map(drop)
}

/// Keeps how its certificate stands.
pub(crate) async fn set_issuance(
    c: &impl Executor,
    id: DomainId,
    issuance: &SeenIssuance,
) -> Result<(), StoreError> {
    sql("UPDATE domains SET issuance = $2 WHERE id = $1")
        .bind(id)
        .bind(Json(issuance))
        .run(c, "keep how a certificate stands")
        .await
        .map(drop)
}

/// The domain is proved: it is this environment's. False where another environment was first; the database itself
/// forbids two.
pub(crate) async fn prove(
    c: &impl Executor,
    id: DomainId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    // Tried only where nobody else has it: a refused statement would end a transaction of PostgreSQL.
    let proved = sql("UPDATE domains SET proved_at = $2 WHERE id = $1 AND NOT EXISTS \
         (SELECT 1 FROM domains o WHERE o.host = domains.host AND o.id <> domains.id \
          AND o.proved_at IS NOT NULL)")
    .bind(id)
    .bind(at)
    .run(c, "note that a domain is proved")
    .await;
    match proved {
        Ok(rows) => Ok(rows == 1),
        Err(failed) if failed.violates("domains_proved", "domains.host") => Ok(false),
        Err(failed) => Err(failed),
    }
}

/// The proof is gone: the domain is anyone's again, unless the environment answers on it.
pub(crate) async fn unprove(c: &impl Executor, id: DomainId) -> Result<bool, StoreError> {
    let lost = sql("UPDATE domains SET proved_at = NULL WHERE id = $1 AND deployed_at IS NULL \
                    AND proved_at IS NOT NULL")
    .bind(id)
    .run(c, "note that a domain is proved no more")
    .await?;
    Ok(lost == 1)
}

/// Keeps a certificate for it, or goes back to the App's issuer.
pub(crate) async fn set_certificate(
    c: &impl Executor,
    id: DomainId,
    certificate: Option<(&Certificate, Vec<u8>)>,
) -> Result<(), StoreError> {
    let (shown, sealed) = certificate.unzip();
    sql("UPDATE domains SET tls = $2, certificate = $3, certificate_sealed = $4, \
         certificate_expires_at = $5 WHERE id = $1")
    .bind(id)
    .bind(if shown.is_some() { Tls::Uploaded } else { Tls::Issuer })
    .bind(shown.map(|shown| {
        serde_json::to_string(shown).expect("texts, numbers and times are always JSON")
    }))
    .bind(sealed)
    .bind(shown.map(|shown| shown.expires_at))
    .run(c, "keep a certificate")
    .await
    .map(drop)
}

/// The environment answers on this domain now, and on no other; none: on its default host.
pub(crate) async fn set_deployed(
    c: &impl Executor,
    environment: EnvironmentId,
    id: Option<DomainId>,
    at: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "note which host an environment answers on";
    sql("UPDATE domains SET deployed_at = NULL WHERE environment_id = $1 AND deployed_at IS NOT NULL")
        .bind(environment)
        .run(c, DOING)
        .await?;
    let Some(id) = id else { return Ok(()) };
    sql("UPDATE domains SET deployed_at = $3 WHERE id = $1 AND environment_id = $2")
        .bind(id)
        .bind(environment)
        .bind(at)
        .run(c, DOING)
        .await
        .map(drop)
}

/// Whether a deployment of the domain waits or runs.
pub(crate) async fn is_being_deployed(c: &impl Executor, id: DomainId) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM ops o JOIN deployments d ON d.id = o.deployment_id \
                     WHERE o.environment_id = (SELECT environment_id FROM domains WHERE id = $1) \
                     AND o.state IN ('queued', 'running') AND d.domain_id = $1 LIMIT 1")
    .bind(id)
    .one(c, "see whether a domain is being deployed", |_| Ok(()));
    Ok(found.await?.is_some())
}

/// Takes a domain from its environment.
pub(crate) async fn delete(c: &impl Executor, id: DomainId) -> Result<(), StoreError> {
    sql("DELETE FROM domains WHERE id = $1").bind(id).run(c, "remove a domain").await.map(drop)
}

/// Takes all from an environment that is gone: they are anyone's.
pub(crate) async fn free(c: &impl Executor, environment: EnvironmentId) -> Result<(), StoreError> {
    sql("DELETE FROM domains WHERE environment_id = $1")
        .bind(environment)
        .run(c, "free the domains of an environment")
        .await
        .map(drop)
}

/// Where an environment's ingress is: as given, and as its cluster said last.
pub(crate) async fn ingress(
    c: &impl Executor,
    environment: &EnvironmentRow,
) -> Result<(String, Option<IngressAddresses>), StoreError> {
    let found = sql("SELECT ingress_address, ingress_seen FROM environments WHERE id = $1")
        .bind(environment.id)
        .one(c, READ, |row| Ok((row.get("ingress_address")?, row.json_opt("ingress_seen")?)));
    Ok(found.await?.unwrap_or_default())
}

/// Keeps where the cluster says that it is.
pub(crate) async fn set_ingress_seen(
    c: &impl Executor,
    environment: EnvironmentId,
    seen: &IngressAddresses,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET ingress_seen = $2 WHERE id = $1")
        .bind(environment)
        .bind(Json(seen))
        .run(c, "keep where an ingress is")
        .await
        .map(drop)
}

/// Sets where it is; empty: as the App or the cluster says.
pub(crate) async fn set_ingress_address(
    c: &impl Executor,
    environment: EnvironmentId,
    address: &str,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET ingress_address = $2 WHERE id = $1")
        .bind(environment)
        .bind(address)
        .run(c, "set where an ingress is")
        .await
        .map(drop)
}

/// Whether any domain of an environment has an uploaded certificate.
pub(crate) async fn has_certificates(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM domains WHERE environment_id = $1 AND tls = $2 LIMIT 1")
        .bind(environment)
        .bind(Tls::Uploaded)
        .one(c, READ, |_| Ok(()));
    Ok(found.await?.is_some())
}

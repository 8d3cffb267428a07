//! The tab "Domain" of an environment: which host it answers on, its custom domains with the DNS records they need, and
//! their certificates. What changes by itself is live; what is typed into stands outside of that.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::domain::{
    AddressSource, DnsRecord, Domain, DomainState, EnvironmentDomains, NewAddress, NewCertificate,
    NewDomain, RecordState, Tls, WARN_DAYS,
};
use control::environment::EnvironmentState;
use control::rights::Subject;
use secrecy::SecretString;
use serde::Deserialize;

use super::environment::{Head, Tab, read_head};
use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::view::state::Mark;

#[derive(Template)]
#[template(path = "pages/environment_domain.html", blocks = ["live"])]
struct DomainTab {
    chrome: Chrome,
    head: Head,
    told: Told,
    sent: DomainForm,
    view: EnvironmentDomains,
    may_write: bool,
    /// Whether the asker may say in the App's settings how domains reach its chart.
    may_set_up: bool,
}

live_page!(DomainTab);

/// What the forms of the page send; each sends its part.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DomainForm {
    host: String,
    certificate: String,
    key: SecretString,
    address: String,
}

impl DomainTab {
    /// The host that the next deployment gives it, where what runs has another: after a rollback.
    fn other_next(&self) -> Option<&str> {
        let next = self.view.next.as_deref()?;
        (self.view.answers_on.as_deref() != Some(next) && self.view.answers_on.is_some())
            .then_some(next)
    }

    /// Whether there is a custom host to go back from.
    fn may_reset(&self) -> bool {
        self.head.may_deploy
            && self.view.takes_domains
            && (self.view.domains.iter().any(|it| it.state == DomainState::Deployed)
                || (self.view.answers_on.is_some()
                    && self.view.answers_on != self.view.default_host))
    }

    fn address_source(&self) -> &'static str {
        match self.view.address.source {
            AddressSource::Environment => "as set here",
            AddressSource::App => "as the App's settings say",
            AddressSource::Ingress => "as its Ingress says",
            AddressSource::Unknown => "not known yet",
        }
    }

    /// Host names and addresses in a line.
    fn address(&self) -> String {
        let address = &self.view.address;
        let addresses = address.addresses.iter().map(ToString::to_string);
        address.names.iter().cloned().chain(addresses).collect::<Vec<_>>().join(", ")
    }
}

/// How a domain stands, as shape, colour and word.
fn state(domain: &Domain) -> Mark {
    let (class, word) = match domain.state {
        _ if domain.belongs_to.is_some() => ("bad", "Belongs to another"),
        DomainState::Deployed if !proof_found(domain) => ("warn", "Deployed, proof gone"),
        DomainState::Deployed => ("good", "Deployed"),
        DomainState::Proved => ("good", "Proved"),
        DomainState::Claimed if domain.checked_at.is_some() => ("warn", "Not proved"),
        DomainState::Claimed => ("idle", "Not checked"),
    };
    Mark { class, word: word.to_owned() }
}

/// Whether the last look found the proof, as far as there was one.
fn proof_found(domain: &Domain) -> bool {
    let proof = domain.records.first();
    proof.is_none_or(|it| {
        matches!(it.state, RecordState::Found | RecordState::Unchecked | RecordState::Unanswered)
    })
}

/// How a record stands.
fn record(record: &DnsRecord) -> Mark {
    let (class, word) = match record.state {
        RecordState::Unchecked => ("idle", "Not checked"),
        RecordState::Found => ("good", "Found"),
        RecordState::Missing if record.required => ("bad", "Missing"),
        RecordState::Missing => ("warn", "Missing"),
        RecordState::Different if record.required => ("bad", "Different"),
        RecordState::Different => ("warn", "Different"),
        RecordState::Unanswered => ("warn", "No answer"),
    };
    Mark { class, word: word.to_owned() }
}

/// How the certificate stands.
fn certificate(domain: &Domain, issuer: Option<&str>) -> Mark {
    let (class, word) = match (domain.tls, &domain.certificate) {
        (Tls::Uploaded, Some(shown)) => match shown.days_left() {
            days if days < 0 => ("bad", "Expired".to_owned()),
            0 => ("bad", "Expires today".to_owned()),
            1 => ("warn", "1 day left".to_owned()),
            days if days < WARN_DAYS => ("warn", format!("{days} days left")),
            days => ("good", format!("{days} days left")),
        },
        (Tls::Uploaded, None) => ("bad", "Missing".to_owned()),
        (Tls::Issuer, _) => match domain.issuance.as_ref().map(|seen| &seen.found) {
            _ if issuer.is_none() => ("warn", "None yet".to_owned()),
            _ if domain.state != DomainState::Deployed => {
                ("idle", "Asked for when it is deployed".to_owned())
            }
            None => ("idle", "Not looked at yet".to_owned()),
            Some(None) => ("warn", "Nothing issues it".to_owned()),
            Some(Some(found)) => match found.ready {
                Some(true) => ("good", "Issued".to_owned()),
                Some(false) => ("warn", "Not issued yet".to_owned()),
                None => ("idle", "Asked for".to_owned()),
            },
        },
    };
    Mark { class, word }
}

/// `GET /environments/{environment}/domain`
pub(crate) async fn show(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let name = name.clone();
        async move { read(&ctx, &name, Told::default(), DomainForm::default()).await }
    })
    .await
}

async fn read(
    ctx: &Ctx,
    name: &str,
    told: Told,
    mut sent: DomainForm,
) -> Result<DomainTab, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, name).await?;
    let view = control.domain_list(actor, name).await?;
    if !told.any() {
        sent.address.clone_from(&view.own_address);
    }
    let living = environment.state != EnvironmentState::Deleted;
    Ok(DomainTab {
        chrome: ctx
            .chrome(Section::Environments, format!("Domain of {}", environment.name))
            .await?,
        may_write: living && ctx.may_write(Subject::Environments(environment.kind)),
        may_set_up: ctx.may_write(Subject::Apps),
        head: read_head(ctx, environment, Tab::Domain).await?,
        told,
        sent,
        view,
    })
}

/// Back to the tab, or the tab with what is wrong.
async fn after<T>(
    ctx: &Ctx,
    name: &str,
    outcome: Result<T, Error>,
    sent: DomainForm,
) -> PageAnswer {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/environments/{name}/domain")).into_response()),
        Err(error) => {
            let told = Told::of(error)?;
            let status = told.status();
            let page = read(ctx, name, told, sent).await?;
            Ok((status, Html(page.render()?)).into_response())
        }
    }
}

/// `POST /environments/{environment}/domain`
pub(crate) async fn add(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DomainForm>,
) -> PageAnswer {
    let new = NewDomain { host: sent.host.clone() };
    let added = ctx.control().domain_add(&ctx.actor, &name, new).await;
    after(&ctx, &name, added, sent).await
}

/// `POST /environments/{environment}/domain/check`
pub(crate) async fn check(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DomainForm>,
) -> PageAnswer {
    let checked = ctx.control().domain_check(&ctx.actor, &name, &sent.host).await;
    after(&ctx, &name, checked, DomainForm::default()).await
}

/// `POST /environments/{environment}/domain/certificate`
pub(crate) async fn upload(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DomainForm>,
) -> PageAnswer {
    let new = NewCertificate { certificate: sent.certificate.clone(), key: sent.key.clone() };
    let uploaded = ctx.control().domain_upload(&ctx.actor, &name, &sent.host, new).await;
    after(&ctx, &name, uploaded, sent).await
}

/// `POST /environments/{environment}/domain/issuer`
pub(crate) async fn use_issuer(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DomainForm>,
) -> PageAnswer {
    let changed = ctx.control().domain_use_issuer(&ctx.actor, &name, &sent.host).await;
    after(&ctx, &name, changed, DomainForm::default()).await
}

/// `POST /environments/{environment}/domain/address`
pub(crate) async fn set_address(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DomainForm>,
) -> PageAnswer {
    let new = NewAddress { address: sent.address.clone() };
    let set = ctx.control().domain_set_address(&ctx.actor, &name, new).await;
    after(&ctx, &name, set, sent).await
}

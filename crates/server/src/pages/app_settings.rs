//! The settings of an App: which Helm to be like, how long to wait, what is masked, which signatures
//! its charts need, how custom domains reach its environments.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::app::{
    App, CrdPolicy, DomainSettingsChange, IssuerKind, ProvenancePolicy, SettingsChange,
    SettingsRevision,
};
use control::rights::Subject;
use serde::Deserialize;

use super::app;
use super::form::{Params, PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/app_settings.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    app: App,
    /// What stands now.
    now: SettingsRevision,
    /// What the fields hold.
    sent: SettingsForm,
    /// Whether exactly what stands now was just saved.
    saved: bool,
    may_write: bool,
    /// Whether which signatures are needed may be changed, too.
    may_trust: bool,
}

/// What was saved, in the address that a save leads to.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SavedQuery {
    saved: Option<i64>,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsForm {
    helm_mode: String,
    wait_seconds: String,
    /// Empty: no.
    wait_for_jobs: String,
    /// Empty: no.
    run_tests: String,
    /// Empty where the asker may not change it.
    crds: String,
    end_when_hopeless: String,
    /// One a line.
    masked_values: String,
    /// Empty where the asker may not change it.
    provenance: String,
    /// Empty: the one there is.
    keyring: String,
    /// Empty: no.
    remove_keyring: String,
    #[serde(rename = "domains.template")]
    domain_template: String,
    #[serde(rename = "domains.default_host")]
    default_host: String,
    #[serde(rename = "domains.issuer")]
    issuer: String,
    #[serde(rename = "domains.issuer_kind")]
    issuer_kind: String,
    #[serde(rename = "domains.address")]
    ingress_address: String,
    based_on: i64,
}

/// `GET /apps/{app}/settings`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(query): Params<SavedQuery>,
) -> PageAnswer {
    let now = ctx.control().app_settings(&ctx.actor, &name).await?;
    let saved = query.saved == Some(now.revision);
    let sent = SettingsForm::of(&now);
    show(&ctx, &name, Told::default(), now, sent, saved).await
}

/// `POST /apps/{app}/settings`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(mut sent): Sent<SettingsForm>,
) -> PageAnswer {
    let control = ctx.control();
    match control.app_change_settings(&ctx.actor, &name, sent.change()).await {
        Ok(saved) => {
            let path = format!("{}/settings?saved={}", app::path(&name), saved.revision);
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => {
            let now = control.app_settings(&ctx.actor, &name).await?;
            if matches!(error, Error::Conflict { .. }) {
                // What was typed stays; sending it again saves it over what came in between.
                sent.based_on = now.revision;
            }
            show(&ctx, &name, Told::of(error)?, now, sent, false).await
        }
    }
}

async fn show(
    ctx: &Ctx,
    name: &str,
    told: Told,
    now: SettingsRevision,
    sent: SettingsForm,
    saved: bool,
) -> PageAnswer {
    let app = ctx.control().app_get(&ctx.actor, name).await?;
    let status = told.status();
    let may_write = ctx.may_write(Subject::Apps);
    let page = Form {
        chrome: ctx.chrome(Section::Apps, format!("Settings of {}", app.name)).await?,
        told,
        app,
        now,
        sent,
        saved,
        may_write,
        may_trust: may_write && ctx.may_write(Subject::Infrastructure),
    };
    Ok((status, Html(page.render()?)).into_response())
}

impl SettingsForm {
    fn of(now: &SettingsRevision) -> Self {
        let settings = &now.settings;
        let checked = |on: bool| if on { "true".to_owned() } else { String::new() };
        Self {
            helm_mode: settings.helm_mode.to_string(),
            wait_seconds: settings.wait_seconds.to_string(),
            wait_for_jobs: checked(settings.wait_for_jobs),
            run_tests: checked(settings.run_tests),
            crds: settings.crds.to_string(),
            end_when_hopeless: checked(settings.end_when_hopeless),
            masked_values: settings.masked_values.join("\n"),
            provenance: settings.provenance.to_string(),
            keyring: String::new(),
            remove_keyring: String::new(),
            domain_template: settings.domains.template.clone(),
            default_host: settings.domains.default_host.clone(),
            issuer: settings.domains.issuer.clone(),
            issuer_kind: settings.domains.issuer_kind.to_string(),
            ingress_address: settings.domains.address.clone(),
            based_on: now.revision,
        }
    }

    fn change(&self) -> SettingsChange {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.trim().is_empty());
        let removed = (!self.remove_keyring.is_empty()).then(String::new);
        SettingsChange {
            helm_mode: given(&self.helm_mode),
            masked_values: Some(self.masked_values.lines().map(str::to_owned).collect()),
            // What is no number is out of bounds, and told so at its field.
            wait_seconds: Some(self.wait_seconds.trim().parse().unwrap_or(0)),
            wait_for_jobs: Some(!self.wait_for_jobs.is_empty()),
            run_tests: Some(!self.run_tests.is_empty()),
            crds: given(&self.crds),
            end_when_hopeless: Some(!self.end_when_hopeless.is_empty()),
            provenance: given(&self.provenance),
            keyring: given(&self.keyring).or(removed),
            domains: Some(DomainSettingsChange {
                template: Some(self.domain_template.clone()),
                default_host: Some(self.default_host.clone()),
                issuer: Some(self.issuer.clone()),
                issuer_kind: given(&self.issuer_kind),
                address: Some(self.ingress_address.clone()),
            }),
            based_on: Some(self.based_on),
        }
    }
}

/// What becomes of a chart's definitions of custom resources.
pub(crate) fn crds(now: &SettingsRevision) -> &'static str {
    match now.settings.crds {
        CrdPolicy::Skip => "Left to others",
        CrdPolicy::Create => "Created where they are missing",
        CrdPolicy::CreateAndUpgrade => "Created and upgraded",
    }
}

/// A fingerprint in groups, as people compare it.
pub(crate) fn grouped(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn fingerprints_in_groups() {
        assert_eq!(super::grouped("0123456789"), "0123 4567 89");
    }
}

//! What an App says of custom domains: how a host reaches its chart's values, who issues certificates, where DNS records
//! are to point.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closed::closed_set;
use crate::domain::Host;
use crate::domain::address::read_address;
use crate::domain::template::{Places, check_template, fill_pattern};
use crate::error::{Checks, Error, Problem};

/// Longest texts.
const TEMPLATE: usize = 64 * 1024;
const ISSUER: usize = 253;

closed_set! {
    /// The kind of cert-manager's issuer.
    pub enum IssuerKind {
        /// For the whole cluster.
        ClusterIssuer = "cluster_issuer",
        /// Of the environment's namespace.
        Issuer = "issuer",
    }
}

impl IssuerKind {
    /// As Kubernetes knows it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ClusterIssuer => "ClusterIssuer",
            Self::Issuer => "Issuer",
        }
    }
}

/// What an App says of custom domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DomainSettings {
    /// YAML with the places `{{ host }}`, `{{ tls_secret }}`, `{{ issuer }}`, `{{ issuer_kind }}`, `{{ environment }}` and
    /// `{{ namespace }}`: the values that make an environment answer on a host. A value whose place is empty is left
    /// out. Empty: the App takes no domains.
    pub template: String,
    /// The host of an environment without a custom domain, such as `{{ environment }}.example.com`; empty: the chart's.
    pub default_host: String,
    /// The name of cert-manager's issuer; empty: certificates are uploaded.
    pub issuer: String,
    /// Its kind.
    pub issuer_kind: IssuerKind,
    /// Where the ingress of its environments is: a host name or IP addresses; empty: as their Ingress objects say.
    pub address: String,
}

impl Default for DomainSettings {
    fn default() -> Self {
        Self {
            template: String::new(),
            default_host: String::new(),
            issuer: String::new(),
            issuer_kind: IssuerKind::ClusterIssuer,
            address: String::new(),
        }
    }
}

/// What is to change; what is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DomainSettingsChange {
    /// The template.
    pub template: Option<String>,
    /// The pattern of default hosts.
    pub default_host: Option<String>,
    /// The issuer's name.
    pub issuer: Option<String>,
    /// `cluster_issuer` or `issuer`.
    pub issuer_kind: Option<String>,
    /// Host name or IP addresses of the ingress.
    pub address: Option<String>,
}

/// Checks a change and lays it over what stands; what is wrong is noted at `domains.…`.
pub(super) fn change(
    checks: &mut Checks,
    settings: &mut DomainSettings,
    change: &DomainSettingsChange,
) -> Result<(), Error> {
    if let Some(template) = &change.template {
        settings.template.clone_from(template);
        if template.trim().is_empty() {
            settings.template.clear();
        }
        checks.take(check(template))?;
    }
    if let Some(pattern) = &change.default_host {
        pattern.trim().clone_into(&mut settings.default_host);
        checks.take(check_pattern(pattern.trim()))?;
    }
    if let Some(issuer) = &change.issuer {
        issuer.trim().clone_into(&mut settings.issuer);
        if !is_object_name(issuer.trim()) {
            let message = format!("`{}` is not the name of an issuer.", issuer.trim());
            let remedy = "Use lower-case letters, digits, `-` and `.`, as kubectl shows it.";
            checks.add(Problem::new("domains.issuer", message, remedy));
        }
    }
    if let Some(word) = change.issuer_kind.as_deref() {
        let message = format!("`{word}` is not a kind of issuer.");
        let problem =
            Problem::new("domains.issuer_kind", message, "Choose cluster_issuer or issuer.");
        super::settings::choose(checks, &mut settings.issuer_kind, word, problem);
    }
    if let Some(address) = &change.address {
        address.trim().clone_into(&mut settings.address);
        checks.take(read_address("domains.address", address))?;
    }
    Ok(())
}

/// Checks a template.
pub(super) fn check(template: &str) -> Result<(), Error> {
    const FIELD: &str = "domains.template";
    if template.len() > TEMPLATE {
        return Err(Error::invalid(FIELD, "This template is too long.", "Use at most 64 KiB."));
    }
    check_template(FIELD, template)
}

fn check_pattern(pattern: &str) -> Result<(), Error> {
    const FIELD: &str = "domains.default_host";
    if pattern.is_empty() {
        return Ok(());
    }
    let try_with = |environment: &str| {
        let places = Places { environment, namespace: environment, ..Places::default() };
        fill_pattern(FIELD, pattern, &places)
    };
    let (one, other) = (try_with("one")?, try_with("other")?);
    if one == other {
        let message = "All environments would have the same host.";
        return Err(Error::invalid(FIELD, message, "Write {{ environment }} in it."));
    }
    match one.parse::<Host>() {
        Ok(_) => Ok(()),
        Err(refused) => {
            let message = format!("`{pattern}` makes no host names: {}.", refused.why);
            Err(Error::invalid(FIELD, message, "Write it as {{ environment }}.example.com."))
        }
    }
}

fn is_object_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= ISSUER
        && name.chars().all(|c| plain(c) || "-.".contains(c))
        && (name.is_empty() || (name.starts_with(plain) && name.ends_with(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each field is checked by itself, and all of it is told at once.
    #[test]
    fn all_that_is_wrong() {
        let mut checks = Checks::default();
        let wrong = DomainSettingsChange {
            template: Some("a: {{ hots }}".to_owned()),
            default_host: Some("shop.example.com".to_owned()),
            issuer: Some("Let's Encrypt".to_owned()),
            issuer_kind: Some("both".to_owned()),
            address: Some("lb".to_owned()),
        };
        change(&mut checks, &mut DomainSettings::default(), &wrong).unwrap();
        let Err(Error::Invalid(invalid)) = checks.done() else { panic!("accepted") };
        let fields: Vec<&str> = invalid.problems.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "domains.template",
                "domains.default_host",
                "domains.issuer",
                "domains.issuer_kind",
                "domains.address"
            ]
        );
    }
}

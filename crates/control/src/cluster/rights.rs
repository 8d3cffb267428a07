//! The RBAC objects that give an account the rights that Landfall needs in a cluster.

use rollout::rights::{Impersonation, ManifestOptions, manifest};

use super::{namespaces, no_page};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::ServiceAccount;
use crate::rights::Subject;

/// Landfall's own account, unless another is named.
const ACCOUNT: &str = "landfall/landfall";

/// Whose rights are wanted; texts as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightsRequest {
    /// The namespaces that the account is for, with commas or blanks between; empty: all of them.
    pub namespaces: String,
    /// The account, as `namespace/name`; empty: `landfall/landfall`.
    pub account: String,
    /// Whether it may act as the service accounts of environments: `no` (or empty), `also` or `only`.
    pub impersonation: String,
}

impl RightsRequest {
    /// The manifest, ready to be applied.
    pub fn manifest(&self) -> Result<String, Error> {
        let mut checks = Checks::default();
        let typed: Vec<String> = split(&self.namespaces).map(str::to_owned).collect();
        let namespaces = namespaces(&mut checks, &typed);
        let account = match self.account.trim() {
            "" => ACCOUNT,
            typed => typed,
        };
        let account = checks.name::<ServiceAccount>("account", account);
        let impersonation = match self.impersonation.trim() {
            "" | "no" => Some(Impersonation::No),
            "also" => Some(Impersonation::Also),
            "only" => Some(Impersonation::Only),
            _ => None,
        };
        if impersonation.is_none() {
            let message = "It is not clear whether the account may act as others.";
            checks.add(Problem::new("impersonation", message, "Choose no, also or only."));
        }
        checks.done()?;
        let (Some(account), Some(impersonation)) = (account, impersonation) else {
            return Err(Error::internal("write rights", "nothing was checked"));
        };
        Ok(manifest(&ManifestOptions {
            account: account.name().to_owned(),
            account_namespace: account.namespace().to_owned(),
            namespaces,
            impersonation,
        }))
    }
}

/// Names with commas, blanks or line ends between.
pub fn split(typed: &str) -> impl Iterator<Item = &str> {
    typed.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty())
}

impl Control {
    /// The least rights that do, as RBAC objects.
    pub fn cluster_rights(&self, actor: &Actor, asked: &RightsRequest) -> Result<String, Error> {
        actor.read(Subject::Infrastructure, no_page)?;
        asked.manifest()
    }
}

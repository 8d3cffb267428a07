//! An object exists that belongs to another Helm release, or to none.

use std::fmt;

use super::{Cause, Culprit};
use crate::ObjectKey;

/// An object that exists and is someone else's. Prints Helm's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which object.
    pub key: ObjectKey,
    /// What its marks lack, in Helm's words.
    pub problem: String,
    /// The Helm release it belongs to, with its namespace; none if it was made by other means.
    pub release: Option<(String, String)>,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectKey { kind, name, namespace, .. } = &self.key;
        let place = namespace.as_deref().unwrap_or_default();
        write!(
            f,
            "{kind} \"{name}\" in namespace \"{place}\" exists and cannot be imported into the current release: invalid ownership metadata; {}",
            self.problem
        )
    }
}

pub(super) fn culprit(foreign: &Foreign) -> Culprit {
    let key = &foreign.key;
    let (text, remedy) = match &foreign.release {
        Some((release, namespace)) => (
            format!(
                "it exists and belongs to Helm release \"{release}\" in namespace \"{namespace}\""
            ),
            format!(
                "Give the object another name in the values, or uninstall release \"{release}\"."
            ),
        ),
        None => (
            "it exists and belongs to no Helm release".to_owned(),
            "Give the object another name in the values, or delete the one that is there."
                .to_owned(),
        ),
    };
    Culprit {
        key: key.clone(),
        pod: None,
        container: None,
        cause: Cause::NameTaken,
        text: format!("{key}: {text}"),
        evidence: Some(foreign.to_string()),
        last_lines: Vec::new(),
        since: None,
        remedy,
        hopeless: true,
    }
}

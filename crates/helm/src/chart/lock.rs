//! Chart.lock: the digest that ties it to Chart.yaml, and its text.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Dependency, Lock};
use crate::hexadecimal::hexadecimal;
use crate::json;

/// The digest of what Chart.yaml declares and what was found for it.
pub fn lock_digest(declared: &[Dependency], locked: &[Dependency]) -> String {
    digest(&[declared, locked])
}

/// The digest Helm 2 wrote into requirements.lock.
pub fn old_lock_digest(declared: &[Dependency]) -> String {
    #[derive(Serialize)]
    struct Requirements<'a> {
        dependencies: &'a [Dependency],
    }
    digest(&Requirements { dependencies: declared })
}

fn digest(value: &impl Serialize) -> String {
    format!("sha256:{}", hexadecimal(&Sha256::digest(json::to_go_json(value))))
}

impl Lock {
    /// Chart.lock as Helm writes it.
    pub fn to_yaml(&self) -> String {
        json::to_yaml(self)
    }
}

//! Hooks as release records keep them and as rendering finds them.
//!
//! Running hooks is not done here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::lenient_time;
use crate::json::null_as_default;

/// Declares an enum of words Helm knows that keeps every other word as it was written.
///
/// Helm stores unknown words as they are, so a record must survive being read and written again.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A word this version does not know, kept as written.
            Other(String),
        }

        impl $name {
            /// The word as annotations and records spell it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)*
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => $word.to_owned(),)*
                    $name::Other(word) => word,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// When a hook runs: the values of annotation `helm.sh/hook`.
    HookEvent {
        /// Before any object of a new release is created.
        PreInstall = "pre-install",
        /// After all objects of a new release are created.
        PostInstall = "post-install",
        /// Before the objects of a release are deleted.
        PreDelete = "pre-delete",
        /// After the objects of a release are deleted.
        PostDelete = "post-delete",
        /// Before the objects of a release are updated.
        PreUpgrade = "pre-upgrade",
        /// After the objects of a release are updated.
        PostUpgrade = "post-upgrade",
        /// Before a release goes back to an earlier revision.
        PreRollback = "pre-rollback",
        /// After a release went back to an earlier revision.
        PostRollback = "post-rollback",
        /// When somebody runs `helm test`; `test-success` is the same.
        Test = "test",
    }
}

words! {
    /// When the object of a hook is deleted: annotation `helm.sh/hook-delete-policy`.
    HookDeletePolicy {
        /// After the hook succeeded.
        Succeeded = "hook-succeeded",
        /// After the hook failed.
        Failed = "hook-failed",
        /// Before the hook is created anew; what Helm assumes where nothing is said.
        BeforeHookCreation = "before-hook-creation",
    }
}

words! {
    /// When the log of a hook is printed: annotation `helm.sh/hook-output-log-policy`.
    HookOutputLogPolicy {
        /// After the hook succeeded.
        Succeeded = "hook-succeeded",
        /// After the hook failed.
        Failed = "hook-failed",
    }
}

words! {
    /// How the last run of a hook went.
    HookPhase {
        /// It has not run yet.
        NotRun = "",
        /// It is running.
        Running = "Running",
        /// It ended well.
        Succeeded = "Succeeded",
        /// It failed.
        Failed = "Failed",
        /// Helm could not tell.
        Unknown = "Unknown",
    }
}

#[expect(clippy::derivable_impls, reason = "the enum is declared by a macro")]
impl Default for HookPhase {
    fn default() -> Self {
        Self::NotRun
    }
}

/// The last run of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookExecution {
    /// When it was started.
    #[serde(default, deserialize_with = "lenient_time", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient_time", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// How it went.
    #[serde(default)]
    pub phase: HookPhase,
}

impl HookExecution {
    /// A run that has begun.
    pub fn started(at: Timestamp) -> Self {
        Self { started_at: Some(at), completed_at: None, phase: HookPhase::Running }
    }

    /// A run that has ended just now.
    pub fn ended(started_at: Timestamp, phase: HookPhase) -> Self {
        Self { started_at: Some(started_at), completed_at: Some(Timestamp::now()), phase }
    }
}

/// An object that Helm runs at some moment of a release instead of keeping it with the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// `metadata.name` of the object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `kind` of the object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template it came from, such as `shop/templates/migrate.yaml`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The object as rendered, without separator and source line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// When it runs, in the order of the annotation.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<HookEvent>,
    /// Its last run; empty before the first.
    #[serde(default)]
    pub last_run: HookExecution,
    /// Hooks of one event run in ascending weight, then by name.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When its object is deleted; empty means before the next run.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<HookDeletePolicy>,
    /// When its log is printed.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<HookOutputLogPolicy>,
}

impl Hook {
    /// Whether the hook only runs when somebody asks for `helm test`.
    pub fn is_test_only(&self) -> bool {
        self.events.iter().all(|event| *event == HookEvent::Test)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

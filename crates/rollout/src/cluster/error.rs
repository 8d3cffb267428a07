//! What goes wrong between us and a cluster, with the remedy in the text.

use std::time::Duration;

use super::quoted::without_values;
use super::retry::Failure;
use crate::ObjectKey;

/// What server-side apply says of an object that does not fit its schema.
const TYPED_PATCH: &str = "failed to create typed patch object";

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The configuration cannot be used.
    #[error("cluster `{cluster}` cannot be used as configured: {problem}")]
    Config {
        /// The cluster.
        cluster: String,
        /// What is wrong.
        problem: String,
    },
    /// No answer: name not found, connection refused, certificate not accepted, time-out.
    #[error(
        "cluster `{cluster}` was not reached while {doing}: {problem}; check that its address is right and that it can be reached from here"
    )]
    Unreachable {
        /// The cluster.
        cluster: String,
        /// What was attempted: `reading Deployment/shop/web`.
        doing: String,
        /// Why, in words.
        problem: String,
    },
    /// The credentials were not accepted (401).
    #[error(
        "cluster `{cluster}` did not accept the credentials while {doing}; give it a valid token"
    )]
    Unauthorized {
        /// The cluster.
        cluster: String,
        /// What was attempted.
        doing: String,
    },
    /// The credentials do not allow this (403).
    #[error(
        "cluster `{cluster}` does not allow {doing}: {message}; grant the permission to the account Landfall uses there"
    )]
    Forbidden {
        /// The cluster.
        cluster: String,
        /// What was attempted.
        doing: String,
        /// The server's words.
        message: String,
    },
    /// Any other answer that is not success.
    #[error("cluster `{cluster}` refused {doing}: {message}")]
    Refused {
        /// The cluster.
        cluster: String,
        /// What was attempted.
        doing: String,
        /// HTTP status.
        code: u16,
        /// Kubernetes' reason: `Invalid`, `Conflict`, `AlreadyExists`.
        reason: String,
        /// The server's words.
        message: String,
    },
    /// An answer that cannot be understood.
    #[error("cluster `{cluster}` gave an answer that cannot be read while {doing}: {problem}")]
    Answer {
        /// The cluster.
        cluster: String,
        /// What was attempted.
        doing: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The cluster does not know a kind. Helm's words.
    #[error(
        "resource mapping not found for name: \"{}\" namespace: \"{}\" from \"\": no matches for kind \"{}\" in version \"{}\"\nensure CRDs are installed first",
        key.name,
        key.namespace.as_deref().unwrap_or_default(),
        key.kind,
        key.api_version
    )]
    NoSuchKind {
        /// The cluster.
        cluster: String,
        /// The object that is of it.
        key: Box<ObjectKey>,
    },
}

impl ClusterError {
    /// Whether the same request may succeed later with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // Server-side apply answers 500 to an object that does not fit its schema.
            Self::Refused { code: 500, message, .. } => !message.contains(TYPED_PATCH),
            Self::Refused { code, .. } => matches!(code, 429 | 502..=504),
            Self::Config { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Answer { .. }
            | Self::NoSuchKind { .. } => false,
        }
    }

    /// The server's own words where it refused, else the whole text.
    pub(crate) fn server_message(&self) -> String {
        match self {
            Self::Refused { message, .. } | Self::Forbidden { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// Whether the server answered that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Whether the server answered with a conflict (409).
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }
}

/// Turns what the client reports into what people can act on, with the pause the server asked for.
pub(super) fn from_kube(cluster: &str, doing: &str, error: kube::Error) -> Failure {
    let cluster = cluster.to_owned();
    let doing = doing.to_owned();
    match error {
        kube::Error::Api(status) => from_status(cluster, doing, &status),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Failure {
            // The text of such an error may quote the answer, which may hold a secret.
            error: ClusterError::Answer {
                cluster,
                doing,
                problem: "it is not the JSON an API server sends".to_owned(),
            },
            retry_after: None,
        },
        kube::Error::Auth(error) => Failure {
            error: ClusterError::Config { cluster, problem: chain(&error) },
            retry_after: None,
        },
        other => Failure {
            error: ClusterError::Unreachable { cluster, doing, problem: root_cause(&other) },
            retry_after: None,
        },
    }
}

fn from_status(cluster: String, doing: String, status: &kube::core::Status) -> Failure {
    let message = without_values(&status.message);
    let retry_after = status
        .details
        .as_ref()
        .filter(|details| details.retry_after_seconds > 0)
        .map(|details| Duration::from_secs(details.retry_after_seconds.into()));
    let error = match status.code {
        401 => ClusterError::Unauthorized { cluster, doing },
        // Quotas and admission answer 403 too; only the authorizer speaks of what an account cannot do.
        403 if message.contains(" cannot ") => ClusterError::Forbidden { cluster, doing, message },
        code => {
            ClusterError::Refused { cluster, doing, code, reason: status.reason.clone(), message }
        }
    };
    Failure { error, retry_after }
}

/// An error and its causes in one line, repetitions left out.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The innermost cause: `connection refused` says more than three layers of "error sending request".
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

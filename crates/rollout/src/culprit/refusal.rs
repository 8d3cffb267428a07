//! The API server does not accept an object, or a controller's pods: what its answer means.

use super::{Cause, Culprit, QUOTED, short};
use crate::execution::ObjectFailure;
use crate::plan::Refusal;
use crate::{ClusterError, ObjectKey};

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) cause: Cause,
    /// What follows the object's name in the one-line text.
    pub(super) text: String,
    pub(super) remedy: String,
    pub(super) hopeless: bool,
}

impl Meaning {
    fn new(cause: Cause, text: String, remedy: impl Into<String>) -> Self {
        // What is used up may be given back.
        Self { cause, text, remedy: remedy.into(), hopeless: cause != Cause::Quota }
    }
}

/// The culprit of an object that a dry run refused.
pub(super) fn answered(key: &ObjectKey, refusal: &Refusal) -> Culprit {
    culprit(key, refusal.code, &refusal.reason, &refusal.message)
}

/// The culprit of an object that was refused when it was sent.
pub(super) fn failed(failed: &ObjectFailure) -> Culprit {
    let (code, reason) = match &failed.source {
        ClusterError::Refused { code, reason, .. } => (*code, reason.as_str()),
        ClusterError::Forbidden { .. } => (403, "Forbidden"),
        _ => (0, ""),
    };
    culprit(&failed.key, code, reason, &failed.text)
}

/// The culprit of an object whose kind the cluster does not have.
pub(super) fn no_such_kind(key: &ObjectKey) -> Culprit {
    let ObjectKey { kind, api_version, .. } = key;
    let meaning = Meaning::new(
        Cause::KindMissing,
        format!("the cluster knows no kind {kind} in {api_version}"),
        format!(
            "Install what brings the kind {kind} (its CustomResourceDefinition), or use an API version that the cluster has."
        ),
    );
    of_meaning(key, meaning, None)
}

fn culprit(key: &ObjectKey, code: u16, reason: &str, message: &str) -> Culprit {
    let evidence =
        if reason.is_empty() { message.to_owned() } else { format!("{reason}: {message}") };
    of_meaning(key, meaning(key, code, message), Some(evidence))
}

fn of_meaning(key: &ObjectKey, meaning: Meaning, evidence: Option<String>) -> Culprit {
    Culprit {
        key: key.clone(),
        pod: None,
        container: None,
        cause: meaning.cause,
        text: format!("{key}: {}", meaning.text),
        evidence,
        last_lines: Vec::new(),
        since: None,
        remedy: meaning.remedy,
        hopeless: meaning.hopeless,
    }
}

/// What the answer to an object itself means.
fn meaning(key: &ObjectKey, code: u16, message: &str) -> Meaning {
    let words = own_words(message);
    match code {
        409 if message.contains("Apply failed with") => conflict(message),
        403 if message.contains(" cannot ") => Meaning::new(
            Cause::Refused,
            format!("Landfall's account may not write it: {}", short(words, QUOTED)),
            "Grant the permission to the account that Landfall uses in the cluster.",
        ),
        // Policies answer 422 as well.
        _ if code == 403
            || message.contains(" is forbidden: ")
            || message.contains("denied the request") =>
        {
            forbidden(words, "it is")
        }
        422 => immutable(key, message).unwrap_or_else(|| refused(words)),
        _ => refused(words),
    }
}

/// What a controller's complaint about the pods it cannot create means.
pub(super) fn of_pods(message: &str) -> Meaning {
    let words = own_words(message);
    if let Some(name) = between(message, "serviceaccount \"", "\" not found") {
        let text = format!("its pods' service account \"{name}\" does not exist");
        let remedy = format!(
            "Create the service account \"{name}\", or name one that exists in the values."
        );
        return Meaning::new(Cause::ServiceAccount, text, remedy);
    }
    if message.contains("forbidden") || message.contains("denied the request") {
        return forbidden(words, "its pods are");
    }
    Meaning::new(
        Cause::Refused,
        format!("its pods are not accepted: {}", short(words, QUOTED)),
        "Correct the values or the chart so that the cluster accepts the pods.",
    )
}

/// 403 by a quota or an admission rule.
fn forbidden(words: &str, who: &str) -> Meaning {
    if let Some(name) = between(words, "exceeded quota: ", ",") {
        let field = |field: &str| between(words, &format!("{field}: "), ", ").unwrap_or_default();
        let requested = field("requested");
        let limited = words.rsplit_once("limited: ").map_or("", |(_, rest)| rest).trim();
        let text = format!(
            "quota \"{name}\" is used up ({requested} more wanted, {} of {limited} used)",
            field("used")
        );
        let remedy =
            format!("Raise quota \"{name}\" of the namespace, or ask for less in the values.");
        return Meaning::new(Cause::Quota, text, remedy);
    }
    if let Some((name, rest)) =
        words.split_once("failed quota: ").and_then(|(_, rest)| rest.split_once(": "))
    {
        let text = format!("quota \"{name}\" asks for more: {}", short(rest, QUOTED));
        let remedy = "Set the resource requests and limits that the quota asks for in the values.";
        return Meaning { hopeless: true, ..Meaning::new(Cause::Quota, text, remedy) };
    }
    Meaning::new(
        Cause::Admission,
        format!("{who} not admitted: {}", short(words, QUOTED)),
        "Change what the rule objects to, in the values or the chart, or have the rule changed.",
    )
}

/// 409: who owns which fields.
fn conflict(message: &str) -> Meaning {
    let owner = between(message, "conflict with \"", "\"")
        .or_else(|| between(message, "conflicts with \"", "\""))
        .unwrap_or_default();
    let fields: Vec<&str> = match message.rsplit_once(": .") {
        Some((_, field)) if !message.contains("\n- ") => vec![field],
        _ => message.lines().filter_map(|line| line.strip_prefix("- .")).collect(),
    };
    let text = match fields.as_slice() {
        [] => format!("other fields belong to \"{owner}\""),
        [field] => format!("field {field} belongs to \"{owner}\""),
        [first, rest @ ..] => {
            format!("field {first} and {} more belong to \"{owner}\"", rest.len())
        }
    };
    let remedy = format!(
        "Deploy with \"Take fields over\" (`--force-conflicts`), which overrules \"{owner}\"; or let \"{owner}\" give the fields up, or take them out of the chart."
    );
    Meaning::new(Cause::FieldConflict, text, remedy)
}

/// 422 because a field cannot be changed.
fn immutable(key: &ObjectKey, message: &str) -> Option<Meaning> {
    const SIGNS: [&str; 5] = [
        "field is immutable",
        "updates to statefulset spec for fields other than",
        "pod updates may not change fields other than",
        "is immutable",
        "can not be changed",
    ];
    SIGNS.iter().find(|sign| message.contains(**sign))?;
    let field = between(message, " is invalid: ", ": ").unwrap_or("spec").trim_start_matches('[');
    let text = format!("{field} cannot be changed once the object exists");
    let remedy = if key.kind == "PersistentVolumeClaim" {
        "Keep the field as it is; another claim is needed for another kind of volume.".to_owned()
    } else {
        format!(
            "Keep the field as it is, or delete the {} first so that it is made anew.",
            key.kind
        )
    };
    Some(Meaning::new(Cause::Immutable, text, remedy))
}

fn refused(words: &str) -> Meaning {
    Meaning::new(
        Cause::Refused,
        format!("it is not accepted: {}", short(words, QUOTED)),
        "Correct the values or the chart so that the cluster accepts the object.",
    )
}

/// An answer without what only says again which object it is about.
fn own_words(message: &str) -> &str {
    let mut words = message;
    for lead in ["Error creating: ", " failed error: "] {
        words = words.split_once(lead).map_or(words, |(_, rest)| rest);
    }
    // Helm's own words about how it was sent.
    let sent = [
        "server-side apply failed",
        "conflict occurred",
        "cannot patch",
        "failed to create resource",
    ];
    if sent.iter().any(|lead| words.starts_with(lead)) {
        words = words.split_once(": ").map_or(words, |(_, rest)| rest);
    }
    for lead in [" is forbidden: ", " is invalid: "] {
        words = words.split_once(lead).map_or(words, |(_, rest)| rest);
    }
    words.trim()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after).map_or(rest, |(found, _)| found))
}

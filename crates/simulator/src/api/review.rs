//! Reviews: questions about rights that are posted as objects and never stored.
//!
//! Whoever knows the token may do everything, so the answers are always yes.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    call::Call,
    reply::{self, Body},
};
use crate::{object, status::StatusError};

const KINDS: &[(&str, &str, &str)] = &[
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
    ("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview"),
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    ("authentication.k8s.io", "tokenreviews", "TokenReview"),
];

/// The user that every bearer of the token is.
pub(super) const USER: &str = "simulator-admin";

/// The kinds of reviews of a group, as (plural, kind, whether inside a namespace).
pub(super) fn of_group(group: &str) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let group = group.to_owned();
    let rows = KINDS.iter().filter(move |(it, _, _)| *it == group);
    rows.map(|&(_, plural, kind)| (plural, kind, kind == "LocalSubjectAccessReview"))
}

/// The kind of review at a path, if there is one.
pub(super) fn kind_at(group: &str, version: &str, rest: &[&str]) -> Option<String> {
    let plural = rest.last()?;
    let found = KINDS.iter().find(|(it, name, _)| *it == group && name == plural);
    found.filter(|_| version == "v1").map(|(_, _, kind)| (*kind).to_owned())
}

/// Answers a review.
pub(super) fn answer(call: &Call, kind: &str) -> Result<Response<Body>, StatusError> {
    if call.method != http::Method::POST {
        return Err(StatusError::method_not_allowed());
    }
    let mut review = call.json()?;
    let user = json!({ "username": USER, "groups": ["system:masters", "system:authenticated"] });
    let everything = |more: Value| {
        let mut rule = json!({ "verbs": ["*"] });
        for (key, value) in more.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        rule
    };
    let status = match kind {
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [everything(json!({ "apiGroups": ["*"], "resources": ["*"] }))],
            "nonResourceRules": [everything(json!({ "nonResourceURLs": ["*"] }))],
            "incomplete": false,
        }),
        "SelfSubjectReview" => json!({ "userInfo": user }),
        "TokenReview" => json!({ "authenticated": true, "user": user }),
        _ => json!({ "allowed": true }),
    };
    object::map_mut(&mut review, "metadata");
    review["status"] = status;
    Ok(reply::json_value(StatusCode::CREATED, &review))
}

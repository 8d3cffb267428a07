//! Kubernetes' `Status` errors: code, reason, message and details, in the API server's own words.
//!
//! Every refusal inside the simulator is a [`StatusError`], so a controller working in process sees
//! what a client sees over HTTP. Turning one into a response is the `api` module's work.

use serde_json::{Value, json};

use crate::kinds::Kind;

/// A refusal as the Kubernetes API words it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StatusError {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason such as `NotFound`; empty where Kubernetes gives none.
    pub reason: &'static str,
    /// The text for people.
    pub message: String,
    /// The `details` object; `Null` where there is none.
    pub details: Value,
}

/// One entry of `details.causes`, as validation and apply conflicts list them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Kubernetes' cause type, for example `FieldValueRequired`.
    pub reason: &'static str,
    /// What is wrong, without the field.
    pub message: String,
    /// Path of the field, for example `spec.containers[0].image`.
    pub field: String,
}

impl Cause {
    /// A required field is missing.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {detail}")
        };
        Self { reason: "FieldValueRequired", message, field: field.into() }
    }

    /// A field has a value that is not allowed.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {}: {detail}", shown(value)),
            field: field.into(),
        }
    }

    /// A field may not be set or changed.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self {
            reason: "FieldValueForbidden",
            message: format!("Forbidden: {detail}"),
            field: field.into(),
        }
    }

    /// A value that has to be unique is there twice.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            message: format!("Duplicate value: {}", shown(value)),
            field: field.into(),
        }
    }

    /// A value outside a closed set.
    pub fn not_supported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
        Self {
            reason: "FieldValueNotSupported",
            message: format!(
                "Unsupported value: {}: supported values: {}",
                shown(value),
                allowed.join(", ")
            ),
            field: field.into(),
        }
    }
}

/// A value as Go's `%#v` shows the scalars that appear in validation messages.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

impl StatusError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = json!({ "name": name, "kind": kind.plural });
        if !kind.group.is_empty() {
            self.details["group"] = json!(kind.group);
        }
        self
    }

    /// 404 for an object.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.group_resource());
        Self::new(404, "NotFound", message).about(kind, name)
    }

    /// 404 for a path that no resource is served at.
    pub fn no_such_path() -> Self {
        let mut error =
            Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = json!({});
        error
    }

    /// 409 because the name is taken.
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.group_resource());
        Self::new(409, "AlreadyExists", message).about(kind, name)
    }

    /// 409 because the object moved on since the caller read it.
    pub fn conflict(kind: &Kind, name: &str) -> Self {
        Self::conflict_because(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and \
             try again",
        )
    }

    /// 409 with a reason of its own, for example a failed precondition.
    pub fn conflict_because(kind: &Kind, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.group_resource());
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// 409 of a server-side apply: fields that other managers own.
    pub fn apply_conflict(message: String, causes: &[Cause]) -> Self {
        let mut error = Self::new(409, "Conflict", message);
        error.details = json!({ "causes": causes_json(causes) });
        error
    }

    /// 422 with the broken rules.
    pub fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let list = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {list}", kind.qualified_kind());
        let mut error = Self::new(422, "Invalid", message);
        error.details = json!({ "name": name, "kind": kind.kind, "causes": causes_json(causes) });
        if !kind.group.is_empty() {
            error.details["group"] = json!(kind.group);
        }
        error
    }

    /// 422 with the broken rules of a kind that is not stored.
    pub fn invalid_kind(kind: &str, group: &str, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let message = format!("{kind}.{group} \"{name}\" is invalid: {}", texts.join(", "));
        let mut error = Self::new(422, "Invalid", message);
        error.details =
            json!({ "name": name, "group": group, "kind": kind, "causes": causes_json(causes) });
        error
    }

    /// 422 for the parameters of a request.
    pub fn invalid_options(options: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let message = format!("{options}.meta.k8s.io \"\" is invalid: {}", texts.join(", "));
        let mut error = Self::new(422, "Invalid", message);
        error.details =
            json!({ "group": "meta.k8s.io", "kind": options, "causes": causes_json(causes) });
        error
    }

    /// 403 with the reason of whoever refuses.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", kind.group_resource())
        } else {
            format!("{} \"{name}\" is forbidden: {why}", kind.group_resource())
        };
        Self::new(403, "Forbidden", message).about(kind, name)
    }

    /// 400 for a request that makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401 for a missing or wrong bearer token.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 405 for a verb that a resource does not have.
    pub fn method_not_allowed() -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = json!({});
        error
    }

    /// 406 for an `Accept` that leaves nothing the simulator can write.
    pub fn not_acceptable() -> Self {
        Self::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        )
    }

    /// 410 for a resource version that history no longer reaches.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 504 for a resource version that is still to come.
    pub fn too_large_resource_version(wanted: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {wanted}, current: {current}");
        let mut error = Self::new(504, "Timeout", format!("Timeout: {message}"));
        let cause =
            json!({ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" });
        error.details = json!({ "causes": [cause], "retryAfterSeconds": 1 });
        error
    }

    /// 413 for a body over the limit.
    pub fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "the request body is larger than 3 MiB")
    }

    /// 415 for a body or patch type that is not known.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422 for a patch that does not fit the object. The API server does not say why.
    pub fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        let mut error = Self::new(422, "Invalid", message);
        error.details = json!({});
        error
    }

    /// 422 for a patch whose result is no object of its kind.
    pub fn invalid_patch(result: &Value, why: &str) -> Self {
        let cause = Cause::invalid("patch", &json!(result.to_string()), why);
        let message = format!(" \"\" is invalid: {}: {}", cause.field, cause.message);
        let mut error = Self::new(422, "Invalid", message);
        error.details = json!({ "causes": causes_json(&[cause]) });
        error
    }

    /// 500 without a reason, as errors that Kubernetes itself does not classify reach clients.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 500: the simulator itself failed, for example its data file could not be written.
    pub fn internal(message: impl Into<String>) -> Self {
        let message = format!("Internal error occurred: {}", message.into());
        Self::new(500, "InternalError", message)
    }

    /// The `Status` object that a client gets.
    pub fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    /// Whether this is the refusal of a write that raced with another one.
    pub fn is_conflict(&self) -> bool {
        self.reason == "Conflict"
    }

    /// Whether the thing asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.reason == "NotFound"
    }

    /// Whether no resource is served at the path asked for.
    pub fn is_no_such_path(&self) -> bool {
        self.is_not_found() && self.details == json!({})
    }

    /// Whether a create met an object of the same name.
    pub fn is_already_exists(&self) -> bool {
        self.reason == "AlreadyExists"
    }
}

fn causes_json(causes: &[Cause]) -> Value {
    causes
        .iter()
        .map(|cause| {
            json!({ "reason": cause.reason, "message": cause.message, "field": cause.field })
        })
        .collect()
}

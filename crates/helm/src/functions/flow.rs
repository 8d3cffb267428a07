//! Ending a rendering on purpose: `fail` and `required`.

use super::args::{ANY, STRING, add, any, text};
use gotemplate::{FuncError, FuncMap, Value};

/// What `fail` and `required` end a rendering with. Helm shows it without the surroundings other
/// errors get, so renderers look for it with `downcast_ref`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The message the chart gives.
    pub message: String,
}

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "fail", &[STRING], STRING, |_, args| Err(refusal(text(args, 0)?)));
    add(funcs, "required", &[STRING, ANY], ANY, |_, args| {
        let value = any(args, 1)?;
        if value.is_nil() || value.as_str().is_some_and(|text| text.is_empty()) {
            return Err(refusal(text(args, 0)?));
        }
        Ok(value.clone())
    });
}

/// Replaces `fail` and `required` by functions that log what they would have refused, as Helm does
/// when it lints.
pub(crate) fn soften_refusals(funcs: &mut FuncMap) {
    add(funcs, "fail", &[STRING], STRING, |_, args| {
        let said = String::from_utf8_lossy(text(args, 0)?).into_owned();
        tracing::info!(said, "funcMap fail");
        Ok(Value::from(""))
    });
    add(funcs, "required", &[STRING, ANY], ANY, |_, args| {
        let value = any(args, 1)?;
        let said = || text(args, 0).map(|text| String::from_utf8_lossy(text).into_owned());
        if value.is_nil() {
            tracing::warn!(said = said()?, "missing required value");
        } else if value.as_str().is_some_and(|text| text.is_empty()) {
            tracing::warn!(said = said()?, "missing required values");
        } else {
            return Ok(value.clone());
        }
        Ok(Value::from(""))
    });
}

fn refusal(message: &[u8]) -> FuncError {
    FuncError::other(Refusal { message: String::from_utf8_lossy(message).into_owned() })
}

//! Ending a rendering on purpose: `fail` and `required`.

use super::args::{ANY, STRING, add, any, text};
use gotemplate::{FuncError, FuncMap};

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

fn refusal(message: &[u8]) -> FuncError {
    FuncError::other(Refusal { message: String::from_utf8_lossy(message).into_owned() })
}

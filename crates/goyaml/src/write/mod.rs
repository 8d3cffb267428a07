//! Writing: the layout of collections ([`emit`]), the style of scalars ([`style`], [`text`]) and
//! the order of keys ([`order`]).

mod emit;
mod order;
mod style;
mod text;

use crate::{Node, WriteError, json, read};

pub use order::compare_keys;

/// Writes `node` as `sigs.k8s.io/yaml`'s `Marshal` does, final line end included.
///
/// That is: JSON, read back with go-yaml v2, written with go-yaml v2. Fails as that does, for
/// instance on a text with U+007F, which JSON leaves as it is and YAML refuses.
///
/// ```
/// use goyaml::Value;
///
/// let value = Value::from(vec!["yes".into(), "it's".into(), Value::from(1e21)]);
/// assert_eq!(goyaml::to_string(&value).unwrap(), "- \"yes\"\n- it's\n- 1e+21\n");
/// assert!(goyaml::to_string(&Value::from("\u{7f}")).is_err());
/// ```
pub fn to_string<N: Node>(node: &N) -> Result<String, WriteError> {
    match emit::Emitter::new(Dialect::V2Json).write(node) {
        Ok(text) => Ok(text),
        Err(emit::Stop::Fault(fault)) => Err(fault),
        Err(emit::Stop::ReadAgain) => through_json(node),
    }
}

/// Writes `node` as a go-yaml v3 encoder with an indent of two does, final line end included.
///
/// There is no step through JSON: floats keep their point-less `%g` form, and bytes that are no
/// UTF-8 become `!!binary`.
pub fn to_string_pretty<N: Node>(node: &N) -> Result<String, WriteError> {
    emit::Emitter::new(Dialect::V3).write(node).map_err(|stop| match stop {
        emit::Stop::Fault(fault) => fault,
        // Only the step through JSON asks for this.
        emit::Stop::ReadAgain => WriteError::UnsupportedValue("text".into()),
    })
}

/// The long way, for what does not come out of it as it went in.
fn through_json<N: Node>(node: &N) -> Result<String, WriteError> {
    let again = json::to_string(node)?;
    let value = read::parse_only_yaml(&again)
        .map_err(|fault| WriteError::NotReadableAgain(fault.message().into()))?;
    emit::Emitter::new(Dialect::V2).write(&&value).map_err(|stop| match stop {
        emit::Stop::Fault(fault) => fault,
        emit::Stop::ReadAgain => WriteError::NotReadableAgain(again),
    })
}

/// Which library's output is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// go-yaml v2, with what a step through JSON before it changes.
    V2Json,
    /// go-yaml v2 alone.
    V2,
    /// go-yaml v3.
    V3,
}

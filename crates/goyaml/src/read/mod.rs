//! Reading: text → characters ([`reader`]) → tokens ([`scanner`]) → values ([`compose`]).
//!
//! The stages follow go-yaml v2, because its errors name what its own stages see: which of two
//! faults is reported, and where, depends on how far each looks ahead.

mod compose;
mod decode;
mod directives;
mod gosyntax;
mod reader;
mod scanner;
mod token;

use crate::{ParseError, Value};

pub(crate) use decode::valid_text as text_of;

/// Reads the first document of `text` as `sigs.k8s.io/yaml`'s `Unmarshal` into an untyped value
/// does: YAML 1.1 as go-yaml v2 takes it, keys turned into text, every number a float. An empty
/// text is null; of two equal keys the last one wins; what follows the document is not read.
///
/// ```
/// let value = goyaml::parse("on: 1\n1.50: [~]\n---\nnot: read").unwrap();
/// assert_eq!(format!("{value:?}"), r#"{"true": 1.0, "1.5": [null]}"#);
/// ```
pub fn parse(text: &str) -> Result<Value, ParseError> {
    parse_bytes(text.as_bytes())
}

/// As [`parse`], for bytes that may start with a byte order mark, be UTF-16, or be no text at all.
pub fn parse_bytes(bytes: &[u8]) -> Result<Value, ParseError> {
    compose::document(bytes, Numbers::Floats, Keys::LastWins)
}

/// As [`parse_keeping_integers`], but every key that a mapping has twice is an error, as it is for
/// `sigs.k8s.io/yaml`'s `UnmarshalStrict`, which names them all.
///
/// ```
/// let error = goyaml::parse_strict("a: 1\nb: 2\na: 3\n").unwrap_err();
/// assert_eq!(
///     error.message(),
///     "yaml: unmarshal errors:\n  line 3: key \"a\" already set in map",
/// );
/// ```
pub fn parse_strict(text: &str) -> Result<Value, ParseError> {
    compose::document(text.as_bytes(), Numbers::Integers, Keys::Once)
}

/// As [`parse`], but a number that JSON writes without point and exponent stays an integer:
/// what Kubernetes' own decoder makes of a manifest.
///
/// ```
/// let value = goyaml::parse_keeping_integers("[1, 1.0, 1.5]").unwrap();
/// assert_eq!(format!("{value:?}"), "[1i, 1i, 1.5]");
/// ```
pub fn parse_keeping_integers(text: &str) -> Result<Value, ParseError> {
    compose::document(text.as_bytes(), Numbers::Integers, Keys::LastWins)
}

/// Reads `json` with go-yaml alone: no step through JSON afterwards, so that NaN is fine and a
/// float stays one.
pub(crate) fn parse_only_yaml(json: &str) -> Result<Value, ParseError> {
    compose::document(json.as_bytes(), Numbers::Yaml, Keys::LastWins)
}

/// What becomes of numbers once they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// Through JSON into Go's `interface{}`.
    Floats,
    /// Through JSON into a reader that knows integers.
    Integers,
    /// As go-yaml read them.
    Yaml,
}

/// What a key means that a mapping has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// It takes the place of the earlier one.
    LastWins,
    /// It is a fault.
    Once,
}

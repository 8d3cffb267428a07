//! YAML read and written byte for byte as Go programs built on `sigs.k8s.io/yaml` do it.
//!
//! Kubernetes tools read YAML through go-yaml v2 (YAML 1.1: `yes` is a boolean, `0777` is octal),
//! turn it into JSON, and write it the other way round. Whoever wants to show or compare what
//! such a tool would print has to agree with it in every byte: quoting, line folding, key order,
//! number format, and the words of its errors. This crate does that, and nothing else:
//!
//! - [`parse`] reads one document as `yaml.Unmarshal` into an untyped value would
//!   (every number becomes a float); [`parse_keeping_integers`] reads it as `yaml.YAMLToJSON`
//!   followed by a JSON reader that tells integers from floats.
//! - [`to_string`] writes what `yaml.Marshal` writes; [`to_string_pretty`] what a go-yaml v3
//!   encoder with an indent of two writes. Both take anything that implements [`Node`].
//! - [`json`] writes what Go's `encoding/json` writes.
//! - [`documents`] cuts a stream into documents as `k8s.io/apimachinery`'s reader does.
//! - [`number`] and [`scalar`] hold the rules for numbers and plain scalars by themselves.
//!
//! It keeps neither comments nor formatting, knows no schema and no typed targets, and it has no
//! opinion on what a document means.
//!
//! ```
//! let value = goyaml::parse("b: yes\na: [1, 0777, 1.50, 'x']\n").unwrap();
//! assert_eq!(goyaml::to_string(&value).unwrap(), "a:\n- 1\n- 511\n- 1.5\n- x\nb: true\n");
//!
//! let error = goyaml::parse("a: b: c").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "error converting YAML to JSON: yaml: mapping values are not allowed in this context",
//! );
//! assert_eq!((error.line(), error.column()), (Some(1), Some(5)));
//! ```
//!
//! # Limits
//!
//! Hostile input ends in an error, never in a panic, a stack overflow or an endless loop. Nesting
//! is limited to [`MAX_DEPTH`] levels (go-yaml: 10 000), because every user of a tree walks it
//! recursively. Alias expansion has go-yaml's limits.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod error;
pub mod json;
mod map;
mod node;
pub mod number;
mod read;
pub mod scalar;
mod stream;
mod value;
mod write;

pub use error::{ParseError, WriteError};
pub use map::Map;
pub use node::{Node, Shape, SharedText};
pub use read::{parse, parse_bytes, parse_keeping_integers, parse_strict};
pub use stream::{Document, Documents, SeparatorError, documents};
pub use value::Value;
pub use write::{compare_keys, to_string, to_string_pretty};

/// How deep collections may be nested, aliases expanded, before reading or writing fails.
pub const MAX_DEPTH: usize = 500;

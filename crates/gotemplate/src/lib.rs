//! Go's `text/template` in Rust: the same output byte for byte, and the same errors.
//!
//! A [`TemplateSet`] holds parsed templates, may be shared between threads and costs nothing to
//! clone. Executing one of its templates walks over [`Value`]s, which have Go's types, Go's
//! references and Go's way of printing. Functions ([`Function`]) declare their parameters as Go's
//! do, so that reflection's complaints come out word for word.
//!
//! ```
//! use gotemplate::{Frozen, FuncMap, TemplateSet};
//!
//! let mut set = TemplateSet::new("notes", FuncMap::new());
//! set.parse("note", "{{ range $port, $name := .ports }}{{ $port }}={{ $name | printf \"%q\" }} {{ end }}")?;
//! let values = Frozen::map([("ports", Frozen::map([("80", Frozen::string("http"))]))]);
//! assert_eq!(set.execute("note", values.to_value())?, br#"80="http" "#);
//!
//! let error = set.parse("note", "{{ if }}").unwrap_err();
//! assert_eq!(error.to_string(), "template: note:1: missing value for if");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate knows nothing of what is rendered, neither YAML nor JSON nor any library of functions
//! beyond Go's own: those an embedder brings. It is Go 1.27 without channels, arrays, structs as
//! map keys and maps with keys that are not strings; `html/template` is not here either.
//!
//! Hostile templates end in errors: recursion goes to a stack that grows, output and depth are
//! limited ([`Limits`]), and a long execution can be stopped ([`Execution::stop_when`]).

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod ast;
mod builtins;
mod error;
mod eval;
mod func;
mod lex;
mod number;
mod parse;
pub mod print;
mod stack;
mod template;
mod text;
mod types;
mod unicode;
mod unquote;
mod value;

pub use error::{Exceeded, ExecError, FuncError, ParseError, Place};
pub use func::{CallContext, FuncMap, Function, Method, NativeFn};
pub use template::{Execution, Limits, MissingKey, Parsed, TemplateSet};
pub use text::Str;
pub use types::{Kind, ListType, MapType, Type};
pub use value::{
    Frozen, FrozenList, FrozenMap, FuncValue, List, Map, Object, ObjectRef, Sequence, Underlying,
    Value,
};

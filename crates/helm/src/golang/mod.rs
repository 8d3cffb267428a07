//! Pieces of Go's standard library whose exact behaviour shows in rendered charts.
//!
//! Helm's template functions are thin wrappers around Go packages, so the texts they print and the
//! errors they give are Go's. Each module here follows one package for the part templates can
//! reach. None of them knows templates or Helm.

pub(crate) mod base_encoding;
pub(crate) mod characters;
pub(crate) mod duration;
pub(crate) mod json;
pub(crate) mod path;
pub(crate) mod regexp;
pub(crate) mod strconv;
pub(crate) mod time;
pub(crate) mod url;

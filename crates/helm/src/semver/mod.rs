//! Semantic versions and constraints as Helm understands them (the rules of Masterminds/semver 3.5).
//!
//! Versions are read loosely: a leading `v`, missing parts (`1.2`) and leading zeros are accepted,
//! which chart repositories rely on. Constraints know `~`, `^`, wildcards, hyphen ranges, `||` and
//! blanks or commas as "and". This module compares and parses; it fetches and resolves nothing.

mod constraint;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use version::{Version, VersionError};

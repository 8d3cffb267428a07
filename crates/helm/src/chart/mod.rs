//! Charts: what they are made of, loading them, and working out which of their parts take part.

mod metadata;

pub use metadata::{Dependency, Lock, Maintainer, Metadata};

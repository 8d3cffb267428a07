//! Finding charts in repositories.

//! What the fuzz targets share: bounds that every input has to stay within, and data and templates made from
//! a fuzzer's bytes.
//!
//! A target reports a finding by panicking. The targets themselves stand in `targets/`, one file each;
//! `scripts/fuzz` builds and runs them.

pub mod bounds;
pub mod data;
pub mod entries;
pub mod template;
mod words;

pub use bounds::within_bounds;

//! How values are written in pages: times, durations, counts, digests, states, Markdown, YAML.
//!
//! Nothing here knows of requests or of storage.

pub(crate) mod audit;
pub(crate) mod browser;
pub(crate) mod code;
pub(crate) mod icon;
pub(crate) mod markdown;
pub(crate) mod objects;
pub(crate) mod state;
pub(crate) mod time;
pub(crate) mod words;

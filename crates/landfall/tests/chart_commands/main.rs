//! `landfall chart …` beside real Helm, both as processes in folders of the same content: the same output on both
//! streams, the same exit code, the same files.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod gate;
mod local;
mod pair;
mod provenance;
mod registries;
mod repositories;
mod warnings;
mod web;

//! What comes between: servers that are killed at any moment, and API servers that refuse, throttle, break and go away.
//! Every Op still ends and tells the truth, no release stays pending, and no revision is missing or there twice.
//!
//! `LANDFALL_KILLS` says how often a server is killed; `LANDFALL_KILLS_SEED` repeats the moments of an earlier run.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod faults;
mod kills;
mod waiting;
mod world;

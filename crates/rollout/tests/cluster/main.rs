//! Rollouts against a simulated cluster, with the real `helm` beside them.

mod lab;
mod release;
mod waiting;

//! Rollouts against a simulated cluster, with the real `helm` beside them.

// Marked as tests so that lints know that helpers are, too.
#[cfg(test)]
mod culprits;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod place;
#[cfg(test)]
mod release;
#[cfg(test)]
mod volumes;
#[cfg(test)]
mod waiting;

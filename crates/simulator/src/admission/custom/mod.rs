//! Custom resources on their way to the store: unknown fields pruned, defaults set, checked
//! against the structural schema of their version.
//!
//! Not here: the rules in `x-kubernetes-validations` (CEL) and webhooks that convert versions;
//! objects change their `apiVersion` and nothing else.

mod defaults;
mod formats;
mod prune;
mod validation;

pub(super) use self::{
    defaults::{drop_nulls, fill},
    prune::prune,
    validation::problems,
};

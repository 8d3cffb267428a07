//! Patches: JSON merge patch, JSON patch, strategic merge, server-side apply; and the record of
//! who owns which fields, which every write keeps.
//!
//! All of it works on values; reading and storing objects is the `cluster`'s work.

mod apply;
mod fields;
mod json_patch;
mod managed;
mod merge_patch;
mod strategic;
mod typed;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    apply::Apply,
    json_patch::json_patch,
    managed::{record_update, shape_of},
    merge_patch::merge_patch,
    strategic::strategic_merge,
    typed::without_nulls,
};

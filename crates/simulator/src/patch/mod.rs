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

use serde_json::Value;

pub(crate) use self::{
    apply::Apply, json_patch::json_patch, managed::record_update, merge_patch::merge_patch,
    strategic::strategic_merge, typed::Nulls,
};
use crate::kinds::schema::{Schema, Shape};

/// What a merge patch of this content type makes of an object, without a cluster: for tests of those who make patches.
pub fn patched(
    api_version: &str,
    kind: &str,
    content_type: &str,
    object: &Value,
    patch: &Value,
) -> Value {
    let mut object = object.clone();
    if content_type.starts_with("application/strategic-merge-patch") {
        let shape = Schema::builtin().of_kind(api_version, kind).unwrap_or(Shape::Any);
        strategic_merge(&mut object, patch, &shape);
    } else {
        merge_patch(&mut object, patch);
    }
    object
}

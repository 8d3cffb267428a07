//! Merging maps as the library behind `merge` and `mergeOverwrite` (mergo) does it.

use super::args::{Outcome, map};
use super::defaults::is_empty;
use gotemplate::{FuncError, Map, MapType, Value};

/// Deepest nesting followed; maps that contain themselves have no end.
const MAX_DEPTH: usize = 500;

/// Who wins where both sides have a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwrite {
    /// The destination, unless its value is empty.
    No,
    /// The source, even if its value is nil or empty.
    Yes,
}

/// Merges the second and further arguments into the first, in place, and returns the first.
pub(super) fn merge_all(args: &[Value], overwrite: Overwrite) -> Outcome {
    let mut target = map(args, 0)?.clone();
    for index in 1..args.len() {
        let source = map(args, index)?;
        if target.is_nil() && !source.is_nil() {
            target = Map::of(MapType::ANY);
        }
        merge(&target, source, overwrite, 0)?;
    }
    Ok(Value::Map(target))
}

fn merge(target: &Map, source: &Map, overwrite: Overwrite, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err("the maps are nested too deeply or contain themselves".into());
    }
    if target.is_same(source) {
        return Ok(());
    }
    for (key, new) in source.entries() {
        let old = target.get(&key);
        if new.is_nil() {
            if overwrite == Overwrite::Yes {
                target.insert(key, new)?;
            }
            continue;
        }
        if let (Value::Map(new_map), Some(Value::Map(old_map))) = (&new, &old) {
            if !old_map.is_nil() {
                merge(old_map, new_map, overwrite, depth + 1)?;
            }
            if !old_map.is_empty() {
                continue;
            }
        }
        if overwrite == Overwrite::Yes || old.is_none_or(|old| is_empty(&old)) {
            target.insert(key, new)?;
        }
    }
    Ok(())
}

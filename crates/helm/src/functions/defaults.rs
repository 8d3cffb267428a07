//! Emptiness and what to take instead: `default`, `empty`, `coalesce`, `ternary`, `all`, `any`.

use super::args::{ANY, BOOL, add, add_variadic, any, boolean};
use gotemplate::{FuncMap, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    add_variadic(funcs, "default", &[ANY], ANY, ANY, |_, args| {
        let given = args.get(1).filter(|given| !is_empty(given));
        Ok(given.or(args.first()).cloned().unwrap_or_default())
    });
    add(funcs, "empty", &[ANY], BOOL, |_, args| Ok(is_empty(any(args, 0)?).into()));
    add_variadic(funcs, "coalesce", &[], ANY, ANY, |_, args| {
        Ok(args.iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    });
    add_variadic(funcs, "all", &[], ANY, BOOL, |_, args| {
        Ok(args.iter().all(|value| !is_empty(value)).into())
    });
    add_variadic(funcs, "any", &[], ANY, BOOL, |_, args| {
        Ok(args.iter().any(|value| !is_empty(value)).into())
    });
    add(funcs, "ternary", &[ANY, ANY, BOOL], ANY, |_, args| {
        let index = usize::from(!boolean(args, 2)?);
        any(args, index).cloned()
    });
}

/// Whether a value counts as not given: zero, false, nil, or without contents.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

//! Recursion that templates can drive as deep as they like.
//!
//! Parser, evaluator and printer call themselves once per level of nesting in the template or in
//! the data, all of which a template's author controls. Each such call goes through [`grow`],
//! which continues on a new piece of stack when the current one runs short, so that the limits
//! Go has (or those of this crate) are met before the native stack ends.

/// Stack that must be left for one level of recursion, the functions of embedders included.
const RED_ZONE: usize = 256 * 1024;

/// Size of a new piece of stack.
const PIECE: usize = 4 * 1024 * 1024;

/// Runs `body` with enough stack for one more level.
pub(crate) fn grow<T>(body: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, PIECE, body)
}

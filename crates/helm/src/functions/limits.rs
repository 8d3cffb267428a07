//! Bounds on what one call may make. Go has none and dies for want of memory instead.

use gotemplate::FuncError;

/// Longest text one call may make, in bytes.
const MAX_TEXT: usize = 64 << 20;
/// Longest list one call may make.
pub(super) const MAX_ITEMS: usize = 1 << 20;

/// Go's `strings.Repeat`, and its panics.
pub(super) fn repeat(text: &[u8], count: i64) -> Result<Vec<u8>, FuncError> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count")?;
    let length = text.len().checked_mul(count).filter(|length| isize::try_from(*length).is_ok());
    let length = length.ok_or("strings: Repeat output length overflow")?;
    check_text(length)?;
    Ok(text.repeat(count))
}

/// Fails if a text of `length` bytes is too long.
pub(super) fn check_text(length: usize) -> Result<(), FuncError> {
    if length <= MAX_TEXT {
        return Ok(());
    }
    Err(FuncError::new(format!(
        "the result would have {length} bytes; Landfall's limit for one function call is {MAX_TEXT}"
    )))
}

/// Fails if a list of `length` elements is too long.
pub(super) fn check_items(length: usize) -> Result<(), FuncError> {
    if length <= MAX_ITEMS {
        return Ok(());
    }
    Err(FuncError::new(format!(
        "the list would have more than {MAX_ITEMS} elements, Landfall's limit for one function call"
    )))
}

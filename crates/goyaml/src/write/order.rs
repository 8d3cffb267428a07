//! The natural order of keys.

use std::cmp::Ordering;

use super::Dialect;

/// Compares two keys as go-yaml v2 sorts them: digits by their number, letters after everything
/// else.
///
/// This is no order in the mathematical sense (`1Z` < `9` < `12` < `1Z`), so do not hand it to
/// the standard library's sort.
///
/// ```
/// use std::cmp::Ordering::Less;
/// assert_eq!(goyaml::compare_keys("v9", "v10"), Less);
/// assert_eq!(goyaml::compare_keys("_x", "A"), Less);
/// ```
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    compare(a, b, Dialect::V2)
}

fn compare(a: &str, b: &str, dialect: Dialect) -> Ordering {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    if same == a.len() || same == b.len() {
        return a.len().cmp(&b.len());
    }
    let mut at = same;
    while !a.is_char_boundary(at) {
        at -= 1;
    }
    let (rest_a, rest_b) = (&a[at..], &b[at..]);
    let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.len().cmp(&rest_b.len());
    };
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => return first_a.cmp(&first_b),
        (false, false) => {}
        (letter_a, _) => {
            let after_digit = a[..at].ends_with(|c: char| c.is_ascii_digit());
            // Only v3 lets a letter behind digits come first: `v1alpha1` before `v1.9`.
            let letter_first = dialect == Dialect::V3 && after_digit;
            return if letter_a == letter_first { Ordering::Less } else { Ordering::Greater };
        }
    }
    let start = i64::from((first_a == '0' || first_b == '0') && digits_before(&a[..at]));
    let (number_a, length_a) = number(rest_a, start);
    let (number_b, length_b) = number(rest_b, start);
    number_a.cmp(&number_b).then(length_a.cmp(&length_b)).then(first_a.cmp(&first_b))
}

/// Whether the digits that end `text` are more than zeros.
fn digits_before(text: &str) -> bool {
    text.bytes().rev().take_while(u8::is_ascii_digit).any(|digit| digit != b'0')
}

/// The number `text` starts with, with `start` in front of it, and how many digits it has.
fn number(text: &str, start: i64) -> (i64, usize) {
    text.bytes().take_while(u8::is_ascii_digit).fold((start, 0), |(number, length), digit| {
        (number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), length + 1)
    })
}

/// Sorts entries by their keys, independently of how they came, also where the order is cyclic.
pub(super) fn sort<T>(entries: &mut Vec<(std::borrow::Cow<'_, str>, T)>, dialect: Dialect) {
    if !entries.is_sorted_by(|(a, _), (b, _)| a <= b) {
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    merge_sort(entries, &|(a, _), (b, _)| compare(b, a, dialect) == Ordering::Less);
}

/// A stable sort that puts up with any comparison; the standard one may panic on such.
fn merge_sort<T>(items: &mut Vec<T>, after: &impl Fn(&T, &T) -> bool) {
    if items.len() <= 16 {
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && after(&items[at - 1], &items[at]) {
                items.swap(at - 1, at);
                at -= 1;
            }
        }
        return;
    }
    let mut right = items.split_off(items.len() / 2);
    merge_sort(items, after);
    merge_sort(&mut right, after);
    let left = std::mem::replace(items, Vec::with_capacity(items.len() + right.len()));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let from_right = after(first, second);
        items.extend(if from_right { right.next() } else { left.next() });
    }
    items.extend(left);
    items.extend(right);
}

#[cfg(test)]
mod tests {
    use super::{Dialect, sort};

    fn sorted(keys: &[&'static str], dialect: Dialect) -> Vec<String> {
        let mut entries: Vec<_> = keys.iter().map(|key| ((*key).into(), ())).collect();
        sort(&mut entries, dialect);
        entries.into_iter().map(|(key, ())| key.into_owned()).collect()
    }

    /// The order of v2, on more keys than the short way of sorting takes.
    #[test]
    fn natural() {
        let order = [
            "-", "_", "0a", "1", "2", "10", "A", "Z", "a", "a-b", "a.b", "a/b", "a_b", "a0", "a1",
            "a01", "a001", "a9", "a10", "aB", "ab", "b", "é",
        ];
        let mut keys = order;
        keys.reverse();
        assert_eq!(sorted(&keys, Dialect::V2), order);
        let versions = ["v1", "v1.9", "v1.10", "v10", "v1alpha1", "v1beta2", "v1beta10", "v2"];
        let mut keys = versions;
        keys.rotate_left(3);
        assert_eq!(sorted(&keys, Dialect::V2), versions);
    }

    /// v3 lets a letter behind digits come early.
    #[test]
    fn natural_v3() {
        let order = ["v1", "v1alpha1", "v1beta1", "v1.9", "v1.10", "v2", "v10"];
        let mut keys = order;
        keys.reverse();
        assert_eq!(sorted(&keys, Dialect::V3), order);
    }

    /// Keys that compare in a circle neither panic nor depend on how they come.
    #[test]
    fn cyclic() {
        let first = sorted(&["1Z", "9", "12"], Dialect::V2);
        assert_eq!(first, sorted(&["12", "1Z", "9"], Dialect::V2));
    }
}

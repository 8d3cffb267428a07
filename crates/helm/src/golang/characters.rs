//! Go's `unicode`: characters of texts that may not be UTF-8, their classes and cases.
//!
//! Go's classes are plain Unicode categories and its case mappings go from one character to one;
//! Rust's methods of similar names answer other questions.

use regex_syntax::hir::{Class, Hir, HirKind};
use std::sync::LazyLock;

/// The characters of `text` with their bytes; a byte that is not UTF-8 gives U+FFFD.
pub(crate) fn characters(text: &[u8]) -> impl Iterator<Item = (char, &[u8])> {
    text.utf8_chunks().flat_map(|chunk| {
        let text = chunk.valid();
        let valid = text
            .char_indices()
            .map(move |(start, c)| (c, &text.as_bytes()[start..start + c.len_utf8()]));
        let broken = chunk.invalid().chunks(1).map(|byte| (char::REPLACEMENT_CHARACTER, byte));
        valid.chain(broken)
    })
}

/// The text with `map` applied to each character.
pub(crate) fn map_characters(text: &[u8], mut map: impl FnMut(char) -> char) -> String {
    characters(text).map(|(c, _)| map(c)).collect()
}

/// Go's `unicode.IsSpace`.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// The text without leading and trailing white space.
pub(crate) fn trim_space(text: &[u8]) -> &[u8] {
    trim(text, is_space)
}

/// The text without the characters at both ends that `cut` accepts.
pub(crate) fn trim(text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    let leading: usize =
        characters(text).take_while(|(c, _)| cut(*c)).map(|(_, bytes)| bytes.len()).sum();
    let rest = &text[leading..];
    let mut end = 0;
    let mut position = 0;
    for (c, bytes) in characters(rest) {
        position += bytes.len();
        if !cut(c) {
            end = position;
        }
    }
    &rest[..end]
}

/// Go's `unicode.ToUpper`: the simple mapping, from one character to one.
pub(crate) fn to_upper(c: char) -> char {
    // Greek letters with a subscript iota have a capital of their own, which only simple mappings
    // use.
    let code = u32::from(c);
    let shifted = match code {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => code + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => code + 9,
        _ => return single(c.to_uppercase(), c),
    };
    char::from_u32(shifted).unwrap_or(c)
}

/// Go's `unicode.ToLower`.
pub(crate) fn to_lower(c: char) -> char {
    if c == '\u{130}' { 'i' } else { single(c.to_lowercase(), c) }
}

/// Go's `unicode.ToTitle`: the upper case except where a character has a title case of its own.
pub(crate) fn to_title(c: char) -> char {
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => c,
        _ => to_upper(c),
    }
}

/// The mapped character if the mapping is from one to one, else `c` itself.
fn single(mut mapped: impl ExactSizeIterator<Item = char>, c: char) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
}

/// A set of characters named by a Unicode category.
struct Category(LazyLock<Vec<(char, char)>>);

impl Category {
    fn contains(&self, c: char) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < c);
        self.0.get(at).is_some_and(|(first, _)| *first <= c)
    }
}

fn ranges(category: &str) -> Vec<(char, char)> {
    match regex_syntax::parse(category).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
}

static LETTER: Category = Category(LazyLock::new(|| ranges("\\p{L}")));
static LOWER: Category = Category(LazyLock::new(|| ranges("\\p{Ll}")));
static NUMBER: Category = Category(LazyLock::new(|| ranges("\\p{N}")));
static PUNCTUATION: Category = Category(LazyLock::new(|| ranges("\\p{P}")));
static TITLE: Category = Category(LazyLock::new(|| ranges("\\p{Lt}")));
static UPPER: Category = Category(LazyLock::new(|| ranges("\\p{Lu}")));

/// Go's `unicode.IsLetter`.
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTER.contains(c) }
}

/// Go's `unicode.IsLower`.
pub(crate) fn is_lower(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_lowercase() } else { LOWER.contains(c) }
}

/// Go's `unicode.IsUpper`.
pub(crate) fn is_upper(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_uppercase() } else { UPPER.contains(c) }
}

/// Go's `unicode.IsTitle`.
pub(crate) fn is_title(c: char) -> bool {
    !c.is_ascii() && TITLE.contains(c)
}

/// Go's `unicode.IsNumber`.
pub(crate) fn is_number(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { NUMBER.contains(c) }
}

/// Go's `unicode.IsPunct`; signs such as `$` and `+` are symbols, not punctuation.
pub(crate) fn is_punctuation(c: char) -> bool {
    PUNCTUATION.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case mappings never change the number of characters.
    #[test]
    fn simple_case_mappings() {
        assert_eq!(map_characters("straße ŉ".as_bytes(), to_upper), "STRAßE ŉ");
        assert_eq!(map_characters("İΣ".as_bytes(), to_lower), "iσ");
        assert_eq!(to_upper('ᾳ'), 'ᾼ');
        assert_eq!(to_title('ǆ'), 'ǅ');
        assert_eq!(map_characters(b"a\xFFb", to_upper), "A\u{FFFD}B");
    }

    /// Categories are those of Unicode, ASCII included.
    #[test]
    fn categories() {
        assert!(is_punctuation('-') && is_punctuation('…') && !is_punctuation('+'));
        assert!(is_upper('É') && !is_upper('Ⅷ') && is_number('Ⅷ'));
        assert!(is_letter('ª') && !is_lower('ª') && is_title('ǅ'));
    }

    /// Trimming works on characters and keeps broken bytes.
    #[test]
    fn trimming() {
        assert_eq!(trim_space(" \u{85}a b\u{3000}".as_bytes()), b"a b");
        assert_eq!(trim_space(b"\xFF "), b"\xFF");
        assert_eq!(trim("ééaé".as_bytes(), |c| c == 'é'), b"a");
        assert_eq!(trim_space(b"  "), b"");
    }
}

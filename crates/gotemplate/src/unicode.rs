//! Go's view of characters: decoding bytes that may not be UTF-8, and which code points are
//! printable, letters or digits. Rust's own tables answer other questions (`is_alphabetic`
//! counts marks and letter numbers as well).

mod tables;

/// What Go decodes where bytes are not UTF-8.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Go's `utf8.DecodeRune`: the first character and its length in bytes. A byte that does not
/// start a character gives U+FFFD and the length 1; no bytes give U+FFFD and 0.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else {
        return (REPLACEMENT, 0);
    };
    if first.is_ascii() {
        return (char::from(first), 1);
    }
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (REPLACEMENT, 1),
    };
    let decoded = bytes.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match decoded.and_then(|text| text.chars().next()) {
        Some(c) => (c, len),
        None => (REPLACEMENT, 1),
    }
}

/// Go's `utf8.RuneCount`: characters, each byte that is not UTF-8 counting as one.
pub(crate) fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// The characters with their offsets, as Go's `for range` over a string gives them.
pub(crate) fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (c, len) = decode(rest);
        let item = (at, c, len);
        at += len;
        Some(item)
    })
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII blank.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() { matches!(c, ' '..='~') } else { contains(tables::PRINTABLE, c) }
}

/// Go's `unicode.IsLetter`.
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { contains(tables::LETTER, c) }
}

/// Go's `unicode.IsDigit`.
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { contains(tables::DIGIT, c) }
}

/// An odd number of boundaries up to `c` means inside.
fn contains(table: &[u32], c: char) -> bool {
    table.partition_point(|boundary| *boundary <= u32::from(c)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A broken sequence is one U+FFFD per byte, and the characters after it are intact.
    #[test]
    fn broken_sequences_count_byte_by_byte() {
        let found: Vec<_> = chars(b"a\xe2\x82b\xff\xc3\xa9").collect();
        let expected = [
            (0, 'a', 1),
            (1, REPLACEMENT, 1),
            (2, REPLACEMENT, 1),
            (3, 'b', 1),
            (4, REPLACEMENT, 1),
            (5, 'é', 2),
        ];
        assert_eq!(found, expected);
        assert_eq!(count(b"a\xe2\x82b\xff\xc3\xa9"), 6);
    }

    /// Go's classes are the general categories: a letter number is no letter, an Arabic digit is
    /// a digit, a no-break space and a soft hyphen do not print.
    #[test]
    fn classes_are_general_categories() {
        assert!(is_letter('é') && is_letter('日') && !is_letter('Ⅷ') && !is_letter('\u{345}'));
        assert!(is_digit('٣') && !is_digit('²'));
        assert!(is_print('Ⅷ') && is_print('😀') && !is_print('\u{a0}') && !is_print('\u{ad}'));
        assert!(!is_print('\u{7f}') && is_print(' ') && !is_print('\u{e000}'));
    }
}

//! Character classes and escapes.

use super::{Problem, RegexpError};

/// One member of a character class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClassItem {
    /// Code points from the first to the second, both included.
    Range(u32, u32),
    /// A set in the syntax of the `regex` crate, such as `0-9` or `\p{gc=L}`.
    Set { set: String, negated: bool },
}

type Class<'p> = (Vec<ClassItem>, bool, &'p str);

/// Reads a class in brackets and returns its members, whether it is negated, and what follows.
pub(super) fn read_class(text: &str) -> Result<Class<'_>, RegexpError> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
    }
    let mut items = Vec::new();
    while items.is_empty() || !rest.starts_with(']') {
        if let Some((item, after)) = read_posix_set(rest)? {
            items.push(item);
            rest = after;
            continue;
        }
        if let Some((item, after)) = read_named_set(rest)? {
            items.push(item);
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = read_class_character(rest, text)?;
        rest = after;
        let mut high = low;
        if let Some(after_dash) = rest.strip_prefix('-')
            && !after_dash.is_empty()
            && !after_dash.starts_with(']')
        {
            (high, rest) = read_class_character(after_dash, text)?;
            if high < low {
                let excerpt = &start[..start.len() - rest.len()];
                return Err(RegexpError::new(Problem::CharRange, excerpt));
            }
        }
        items.push(ClassItem::Range(low, high));
    }
    Ok((items, negated, &rest[1..]))
}

fn read_class_character<'p>(text: &'p str, class: &str) -> Result<(u32, &'p str), RegexpError> {
    match text.chars().next() {
        None => Err(RegexpError::new(Problem::MissingBracket, class)),
        Some('\\') => read_escape(text),
        Some(c) => Ok((c.into(), &text[c.len_utf8()..])),
    }
}

/// `[:alpha:]` and the like, inside a class.
fn read_posix_set(text: &str) -> Result<Option<(ClassItem, &str)>, RegexpError> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    let Some((name, after)) = text.strip_prefix("[:").and_then(|body| body.split_once(":]")) else {
        return Ok(None);
    };
    let (plain, negated) = match name.strip_prefix('^') {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    if !NAMES.contains(&plain) {
        let excerpt = &text[..text.len() - after.len()];
        return Err(RegexpError::new(Problem::CharRange, excerpt));
    }
    let set = format!("[:{plain}:]");
    Ok(Some((ClassItem::Set { set, negated }, after)))
}

/// `\d`, `\S`, `\pL`, `\p{Greek}` and the like.
pub(super) fn read_named_set(text: &str) -> Result<Option<(ClassItem, &str)>, RegexpError> {
    let Some(letter) = text.strip_prefix('\\').and_then(|rest| rest.chars().next()) else {
        return Ok(None);
    };
    let set = match letter.to_ascii_lowercase() {
        'd' => "0-9",
        's' => "\\t\\n\\x0C\\r ",
        'w' => "0-9A-Za-z_",
        'p' => return read_unicode_set(text, letter == 'P'),
        _ => return Ok(None),
    };
    let item = ClassItem::Set { set: set.to_owned(), negated: letter.is_ascii_uppercase() };
    Ok(Some((item, &text[2..])))
}

fn read_unicode_set(
    text: &str,
    mut negated: bool,
) -> Result<Option<(ClassItem, &str)>, RegexpError> {
    let Some(first) = text[2..].chars().next() else {
        return Err(RegexpError::new(Problem::CharRange, text));
    };
    let (name, after) = if first == '{' {
        let Some((name, after)) = text[3..].split_once('}') else {
            return Err(RegexpError::new(Problem::CharRange, text));
        };
        (name, after)
    } else {
        text[2..].split_at(first.len_utf8())
    };
    let plain = match name.strip_prefix('^') {
        Some(plain) => {
            negated = !negated;
            plain
        }
        None => name,
    };
    let Some(set) = unicode_set(plain) else {
        return Err(RegexpError::new(Problem::CharRange, &text[..text.len() - after.len()]));
    };
    Ok(Some((ClassItem::Set { set, negated }, after)))
}

/// The set named in the crate's syntax, if Go knows the name as a category or a script.
fn unicode_set(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect();
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match plain.to_ascii_lowercase().as_str() {
        "any" => return Some("\\p{Any}".to_owned()),
        "assigned" => return Some("\\p{Assigned}".to_owned()),
        "ascii" => return Some("\\p{ASCII}".to_owned()),
        _ => {}
    }
    let known = |set: &String| regex_syntax::parse(set).is_ok();
    let category = Some(format!("\\p{{gc={plain}}}")).filter(known);
    // Four-letter codes of scripts are unknown to Go unless they are the full name too.
    let full_name = plain.len() != 4
        || ["cham", "lisu", "modi", "newa", "thai", "toto"]
            .contains(&plain.to_ascii_lowercase().as_str());
    category.or_else(|| Some(format!("\\p{{sc={plain}}}")).filter(|set| full_name && known(set)))
}

/// Reads an escaped single character and returns its code point.
pub(super) fn read_escape(text: &str) -> Result<(u32, &str), RegexpError> {
    let rest = &text[1..];
    let Some(c) = rest.chars().next() else {
        return Err(RegexpError::new(Problem::TrailingBackslash, ""));
    };
    let after = &rest[c.len_utf8()..];
    let refused =
        |after: &str| Err(RegexpError::new(Problem::Escape, &text[..text.len() - after.len()]));
    let code = match c {
        '0' => return Ok(read_octal(rest)),
        '1'..='7' if after.starts_with(|d| matches!(d, '0'..='7')) => return Ok(read_octal(rest)),
        'x' => return read_hex(after).map_or_else(refused, Ok),
        'a' => 0x07,
        'f' => 0x0C,
        'n' => 0x0A,
        'r' => 0x0D,
        't' => 0x09,
        'v' => 0x0B,
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c.into(),
        _ => return refused(after),
    };
    Ok((code, after))
}

fn read_octal(text: &str) -> (u32, &str) {
    let end = text.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let (digits, rest) = text.split_at(end);
    (u32::from_str_radix(digits, 8).unwrap_or_default(), rest)
}

/// Reads what follows `\x`; on failure returns the text after the offending character.
fn read_hex(text: &str) -> Result<(u32, &str), &str> {
    let mut characters = text.char_indices();
    let after = |index: usize, c: char| &text[index + c.len_utf8()..];
    let Some((_, first)) = characters.next() else { return Err(text) };
    if first != '{' {
        let Some((index, second)) = characters.next() else { return Err("") };
        let rest = after(index, second);
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, rest)),
            _ => Err(rest),
        };
    }
    let (mut code, mut count) = (0, 0);
    for (index, c) in characters {
        let rest = after(index, c);
        if c == '}' {
            return if count == 0 { Err(rest) } else { Ok((code, rest)) };
        }
        let Some(digit) = c.to_digit(16) else { return Err(rest) };
        code = code * 16 + digit;
        count += 1;
        if code > u32::from(char::MAX) {
            return Err(rest);
        }
    }
    Err("")
}

//! Shell patterns as Go's `filepath.Match` has them: for `.helmignore` and `--show-only`.
//!
//! `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are classes, a backslash takes the next
//! character literally. There is no `**`.

/// A pattern that was checked for its syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// The pattern has an unclosed class, an empty range or a backslash at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// `?`: one character other than `/`.
    Any,
    /// `*`: characters other than `/`.
    Run,
    /// `[…]`: one character, even `/`.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let mut chars = text.chars().peekable();
        let mut parts = Vec::new();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => Part::Run,
                '?' => Part::Any,
                '\\' => Part::Literal(chars.next().ok_or(BadPattern)?),
                '[' => class(&mut chars)?,
                literal => Part::Literal(literal),
            });
        }
        Ok(Self { parts })
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        let char_at = |at: usize| name.get(at..).and_then(|rest| rest.chars().next());
        // Where the last `*` stood and how far it reaches: the only place to go back to.
        let mut retry: Option<(usize, usize)> = None;
        let (mut part, mut at) = (0, 0);
        loop {
            let (wanted, found) = (self.parts.get(part), char_at(at));
            match (wanted, found) {
                (None, None) => return true,
                (Some(Part::Run), _) => {
                    retry = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                (Some(wanted), Some(found)) if wanted.matches(found) => {
                    (part, at) = (part + 1, at + found.len_utf8());
                    continue;
                }
                _ => {}
            }
            match retry.and_then(|(after, reached)| Some((after, reached, char_at(reached)?))) {
                Some((after, reached, skipped)) if skipped != '/' => {
                    let reached = reached + skipped.len_utf8();
                    retry = Some((after, reached));
                    (part, at) = (after, reached);
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Literal(wanted) => *wanted == c,
            Self::Any => c != '/',
            Self::Run => false,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn class(chars: &mut Chars<'_>) -> Result<Part, BadPattern> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Ok(Part::Class { negated, ranges });
        }
        let low = class_member(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_member(chars)? } else { low };
        ranges.push((low, high));
    }
}

fn class_member(chars: &mut Chars<'_>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    /// The cases of Go's documentation and test table that charts meet.
    #[test]
    fn gos_rules() {
        let table = [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a?b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("*x", "xxx", true),
            ("", "", true),
            ("", "a", false),
            ("templates/*.yaml", "templates/a.yaml", true),
            ("templates/.?*", "templates/.a", true),
            ("templates/.?*", "templates/.", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(fits(pattern, name), expected, "{pattern} on {name}");
        }
    }

    /// Malformed patterns are found when they are read, whatever they would be matched with.
    #[test]
    fn malformed_patterns() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "a\\", "[a-"] {
            assert_eq!(Pattern::parse(pattern), Err(BadPattern), "{pattern}");
        }
    }
}

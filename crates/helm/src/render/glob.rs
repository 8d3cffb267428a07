//! Patterns of `.Files.Glob`: those of the Go package gobwas/glob with `/` as separator.
//!
//! `*` stops at `/`, `**` does not, `?` is one character other than `/`, `[abc]`, `[a-z]` and
//! `[!…]` are classes, `{a,b}` alternatives, a backslash takes the next character literally.

/// A pattern of `.Files.Glob`.
#[derive(Debug)]
pub(super) struct Glob(Vec<Part>);

#[derive(Debug)]
enum Part {
    Literal(char),
    /// `?`
    Any,
    /// `*`
    Run,
    /// `**`
    Everything,
    Class {
        negated: bool,
        members: Members,
    },
    Alternatives(Vec<Vec<Part>>),
}

#[derive(Debug)]
enum Members {
    List(Vec<char>),
    Range(char, char),
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

impl Glob {
    /// Reads a pattern. As in Helm, a malformed one matches everything.
    pub(super) fn parse(pattern: &str) -> Self {
        let mut chars = pattern.chars().peekable();
        Self(sequence(&mut chars, false).unwrap_or_else(|| vec![Part::Everything]))
    }

    /// Whether the whole of `name` fits.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let mut start = vec![false; name.len() + 1];
        start[0] = true;
        advance(&self.0, start, &name)[name.len()]
    }
}

/// Reads parts up to the end, or inside braces up to the next `,` or `}`.
fn sequence(chars: &mut Chars<'_>, in_braces: bool) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(&c) = chars.peek() {
        if in_braces && (c == ',' || c == '}') {
            break;
        }
        chars.next();
        parts.push(match c {
            '*' if chars.next_if_eq(&'*').is_some() => Part::Everything,
            '*' => Part::Run,
            '?' => Part::Any,
            '[' => class(chars)?,
            '{' => alternatives(chars)?,
            '\\' => Part::Literal(chars.next()?),
            c => Part::Literal(c),
        });
    }
    Some(parts)
}

fn alternatives(chars: &mut Chars<'_>) -> Option<Part> {
    let mut all = Vec::new();
    loop {
        all.push(sequence(chars, true)?);
        // A brace that is never closed counts as closed at the end.
        if chars.next() != Some(',') {
            return Some(Part::Alternatives(all));
        }
    }
}

/// A class holds either characters or one range, not both.
fn class(chars: &mut Chars<'_>) -> Option<Part> {
    let negated = chars.next_if_eq(&'!').is_some();
    let mut members = Vec::new();
    loop {
        let member = match chars.next()? {
            ']' if !members.is_empty() => {
                return Some(Part::Class { negated, members: Members::List(members) });
            }
            '\\' => chars.next()?,
            c => c,
        };
        if members.is_empty() && chars.next_if_eq(&'-').is_some() {
            let high = chars.next()?;
            return (chars.next()? == ']' && member <= high)
                .then_some(Part::Class { negated, members: Members::Range(member, high) });
        }
        members.push(member);
    }
}

/// The positions reachable from `from` over `parts`; one flag per position in `name`.
fn advance(parts: &[Part], mut from: Vec<bool>, name: &[char]) -> Vec<bool> {
    for part in parts {
        let mut to = vec![false; from.len()];
        match part {
            Part::Run | Part::Everything => {
                let mut reached = false;
                for at in 0..from.len() {
                    let stopped = at > 0 && name[at - 1] == '/' && matches!(part, Part::Run);
                    reached = from[at] || (reached && !stopped);
                    to[at] = reached;
                }
            }
            Part::Alternatives(all) => {
                for one in all {
                    let reached = advance(one, from.clone(), name);
                    to.iter_mut().zip(reached).for_each(|(to, reached)| *to |= reached);
                }
            }
            single => {
                for (at, c) in name.iter().enumerate() {
                    to[at + 1] = from[at] && single.is(*c);
                }
            }
        }
        from = to;
    }
    from
}

impl Part {
    /// Whether one character fits a part that stands for one character.
    fn is(&self, c: char) -> bool {
        match self {
            Self::Literal(wanted) => *wanted == c,
            Self::Any => c != '/',
            Self::Class { negated, members } => {
                let found = match members {
                    Members::List(list) => list.contains(&c),
                    Members::Range(low, high) => (*low..=*high).contains(&c),
                };
                found != *negated
            }
            Self::Run | Self::Everything | Self::Alternatives(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms charts use, with Helm's answers.
    #[test]
    fn patterns() {
        let table = [
            ("files/*", "files/a.txt", true),
            ("files/*", "files/.hidden", true),
            ("files/*", "files/sub/a.txt", false),
            ("files/**", "files/sub/a.txt", true),
            ("**/a.txt", "files/a.txt", true),
            ("**/a.txt", "a.txt", false),
            ("**.txt", "files/sub/a.txt", true),
            ("*.{json,yaml}", "a.yaml", true),
            ("*.{json,yaml}", "a.toml", false),
            ("{a,b/*}.txt", "b/c.txt", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[abc].txt", "b.txt", true),
            ("[a-c].txt", "b.txt", true),
            ("[!a-c].txt", "b.txt", false),
            ("[!abc].txt", "d.txt", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("{a,b", "b", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(Glob::parse(pattern).matches(name), expected, "{pattern} on {name}");
        }
    }

    /// A malformed pattern matches everything.
    #[test]
    fn malformed_patterns() {
        for pattern in ["[", "[a-", "[a-zA-Z]", "a\\", "[z-a]"] {
            assert!(Glob::parse(pattern).matches("any/thing"), "{pattern}");
        }
    }
}

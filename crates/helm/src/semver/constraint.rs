//! Constraints such as `>=1.20-0 <2 || ~3.1`.

use super::version::{Version, compare_prereleases};
use std::cmp::Ordering;

/// Longest constraint text accepted, in bytes.
const MAX_LENGTH: usize = 512;
/// Most alternatives (`||`) accepted.
const MAX_ALTERNATIVES: usize = 32;

/// Alternatives of terms that must all hold.
#[derive(Clone, Debug)]
pub struct Constraint {
    alternatives: Vec<Alternative>,
}

/// Why a text is not a constraint. The texts are those Helm prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// A part between `||` is not a sequence of terms; the part is named.
    #[error("improper constraint: {}", gotemplate::print::quote(.0.as_bytes()))]
    Improper(String),
    /// A term has the right shape but a version that cannot be, such as `1x`.
    #[error("constraint parser error")]
    BadVersion,
    /// The text is longer than any sensible constraint.
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// Too many alternatives.
    #[error("too many constraint groups (max {MAX_ALTERNATIVES})")]
    TooManyAlternatives,
}

#[derive(Clone, Debug)]
struct Alternative {
    terms: Vec<Term>,
    /// Whether some term names a pre-release; only then can a pre-release satisfy this alternative.
    names_prerelease: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// How much of the version was written out; the rest was absent or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    Nothing,
    Major,
    Minor,
    Full,
}

#[derive(Clone, Debug)]
struct Term {
    operator: Operator,
    version: Version,
    precision: Precision,
}

impl Constraint {
    /// Reads a constraint. An empty text is not one.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::TooLong);
        }
        let text = expand_hyphen_ranges(text);
        let parts: Vec<&str> = text.split("||").collect();
        if parts.len() > MAX_ALTERNATIVES {
            return Err(ConstraintError::TooManyAlternatives);
        }
        let alternatives = parts.into_iter().map(Alternative::parse).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }

    /// Whether `version` satisfies the constraint.
    pub fn check(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| {
            (version.prerelease().is_empty() || alternative.names_prerelease)
                && alternative.terms.iter().all(|term| term.check(version))
        })
    }
}

impl Alternative {
    fn parse(text: &str) -> Result<Self, ConstraintError> {
        let tokens = split_terms(text).ok_or_else(|| ConstraintError::Improper(text.to_owned()))?;
        let terms = tokens
            .into_iter()
            .map(Term::from_token)
            .collect::<Result<Vec<_>, ConstraintError>>()?;
        let names_prerelease = terms.iter().any(|term| !term.version.prerelease().is_empty());
        Ok(Self { terms, names_prerelease })
    }
}

impl Term {
    fn from_token(token: Token<'_>) -> Result<Self, ConstraintError> {
        let Token { operator, spec } = token;
        let open = |part: &str| matches!(part, "" | "x" | "X" | "*");
        let (text, precision) = if open(spec.major) {
            (format!("0.0.0{}", spec.prerelease), Precision::Nothing)
        } else if open(spec.minor) {
            (format!("{}.0.0{}", spec.major, spec.prerelease), Precision::Major)
        } else if open(spec.patch) {
            let Spec { major, minor, prerelease, .. } = spec;
            (format!("{major}.{minor}.0{prerelease}"), Precision::Minor)
        } else {
            (spec.text.to_owned(), Precision::Full)
        };
        let version = Version::parse(&text).map_err(|_| ConstraintError::BadVersion)?;
        Ok(Self { operator, version, precision })
    }

    fn check(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.precision == Precision::Full => *version == self.version,
            Operator::Equal | Operator::Tilde => self.check_tilde(version),
            Operator::NotEqual => self.check_not_equal(version),
            Operator::Greater => self.check_greater(version),
            Operator::Less => *version < self.version,
            Operator::GreaterEqual => *version >= self.version,
            Operator::LessEqual => self.check_less_equal(version),
            Operator::Caret => self.check_caret(version),
        }
    }

    fn check_not_equal(&self, version: &Version) -> bool {
        let (v, c) = (version, &self.version);
        match self.precision {
            Precision::Full => v != c,
            _ if v.major() != c.major() => true,
            Precision::Major => false,
            _ if v.minor() != c.minor() => true,
            Precision::Minor => {
                compare_prereleases(v.prerelease(), c.prerelease()) != Ordering::Equal
            }
            Precision::Nothing => v != c,
        }
    }

    /// `>11` means 12 and later, `>11.1` means 11.2 and later.
    fn check_greater(&self, version: &Version) -> bool {
        let (v, c) = (version, &self.version);
        match self.precision {
            Precision::Full | Precision::Nothing => v > c,
            Precision::Major => v.major() > c.major(),
            Precision::Minor => (v.major(), v.minor()) > (c.major(), c.minor()),
        }
    }

    /// `<=11` accepts all of 11, `<=11.1` all of 11.1.
    fn check_less_equal(&self, version: &Version) -> bool {
        let (v, c) = (version, &self.version);
        match self.precision {
            Precision::Full => v <= c,
            Precision::Major => v.major() <= c.major(),
            Precision::Minor | Precision::Nothing => {
                (v.major(), v.minor()) <= (c.major(), c.minor())
            }
        }
    }

    fn check_tilde(&self, version: &Version) -> bool {
        let (v, c) = (version, &self.version);
        if v < c {
            return false;
        }
        let is_zero = (c.major(), c.minor(), c.patch()) == (0, 0, 0);
        if is_zero && matches!(self.precision, Precision::Full | Precision::Nothing) {
            return true;
        }
        v.major() == c.major() && (v.minor() == c.minor() || self.precision == Precision::Major)
    }

    /// The left-most part that is not zero stays as it is.
    fn check_caret(&self, version: &Version) -> bool {
        let (v, c) = (version, &self.version);
        if v < c {
            return false;
        }
        if c.major() > 0 || self.precision == Precision::Major {
            return v.major() == c.major();
        }
        if v.major() > 0 {
            return false;
        }
        if c.minor() > 0 || self.precision == Precision::Minor {
            return v.minor() == c.minor();
        }
        v.minor() == 0 && v.patch() == c.patch()
    }
}

/// One term as written.
struct Token<'a> {
    operator: Operator,
    spec: Spec<'a>,
}

/// A version with wildcards as written: `major`, `minor`, `patch` without their dots.
struct Spec<'a> {
    text: &'a str,
    major: &'a str,
    minor: &'a str,
    patch: &'a str,
    /// With its dash, or empty.
    prerelease: &'a str,
}

/// The terms of one alternative, or nothing if the text is anything else.
fn split_terms(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = trim_blanks(text);
    loop {
        let (operator, after) = read_operator(rest);
        let (spec, after) = read_spec(trim_blanks(after))?;
        tokens.push(Token { operator, spec });
        rest = trim_blanks(after);
        if rest.is_empty() {
            return Some(tokens);
        }
        if let Some(after_comma) = rest.strip_prefix(',') {
            rest = trim_blanks(after_comma);
        } else if rest.len() == after.len() {
            return None; // neither a blank nor a comma between two terms
        }
    }
}

fn read_operator(text: &str) -> (Operator, &str) {
    const OPERATORS: [(&str, Operator); 11] = [
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterEqual),
        ("=>", Operator::GreaterEqual),
        ("<=", Operator::LessEqual),
        ("=<", Operator::LessEqual),
        ("~>", Operator::Tilde),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    for (sign, operator) in OPERATORS {
        if let Some(rest) = text.strip_prefix(sign) {
            return (operator, rest);
        }
    }
    (Operator::Equal, text)
}

/// Reads a version with wildcards from the start of `text` and returns what follows it.
fn read_spec(text: &str) -> Option<(Spec<'_>, &str)> {
    let start = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = take_while(start, is_number_or_wildcard);
    if major.is_empty() {
        return None;
    }
    let (minor, rest) = read_dotted(rest);
    let (patch, rest) = if minor.is_empty() { ("", rest) } else { read_dotted(rest) };
    let (prerelease, rest) = read_suffix(rest, '-');
    let (_metadata, rest) = read_suffix(rest, '+');
    let spec = Spec { text: &text[..text.len() - rest.len()], major, minor, patch, prerelease };
    Some((spec, rest))
}

fn read_dotted(text: &str) -> (&str, &str) {
    match text.strip_prefix('.').map(|after| take_while(after, is_number_or_wildcard)) {
        Some((part, rest)) if !part.is_empty() => (part, rest),
        _ => ("", text),
    }
}

/// A suffix with its sign: dot-separated identifiers, none of them empty.
fn read_suffix(text: &str, sign: char) -> (&str, &str) {
    let Some(mut rest) = text.strip_prefix(sign) else {
        return ("", text);
    };
    let (first, after) = take_while(rest, is_identifier);
    if first.is_empty() {
        return ("", text);
    }
    rest = after;
    while let Some(after_dot) = rest.strip_prefix('.') {
        let (part, after) = take_while(after_dot, is_identifier);
        if part.is_empty() {
            break;
        }
        rest = after;
    }
    text.split_at(text.len() - rest.len())
}

fn take_while(text: &str, accept: fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !accept(b)).unwrap_or(text.len());
    text.split_at(end)
}

/// The bar belongs to the accepted characters upstream (a slip there that has visible effects).
fn is_number_or_wildcard(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'|' | b'x' | b'X' | b'*')
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r')
}

fn trim_blanks(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

/// Rewrites every `a - b` to `>= a, <= b`.
fn expand_hyphen_ranges(text: &str) -> String {
    let mut expanded = text.to_owned();
    let mut position = 0;
    while let Some(found) = find_hyphen_range(text, position) {
        let replacement = format!(">= {}, <= {} ", found.from, found.to);
        expanded = expanded.replacen(found.whole, &replacement, 1);
        position = found.end;
    }
    expanded
}

struct HyphenRange<'a> {
    whole: &'a str,
    from: &'a str,
    to: &'a str,
    end: usize,
}

fn find_hyphen_range(text: &str, position: usize) -> Option<HyphenRange<'_>> {
    let starts = text.char_indices().map(|(index, _)| index).filter(|index| *index >= position);
    for start in starts {
        let Some((from, rest)) = read_spec(trim_blanks(&text[start..])) else {
            continue;
        };
        let dash = trim_blanks(rest);
        let Some(after_dash) = dash.strip_prefix('-') else {
            continue;
        };
        let second = trim_blanks(after_dash);
        if dash.len() == rest.len() || second.len() == after_dash.len() {
            continue; // blanks on both sides make it a range
        }
        let Some((to, rest)) = read_spec(second) else {
            continue;
        };
        let end = text.len() - trim_blanks(rest).len();
        return Some(HyphenRange { whole: &text[start..end], from: from.text, to: to.text, end });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(constraint: &str, version: &str) -> bool {
        let version = Version::parse(version).expect(version);
        Constraint::parse(constraint).expect(constraint).check(&version)
    }

    /// Each constraint accepts the first list of versions and refuses the second.
    #[test]
    fn accepted_and_refused_versions() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.2.0-rc"]),
            ("=1.2.3", &["1.2.3", "v1.2.3+b"], &["1.2.4"]),
            ("!=1.2", &["1.3.0", "2.2.0"], &["1.2.0", "1.2.7"]),
            ("!=1", &["2.0.0"], &["1.9.0"]),
            ("!=1.2.3", &["1.2.4"], &["1.2.3"]),
            (">1.2", &["1.3.0", "2.0.0"], &["1.2.9", "1.2.0"]),
            (">11", &["12.0.0"], &["11.1.0"]),
            ("<=1.2", &["1.2.9", "1.0.0"], &["1.3.0"]),
            ("<=11", &["11.9.9"], &["12.0.0"]),
            (">=1.20-0", &["1.27.3-gke.1", "1.20.0"], &["1.19.9"]),
            (">=1.20", &["1.27.3"], &["1.27.3-gke.1"]),
            ("~1", &["1.0.0", "1.9.0"], &["2.0.0"]),
            ("~1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
            ("~>1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]),
            ("~0.0.0", &["0.0.0", "5.0.0"], &[]),
            ("^1.2.3", &["1.2.3", "1.9.0"], &["2.0.0", "1.2.2"]),
            ("^0.2.3", &["0.2.9"], &["0.3.0", "1.0.0"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4"]),
            ("^0.0", &["0.0.9"], &["0.1.0"]),
            ("^0", &["0.9.0"], &["1.0.0"]),
            ("*", &["0.0.0", "9.9.9"], &["1.0.0-rc"]),
            (">=*", &["1.0.0"], &[]),
            ("^*", &["0.0.0"], &["0.0.1", "1.0.0"]),
            ("<=*", &["0.0.0"], &["1.0.0"]),
            (">*", &["0.0.1"], &["0.0.0"]),
            ("1.x", &["1.9.0"], &["2.0.0"]),
            (">=1.2 <2, !=1.5.0", &["1.4.0"], &["1.5.0", "2.0.0"]),
            ("1.2 - 1.4", &["1.2.0", "1.4.9"], &["1.5.0"]),
            ("1 || 3", &["1.5.0", "3.5.0"], &["2.0.0"]),
            ("=>1.2 =<1.4", &["1.3.0"], &["1.5.0"]),
            ("v1.2.3", &["1.2.3"], &["1.2.4"]),
        ];
        for (constraint, accepted, refused) in table {
            for version in *accepted {
                assert!(holds(constraint, version), "{constraint} accepts {version}");
            }
            for version in *refused {
                assert!(!holds(constraint, version), "{constraint} refuses {version}");
            }
        }
    }

    /// What is not a constraint is refused with the reason Helm gives.
    #[test]
    fn refusals() {
        for (text, reason) in [
            ("", "improper constraint: \"\""),
            ("foo", "improper constraint: \"foo\""),
            ("1||", "improper constraint: \"\""),
            ("==1", "improper constraint: \"==1\""),
            ("1.2,,3", "improper constraint: \"1.2,,3\""),
            (">1.2<3", "improper constraint: \">1.2<3\""),
            ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
            ("~1||1 - 2", "improper constraint: \"~>= 1\""),
            ("1x", "constraint parser error"),
            ("1.2.3-01", "constraint parser error"),
        ] {
            assert_eq!(Constraint::parse(text).unwrap_err().to_string(), reason, "{text}");
        }
        assert_eq!(Constraint::parse(&"1".repeat(513)).unwrap_err(), ConstraintError::TooLong);
        let many = vec!["1"; 33].join("||");
        assert_eq!(Constraint::parse(&many).unwrap_err(), ConstraintError::TooManyAlternatives);
    }
}

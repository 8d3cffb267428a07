//! Reads a pattern by Go's rules into a small tree.

use super::class::{self, ClassItem};
use super::{Problem, RegexpError};

/// Deepest nesting of groups accepted. Go's own bound is 1000; the lower one keeps the stack of
/// the compiler behind us within bounds.
const MAX_DEPTH: usize = 200;
/// Largest repeat count, also of nested repeats multiplied.
const MAX_REPEAT: i32 = 1000;

/// A pattern element. Flags have been applied: every node says itself what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Literal {
        character: char,
        fold: bool,
    },
    /// Matches nothing at all (a surrogate code point, which no text contains).
    Never,
    Any {
        newline: bool,
    },
    Class {
        items: Vec<ClassItem>,
        negated: bool,
        fold: bool,
    },
    BeginText,
    EndText,
    BeginLine,
    EndLine,
    WordBoundary,
    NoWordBoundary,
    Capture(Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    /// `max` is absent for an open end.
    Repeat {
        node: Box<Node>,
        min: i32,
        max: Option<i32>,
        greedy: bool,
    },
}

/// A parsed pattern; `group_names[0]` stands for the whole match.
pub(super) struct Parsed {
    pub(super) root: Node,
    pub(super) group_names: Vec<Option<String>>,
}

#[allow(clippy::struct_excessive_bools)] // four independent flags of the syntax
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    ungreedy: bool,
}

/// An open group: what has been read of it so far.
struct Frame {
    captures: bool,
    /// Flags to return to at the closing parenthesis.
    outer_flags: Flags,
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
}

impl Frame {
    fn new(captures: bool, outer_flags: Flags) -> Self {
        Self { captures, outer_flags, alternatives: Vec::new(), sequence: Vec::new() }
    }

    fn next_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        self.alternatives.push(Node::Concat(sequence));
    }

    fn finish(mut self) -> Node {
        self.next_alternative();
        let inner = if self.alternatives.len() == 1 {
            self.alternatives.swap_remove(0)
        } else {
            Node::Alternate(self.alternatives)
        };
        if self.captures { Node::Capture(Box::new(inner)) } else { inner }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    flags: Flags,
    frames: Vec<Frame>,
    group_names: Vec<Option<String>>,
}

/// Parses `pattern`.
pub(super) fn parse(pattern: &str) -> Result<Parsed, RegexpError> {
    let mut parser = Parser {
        pattern,
        flags: Flags::default(),
        frames: vec![Frame::new(false, Flags::default())],
        group_names: vec![None],
    };
    let mut rest = pattern;
    // The text from the last repetition operator on, if it was the last thing read.
    let mut last_repeat = None;
    while let Some(first) = rest.chars().next() {
        let before = rest;
        let repeat = match first {
            '*' => Some((0, None, &rest[1..])),
            '+' => Some((1, None, &rest[1..])),
            '?' => Some((0, Some(1), &rest[1..])),
            '{' => read_counts(rest)?,
            _ => None,
        };
        if let Some((min, max, after)) = repeat {
            rest = parser.repeat(min, max, before, after, last_repeat)?;
            last_repeat = Some(before);
        } else {
            rest = parser.step(first, rest)?;
            last_repeat = None;
        }
    }
    let (Some(root), true) = (parser.frames.pop(), parser.frames.is_empty()) else {
        return Err(RegexpError::new(Problem::MissingParen, pattern));
    };
    Ok(Parsed { root: root.finish(), group_names: parser.group_names })
}

impl<'p> Parser<'p> {
    /// Reads one element that is not a repetition operator.
    fn step(&mut self, first: char, rest: &'p str) -> Result<&'p str, RegexpError> {
        let after = &rest[first.len_utf8()..];
        let flags = self.flags;
        let node = match first {
            '(' if after.starts_with('?') => return self.open_special(rest),
            '(' => {
                self.open(true, None)?;
                return Ok(after);
            }
            '|' => {
                self.frame().next_alternative();
                return Ok(after);
            }
            ')' => {
                self.close()?;
                return Ok(after);
            }
            '^' if flags.multi_line => Node::BeginLine,
            '^' => Node::BeginText,
            '$' if flags.multi_line => Node::EndLine,
            '$' => Node::EndText,
            '.' => Node::Any { newline: flags.dot_newline },
            '[' => {
                let (items, negated, after) = class::read_class(rest)?;
                self.push(Node::Class { items, negated, fold: flags.fold });
                return Ok(after);
            }
            '\\' => return self.escape(rest),
            character => Node::Literal { character, fold: flags.fold },
        };
        self.push(node);
        Ok(after)
    }

    fn escape(&mut self, rest: &'p str) -> Result<&'p str, RegexpError> {
        let fold = self.flags.fold;
        let node = match rest.as_bytes().get(1) {
            Some(b'A') => Node::BeginText,
            Some(b'z') => Node::EndText,
            Some(b'b') => Node::WordBoundary,
            Some(b'B') => Node::NoWordBoundary,
            Some(b'C') => return Err(RegexpError::new(Problem::Escape, &rest[..2])),
            Some(b'Q') => {
                let (literal, after) = rest[2..].split_once("\\E").unwrap_or((&rest[2..], ""));
                for character in literal.chars() {
                    self.push(Node::Literal { character, fold });
                }
                return Ok(after);
            }
            _ => {
                if let Some((item, after)) = class::read_named_set(rest)? {
                    self.push(Node::Class { items: vec![item], negated: false, fold });
                    return Ok(after);
                }
                let (code, after) = class::read_escape(rest)?;
                self.push(
                    char::from_u32(code)
                        .map_or(Node::Never, |character| Node::Literal { character, fold }),
                );
                return Ok(after);
            }
        };
        self.push(node);
        Ok(&rest[2..])
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` and `(?flags:`.
    fn open_special(&mut self, rest: &'p str) -> Result<&'p str, RegexpError> {
        for prefix in ["(?P<", "(?<"] {
            let Some(body) = rest.strip_prefix(prefix).filter(|body| !body.is_empty()) else {
                continue;
            };
            let Some((name, after)) = body.split_once('>') else {
                return Err(RegexpError::new(Problem::NamedCapture, rest));
            };
            let valid =
                !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
            if !valid {
                let capture = &rest[..rest.len() - after.len()];
                return Err(RegexpError::new(Problem::NamedCapture, capture));
            }
            self.open(true, Some(name.to_owned()))?;
            return Ok(after);
        }
        self.open_with_flags(rest)
    }

    fn open_with_flags(&mut self, rest: &'p str) -> Result<&'p str, RegexpError> {
        let mut flags = self.flags;
        let (mut value, mut saw_flag) = (true, false);
        let mut characters = rest[2..].char_indices();
        let bad_end = loop {
            let Some((index, c)) = characters.next() else { break rest.len() };
            let after = 2 + index + c.len_utf8();
            let flag = match c {
                'i' => &mut flags.fold,
                'm' => &mut flags.multi_line,
                's' => &mut flags.dot_newline,
                'U' => &mut flags.ungreedy,
                '-' if value => {
                    (value, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if value || saw_flag => {
                    if c == ':' {
                        self.open(false, None)?;
                    }
                    self.flags = flags;
                    return Ok(&rest[after..]);
                }
                _ => break after,
            };
            *flag = value;
            saw_flag = true;
        };
        Err(RegexpError::new(Problem::PerlOp, &rest[..bad_end]))
    }

    fn open(&mut self, captures: bool, name: Option<String>) -> Result<(), RegexpError> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(RegexpError::new(Problem::NestingDepth, self.pattern));
        }
        if captures {
            self.group_names.push(name);
        }
        self.frames.push(Frame::new(captures, self.flags));
        Ok(())
    }

    fn close(&mut self) -> Result<(), RegexpError> {
        if self.frames.len() < 2 {
            return Err(RegexpError::new(Problem::UnexpectedParen, self.pattern));
        }
        if let Some(frame) = self.frames.pop() {
            self.flags = frame.outer_flags;
            let node = frame.finish();
            self.push(node);
        }
        Ok(())
    }

    /// Applies a repetition operator to the last element and reads a following `?`.
    fn repeat(
        &mut self,
        min: i32,
        max: Option<i32>,
        before: &'p str,
        after: &'p str,
        last_repeat: Option<&str>,
    ) -> Result<&'p str, RegexpError> {
        let ungreedy = self.flags.ungreedy;
        let (lazy, after) = match after.strip_prefix('?') {
            Some(after) => (true, after),
            None => (false, after),
        };
        if let Some(last) = last_repeat {
            let excerpt = &last[..last.len() - after.len()];
            return Err(RegexpError::new(Problem::RepeatOp, excerpt));
        }
        let excerpt = &before[..before.len() - after.len()];
        let Some(node) = self.frame().sequence.pop() else {
            return Err(RegexpError::new(Problem::MissingRepeatArgument, excerpt));
        };
        let node = Node::Repeat { node: Box::new(node), min, max, greedy: lazy == ungreedy };
        if before.starts_with('{') && !repeats_fit(&node, MAX_REPEAT) {
            return Err(RegexpError::new(Problem::RepeatSize, excerpt));
        }
        self.push(node);
        Ok(after)
    }

    fn push(&mut self, node: Node) {
        self.frame().sequence.push(node);
    }

    fn frame(&mut self) -> &mut Frame {
        // The outermost frame is only popped at the very end.
        let index = self.frames.len() - 1;
        &mut self.frames[index]
    }
}

type Counts<'p> = Option<(i32, Option<i32>, &'p str)>;

/// Reads `{n}`, `{n,}` or `{n,m}`; anything else after `{` makes the brace a literal.
fn read_counts(text: &str) -> Result<Counts<'_>, RegexpError> {
    let Some((min, rest)) = read_count(&text[1..]) else { return Ok(None) };
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => match read_count(rest) {
            Some((max, rest)) => (Some(max), rest),
            None => return Ok(None),
        },
    };
    let Some(after) = rest.strip_prefix('}') else { return Ok(None) };
    if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || min > max) {
        let excerpt = &text[..text.len() - after.len()];
        return Err(RegexpError::new(Problem::RepeatSize, excerpt));
    }
    Ok(Some((min, max, after)))
}

/// A decimal number without leading zeros; huge ones are clipped.
fn read_count(text: &str) -> Option<(i32, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().unwrap_or(i32::MAX), rest))
}

/// Whether nested repeat counts multiply to at most `budget`.
fn repeats_fit(node: &Node, mut budget: i32) -> bool {
    match node {
        Node::Repeat { node, min, max, .. } => {
            let counted = !matches!((min, max), (0 | 1, None) | (0, Some(1)));
            if counted {
                let count = max.unwrap_or(*min);
                if count == 0 && max.is_some() {
                    return true;
                }
                if count > budget {
                    return false;
                }
                if count > 0 {
                    budget /= count;
                }
            }
            repeats_fit(node, budget)
        }
        Node::Capture(node) => repeats_fit(node, budget),
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter().all(|node| repeats_fit(node, budget))
        }
        _ => true,
    }
}

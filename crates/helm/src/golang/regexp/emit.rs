//! Writes a parsed pattern in the syntax of the `regex` crate.
//!
//! No flag of the crate is left to chance: the pattern is written for its defaults, and nodes that
//! need another mode bring it along in a group of their own.

use super::class::ClassItem;
use super::parse::Node;
use std::fmt::Write;

/// What texts a written pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Any,
    /// Only such without a byte above 127. What a class has beyond is left out: for those characters the crate sets up
    /// tables of half a megabyte, which takes longer than all that charts do with patterns.
    Ascii,
}

/// The whole pattern.
pub(super) fn emit(root: &Node, texts: Texts) -> String {
    let mut writer = Writer { texts, out: String::new() };
    writer.write_node(root);
    writer.out
}

struct Writer {
    texts: Texts,
    out: String,
}

impl Writer {
    fn write_node(&mut self, node: &Node) {
        match node {
            Node::Literal { character, fold: false } => write_character(*character, &mut self.out),
            Node::Literal { character, fold: true } => {
                self.out.push_str("(?i:");
                write_character(*character, &mut self.out);
                self.out.push(')');
            }
            Node::Never => self.out.push_str("[a&&b]"),
            Node::Any { newline: false } => self.out.push_str(match self.texts {
                Texts::Any => ".",
                Texts::Ascii => r"[\x00-\x09\x0B-\x7F]",
            }),
            Node::Any { newline: true } => self.out.push_str(match self.texts {
                Texts::Any => "(?s:.)",
                Texts::Ascii => r"[\x00-\x7F]",
            }),
            Node::Class { items, negated, fold } => self.write_class(items, *negated, *fold),
            Node::BeginText => self.out.push_str("\\A"),
            Node::EndText => self.out.push_str("\\z"),
            Node::BeginLine => self.out.push_str("(?m:^)"),
            Node::EndLine => self.out.push_str("(?m:$)"),
            Node::WordBoundary => self.out.push_str("(?-u:\\b)"),
            Node::NoWordBoundary => self.out.push_str("(?-u:\\B)"),
            Node::Capture(inner) => {
                self.out.push('(');
                self.write_node(inner);
                self.out.push(')');
            }
            Node::Concat(nodes) => {
                for node in nodes {
                    self.write_grouped(node, matches!(node, Node::Alternate(_)));
                }
            }
            Node::Alternate(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        self.out.push('|');
                    }
                    self.write_node(node);
                }
            }
            Node::Repeat { node, min, max, greedy } => {
                self.write_grouped(node, true);
                write_counts(*min, *max, &mut self.out);
                if !greedy {
                    self.out.push('?');
                }
            }
        }
    }

    fn write_grouped(&mut self, node: &Node, grouped: bool) {
        if grouped {
            self.out.push_str("(?:");
            self.write_node(node);
            self.out.push(')');
        } else {
            self.write_node(node);
        }
    }

    fn write_class(&mut self, items: &[ClassItem], negated: bool, fold: bool) {
        // Folding would bring characters back that stand for letters: U+212A for k.
        let cut =
            self.texts == Texts::Ascii && !fold && (negated || items.iter().any(exceeds_ascii));
        if cut {
            self.out.push('[');
        }
        write_class(items, negated, fold, &mut self.out);
        if cut {
            self.out.push_str(r"&&[\x00-\x7F]]");
        }
    }
}

/// Whether a member of a class may have characters beyond ASCII.
fn exceeds_ascii(item: &ClassItem) -> bool {
    match item {
        ClassItem::Set { set, negated } => *negated || set.contains('\\'),
        ClassItem::Range(_, high) => *high > 0x7F,
    }
}

fn write_counts(min: i32, max: Option<i32>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match (min, max) {
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (0, Some(1)) => write!(out, "?"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) if min == max => write!(out, "{{{min}}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
}

fn write_character(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        out.push(character);
    } else {
        write_code(character.into(), out);
    }
}

fn write_code(code: u32, out: &mut String) {
    let _ = write!(out, "\\x{{{code:X}}}");
}

fn write_class(items: &[ClassItem], negated: bool, fold: bool, out: &mut String) {
    if fold {
        out.push_str("(?i:");
    }
    out.push_str(if negated { "[^" } else { "[" });
    let mut wrote_any = false;
    for item in items {
        match item {
            ClassItem::Set { set, negated: false } => out.push_str(set),
            ClassItem::Set { set, negated: true } => {
                let _ = write!(out, "[^{set}]");
            }
            ClassItem::Range(low, high) => {
                // Surrogates are no characters to the crate, and no text has them.
                for (low, high) in [(*low, (*high).min(0xD7FF)), ((*low).max(0xE000), *high)] {
                    if low <= high {
                        write_code(low, out);
                        out.push('-');
                        write_code(high, out);
                        wrote_any = true;
                    }
                }
                continue;
            }
        }
        wrote_any = true;
    }
    if !wrote_any {
        out.push_str("a&&b"); // an empty class is written as an empty intersection
    }
    out.push(']');
    if fold {
        out.push(')');
    }
}

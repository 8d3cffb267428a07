//! Writes a parsed pattern in the syntax of the `regex` crate.
//!
//! No flag of the crate is left to chance: the pattern is written for its defaults, and nodes that
//! need another mode bring it along in a group of their own.

use super::class::ClassItem;
use super::parse::Node;
use std::fmt::Write;

/// The whole pattern.
pub(super) fn emit(root: &Node) -> String {
    let mut out = String::new();
    write_node(root, &mut out);
    out
}

fn write_node(node: &Node, out: &mut String) {
    match node {
        Node::Literal { character, fold: false } => write_character(*character, out),
        Node::Literal { character, fold: true } => {
            out.push_str("(?i:");
            write_character(*character, out);
            out.push(')');
        }
        Node::Never => out.push_str("[a&&b]"),
        Node::Any { newline: false } => out.push('.'),
        Node::Any { newline: true } => out.push_str("(?s:.)"),
        Node::Class { items, negated, fold } => write_class(items, *negated, *fold, out),
        Node::BeginText => out.push_str("\\A"),
        Node::EndText => out.push_str("\\z"),
        Node::BeginLine => out.push_str("(?m:^)"),
        Node::EndLine => out.push_str("(?m:$)"),
        Node::WordBoundary => out.push_str("(?-u:\\b)"),
        Node::NoWordBoundary => out.push_str("(?-u:\\B)"),
        Node::Capture(inner) => {
            out.push('(');
            write_node(inner, out);
            out.push(')');
        }
        Node::Concat(nodes) => {
            for node in nodes {
                write_grouped(node, matches!(node, Node::Alternate(_)), out);
            }
        }
        Node::Alternate(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                write_node(node, out);
            }
        }
        Node::Repeat { node, min, max, greedy } => {
            write_grouped(node, true, out);
            write_counts(*min, *max, out);
            if !greedy {
                out.push('?');
            }
        }
    }
}

fn write_grouped(node: &Node, grouped: bool, out: &mut String) {
    if grouped {
        out.push_str("(?:");
        write_node(node, out);
        out.push(')');
    } else {
        write_node(node, out);
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

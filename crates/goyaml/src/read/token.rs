//! Tokens, places and the error the stages of reading pass on.

use std::borrow::Cow;

use crate::error::{ParseError, Place};

/// A place in the text, all counted from 0 in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mark {
    pub(super) fn place(self) -> Place {
        Place { line: self.line + 1, column: self.column + 1 }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: Mark,
}

#[derive(Clone, Debug)]
pub(super) enum TokenKind<'a> {
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagDirective { handle: Cow<'a, str>, prefix: Cow<'a, str> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag { handle: Cow<'a, str>, suffix: Cow<'a, str> },
    Scalar { text: Cow<'a, str>, plain: bool },
}

/// A fault in the text, before it is put into go-yaml's words.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The bytes are no text YAML allows; go-yaml names no place.
    Reader { problem: &'static str, mark: Option<Mark> },
    /// Found by the scanner.
    Scanner { problem: String, mark: Mark },
    /// Found by the parser, whose lines go-yaml forgets to count from 1.
    Parser { problem: String, mark: Mark },
    /// Found while turning nodes into values, or turning those into JSON.
    Decoder { message: String, mark: Mark },
}

impl Fault {
    pub(super) fn parser(problem: impl Into<String>, mark: Mark) -> Self {
        Self::Parser { problem: problem.into(), mark }
    }
}

impl From<Fault> for ParseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Reader { problem, mark } => {
                Self::new(format!("yaml: {problem}"), mark.map(Mark::place))
            }
            Fault::Scanner { problem, mark } => worded(&problem, mark, mark.line + 1),
            Fault::Parser { problem, mark } => worded(&problem, mark, mark.line),
            Fault::Decoder { message, mark } => Self::new(message, Some(mark.place())),
        }
    }
}

/// go-yaml takes line 0 for "not known".
fn worded(problem: &str, mark: Mark, line: usize) -> ParseError {
    let message = if mark.line == 0 {
        format!("yaml: {problem}")
    } else {
        format!("yaml: line {line}: {problem}")
    };
    ParseError::new(message, Some(mark.place()))
}

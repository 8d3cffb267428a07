//! Literal and folded block scalars.

use super::{Result, Scanner, scalar};
use crate::read::token::Token;

/// What the header says about the line ends behind the last line.
#[derive(Clone, Copy, PartialEq)]
enum Chomping {
    Clip,
    Strip,
    Keep,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Token<'a>> {
        let start = self.mark();
        self.skip();
        let (chomping, increment) = self.scan_block_header()?;
        let mut indent = increment.map(|increment| self.indent.max(0) + increment);

        let mut text = String::new();
        let mut first_break = String::new();
        let mut breaks = String::new();
        let mut indented = false;
        self.scan_block_breaks(&mut indent, &mut breaks)?;
        while indent == Some(self.column().cast_signed()) && self.at(0) != 0 {
            let blank = self.is_blank(0);
            if !literal && !indented && !blank && first_break.starts_with('\n') {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&breaks);
            breaks.clear();
            indented = blank;
            self.read_rest_of_line(&mut text);
            if self.is_break(0) {
                self.read_line(&mut first_break);
            }
            self.scan_block_breaks(&mut indent, &mut breaks)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        Ok(scalar(text.into(), false, start))
    }

    fn read_rest_of_line(&mut self, text: &mut String) {
        let from = self.position;
        while !self.is_break_or_end(0) {
            self.skip();
        }
        text.push_str(&self.text[from..self.position]);
    }

    /// The indicators behind `|` or `>`, in either order, and the rest of the line.
    fn scan_block_header(&mut self) -> Result<(Chomping, Option<isize>)> {
        let (mut chomping, mut increment) = (None, None);
        while chomping.is_none() || increment.is_none() {
            match self.at(0) {
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'0' if increment.is_none() => {
                    return Err(self.fault("found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => {
                    increment = Some(isize::from(digit - b'0'));
                }
                _ => break,
            }
            self.skip();
        }
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.skip_comment();
        }
        if !self.is_break_or_end(0) {
            return Err(self.fault("did not find expected comment or line break"));
        }
        self.skip_line();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    /// Over indentation and empty lines; finds out the indentation if the header did not say.
    fn scan_block_breaks(&mut self, indent: &mut Option<isize>, breaks: &mut String) -> Result<()> {
        let mut widest = 0;
        loop {
            while self.at(0) == b' ' && self.left_of(*indent) {
                self.skip();
            }
            widest = widest.max(self.column().cast_signed());
            if self.at(0) == b'\t' && self.left_of(*indent) {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.fault(problem));
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
        }
        indent.get_or_insert(widest.max(self.indent + 1).max(1));
        Ok(())
    }

    fn left_of(&self, indent: Option<isize>) -> bool {
        indent.is_none_or(|indent| self.column().cast_signed() < indent)
    }
}

//! Writing one text in a given style, with line folding.

use super::emit::Emitter;
use super::style::{Style, is_break, is_printable};

/// At a blank beyond this column a line is folded.
const WIDTH: usize = 80;

impl Emitter {
    /// Writes `text` with continuation lines at `indent`; `fold` allows such lines.
    pub(super) fn text(&mut self, text: &str, style: Style, indent: usize, fold: bool) {
        match style {
            Style::Plain => self.plain(text, indent, fold),
            Style::SingleQuoted => self.single_quoted(text, indent, fold),
            Style::DoubleQuoted => self.double_quoted(text, indent, fold),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        if !fold || self.fits(text) {
            return self.push_str(text);
        }
        let mut after_blank = false;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let blank = c == ' ';
            let before_blank = characters.peek() == Some(&' ');
            if blank && !after_blank && self.column > WIDTH && !before_blank {
                self.new_line(indent);
            } else {
                self.push(c);
            }
            after_blank = blank;
        }
    }

    fn single_quoted(&mut self, text: &str, indent: usize, fold: bool) {
        self.push('\'');
        let fold = fold && !self.fits(text);
        let (mut after_blank, mut after_break) = (false, false);
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            if c == ' ' {
                let inside = at > 0 && next.is_some_and(|next| next != ' ');
                if fold && !after_blank && self.column > WIDTH && inside {
                    self.new_line(indent);
                } else {
                    self.push(c);
                }
                after_blank = true;
            } else if is_break(c) {
                self.push_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.new_line(indent);
                }
                if c == '\'' {
                    self.push(c);
                }
                self.push(c);
                (after_blank, after_break) = (false, false);
            }
        }
        self.push('\'');
    }

    fn double_quoted(&mut self, text: &str, indent: usize, fold: bool) {
        self.push('"');
        // go-yaml looks for a byte order mark at the start of the text, wherever it is in it.
        let marked = text.starts_with('\u{FEFF}');
        let mut after_blank = false;
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.push_escape(c);
                after_blank = false;
            } else if c == ' ' {
                if fold && !after_blank && self.column > WIDTH && at > 0 && next.is_some() {
                    self.new_line(indent);
                    if next == Some(' ') {
                        self.push('\\');
                    }
                } else {
                    self.push(c);
                }
                after_blank = true;
            } else {
                self.push(c);
                after_blank = false;
            }
        }
        self.push('"');
    }

    fn push_escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let escape = match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.push_str(&escape);
            }
        };
        self.push('\\');
        self.push(short);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.push('|');
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.push('2');
        }
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.push('-'),
            (true, true) => self.push('+'),
            (true, false) => {}
        }
        self.push_break('\n');
        for c in text.chars() {
            if is_break(c) {
                self.push_break(c);
            } else {
                if self.fresh {
                    self.new_line(indent);
                }
                self.push(c);
            }
        }
    }

    /// Whether `text` cannot reach the column where folding begins.
    fn fits(&self, text: &str) -> bool {
        self.column + text.len() <= WIDTH
    }
}

//! The language of formats: Go's `doPrintf`.

use super::{PrintError, Printer};
use crate::unicode;
use crate::value::Value;

/// Widths and precisions beyond this are refused.
const MAX_NUMBER: usize = 1_000_000;

/// Where the reading of a format stands.
struct Reader<'f, 'a> {
    format: &'f [u8],
    at: usize,
    args: &'a [Value],
    /// The next argument to take.
    arg: usize,
    /// The format named arguments by index; extra ones are then not reported.
    reordered: bool,
    /// The last index of the current verb was valid.
    good_index: bool,
    /// What was read last was an index.
    after_index: bool,
}

pub(super) fn run(
    printer: &mut Printer<'_>,
    format: &[u8],
    args: &[Value],
) -> Result<(), PrintError> {
    let mut reader = Reader {
        format,
        at: 0,
        args,
        arg: 0,
        reordered: false,
        good_index: true,
        after_index: false,
    };
    while let Some(rest) = format.get(reader.at..).filter(|rest| !rest.is_empty()) {
        let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.fmt.buf.extend_from_slice(&rest[..text]);
        reader.at += text + 1;
        if text < rest.len() {
            reader.verb(printer)?;
        }
    }
    if !reader.reordered && reader.arg < args.len() {
        extra(printer, &args[reader.arg..])?;
    }
    Ok(())
}

/// Complains about arguments that no verb took.
fn extra(printer: &mut Printer<'_>, args: &[Value]) -> Result<(), PrintError> {
    printer.fmt.clear();
    printer.fmt.buf.extend_from_slice(b"%!(EXTRA ");
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            printer.fmt.buf.extend_from_slice(b", ");
        }
        printer.fmt.buf.extend_from_slice(arg.type_name().as_bytes());
        if !arg.is_nil() {
            printer.fmt.buf.push(b'=');
            printer.arg(arg, 'v')?;
        }
    }
    printer.fmt.buf.push(b')');
    Ok(())
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Reads what stands after a `%`, up to the verb, and prints.
    fn verb(&mut self, printer: &mut Printer<'_>) -> Result<(), PrintError> {
        self.good_index = true;
        self.after_index = false;
        printer.fmt.clear();
        self.flags(printer);
        self.index();
        self.width(printer);
        self.precision(printer);
        if !self.after_index {
            self.index();
        }
        if self.peek().is_none() {
            printer.fmt.buf.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        }
        let (verb, len) = unicode::decode(&self.format[self.at..]);
        self.at += len;
        if verb == '%' {
            printer.fmt.buf.push(b'%');
            return Ok(());
        }
        let complaint: &[u8] = if !self.good_index {
            b"(BADINDEX)"
        } else if self.arg >= self.args.len() {
            b"(MISSING)"
        } else {
            if matches!(verb, 'v' | 'w') {
                let flags = &mut printer.fmt.flags;
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            self.arg += 1;
            return printer.arg(&self.args[self.arg - 1], verb);
        };
        printer.complain(verb);
        printer.fmt.buf.extend_from_slice(complaint);
        Ok(())
    }

    fn flags(&mut self, printer: &mut Printer<'_>) {
        let flags = &mut printer.fmt.flags;
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    fn width(&mut self, printer: &mut Printer<'_>) {
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.number_argument() {
                None => printer.fmt.buf.extend_from_slice(b"%!(BADWIDTH)"),
                Some((negative, width)) => {
                    printer.fmt.width = Some(width);
                    if negative {
                        printer.fmt.flags.minus = true;
                        printer.fmt.flags.zero = false;
                    }
                }
            }
            self.after_index = false;
        } else {
            printer.fmt.width = self.number(self.format.len());
            if self.after_index && printer.fmt.width.is_some() {
                self.good_index = false; // "%[3]2d"
            }
        }
    }

    fn precision(&mut self, printer: &mut Printer<'_>) {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        if self.after_index {
            self.good_index = false; // "%[3].2d"
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.number_argument() {
                Some((false, precision)) => printer.fmt.precision = Some(precision),
                Some((true, _)) | None => printer.fmt.buf.extend_from_slice(b"%!(BADPREC)"),
            }
            self.after_index = false;
        } else {
            printer.fmt.precision = Some(self.number(self.format.len()).unwrap_or(0));
        }
    }

    /// Reads digits up to `end`. A number that is too large takes everything up to `end` with it.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.peek().filter(|_| self.at < end) {
            let so_far = number.unwrap_or(0);
            if so_far > MAX_NUMBER {
                self.at = end;
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// Takes the next argument for a `*`: its sign and size, if it is an integer of bearable size.
    fn number_argument(&mut self) -> Option<(bool, usize)> {
        let arg = self.args.get(self.arg)?;
        self.arg += 1;
        let (negative, size) = match (arg.as_int(), arg.as_uint()) {
            (Some(int), _) => (int < 0, int.unsigned_abs()),
            (None, Some(uint)) => (false, uint),
            (None, None) => return None,
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_NUMBER)?;
        Some((negative, size))
    }

    /// Reads an index such as `[2]`, if one stands here.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let start = self.at;
        let rest = &self.format[start..];
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.good_index = false;
            self.at += 1;
            return;
        };
        self.at += 1;
        let number = self.number(start + close);
        let complete = self.at == start + close;
        self.at = start + close + 1;
        match number.filter(|_| complete) {
            Some(number @ 1..) if number <= self.args.len() => {
                self.arg = number - 1;
                self.after_index = true;
            }
            Some(_) => {
                self.good_index = false;
                self.after_index = true;
            }
            None => self.good_index = false,
        }
    }
}

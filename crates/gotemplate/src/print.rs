//! Go's `fmt`: values to text, by default rules (`sprint`) or by a format (`sprintf`).
//!
//! Also the parts of `strconv` that `fmt` stands on: [`quote`] and [`format_float`]. Input
//! (`Sscanf`) and the `%w` verb's wrapping of errors are not here.

mod float;
mod format;
mod quote;
mod value;
mod verbs;

pub use self::float::{append_float, format_float};
pub use self::quote::{append_quoted, quote};

use crate::error::FuncError;
use crate::stack;
use crate::text::Str;
use crate::value::Value;

use self::format::Formatter;

/// How deep lists, maps and structs may nest in a printed value.
const MAX_DEPTH: usize = 10_000;

/// How long the text of a list, map or struct may get, in bytes.
const MAX_LEN: usize = 64 << 20;

/// A value that cannot be printed. Go's `fmt` would use up its stack or the memory and end the
/// process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// It nests too deeply, most likely because a map contains itself.
    #[error("value nests more than {MAX_DEPTH} levels deep: does a map contain itself?")]
    TooDeep,
    /// Its text gets too long; lists of lists that share elements grow with every level.
    #[error("text of the value is longer than {MAX_LEN} bytes")]
    TooLong,
}

impl From<PrintError> for FuncError {
    fn from(error: PrintError) -> Self {
        Self::other(error)
    }
}

/// Go's `fmt.Sprint`: default texts, with a blank between two operands of which neither is a
/// string.
pub fn sprint(args: &[Value]) -> Result<Str, PrintError> {
    let mut buf = Vec::new();
    let mut printer = Printer::new(&mut buf);
    let mut previous_is_string = true;
    for arg in args {
        let is_string = is_string(arg);
        if !is_string && !previous_is_string {
            printer.fmt.buf.push(b' ');
        }
        printer.arg(arg, 'v')?;
        previous_is_string = is_string;
    }
    Ok(Str::from(buf))
}

/// Go's `fmt.Sprintln`: default texts with blanks between all operands, and a newline.
pub fn sprintln(args: &[Value]) -> Result<Str, PrintError> {
    let mut buf = Vec::new();
    let mut printer = Printer::new(&mut buf);
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            printer.fmt.buf.push(b' ');
        }
        printer.arg(arg, 'v')?;
    }
    buf.push(b'\n');
    Ok(Str::from(buf))
}

/// Go's `fmt.Sprintf`, with its complaints inside the text: `%!d(string=x)`, `%!s(MISSING)`.
///
/// ```
/// use gotemplate::{Value, print};
///
/// let text = print::sprintf("%05.1f|%-4s|%[1]v", &[Value::Float64(2.25), Value::from("é")])?;
/// assert_eq!(text, "002.2|é   |2.25");
/// # Ok::<(), print::PrintError>(())
/// ```
pub fn sprintf(format: impl AsRef<[u8]>, args: &[Value]) -> Result<Str, PrintError> {
    let mut buf = Vec::new();
    verbs::run(&mut Printer::new(&mut buf), format.as_ref(), args)?;
    Ok(Str::from(buf))
}

/// Appends the default text of one value, as the verb `%v` gives it.
pub fn append_value(buf: &mut Vec<u8>, value: &Value) -> Result<(), PrintError> {
    match value {
        Value::String(text) => buf.extend_from_slice(text),
        Value::Bool(b) => buf.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Float64(f) => append_float(buf, *f, b'g', None, 64),
        _ => Printer::new(buf).arg(value, 'v')?,
    }
    Ok(())
}

/// Whether `print` takes the operand for a string.
fn is_string(value: &Value) -> bool {
    matches!(value.kind(), crate::types::Kind::String)
}

/// The state of one printing.
struct Printer<'b> {
    fmt: Formatter<'b>,
    /// Inside a complaint about a verb, where `String` methods are not called.
    complaining: bool,
    depth: usize,
}

impl<'b> Printer<'b> {
    fn new(buf: &'b mut Vec<u8>) -> Self {
        Self { fmt: Formatter::new(buf), complaining: false, depth: 0 }
    }

    /// Runs `body` one level deeper.
    fn nested(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        if self.fmt.buf.len() > MAX_LEN {
            return Err(PrintError::TooLong);
        }
        if self.depth == MAX_DEPTH {
            return Err(PrintError::TooDeep);
        }
        self.depth += 1;
        let result = stack::grow(|| body(self));
        self.depth -= 1;
        result
    }
}

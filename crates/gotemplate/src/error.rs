//! Errors of parsing and execution, with Go's positions and Go's words.
//!
//! An execution error is a chain: a template fails at a node, perhaps because a function failed,
//! perhaps because that function rendered another template, which failed at a node, and so on.
//! The chain is kept as structure for embedders that lay it out themselves. `Display` writes it
//! in Go's words, which name the causes; therefore [`std::error::Error::source`] tells none.

use std::error::Error;
use std::fmt;

use crate::text::Str;

/// A template text that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name under which the text was parsed.
    pub name: Str,
    /// The line of the offending token, from 1.
    pub line: usize,
    /// What is wrong, in Go's words.
    pub message: String,
}

/// A position in a template text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name under which the text was parsed.
    pub file: Str,
    /// From 1.
    pub line: usize,
    /// The offset in the line in bytes, from 0.
    pub column: usize,
    /// The node that was being evaluated, printed the way Go prints it.
    pub node: String,
}

/// A template that could not be executed.
pub struct ExecError(Box<Failure>);

struct Failure {
    template: Str,
    place: Option<Place>,
    reason: Reason,
    exceeded: Option<Exceeded>,
}

/// What an execution was not allowed to go on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// [`Limits::output`](crate::Limits::output).
    Output,
    /// [`Limits::made`](crate::Limits::made).
    Made,
    /// It was [stopped](crate::Execution::stop_when).
    Stopped,
}

enum Reason {
    Message(String),
    Call { function: String, cause: FuncError },
}

impl ExecError {
    pub(crate) fn new(template: Str, place: Option<Place>, message: String) -> Self {
        let reason = Reason::Message(message);
        Self(Box::new(Failure { template, place, reason, exceeded: None }))
    }

    pub(crate) fn call(template: Str, place: Place, function: &str, cause: FuncError) -> Self {
        let reason = Reason::Call { function: function.to_owned(), cause };
        Self(Box::new(Failure { template, place: Some(place), reason, exceeded: None }))
    }

    pub(crate) fn because(mut self, exceeded: Exceeded) -> Self {
        self.0.exceeded = Some(exceeded);
        self
    }

    /// The limit that ended the execution, if one did, however deep inside.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.0.exceeded.or_else(|| self.cause()?.exec_error()?.exceeded())
    }

    /// The template that was executing: the innermost `define` around the place. For a template
    /// that does not exist, the name of the set.
    pub fn template(&self) -> &Str {
        &self.0.template
    }

    /// Where it failed; `None` if the template could not even be started.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What failed, without the place: `nil pointer evaluating interface {}.b`, or
    /// `error calling include: …` with the whole chain of causes.
    pub fn message(&self) -> String {
        match &self.0.reason {
            Reason::Message(message) => message.clone(),
            Reason::Call { function, cause } => format!("error calling {function}: {cause}"),
        }
    }

    /// The function that failed, if one did.
    pub fn function(&self) -> Option<&str> {
        match &self.0.reason {
            Reason::Message(_) => None,
            Reason::Call { function, .. } => Some(function),
        }
    }

    /// The error of the function that failed, if one did.
    pub fn cause(&self) -> Option<&FuncError> {
        match &self.0.reason {
            Reason::Message(_) => None,
            Reason::Call { cause, .. } => Some(cause),
        }
    }

    /// The error of type `E` that a function somewhere down the chain gave as
    /// [`FuncError::other`].
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.cause()?.downcast_ref()
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(Link::Exec(self), f)
    }
}

impl fmt::Debug for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExecError({self})")
    }
}

impl Error for ExecError {}

/// An error returned by a function, or what Go would raise as a panic inside it: templates see
/// both as `error calling NAME: …`.
pub struct FuncError(Repr);

enum Repr {
    Text(String),
    Exec(ExecError),
    Wrapped { prefix: String, cause: Box<FuncError> },
    Other(Box<dyn Error + Send + Sync>),
}

impl FuncError {
    /// An error that is only text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Repr::Text(text.into()))
    }

    /// An error of the embedder's own, found again with [`ExecError::downcast_ref`]. Its
    /// `Display` is what Go's error would say.
    pub fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Repr::Other(Box::new(error)))
    }

    /// Go's `fmt.Errorf("PREFIX%w", cause)`.
    #[must_use]
    pub fn wrap(prefix: impl Into<String>, cause: impl Into<Self>) -> Self {
        Self(Repr::Wrapped { prefix: prefix.into(), cause: Box::new(cause.into()) })
    }

    /// Go's panic of a failed type assertion `value.(target)` on an `interface {}`. `found` is the
    /// dynamic type as [`Value::type_name`](crate::Value::type_name) gives it.
    pub fn interface_conversion(found: &str, target: &str) -> Self {
        let found = if found == "<nil>" { "nil" } else { found };
        Self::new(format!("interface conversion: interface {{}} is {found}, not {target}"))
    }

    /// Go's panic of a use of a nil pointer.
    pub fn nil_pointer() -> Self {
        Self::new("runtime error: invalid memory address or nil pointer dereference")
    }

    /// Go's panic of an index outside a list.
    pub fn index_out_of_range(index: usize, len: usize) -> Self {
        Self::new(format!("runtime error: index out of range [{index}] with length {len}"))
    }

    /// The execution error of a template that the function rendered, if that is why it failed.
    pub fn exec_error(&self) -> Option<&ExecError> {
        match &self.0 {
            Repr::Exec(error) => Some(error),
            Repr::Wrapped { cause, .. } => cause.exec_error(),
            Repr::Text(_) | Repr::Other(_) => None,
        }
    }

    /// The error of type `E` that a function somewhere down the chain gave as
    /// [`FuncError::other`].
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        let mut link = self;
        loop {
            link = match &link.0 {
                Repr::Text(_) => return None,
                Repr::Exec(error) => error.cause()?,
                Repr::Wrapped { cause, .. } => cause,
                Repr::Other(error) => return error.downcast_ref(),
            };
        }
    }
}

impl fmt::Display for FuncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(Link::Func(self), f)
    }
}

impl fmt::Debug for FuncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FuncError({self})")
    }
}

impl Error for FuncError {}

impl From<&str> for FuncError {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for FuncError {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<ExecError> for FuncError {
    fn from(error: ExecError) -> Self {
        Self(Repr::Exec(error))
    }
}

impl From<ParseError> for FuncError {
    fn from(error: ParseError) -> Self {
        Self::other(error)
    }
}

enum Link<'a> {
    Exec(&'a ExecError),
    Func(&'a FuncError),
}

/// Writes a chain link by link; it may be thousands of links long, so this is a loop.
fn write_chain(mut link: Link<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    loop {
        link = match link {
            Link::Exec(error) => {
                let failure = &*error.0;
                let name = &failure.template;
                match &failure.place {
                    Some(Place { file, line, column, node }) => {
                        let quoted = crate::print::quote(name);
                        write!(
                            f,
                            "template: {file}:{line}:{column}: executing {quoted} at <{node}>: "
                        )?;
                    }
                    None => write!(f, "template: ")?,
                }
                match &failure.reason {
                    Reason::Message(message) => return f.write_str(message),
                    Reason::Call { function, cause } => {
                        write!(f, "error calling {function}: ")?;
                        Link::Func(cause)
                    }
                }
            }
            Link::Func(error) => match &error.0 {
                Repr::Text(text) => return f.write_str(text),
                Repr::Exec(error) => Link::Exec(error),
                Repr::Wrapped { prefix, cause } => {
                    f.write_str(prefix)?;
                    Link::Func(cause)
                }
                Repr::Other(error) => return write!(f, "{error}"),
            },
        };
    }
}

impl Drop for FuncError {
    /// Takes the chain apart link by link, so that a long one does not overflow the stack.
    fn drop(&mut self) {
        let mut link = take(self);
        loop {
            link = match link {
                Repr::Exec(mut error) => match &mut error.0.reason {
                    Reason::Call { cause, .. } => take(cause),
                    Reason::Message(_) => return,
                },
                Repr::Wrapped { mut cause, .. } => take(&mut cause),
                Repr::Text(_) | Repr::Other(_) => return,
            };
        }
    }
}

fn take(error: &mut FuncError) -> Repr {
    std::mem::replace(&mut error.0, Repr::Text(String::new()))
}

//! Functions and methods that templates call.
//!
//! A [`Function`] declares its parameters as a Go function would, so that a wrong argument or a
//! wrong number of them is refused with Go's words before the function runs. Its body gets the
//! arguments already checked, and a [`CallContext`] through which it reaches the template set and
//! the embedder's own data.

use std::any::Any;
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::{ExecError, FuncError};
use crate::eval;
use crate::stack;
use crate::template::{Parsed, Run, TemplateSet};
use crate::types::Type;
use crate::value::Value;

/// The body of a function: gets the checked arguments, fixed ones first.
pub type NativeFn = fn(&CallContext<'_>, &[Value]) -> Result<Value, FuncError>;

/// The body of a function that carries data of its own.
type Closure = dyn Fn(&CallContext<'_>, &[Value]) -> Result<Value, FuncError> + Send + Sync;

/// A function with its signature.
///
/// ```
/// use gotemplate::{FuncMap, Function, TemplateSet, Type, Value};
///
/// let mut funcs = FuncMap::new();
/// // func repeat(count int, text string) string
/// funcs.insert(
///     "repeat",
///     Function::new(&[Type::Int, Type::String], Type::String, |_, args| match args {
///         [Value::Int(count), Value::String(text)] => {
///             let count = usize::try_from(*count).map_err(|_| "strings: negative Repeat count")?;
///             Ok(Value::string(text.repeat(count)))
///         }
///         _ => Err("repeat: arguments are checked before the call".into()),
///     }),
/// );
/// let mut set = TemplateSet::new("page", funcs);
/// set.parse("page", r#"{{ "ab" | repeat 2 }} {{ repeat "x" "y" }}"#)?;
/// assert_eq!(
///     set.execute("page", Value::Nil).unwrap_err().to_string(),
///     r#"template: page:1:32: executing "page" at <"x">: expected integer; found "x""#,
/// );
/// # Ok::<(), gotemplate::ParseError>(())
/// ```
pub struct Function {
    pub(crate) params: Cow<'static, [Type]>,
    pub(crate) variadic: Option<Type>,
    pub(crate) result: Type,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Native(NativeFn),
    Closure(Box<Closure>),
    /// Go's own functions that the evaluator must know: they see arguments before these are
    /// evaluated (`and`, `or`), how they are written (`call`), or tell an interface from what is
    /// in it (`len`, `slice`).
    And,
    Or,
    Call,
    Len,
    Slice,
}

impl Function {
    /// A function with fixed parameters. `result` is the declared Go type of the result: give
    /// [`Type::Any`] where Go declares `interface {}`.
    pub const fn new(params: &'static [Type], result: Type, body: NativeFn) -> Self {
        Self { params: Cow::Borrowed(params), variadic: None, result, body: Body::Native(body) }
    }

    /// A function that keeps data of its own.
    pub fn closure(
        params: impl Into<Cow<'static, [Type]>>,
        result: Type,
        body: impl Fn(&CallContext<'_>, &[Value]) -> Result<Value, FuncError> + Send + Sync + 'static,
    ) -> Self {
        let body = Body::Closure(Box::new(body));
        Self { params: params.into(), variadic: None, result, body }
    }

    /// Takes any number of further arguments of type `elem` after the fixed ones.
    #[must_use]
    pub const fn variadic(mut self, elem: Type) -> Self {
        self.variadic = Some(elem);
        self
    }

    pub(crate) const fn builtin(
        params: &'static [Type],
        variadic: Option<Type>,
        result: Type,
        body: Body,
    ) -> Self {
        Self { params: Cow::Borrowed(params), variadic, result, body }
    }

    /// The types of the fixed parameters.
    pub fn parameters(&self) -> &[Type] {
        &self.params
    }

    /// The type of further arguments after the fixed ones, if any number of them is taken.
    pub fn variadic_parameter(&self) -> Option<Type> {
        self.variadic
    }

    /// The declared type of the result.
    pub fn result_type(&self) -> Type {
        self.result
    }

    /// The type of the parameter that takes argument number `index`.
    pub(crate) fn param(&self, index: usize) -> Type {
        self.params.get(index).copied().or(self.variadic).unwrap_or(Type::Any)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("params", &self.params)
            .field("variadic", &self.variadic)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

/// A method of a named type. The function gets the receiver as first argument; its signature
/// counts only the arguments after it.
#[derive(Debug)]
pub struct Method {
    /// The name, as templates write it.
    pub name: &'static str,
    /// The function, with the receiver as an additional first argument.
    pub function: Function,
}

impl Method {
    /// A method called `name`.
    pub const fn new(name: &'static str, function: Function) -> Self {
        Self { name, function }
    }
}

/// The functions an embedder offers, by name. They hide Go's own functions of the same name.
///
/// Names are resolved when a template is parsed.
#[derive(Clone, Default, Debug)]
pub struct FuncMap(FxHashMap<Cow<'static, str>, Arc<Function>>);

impl FuncMap {
    /// No functions beyond Go's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, in place of one of the same name. A name that is not a Go identifier can
    /// never be called.
    pub fn insert(&mut self, name: impl Into<Cow<'static, str>>, function: Function) {
        self.0.insert(name.into(), Arc::new(function));
    }

    /// Adds a second name for a function; does nothing if there is no function `name`.
    pub fn alias(&mut self, alias: impl Into<Cow<'static, str>>, name: &str) {
        if let Some(function) = self.0.get(name).cloned() {
            self.0.insert(alias.into(), function);
        }
    }

    /// The function called `name`, Go's own not included.
    pub fn get(&self, name: &str) -> Option<&Arc<Function>> {
        self.0.get(name)
    }

    /// The names in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }
}

/// What a function can reach beside its arguments.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) set: &'a TemplateSet,
}

impl<'a> CallContext<'a> {
    /// The embedder's data for this execution, if it is of type `T`.
    pub fn data<T: Any>(&self) -> Option<&'a T> {
        self.run.data.downcast_ref()
    }

    /// The templates that are being executed.
    pub fn templates(&self) -> &'a TemplateSet {
        self.set
    }

    /// Renders a template of the set, so that a function can hand it on as a value where the
    /// `template` action could only print it.
    ///
    /// ```
    /// use gotemplate::{FuncMap, Function, TemplateSet, Type, Value};
    ///
    /// let mut funcs = FuncMap::new();
    /// // func render(name string, dot interface {}) (string, error)
    /// funcs.insert(
    ///     "render",
    ///     Function::new(&[Type::String, Type::Any], Type::String, |context, args| match args {
    ///         [Value::String(name), dot] => Ok(Value::string(context.render(name, dot)?)),
    ///         _ => Err("render: arguments are checked before the call".into()),
    ///     }),
    /// );
    /// let mut set = TemplateSet::new("page", funcs);
    /// set.parse("page", r#"{{ define "who" }}Ada{{ end }}{{ render "who" . | printf "%q" }}"#)?;
    /// assert_eq!(set.execute("page", Value::Nil)?, br#""Ada""#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn render(
        &self,
        name: impl AsRef<[u8]>,
        dot: impl Borrow<Value>,
    ) -> Result<Vec<u8>, ExecError> {
        self.render_in(self.set, name, dot)
    }

    /// Renders a template of another set. Functions called by it see that set.
    pub fn render_in(
        &self,
        set: &TemplateSet,
        name: impl AsRef<[u8]>,
        dot: impl Borrow<Value>,
    ) -> Result<Vec<u8>, ExecError> {
        self.nested(set, || eval::execute(self.run, set, name.as_ref(), dot.borrow()))
    }

    /// Renders a parsed text over the templates being executed, for texts that are templates
    /// themselves and come up only during execution. What the text defines is seen by it and by functions it calls, and by nobody else.
    ///
    /// The text itself is rendered even if it is empty and a template of its name exists, which
    /// [`TemplateSet::add`] would keep.
    pub fn render_parsed(
        &self,
        parsed: &Parsed,
        dot: impl Borrow<Value>,
    ) -> Result<Vec<u8>, ExecError> {
        let mut set = self.set.clone();
        set.add(parsed);
        self.nested(&set, || match parsed.main() {
            Some(template) => eval::execute_template(self.run, &set, template, dot.borrow()),
            None => Ok(Vec::new()),
        })
    }

    /// Runs a rendering one level deeper.
    fn nested(
        &self,
        set: &TemplateSet,
        render: impl FnOnce() -> Result<Vec<u8>, ExecError>,
    ) -> Result<Vec<u8>, ExecError> {
        let depth = self.run.renders.get();
        let limit = self.run.limits.render_depth;
        if depth == limit {
            let message = format!("exceeded maximum depth of nested rendering ({limit})");
            return Err(ExecError::new(set.name().clone(), None, message));
        }
        self.run.renders.set(depth + 1);
        let result = stack::grow(render);
        self.run.renders.set(depth);
        result
    }
}

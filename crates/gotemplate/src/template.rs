//! Sets of named templates, and their execution.

use std::any::Any;
use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use crate::ast::Template;
use crate::error::{ExecError, ParseError};
use crate::eval;
use crate::func::FuncMap;
use crate::parse::{self, Delims};
use crate::text::Str;
use crate::value::Value;

/// What a field of a map that has no such key evaluates to: Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value, which prints as `<no value>` and takes fields of its own without complaint.
    #[default]
    Default,
    /// The zero value of the map's element type; for `interface {}` that is nil, which prints as
    /// `<no value>` too but takes no fields.
    Zero,
    /// An error.
    Error,
}

/// Named templates that can call each other, with the functions they call.
///
/// A set is cheap to clone: the clone sees all templates of the original, and what is parsed into
/// it afterwards is its own. It can be shared between threads.
///
/// ```
/// use gotemplate::{FuncMap, Map, TemplateSet, Value};
///
/// let mut set = TemplateSet::new("site", FuncMap::new());
/// set.parse("greeting", r#"{{ define "who" }}{{ .name }}{{ end }}Hello {{ template "who" . }}"#)?;
///
/// let dot = Map::new();
/// dot.insert("name", Value::from("Ada"))?;
/// assert_eq!(set.execute("greeting", Value::Map(dot))?, b"Hello Ada");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TemplateSet {
    name: Str,
    templates: Arc<Layer>,
    functions: Arc<FuncMap>,
    delims: Arc<Delims>,
    missing_key: MissingKey,
}

/// Templates over those of another set: a clone adds a layer instead of copying.
#[derive(Clone, Default)]
struct Layer {
    own: FxHashMap<Str, Arc<Template>>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// Layers beyond this depth are merged, so that looking up a name stays cheap.
const MAX_LAYERS: usize = 8;

impl TemplateSet {
    /// An empty set. The name is only used in the error for a template that does not exist.
    pub fn new(name: impl Into<Str>, functions: impl Into<Arc<FuncMap>>) -> Self {
        Self {
            name: name.into(),
            templates: Arc::default(),
            functions: functions.into(),
            delims: Arc::default(),
            missing_key: MissingKey::default(),
        }
    }

    /// Chooses what becomes of missing map keys.
    #[must_use]
    pub fn missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Chooses the delimiters of actions for what is parsed from now on; an empty one stands for
    /// Go's own.
    #[must_use]
    pub fn delims(mut self, left: &str, right: &str) -> Self {
        let or =
            |delim: &str, default: Box<str>| if delim.is_empty() { default } else { delim.into() };
        let default = Delims::default();
        let delims = Delims { left: or(left, default.left), right: or(right, default.right) };
        self.delims = Arc::new(delims);
        self
    }

    /// Parses a text as the template `name` and adds it, with all templates it defines.
    ///
    /// A template replaces one of the same name, unless it is empty: nothing but blanks, comments
    /// and definitions. If the text does not parse, nothing is added.
    pub fn parse(&mut self, name: impl Into<Str>, text: impl Into<Str>) -> Result<(), ParseError> {
        let parsed = self.parse_only(name, text)?;
        self.add(&parsed);
        Ok(())
    }

    /// Parses a text without adding what it defines, for use with [`add`](Self::add) as often as
    /// wanted, in this set or in others with the same functions.
    pub fn parse_only(
        &self,
        name: impl Into<Str>,
        text: impl Into<Str>,
    ) -> Result<Parsed, ParseError> {
        let name = name.into();
        let templates = parse::parse(name.clone(), &text.into(), &self.functions, &self.delims)?;
        Ok(Parsed { name, templates })
    }

    /// Adds the templates of a parsed text by the rules of [`parse`](Self::parse).
    pub fn add(&mut self, parsed: &Parsed) {
        for template in parsed.templates.iter() {
            if !(template.empty && self.contains(&template.name)) {
                self.own().insert(template.name.clone(), Arc::clone(template));
            }
        }
    }

    /// The map that additions go to, private to this set.
    fn own(&mut self) -> &mut FxHashMap<Str, Arc<Template>> {
        if Arc::get_mut(&mut self.templates).is_none() {
            let below = Arc::clone(&self.templates);
            let layer = if below.depth < MAX_LAYERS {
                Layer { own: FxHashMap::default(), depth: below.depth + 1, below: Some(below) }
            } else {
                Layer { own: below.merged(), depth: 0, below: None }
            };
            self.templates = Arc::new(layer);
        }
        &mut Arc::make_mut(&mut self.templates).own
    }

    pub(crate) fn template(&self, name: &[u8]) -> Option<&Template> {
        let mut layer = &*self.templates;
        loop {
            if let Some(template) = layer.own.get(name) {
                return Some(template);
            }
            layer = layer.below.as_deref()?;
        }
    }

    /// The name given to [`new`](Self::new).
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// Whether there is a template called `name`.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.template(name.as_ref()).is_some()
    }

    /// The names of all templates, sorted.
    pub fn names(&self) -> Vec<Str> {
        let mut names: Vec<Str> = self.templates.merged().into_keys().collect();
        names.sort();
        names
    }

    pub(crate) fn missing(&self) -> MissingKey {
        self.missing_key
    }

    /// Executes the template `name` with `.` and `$` set to `dot`, and returns its output.
    pub fn execute(
        &self,
        name: impl AsRef<[u8]>,
        dot: impl Borrow<Value>,
    ) -> Result<Vec<u8>, ExecError> {
        self.execution().execute(name, dot)
    }

    /// An execution with settings of its own.
    pub fn execution(&self) -> Execution<'_> {
        Execution { set: self, data: &(), limits: Limits::default(), written: 0, stop: None }
    }
}

impl fmt::Debug for TemplateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSet")
            .field("name", &self.name)
            .field("names", &self.names())
            .finish_non_exhaustive()
    }
}

impl Layer {
    /// All templates of this layer and those below.
    fn merged(&self) -> FxHashMap<Str, Arc<Template>> {
        let mut all = FxHashMap::default();
        let mut layer = Some(self);
        while let Some(Self { own, below, .. }) = layer {
            for (name, template) in own {
                all.entry(name.clone()).or_insert_with(|| Arc::clone(template));
            }
            layer = below.as_deref();
        }
        all
    }
}

/// The templates of one parsed text; cheap to clone.
#[derive(Clone, Debug)]
pub struct Parsed {
    name: Str,
    templates: Arc<[Arc<Template>]>,
}

impl Parsed {
    /// The template of the text itself, beside those it defines.
    pub(crate) fn main(&self) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == self.name).map(AsRef::as_ref)
    }
}

/// How far templates may go before execution gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Templates nested by `template` actions. Go's own limit is 100000.
    pub template_depth: usize,
    /// Templates nested through functions that render templates
    /// ([`CallContext::render`](crate::CallContext::render)). Go has no such limit and ends the
    /// process when its stack is used up.
    pub render_depth: usize,
    /// Bytes written in all, those of templates rendered through functions included.
    pub output: usize,
    /// Bytes of texts, lists and maps that functions make in all, each call counting for a few
    /// more. Go has no such limit and dies for want of memory.
    pub made: usize,
}

impl Default for Limits {
    /// Go's depth of templates, a depth of 10000 for functions, 1 GiB of output and 1 GiB for what
    /// functions make.
    fn default() -> Self {
        Self { template_depth: 100_000, render_depth: 10_000, output: 1 << 30, made: 1 << 30 }
    }
}

/// An execution about to start.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    set: &'a TemplateSet,
    data: &'a dyn Any,
    limits: Limits,
    written: usize,
    stop: Option<&'a AtomicBool>,
}

impl<'a> Execution<'a> {
    /// Hands the embedder's own data to functions: see [`CallContext::data`](crate::CallContext::data).
    #[must_use]
    pub fn data(mut self, data: &'a dyn Any) -> Self {
        self.data = data;
        self
    }

    /// Sets limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Counts bytes that executions before have written as if this one had.
    #[must_use]
    pub fn after(mut self, written: usize) -> Self {
        self.written = written;
        self
    }

    /// Ends the execution with an error soon after another thread has set the flag. This is how to
    /// bound the time a template takes, which may loop as long as it likes.
    #[must_use]
    pub fn stop_when(mut self, flag: &'a AtomicBool) -> Self {
        self.stop = Some(flag);
        self
    }

    /// Executes the template `name` with `.` and `$` set to `dot`, and returns its output.
    pub fn execute(
        self,
        name: impl AsRef<[u8]>,
        dot: impl Borrow<Value>,
    ) -> Result<Vec<u8>, ExecError> {
        let run = Run {
            data: self.data,
            limits: self.limits,
            stop: self.stop,
            renders: Cell::new(0),
            output_left: Cell::new(self.limits.output.saturating_sub(self.written)),
            made_left: Cell::new(self.limits.made),
        };
        eval::execute(&run, self.set, name.as_ref(), dot.borrow())
    }
}

/// What all templates of one execution have in common.
pub(crate) struct Run<'a> {
    pub(crate) data: &'a dyn Any,
    pub(crate) limits: Limits,
    pub(crate) stop: Option<&'a AtomicBool>,
    /// How many templates are being rendered inside each other through functions.
    pub(crate) renders: Cell<usize>,
    pub(crate) output_left: Cell<usize>,
    pub(crate) made_left: Cell<usize>,
}

//! Execution of templates: Go's `exec.go`.
//!
//! This file holds the state of an execution, its variables and its errors, and the walk over
//! control structures. `pipeline` evaluates what stands in actions, `field` walks along fields,
//! `call` calls functions, `range` iterates.

mod arg;
mod call;
mod field;
mod operand;
mod pipeline;
mod range;

use std::sync::atomic::Ordering;

pub(crate) use self::operand::Operand;

use crate::ast::{Branch, Call, Id, NodeKind, Source, Template, VarName};
use crate::error::{Exceeded, ExecError, FuncError};
use crate::print::{self, quote};
use crate::stack;
use crate::template::{Run, TemplateSet};
use crate::value::{Underlying, Value};

/// What a call counts for beside its result, in bytes: room for an entry it may have put somewhere.
const CALL_COST: usize = 64;

/// Executes a template of the set by name.
pub(crate) fn execute(
    run: &Run<'_>,
    set: &TemplateSet,
    name: &[u8],
    dot: &Value,
) -> Result<Vec<u8>, ExecError> {
    let Some(template) = set.template(name) else {
        let message =
            format!("no template {} associated with template {}", quote(name), quote(set.name()));
        return Err(ExecError::new(set.name().clone(), None, message));
    };
    execute_template(run, set, template, dot)
}

/// Executes a template over the templates of the set, to which it need not belong.
pub(crate) fn execute_template(
    run: &Run<'_>,
    set: &TemplateSet,
    template: &Template,
    dot: &Value,
) -> Result<Vec<u8>, ExecError> {
    let mut exec = Exec {
        run,
        set,
        template,
        source: &template.source,
        node: template.root,
        variables: Vec::with_capacity(8),
        frame: 0,
        depth: 0,
        out: Vec::new(),
        spare_args: Vec::new(),
    };
    let dot = Operand::concrete(dot.clone());
    exec.variables.push((VarName::DOLLAR, dot.clone()));
    exec.list(&dot, template.root)?;
    Ok(exec.out)
}

/// The state of one execution.
struct Exec<'a> {
    run: &'a Run<'a>,
    set: &'a TemplateSet,
    template: &'a Template,
    source: &'a Source,
    /// The node being evaluated, for errors. As in Go it is set on the way in and not restored on
    /// the way out: an error points at what was evaluated last.
    node: Id,
    /// Variables, innermost last. Those from `frame` on belong to the current template.
    variables: Vec<(VarName, Operand)>,
    frame: usize,
    /// How many `template` actions the current place is in.
    depth: usize,
    out: Vec<u8>,
    /// Vectors for arguments, kept for reuse.
    spare_args: Vec<Vec<Value>>,
}

/// How the walk goes on after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

type Exe<T> = Result<T, ExecError>;

impl Exec<'_> {
    /// An error at the current node.
    #[cold]
    fn error(&self, message: impl Into<String>) -> ExecError {
        let place = self.source.place(self.node);
        ExecError::new(self.template.name.clone(), Some(place), message.into())
    }

    /// An error of the function `name`, called at the current node.
    #[cold]
    fn call_error(&self, name: &str, cause: FuncError) -> ExecError {
        ExecError::call(self.template.name.clone(), self.source.place(self.node), name, cause)
    }

    fn variable(&self, name: VarName) -> Exe<Operand> {
        let frame = &self.variables[self.frame..];
        match frame.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.undefined(name)),
        }
    }

    fn assign(&mut self, name: VarName, value: Operand) -> Exe<()> {
        let frame = &mut self.variables[self.frame..];
        match frame.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, variable)) => {
                *variable = value;
                Ok(())
            }
            None => Err(self.undefined(name)),
        }
    }

    #[cold]
    fn undefined(&self, name: VarName) -> ExecError {
        self.error(format!("undefined variable: {}", self.source.variable_name(name)))
    }

    /// Ends the execution if somebody asked for it; called wherever a template can spend time.
    fn check_stop(&self) -> Exe<()> {
        if self.run.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(self.error("execution was stopped").because(Exceeded::Stopped));
        }
        Ok(())
    }

    /// Accounts for output written since there were `before` bytes.
    fn written(&self, before: usize) -> Exe<()> {
        let left = self.run.output_left.get().checked_sub(self.out.len() - before);
        let Some(left) = left else {
            let limit = self.run.limits.output;
            let error = self.error(format!("output exceeds the limit of {limit} bytes"));
            return Err(error.because(Exceeded::Output));
        };
        self.run.output_left.set(left);
        Ok(())
    }

    /// Accounts for what a function made: memory that nothing else holds so far.
    fn made(&self, value: &Value) -> Exe<()> {
        let left =
            self.run.made_left.get().checked_sub(value.sole_size().saturating_add(CALL_COST));
        let Some(left) = left else {
            let limit = self.run.limits.made;
            let error = self.error(format!("functions made more than the limit of {limit} bytes"));
            return Err(error.because(Exceeded::Made));
        };
        self.run.made_left.set(left);
        self.check_stop()
    }

    fn list(&mut self, dot: &Operand, id: Id) -> Exe<Flow> {
        self.node = id;
        let source = self.source;
        let NodeKind::List(nodes) = &source.node(id).kind else {
            return self.walk(dot, id);
        };
        for node in source.children(*nodes) {
            let flow = self.walk(dot, *node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Operand, id: Id) -> Exe<Flow> {
        self.node = id;
        let source = self.source;
        match &source.node(id).kind {
            NodeKind::Text(end) => {
                let before = self.out.len();
                self.out.extend_from_slice(source.text_of(id, *end));
                self.written(before)?;
            }
            NodeKind::Action(pipe) => {
                self.check_stop()?;
                let (value, declares) = self.pipeline(dot, *pipe)?;
                if !declares {
                    self.print(id, &value)?;
                }
            }
            NodeKind::If(branch) => return stack::grow(|| self.branch(dot, branch, false)),
            NodeKind::With(branch) => return stack::grow(|| self.branch(dot, branch, true)),
            NodeKind::Range(branch) => return stack::grow(|| self.range(dot, id, branch)),
            NodeKind::Template(call) => return stack::grow(|| self.template(dot, call)),
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
            NodeKind::List(_) => return self.list(dot, id),
            _ => return Err(self.error(format!("unknown node: {}", source.print(id)))),
        }
        Ok(Flow::Next)
    }

    /// `if` and `with`; the latter sets dot.
    fn branch(&mut self, dot: &Operand, branch: &Branch, sets_dot: bool) -> Exe<Flow> {
        let mark = self.variables.len();
        let (value, _) = self.pipeline(dot, branch.pipe)?;
        let flow = if value.value.is_true() {
            self.list(if sets_dot { &value } else { dot }, branch.list)?
        } else if let Some(else_list) = branch.else_list {
            self.list(dot, else_list)?
        } else {
            Flow::Next
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// `template`: a frame of its own, in which `$` is the only variable.
    fn template(&mut self, dot: &Operand, call: &Call) -> Exe<Flow> {
        self.check_stop()?;
        let Some(template) = self.set.template(&call.name) else {
            return Err(self.error(format!("template {} not defined", quote(&call.name))));
        };
        let limit = self.run.limits.template_depth;
        if self.depth == limit {
            return Err(self.error(format!("exceeded maximum template depth ({limit})")));
        }
        // Variables that the pipeline declares persist in the caller.
        let dot = match call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?.0,
            None => Operand::NONE,
        };
        let (caller, node) = (self.template, self.node);
        let frame = std::mem::replace(&mut self.frame, self.variables.len());
        self.variables.push((VarName::DOLLAR, dot.clone()));
        self.depth += 1;
        self.template = template;
        self.source = &template.source;
        self.list(&dot, template.root)?;
        self.template = caller;
        self.source = &caller.source;
        self.node = node;
        self.depth -= 1;
        self.variables.truncate(self.frame);
        self.frame = frame;
        Ok(Flow::Next)
    }

    /// Writes the value of the action `id`.
    fn print(&mut self, id: Id, operand: &Operand) -> Exe<()> {
        self.node = id;
        let before = self.out.len();
        let printed = match &operand.value {
            Value::Nil => {
                self.out.extend_from_slice(b"<no value>");
                Ok(())
            }
            Value::Func(_) => return Err(self.unprintable(id, &operand.value)),
            Value::Object(object) => {
                // Only here can methods with a pointer receiver be reached: arguments are copies.
                match (object.text(operand.addressable), object.underlying()) {
                    (_, Underlying::Sequence(_)) => {
                        return Err(self.unprintable(id, &operand.value));
                    }
                    (Some(text), _) => {
                        self.out.extend_from_slice(&text);
                        Ok(())
                    }
                    (None, Underlying::Pointer(Some(target))) => {
                        print::append_value(&mut self.out, &target)
                    }
                    (None, _) => print::append_value(&mut self.out, &operand.value),
                }
            }
            value => print::append_value(&mut self.out, value),
        };
        printed.map_err(|error| self.error(error.to_string()))?;
        self.written(before)
    }

    #[cold]
    fn unprintable(&self, id: Id, value: &Value) -> ExecError {
        let node = self.source.print(id);
        self.error(format!("can't print {node} of type {}", value.type_name()))
    }
}

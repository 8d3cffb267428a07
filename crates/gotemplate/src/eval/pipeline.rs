//! Pipelines, commands and constants.

use super::{Exe, Exec, Operand};
use crate::ast::{Id, NodeKind};
use crate::number::{Ideal, Number};
use crate::print::quote;
use crate::value::Value;

impl Exec<'_> {
    /// The value of a pipeline, and whether it declares or assigns variables. Variables it
    /// declares are pushed; whoever opened the block pops them.
    pub(super) fn pipeline(&mut self, dot: &Operand, id: Id) -> Exe<(Operand, bool)> {
        self.node = id;
        let source = self.source;
        let NodeKind::Pipe(pipe) = &source.node(id).kind else {
            return Err(self.error(format!("unknown node: {}", source.print(id))));
        };
        let mut last: Option<Operand> = None;
        for command in source.children(pipe.commands) {
            let mut value = self.command(dot, *command, last.take())?;
            value.boxed = false; // what is in the interface counts, not the interface
            last = Some(value);
        }
        let value = last.unwrap_or(Operand::NONE);
        let Some(declaration) = source.declaration(*pipe) else {
            return Ok((value, false));
        };
        for name in &declaration.variables {
            if declaration.assigns {
                self.assign(*name, value.clone())?;
            } else {
                self.variables.push((*name, value.clone()));
            }
        }
        Ok((value, true))
    }

    /// The value of a command; `last` is the value of the command before it in the pipeline.
    fn command(&mut self, dot: &Operand, id: Id, last: Option<Operand>) -> Exe<Operand> {
        let source = self.source;
        let NodeKind::Command(words) = &source.node(id).kind else {
            return Err(self.error(format!("unknown node: {}", source.print(id))));
        };
        let [first, args @ ..] = source.children(*words) else {
            return Err(self.error("empty command"));
        };
        let first = *first;
        let kind = &source.node(first).kind;
        match kind {
            NodeKind::Field(fields) => {
                self.node = first;
                return self.field_chain(dot, dot, first, *fields, args, last);
            }
            NodeKind::Chain(chain) => return self.chain(dot, first, *chain, args, last),
            NodeKind::Identifier(name) => {
                self.node = first;
                return self.call(dot, *name, id, args, last);
            }
            NodeKind::Pipe(_) => {
                self.not_a_function(first, args, last.as_ref())?;
                return Ok(self.nested_pipeline(dot, first)?.0);
            }
            NodeKind::Variable(variable) => {
                return self.variable_chain(dot, first, *variable, args, last);
            }
            _ => {}
        }
        self.node = first;
        self.not_a_function(first, args, last.as_ref())?;
        match kind {
            NodeKind::Bool(b) => Ok(Operand::concrete(Value::Bool(*b))),
            NodeKind::Dot => Ok(dot.clone()),
            NodeKind::Nil => Err(self.error("nil is not a command")),
            NodeKind::Number(number) => self.constant(first, source.number(*number)),
            NodeKind::String(literal) => {
                Ok(Operand::concrete(Value::String(source.literal(*literal).text.clone())))
            }
            _ => {
                let text = quote(source.print(first));
                Err(self.error(format!("can't evaluate command {text}")))
            }
        }
    }

    /// A pipeline in parentheses.
    pub(super) fn nested_pipeline(&mut self, dot: &Operand, id: Id) -> Exe<(Operand, bool)> {
        crate::stack::grow(|| self.pipeline(dot, id))
    }

    /// Refuses arguments to something that cannot take any.
    pub(super) fn not_a_function(&self, first: Id, args: &[Id], last: Option<&Operand>) -> Exe<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        let text = self.source.print(first);
        Err(self.error(format!("can't give argument to non-function {text}")))
    }

    /// A number where no type is asked for: its text tells the type.
    pub(super) fn constant(&mut self, id: Id, number: &Number) -> Exe<Operand> {
        self.node = id;
        let value = match (number.ideal, number.complex, number.float, number.int) {
            (Ideal::Complex, Some((re, im)), ..) => Value::Complex128(re, im),
            (Ideal::Float, _, Some(float), _) => Value::Float64(float),
            (Ideal::Int, _, _, Some(int)) => Value::Int(int),
            _ => return Err(self.error(format!("{} overflows int", number.text))),
        };
        Ok(Operand::concrete(value))
    }
}

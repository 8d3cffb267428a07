//! Calls of functions and methods.

use super::{Exe, Exec, Operand};
use crate::ast::{FunctionName, Id};
use crate::builtins;
use crate::func::{Body, CallContext, Function};
use crate::types::Type;
use crate::value::Value;

impl Exec<'_> {
    /// Calls the function a command names; `id` is the whole command, for errors of the function.
    pub(super) fn call(
        &mut self,
        dot: &Operand,
        name: FunctionName,
        id: Id,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        let named = self.source.function(name);
        self.call_function(dot, &named.function, None, &named.name, id, args, last)
    }

    /// Calls a function, or a method if there is a receiver. `last` is the value piped in.
    #[expect(clippy::too_many_arguments, reason = "what a call consists of")]
    pub(super) fn call_function(
        &mut self,
        dot: &Operand,
        function: &Function,
        receiver: Option<Value>,
        name: &str,
        id: Id,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        let count = args.len() + usize::from(last.is_some());
        let fixed = function.params.len();
        if function.variadic.is_some() {
            if count < fixed {
                let got = args.len();
                return Err(self.error(format!(
                    "wrong number of args for {name}: want at least {fixed} got {got}"
                )));
            }
        } else if count != fixed {
            return Err(
                self.error(format!("wrong number of args for {name}: want {fixed} got {count}"))
            );
        }
        let result = match &function.body {
            Body::And => return self.and_or(dot, false, args, last),
            Body::Or => return self.and_or(dot, true, args, last),
            Body::Len => {
                let operands = self.operands(dot, args, last)?;
                builtins::len(&operands)
            }
            Body::Slice => {
                let operands = self.operands(dot, args, last)?;
                builtins::slice(&operands)
            }
            Body::Call => {
                let name = self.callee_name(args, last.as_ref());
                let values = self.values(dot, function, None, args, last)?;
                let result = builtins::call(&self.context(), &name, &values);
                self.reuse(values);
                result
            }
            Body::Native(body) => {
                let values = self.values(dot, function, receiver, args, last)?;
                let result = body(&self.context(), &values);
                self.reuse(values);
                result
            }
            Body::Closure(body) => {
                let values = self.values(dot, function, receiver, args, last)?;
                let result = body(&self.context(), &values);
                self.reuse(values);
                result
            }
        };
        match result {
            Ok(value) => {
                self.made(&value)?;
                Ok(Operand::of_type(value, function.result))
            }
            Err(cause) => {
                self.node = id;
                Err(self.call_error(name, cause))
            }
        }
    }

    fn context(&self) -> CallContext<'_> {
        CallContext { run: self.run, set: self.set }
    }

    /// The arguments, each checked against its parameter.
    fn values(
        &mut self,
        dot: &Operand,
        function: &Function,
        receiver: Option<Value>,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Vec<Value>> {
        let mut values = self.spare_args.pop().unwrap_or_default();
        values.extend(receiver);
        for (at, arg) in args.iter().enumerate() {
            let operand = self.arg(dot, function.param(at), *arg)?;
            values.push(operand.value);
        }
        if let Some(last) = last {
            let operand = self.fit(last, function.param(args.len()))?;
            values.push(operand.value);
        }
        Ok(values)
    }

    fn reuse(&mut self, mut values: Vec<Value>) {
        values.clear();
        self.spare_args.push(values);
    }

    /// The arguments of a function whose parameters are all of type `reflect.Value`.
    fn operands(&mut self, dot: &Operand, args: &[Id], last: Option<Operand>) -> Exe<Vec<Operand>> {
        let mut operands = Vec::with_capacity(args.len() + 1);
        for arg in args {
            operands.push(self.arg(dot, Type::ReflectValue, *arg)?);
        }
        if let Some(last) = last {
            operands.push(self.fit(last, Type::ReflectValue)?);
        }
        Ok(operands)
    }

    /// `and` and `or`: evaluate until one argument decides, and return that one or the last.
    fn and_or(
        &mut self,
        dot: &Operand,
        decides: bool,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        let mut value = Operand::NONE;
        for arg in args {
            value = self.arg(dot, Type::ReflectValue, *arg)?;
            if value.value.is_true() == decides {
                return Ok(value);
            }
        }
        match last {
            Some(last) => self.fit(last, Type::ReflectValue),
            None => Ok(value),
        }
    }

    /// How errors of `call` name the function it was given: as it is written, or, if it was piped
    /// in, as reflection prints a value of its type.
    fn callee_name(&self, args: &[Id], last: Option<&Operand>) -> String {
        match (args.first(), last.map(|last| &last.value)) {
            (Some(first), _) => self.source.print(*first),
            (None, Some(Value::String(text))) => text.to_string(),
            (None, Some(Value::Nil) | None) => "<invalid Value>".to_owned(),
            (None, Some(value)) => format!("<{} Value>", value.type_name()),
        }
    }
}

//! Chains of fields: struct fields, map entries and methods.

use super::{Exe, Exec, Operand};
use crate::ast::{Chain, Id, NodeKind, Run, Variable};
use crate::print::quote;
use crate::template::MissingKey;
use crate::value::{Map, ObjectRef, Underlying, Value};

impl Exec<'_> {
    /// `(pipeline).field.field` with arguments.
    pub(super) fn chain(
        &mut self,
        dot: &Operand,
        id: Id,
        chain: Chain,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        self.node = id;
        if matches!(self.source.node(chain.node).kind, NodeKind::Nil) {
            let text = self.source.print(id);
            return Err(self.error(format!("indirection through explicit nil in {text}")));
        }
        let receiver = self.untyped_arg(dot, chain.node)?;
        self.field_chain(dot, &receiver, id, chain.fields, args, last)
    }

    /// `$name.field.field` with arguments.
    pub(super) fn variable_chain(
        &mut self,
        dot: &Operand,
        id: Id,
        variable: Variable,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        self.node = id;
        let value = self.variable(variable.name)?;
        if variable.fields.is_empty() {
            self.not_a_function(id, args, last.as_ref())?;
            return Ok(value);
        }
        self.field_chain(dot, &value, id, variable.fields, args, last)
    }

    /// Walks along fields; the last one gets the arguments, in case it is a method.
    pub(super) fn field_chain(
        &mut self,
        dot: &Operand,
        receiver: &Operand,
        id: Id,
        fields: Run,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        let source = self.source;
        let Some((field, before)) = source.fields(fields).split_last() else {
            return Ok(receiver.clone());
        };
        let mut reached: Option<Operand> = None;
        for field in before {
            let receiver = reached.as_ref().unwrap_or(receiver);
            reached = Some(self.field(dot, source.field_name(*field), id, &[], None, receiver)?);
        }
        let name = source.field_name(*field);
        self.field(dot, name, id, args, last, reached.as_ref().unwrap_or(receiver))
    }

    fn field(
        &mut self,
        dot: &Operand,
        name: &str,
        id: Id,
        args: &[Id],
        last: Option<Operand>,
        receiver: &Operand,
    ) -> Exe<Operand> {
        let has_args = !args.is_empty() || last.is_some();
        let method = match &receiver.value {
            Value::Nil if receiver.boxed => {
                return Err(self.error(format!("nil pointer evaluating interface {{}}.{name}")));
            }
            Value::Nil => {
                return match self.set.missing() {
                    MissingKey::Error => {
                        Err(self.error(format!("nil data; no entry for key {}", quote(name))))
                    }
                    MissingKey::Default | MissingKey::Zero => Ok(Operand::NONE),
                };
            }
            Value::Map(map) => match map.ty().method(name) {
                Some(method) => method,
                None => return self.entry(map, name, has_args),
            },
            Value::List(list) => {
                list.ty().method(name).ok_or_else(|| self.no_field(name, receiver))?
            }
            Value::Object(object) => match object.method(name, is_addressable(receiver, object)) {
                Some(method) => method,
                None => return self.object_field(object, name, receiver, has_args),
            },
            _ => return Err(self.no_field(name, receiver)),
        };
        let this = Some(receiver.value.clone());
        self.call_function(dot, &method.function, this, method.name, id, args, last)
    }

    fn entry(&self, map: &Map, name: &str, has_args: bool) -> Exe<Operand> {
        if has_args {
            return Err(self.error(format!("{name} is not a method but has arguments")));
        }
        let elem = map.ty().elem();
        if let Some(value) = map.get(name) {
            return Ok(Operand::of_type(value, elem));
        }
        match self.set.missing() {
            MissingKey::Default => Ok(Operand::NONE),
            MissingKey::Zero => Ok(Operand::of_type(Value::zero(elem), elem)),
            MissingKey::Error => {
                Err(self.error(format!("map has no entry for key {}", quote(name))))
            }
        }
    }

    fn object_field(
        &self,
        object: &ObjectRef,
        name: &str,
        receiver: &Operand,
        has_args: bool,
    ) -> Exe<Operand> {
        let exported = name.starts_with(char::is_uppercase);
        if exported && let Some(value) = object.field(name) {
            if has_args {
                return Err(
                    self.error(format!("{name} has arguments but cannot be invoked as function"))
                );
            }
            let boxed = value.is_nil(); // only a field of interface type can be nil
            return Ok(Operand { value, boxed, addressable: is_addressable(receiver, object) });
        }
        let ty = receiver.type_name();
        match object.underlying() {
            Underlying::Value(Value::Map(map)) | Underlying::Pointer(Some(Value::Map(map))) => {
                self.entry(&map, name, has_args)
            }
            Underlying::Pointer(None) if object.has_field(name) => {
                Err(self.error(format!("nil pointer evaluating {ty}.{name}")))
            }
            underlying if !exported && has_hidden_field(&underlying, name) => {
                Err(self.error(format!("{name} is an unexported field of struct type {ty}")))
            }
            _ => Err(self.no_field(name, receiver)),
        }
    }

    #[cold]
    fn no_field(&self, name: &str, receiver: &Operand) -> crate::ExecError {
        self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }
}

/// Whether methods with a pointer receiver can be called: the object is a pointer, or was reached
/// through one.
fn is_addressable(operand: &Operand, object: &ObjectRef) -> bool {
    operand.addressable || object.ty().name().starts_with('*')
}

fn has_hidden_field(underlying: &Underlying, name: &str) -> bool {
    match underlying {
        Underlying::Struct(fields) => fields.iter().any(|(field, _)| *field == name),
        Underlying::Pointer(Some(Value::Object(target))) => {
            has_hidden_field(&target.underlying(), name)
        }
        _ => false,
    }
}

//! Chains of fields: struct fields, map entries and methods.

use super::{Exe, Exec, Operand};
use crate::ast::{Chain, Id, NodeKind, Variable};
use crate::func::Method;
use crate::print::quote;
use crate::template::MissingKey;
use crate::value::{Map, ObjectRef, Underlying, Value};

impl Exec<'_> {
    /// `(pipeline).field.field` with arguments.
    pub(super) fn chain(
        &mut self,
        dot: &Operand,
        id: Id,
        chain: &Chain,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        self.node = id;
        if matches!(self.source.node(chain.node).kind, NodeKind::Nil) {
            let text = self.source.print(id);
            return Err(self.error(format!("indirection through explicit nil in {text}")));
        }
        let receiver = self.untyped_arg(dot, chain.node)?;
        self.field_chain(dot, receiver, id, &chain.fields, args, last)
    }

    /// `$name.field.field` with arguments.
    pub(super) fn variable_chain(
        &mut self,
        dot: &Operand,
        id: Id,
        variable: &Variable,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        self.node = id;
        let value = self.variable(variable.name)?;
        if variable.fields.is_empty() {
            self.not_a_function(id, args, last.as_ref())?;
            return Ok(value);
        }
        self.field_chain(dot, value, id, &variable.fields, args, last)
    }

    /// Walks along fields; the last one gets the arguments, in case it is a method.
    pub(super) fn field_chain(
        &mut self,
        dot: &Operand,
        receiver: Operand,
        id: Id,
        fields: &[Box<str>],
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
        let Some((field, before)) = fields.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for field in before {
            receiver = self.field(dot, field, id, &[], None, receiver)?;
        }
        self.field(dot, field, id, args, last, receiver)
    }

    fn field(
        &mut self,
        dot: &Operand,
        name: &str,
        id: Id,
        args: &[Id],
        last: Option<Operand>,
        receiver: Operand,
    ) -> Exe<Operand> {
        let has_args = !args.is_empty() || last.is_some();
        match &receiver.value {
            Value::Nil if receiver.boxed => {
                Err(self.error(format!("nil pointer evaluating interface {{}}.{name}")))
            }
            Value::Nil => match self.set.missing() {
                MissingKey::Error => {
                    Err(self.error(format!("nil data; no entry for key {}", quote(name))))
                }
                MissingKey::Default | MissingKey::Zero => Ok(Operand::NONE),
            },
            Value::Map(map) => match map.ty().method(name) {
                Some(method) => self.method(dot, method, &receiver, id, args, last),
                None => self.entry(map, name, has_args),
            },
            Value::List(list) => match list.ty().method(name) {
                Some(method) => self.method(dot, method, &receiver, id, args, last),
                None => Err(self.no_field(name, &receiver)),
            },
            Value::Object(object) => {
                let underlying = object.underlying();
                let addressable =
                    receiver.addressable || matches!(underlying, Underlying::Pointer(Some(_)));
                if let Some(method) = object.method(name, addressable) {
                    return self.method(dot, method, &receiver, id, args, last);
                }
                match underlying {
                    Underlying::Value(Value::Map(map)) => self.entry(&map, name, has_args),
                    Underlying::Pointer(None) => {
                        let ty = receiver.type_name();
                        Err(self.error(format!("nil pointer evaluating {ty}.{name}")))
                    }
                    Underlying::Pointer(Some(Value::Map(map))) => self.entry(&map, name, has_args),
                    Underlying::Struct(_) | Underlying::Pointer(Some(_)) => {
                        self.struct_field(object, name, &receiver, has_args, addressable)
                    }
                    Underlying::Value(_) | Underlying::Sequence(_) => {
                        Err(self.no_field(name, &receiver))
                    }
                }
            }
            _ => Err(self.no_field(name, &receiver)),
        }
    }

    fn method(
        &mut self,
        dot: &Operand,
        method: &'static Method,
        receiver: &Operand,
        id: Id,
        args: &[Id],
        last: Option<Operand>,
    ) -> Exe<Operand> {
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

    fn struct_field(
        &self,
        object: &ObjectRef,
        name: &str,
        receiver: &Operand,
        has_args: bool,
        addressable: bool,
    ) -> Exe<Operand> {
        if !name.starts_with(char::is_uppercase) {
            return Err(match has_hidden_field(object, name) {
                true => self.error(format!(
                    "{name} is an unexported field of struct type {}",
                    receiver.type_name()
                )),
                false => self.no_field(name, receiver),
            });
        }
        let Some(value) = object.field(name) else {
            return Err(self.no_field(name, receiver));
        };
        if has_args {
            return Err(
                self.error(format!("{name} has arguments but cannot be invoked as function"))
            );
        }
        let boxed = value.is_nil(); // only a field of interface type can be nil
        Ok(Operand { value, boxed, addressable })
    }

    #[cold]
    fn no_field(&self, name: &str, receiver: &Operand) -> crate::ExecError {
        self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }
}

fn has_hidden_field(object: &ObjectRef, name: &str) -> bool {
    match object.underlying() {
        Underlying::Struct(fields) => fields.iter().any(|(field, _)| *field == name),
        Underlying::Pointer(Some(Value::Object(target))) => has_hidden_field(&target, name),
        _ => false,
    }
}

//! Arguments under the type of the parameter they are meant for.

use super::{Exe, Exec, Operand};
use crate::ast::{Id, NodeKind};
use crate::types::Type;
use crate::value::{Underlying, Value};

impl Exec<'_> {
    /// The value of an argument, fit for a parameter of type `ty`.
    pub(super) fn arg(&mut self, dot: &Operand, ty: Type, id: Id) -> Exe<Operand> {
        self.node = id;
        let source = self.source;
        match &source.node(id).kind {
            NodeKind::Nil if ty.can_be_nil() => Ok(nil_of(ty)),
            NodeKind::Nil => Err(self.error(format!("cannot assign nil to {ty}"))),
            NodeKind::Dot
            | NodeKind::Field(_)
            | NodeKind::Variable(_)
            | NodeKind::Pipe(_)
            | NodeKind::Identifier(_)
            | NodeKind::Chain(_) => {
                let value = self.untyped_arg(dot, id)?;
                self.fit(value, ty)
            }
            _ => self.literal(id, ty),
        }
    }

    /// The value of an argument that is not a literal, before any parameter's type is asked.
    pub(super) fn untyped_arg(&mut self, dot: &Operand, id: Id) -> Exe<Operand> {
        self.node = id;
        let source = self.source;
        match &source.node(id).kind {
            NodeKind::Dot => Ok(dot.clone()),
            NodeKind::Field(fields) => self.field_chain(dot, dot, id, *fields, &[], None),
            NodeKind::Variable(variable) => self.variable_chain(dot, id, *variable, &[], None),
            NodeKind::Pipe(_) => Ok(self.nested_pipeline(dot, id)?.0),
            NodeKind::Identifier(name) => self.call(dot, *name, id, &[], None),
            NodeKind::Chain(chain) => self.chain(dot, id, *chain, &[], None),
            _ => Err(self.error(format!(
                "can't handle assignment of {} to empty interface argument",
                source.print(id)
            ))),
        }
    }

    /// A literal as a value of the type asked for. Numbers fit every type that holds them exactly.
    fn literal(&mut self, id: Id, ty: Type) -> Exe<Operand> {
        let source = self.source;
        let kind = &source.node(id).kind;
        let number = if let NodeKind::Number(at) = kind { Some(source.number(*at)) } else { None };
        let int = number.and_then(|number| number.int).ok_or("integer");
        let uint = number.and_then(|number| number.uint).ok_or("unsigned integer");
        let float = number.and_then(|number| number.float).ok_or("float");
        let complex = number.and_then(|number| number.complex).ok_or("complex");
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go keeps the low bits of a literal that is too large for the parameter"
        )]
        let value = match ty {
            Type::Any | Type::ReflectValue => return self.untyped_literal(id),
            Type::Bool => match kind {
                NodeKind::Bool(b) => Ok(Value::Bool(*b)),
                _ => Err("bool"),
            },
            Type::String => match kind {
                NodeKind::String(literal) => {
                    Ok(Value::String(source.literal(*literal).text.clone()))
                }
                _ => Err("string"),
            },
            Type::Int => int.map(Value::Int),
            Type::Int8 => int.map(|int| Value::Int8(int as i8)),
            Type::Int16 => int.map(|int| Value::Int16(int as i16)),
            Type::Int32 => int.map(|int| Value::Int32(int as i32)),
            Type::Int64 => int.map(Value::Int64),
            Type::Uint => uint.map(Value::Uint),
            Type::Uint8 => uint.map(|uint| Value::Uint8(uint as u8)),
            Type::Uint16 => uint.map(|uint| Value::Uint16(uint as u16)),
            Type::Uint32 => uint.map(|uint| Value::Uint32(uint as u32)),
            Type::Uint64 => uint.map(Value::Uint64),
            Type::Float32 => float.map(|float| Value::Float32(float as f32)),
            Type::Float64 => float.map(Value::Float64),
            Type::Complex128 => complex.map(|(re, im)| Value::Complex128(re, im)),
            Type::List(_) | Type::Map(_) | Type::Func(_) | Type::Named(_) => {
                let text = source.print(id);
                return Err(self.error(format!("can't handle {text} for arg of type {ty}")));
            }
        };
        value.map(Operand::concrete).map_err(|expected| {
            self.error(format!("expected {expected}; found {}", source.print(id)))
        })
    }

    fn untyped_literal(&mut self, id: Id) -> Exe<Operand> {
        let source = self.source;
        match &source.node(id).kind {
            NodeKind::Bool(b) => Ok(Operand::concrete(Value::Bool(*b))),
            NodeKind::Number(number) => self.constant(id, source.number(*number)),
            NodeKind::String(literal) => {
                Ok(Operand::concrete(Value::String(source.literal(*literal).text.clone())))
            }
            _ => self.untyped_arg(&Operand::NONE, id),
        }
    }

    /// Checks that a value may be passed as a `ty`: Go's `validateType`.
    pub(super) fn fit(&self, operand: Operand, ty: Type) -> Exe<Operand> {
        if operand.is_none() {
            if ty.can_be_nil() {
                return Ok(nil_of(ty));
            }
            return Err(self.error(format!("invalid value; expected {ty}")));
        }
        if matches!(ty, Type::Any | Type::ReflectValue) {
            return Ok(operand);
        }
        let Some(found) = operand.value.ty() else {
            return Err(self.wrong_type(ty, Type::Any)); // a nil interface
        };
        if found.assignable_to(ty) {
            return Ok(operand);
        }
        if let Value::Object(object) = &operand.value
            && let Underlying::Pointer(target) = object.underlying()
            && found.name().strip_prefix('*') == Some(ty.name())
        {
            return match target {
                Some(target) => Ok(Operand { value: target, boxed: false, addressable: true }),
                None => Err(self.error(format!("dereference of nil pointer of type {ty}"))),
            };
        }
        Err(self.wrong_type(ty, found))
    }

    #[cold]
    fn wrong_type(&self, expected: Type, found: Type) -> crate::ExecError {
        self.error(format!("wrong type for value; expected {expected}; got {found}"))
    }
}

/// nil as a value of a type that has one.
fn nil_of(ty: Type) -> Operand {
    match ty {
        Type::Any => Operand::boxed(Value::Nil),
        ty => Operand::concrete(Value::zero(ty)),
    }
}

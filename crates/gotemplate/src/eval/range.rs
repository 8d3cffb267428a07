//! `range`.

use super::{Exe, Exec, Flow, Operand};
use crate::ast::{Branch, Id, NodeKind, VarName};
use crate::print;
use crate::value::{Sequence, Underlying, Value};

/// The loop of one `range`.
struct Loop<'a> {
    body: Id,
    variables: &'a [VarName],
    assigns: bool,
    /// Variables to keep between iterations.
    mark: usize,
    ran: bool,
}

impl Exec<'_> {
    pub(super) fn range(&mut self, dot: &Operand, id: Id, branch: &Branch) -> Exe<Flow> {
        self.node = id;
        let mark = self.variables.len();
        let value = self.pipeline(dot, branch.pipe)?.0.value;
        let source = self.source;
        let declaration = match &source.node(branch.pipe).kind {
            NodeKind::Pipe(pipe) => source.declaration(*pipe),
            _ => None,
        };
        let (variables, assigns) = declaration
            .map_or((&[][..], false), |declaration| (&declaration.variables, declaration.assigns));
        let mut state =
            Loop { body: branch.list, variables, assigns, mark: self.variables.len(), ran: false };
        self.iterate(&mut state, &pointed_to(value))?;
        let mut flow = Flow::Next;
        if let Some(else_list) = branch.else_list.filter(|_| !state.ran) {
            flow = self.list(dot, else_list)?;
            // In Go, the range that an `else` belongs to takes a `break` in it for its own.
            if flow == Flow::Break {
                flow = Flow::Next;
            }
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn iterate(&mut self, state: &mut Loop<'_>, value: &Value) -> Exe<()> {
        match value {
            Value::Nil => Ok(()),
            Value::List(list) => {
                let elem = list.ty().elem();
                for at in 0..list.len() {
                    let item = Operand::of_type(list.get(at).unwrap_or_default(), elem);
                    let index =
                        Operand::concrete(Value::Int(i64::try_from(at).unwrap_or(i64::MAX)));
                    if !self.iteration(state, index, &item)? {
                        break;
                    }
                }
                Ok(())
            }
            Value::Map(map) => {
                let elem = map.ty().elem();
                for (key, item) in map.entries() {
                    let key = Operand::concrete(Value::String(key));
                    if !self.iteration(state, key, &Operand::of_type(item, elem))? {
                        break;
                    }
                }
                Ok(())
            }
            Value::Object(object) => match object.underlying() {
                Underlying::Value(made_of @ (Value::List(_) | Value::Map(_))) => {
                    self.iterate(state, &made_of)
                }
                Underlying::Value(_) => self.count(state, value),
                Underlying::Sequence(sequence) => self.sequence(state, value, sequence),
                Underlying::Struct(_) | Underlying::Pointer(_) => Err(self.no_range(value)),
            },
            _ => self.count(state, value),
        }
    }

    /// `range` over an integer: 0 up to but not including it, in its own type.
    fn count(&mut self, state: &mut Loop<'_>, value: &Value) -> Exe<()> {
        let end = match (value.as_int(), value.as_uint()) {
            (Some(int), _) => u64::try_from(int).unwrap_or(0),
            (None, Some(uint)) => uint,
            (None, None) => return Err(self.no_range(value)),
        };
        if state.variables.len() > 1 {
            let text = text_of(value);
            return Err(
                self.error(format!("can't use {text} to iterate over more than one variable"))
            );
        }
        for number in 0..end {
            let item = Operand::concrete(like(value, number));
            if !self.iteration(state, Operand::NONE, &item)? {
                break;
            }
        }
        Ok(())
    }

    fn sequence(&mut self, state: &mut Loop<'_>, value: &Value, sequence: Sequence) -> Exe<()> {
        match sequence {
            Sequence::One(_) if state.variables.len() > 1 => {
                let text = text_of(value);
                Err(self.error(format!("can't use {text} iterate over more than one variable")))
            }
            Sequence::One(items) => {
                for item in items {
                    if !self.iteration(state, Operand::NONE, &Operand::concrete(item))? {
                        break;
                    }
                }
                Ok(())
            }
            Sequence::Two(pairs) => {
                for (first, second) in pairs {
                    // A single variable takes the first of the pair here, unlike elsewhere.
                    let (index, item) = match state.variables.len() {
                        0 | 1 => (Operand::NONE, Operand::concrete(first)),
                        _ => (Operand::concrete(first), Operand::concrete(second)),
                    };
                    if !self.iteration(state, index, &item)? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Runs the body once; false after a `break`.
    fn iteration(&mut self, state: &mut Loop<'_>, index: Operand, item: &Operand) -> Exe<bool> {
        self.check_stop()?;
        state.ran = true;
        match (state.variables, state.assigns) {
            ([], _) => {}
            ([only], true) => self.assign(*only, item.clone())?,
            ([first, second, ..], true) => {
                self.assign(*first, index)?;
                self.assign(*second, item.clone())?;
            }
            // Declared ones are on top of the stack, pushed with the value that is ranged over.
            (declared, false) => {
                let top = state.mark;
                self.variables[top - 1].1 = item.clone();
                if declared.len() > 1 {
                    self.variables[top - 2].1 = index;
                }
            }
        }
        let flow = self.list(item, state.body)?;
        self.variables.truncate(state.mark);
        Ok(flow != Flow::Break)
    }

    #[cold]
    fn no_range(&self, value: &Value) -> crate::ExecError {
        let text = text_of(value);
        self.error(format!("range can't iterate over {text}"))
    }
}

fn text_of(value: &Value) -> String {
    print::sprint(std::slice::from_ref(value))
        .map_or_else(|error| error.to_string(), |text| text.to_string())
}

/// What a pointer points to, through all pointers.
fn pointed_to(mut value: Value) -> Value {
    while let Value::Object(object) = &value {
        match object.underlying() {
            Underlying::Pointer(Some(target)) => value = target,
            _ => break,
        }
    }
    value
}

/// `number`, which is not larger than `model`, in the type of `model`.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "fits: see above")]
fn like(model: &Value, number: u64) -> Value {
    match model {
        Value::Int8(_) => Value::Int8(number as i8),
        Value::Int16(_) => Value::Int16(number as i16),
        Value::Int32(_) => Value::Int32(number as i32),
        Value::Int64(_) => Value::Int64(number as i64),
        Value::Uint(_) => Value::Uint(number),
        Value::Uint8(_) => Value::Uint8(number as u8),
        Value::Uint16(_) => Value::Uint16(number as u16),
        Value::Uint32(_) => Value::Uint32(number as u32),
        Value::Uint64(_) => Value::Uint64(number),
        _ => Value::Int(number as i64),
    }
}

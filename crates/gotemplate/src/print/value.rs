//! Values under a verb: Go's `printArg` and `printValue`.

use super::format::{Integer, Radix};
use super::{PrintError, Printer};
use crate::types::{ListType, Type};
use crate::value::{List, Map, ObjectRef, Underlying, Value};

impl Printer<'_> {
    /// Prints an operand.
    pub(super) fn arg(&mut self, arg: &Value, verb: char) -> Result<(), PrintError> {
        match (arg, verb) {
            (Value::Nil, 'v' | 'T') => {
                self.fmt.pad(b"<nil>");
                Ok(())
            }
            (Value::Nil, _) => self.bad_verb(arg, verb),
            (_, 'T') => {
                self.fmt.string(arg.type_name().as_bytes());
                Ok(())
            }
            (_, 'p') => self.pointer(arg, 'p'),
            (Value::List(list), _) if list.ty().name() == ListType::BYTES.name() => {
                self.bytes(arg, list, verb, "[]byte")
            }
            _ => self.value(arg, arg, verb, true),
        }
    }

    /// Prints a value. `whole` is the value as its type has it: for a named type, `value` is what
    /// it is made of. `top` tells operands from what is inside of them.
    fn value(
        &mut self,
        whole: &Value,
        value: &Value,
        verb: char,
        top: bool,
    ) -> Result<(), PrintError> {
        if let Some(integer) = as_integer(value) {
            return self.integer(whole, integer, verb);
        }
        let composite =
            matches!(value, Value::List(_) | Value::Map(_) | Value::Func(_) | Value::Object(_));
        if verb == 'w' && composite && !self.complaining {
            return self.bad_verb(whole, verb); // %w is for wrapping errors, and refused as a whole
        }
        match value {
            Value::Nil => self.fmt.buf.extend_from_slice(if self.fmt.flags.sharp_v {
                b"interface {}(nil)"
            } else {
                b"<nil>"
            }),
            Value::Bool(b) => match verb {
                't' | 'v' => self.fmt.boolean(*b),
                _ => return self.bad_verb(whole, verb),
            },
            Value::Float32(f) => return self.float(whole, f64::from(*f), 32, verb),
            Value::Float64(f) => return self.float(whole, *f, 64, verb),
            Value::Complex128(re, im) => return self.complex(whole, *re, *im, verb),
            Value::String(text) => return self.string(whole, text, verb),
            Value::List(list) => return self.list(whole, list, verb),
            Value::Map(map) => return self.map(whole, map, verb),
            Value::Object(object) => return self.object(whole, object, verb, top),
            _ => return self.pointer(whole, verb),
        }
        Ok(())
    }

    fn integer(&mut self, whole: &Value, value: Integer, verb: char) -> Result<(), PrintError> {
        match verb {
            'v' if self.fmt.flags.sharp_v && !value.signed => self.fmt.hex(value.magnitude, true),
            'v' | 'd' => self.fmt.integer(value, Radix::DECIMAL),
            'b' => self.fmt.integer(value, Radix::BINARY),
            'o' => self.fmt.integer(value, Radix::OCTAL),
            'O' => self.fmt.integer(value, Radix::OCTAL_O),
            'x' => self.fmt.integer(value, Radix::HEX),
            'X' => self.fmt.integer(value, Radix::HEX_UPPER),
            'c' => self.fmt.character(value),
            'q' => self.fmt.character_quoted(value),
            'U' => self.fmt.unicode(value),
            _ => return self.bad_verb(whole, verb),
        }
        Ok(())
    }

    fn float(
        &mut self,
        whole: &Value,
        value: f64,
        bits: u32,
        verb: char,
    ) -> Result<(), PrintError> {
        match verb {
            'b' => self.fmt.float(value, bits, b'b', None),
            'v' | 'g' => self.fmt.float(value, bits, b'g', None),
            'G' => self.fmt.float(value, bits, b'G', None),
            'x' => self.fmt.float(value, bits, b'x', None),
            'X' => self.fmt.float(value, bits, b'X', None),
            'f' | 'F' => self.fmt.float(value, bits, b'f', Some(6)),
            'e' => self.fmt.float(value, bits, b'e', Some(6)),
            'E' => self.fmt.float(value, bits, b'E', Some(6)),
            _ => return self.bad_verb(whole, verb),
        }
        Ok(())
    }

    fn complex(&mut self, whole: &Value, re: f64, im: f64, verb: char) -> Result<(), PrintError> {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(whole, verb);
        }
        self.fmt.buf.push(b'(');
        self.float(whole, re, 64, verb)?;
        let plus = std::mem::replace(&mut self.fmt.flags.plus, true);
        self.float(whole, im, 64, verb)?;
        self.fmt.flags.plus = plus;
        self.fmt.buf.extend_from_slice(b"i)");
        Ok(())
    }

    fn string(&mut self, whole: &Value, text: &[u8], verb: char) -> Result<(), PrintError> {
        match verb {
            'v' if self.fmt.flags.sharp_v => self.fmt.string_quoted(text),
            'v' | 's' => self.fmt.string(text),
            'x' => self.fmt.string_hex(text, false),
            'X' => self.fmt.string_hex(text, true),
            'q' => self.fmt.string_quoted(text),
            _ => return self.bad_verb(whole, verb),
        }
        Ok(())
    }

    /// A list of bytes, which the string verbs take for a string. `name` is how `%#v` calls it.
    fn bytes(
        &mut self,
        whole: &Value,
        list: &List,
        verb: char,
        name: &str,
    ) -> Result<(), PrintError> {
        match verb {
            's' | 'x' | 'X' | 'q' => {
                let bytes: Vec<u8> = match list.as_bytes() {
                    Some(bytes) => bytes.to_vec(),
                    None => list.items().iter().filter_map(as_byte).collect(),
                };
                self.string(whole, &bytes, verb)
            }
            'v' | 'd' if list.as_bytes().is_some_and(|bytes| self.fmt.plain_bytes(bytes)) => Ok(()),
            _ => self.elements(list, verb, name),
        }
    }

    fn list(&mut self, whole: &Value, list: &List, verb: char) -> Result<(), PrintError> {
        let name = whole.type_name();
        match list.ty().elem() {
            Type::Uint8 => self.bytes(whole, list, verb, name),
            _ => self.elements(list, verb, name),
        }
    }

    fn elements(&mut self, list: &List, verb: char, name: &str) -> Result<(), PrintError> {
        let go_syntax = self.fmt.flags.sharp_v;
        if go_syntax {
            self.fmt.buf.extend_from_slice(name.as_bytes());
            if list.is_nil() {
                self.fmt.buf.extend_from_slice(b"(nil)");
                return Ok(());
            }
        }
        self.fmt.buf.push(if go_syntax { b'{' } else { b'[' });
        self.nested(|printer| {
            for (at, item) in list.items().iter().enumerate() {
                printer.separator(at);
                printer.value(item, item, verb, false)?;
            }
            Ok(())
        })?;
        self.fmt.buf.push(if go_syntax { b'}' } else { b']' });
        Ok(())
    }

    fn map(&mut self, whole: &Value, map: &Map, verb: char) -> Result<(), PrintError> {
        let go_syntax = self.fmt.flags.sharp_v;
        if go_syntax {
            self.fmt.buf.extend_from_slice(whole.type_name().as_bytes());
            if map.is_nil() {
                self.fmt.buf.extend_from_slice(b"(nil)");
                return Ok(());
            }
            self.fmt.buf.push(b'{');
        } else {
            self.fmt.buf.extend_from_slice(b"map[");
        }
        self.nested(|printer| {
            for (at, (key, value)) in map.entries().into_iter().enumerate() {
                printer.separator(at);
                let key = Value::String(key);
                printer.value(&key, &key, verb, false)?;
                printer.fmt.buf.push(b':');
                printer.value(&value, &value, verb, false)?;
            }
            Ok(())
        })?;
        self.fmt.buf.push(if go_syntax { b'}' } else { b']' });
        Ok(())
    }

    fn object(
        &mut self,
        whole: &Value,
        object: &ObjectRef,
        verb: char,
        top: bool,
    ) -> Result<(), PrintError> {
        let stringable = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        if stringable
            && !self.complaining
            && !self.fmt.flags.sharp_v
            && let Some(text) = object.text(false)
        {
            return self.string(whole, &text, verb);
        }
        match object.underlying() {
            Underlying::Value(value) => self.value(whole, &value, verb, top),
            Underlying::Struct(fields) => self.fields(whole, &fields, verb),
            Underlying::Pointer(Some(target)) if top && is_composite(&target) => {
                self.fmt.buf.push(b'&');
                self.nested(|printer| printer.value(&target, &target, verb, false))
            }
            Underlying::Pointer(_) | Underlying::Sequence(_) => self.pointer(whole, verb),
        }
    }

    fn fields(
        &mut self,
        whole: &Value,
        fields: &[(&'static str, Value)],
        verb: char,
    ) -> Result<(), PrintError> {
        if self.fmt.flags.sharp_v {
            self.fmt.buf.extend_from_slice(whole.type_name().as_bytes());
        }
        self.fmt.buf.push(b'{');
        self.nested(|printer| {
            for (at, (name, value)) in fields.iter().enumerate() {
                printer.separator(at);
                if printer.fmt.flags.plus_v || printer.fmt.flags.sharp_v {
                    printer.fmt.buf.extend_from_slice(name.as_bytes());
                    printer.fmt.buf.push(b':');
                }
                printer.value(value, value, verb, false)?;
            }
            Ok(())
        })?;
        self.fmt.buf.push(b'}');
        Ok(())
    }

    /// What stands between the elements of lists, maps and structs.
    fn separator(&mut self, at: usize) {
        if at > 0 {
            let separator: &[u8] = if self.fmt.flags.sharp_v { b", " } else { b" " };
            self.fmt.buf.extend_from_slice(separator);
        }
    }

    /// A reference by its address; 0 for nil.
    fn pointer(&mut self, value: &Value, verb: char) -> Result<(), PrintError> {
        let address = match value {
            Value::List(list) => list.address(),
            Value::Map(map) => map.address(),
            Value::Func(func) => std::sync::Arc::as_ptr(&func.function).cast::<()>() as usize,
            Value::Object(object) => match object.underlying() {
                Underlying::Pointer(None) => 0,
                Underlying::Pointer(Some(_)) | Underlying::Sequence(_) => object.address(),
                Underlying::Value(Value::List(list)) => list.address(),
                Underlying::Value(Value::Map(map)) => map.address(),
                Underlying::Value(_) | Underlying::Struct(_) => return self.bad_verb(value, verb),
            },
            _ => return self.bad_verb(value, verb),
        };
        let address = address as u64;
        let prefix = !self.fmt.flags.sharp;
        match verb {
            'v' if self.fmt.flags.sharp_v => {
                self.fmt.buf.extend_from_slice(format!("({})(", value.type_name()).as_bytes());
                match address {
                    0 => self.fmt.buf.extend_from_slice(b"nil"),
                    _ => self.fmt.hex(address, true),
                }
                self.fmt.buf.push(b')');
            }
            'v' if address == 0 => self.fmt.pad(b"<nil>"),
            'v' | 'p' => self.fmt.hex(address, prefix),
            'b' | 'o' | 'd' | 'x' | 'X' => {
                return self.integer(value, Integer::unsigned(address), verb);
            }
            _ => return self.bad_verb(value, verb),
        }
        Ok(())
    }

    /// `%!d(string=x)`: the verb does not fit the value.
    fn bad_verb(&mut self, value: &Value, verb: char) -> Result<(), PrintError> {
        self.complain(verb);
        self.fmt.buf.push(b'(');
        self.fmt.buf.extend_from_slice(value.type_name().as_bytes());
        if !value.is_nil() {
            self.fmt.buf.push(b'=');
            let complaining = std::mem::replace(&mut self.complaining, true);
            self.arg(value, 'v')?;
            self.complaining = complaining;
        }
        self.fmt.buf.push(b')');
        Ok(())
    }

    /// `%!` and the verb.
    pub(super) fn complain(&mut self, verb: char) {
        let mut utf8 = [0; 4];
        self.fmt.buf.extend_from_slice(b"%!");
        self.fmt.buf.extend_from_slice(verb.encode_utf8(&mut utf8).as_bytes());
    }
}

fn is_composite(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Map(_) => true,
        Value::Object(object) => matches!(
            object.underlying(),
            Underlying::Struct(_) | Underlying::Value(Value::List(_) | Value::Map(_))
        ),
        _ => false,
    }
}

fn as_integer(value: &Value) -> Option<Integer> {
    match value {
        Value::Object(_) => None, // may have a `String` method: see `object`
        _ => match (value.as_int(), value.as_uint()) {
            (Some(int), _) => Some(Integer::signed(int)),
            (None, Some(uint)) => Some(Integer::unsigned(uint)),
            (None, None) => None,
        },
    }
}

fn as_byte(value: &Value) -> Option<u8> {
    value.as_uint().and_then(|byte| u8::try_from(byte).ok())
}

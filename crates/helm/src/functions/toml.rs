//! TOML: `toToml`, `fromToml`.

mod cursor;
mod reader;
mod scalar;
mod strings;
mod tree;
mod writer;

use super::args::{ANY, MAP, STRING, add, any, text};
use gotemplate::{FuncError, FuncMap, Map, MapType, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    // What TOML cannot express gives the text of the error in place of a result.
    add(funcs, "toToml", &[ANY], STRING, |_, args| match any(args, 0)? {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => Ok(match writer::write(value) {
            Ok(text) => Value::string(text),
            Err(error) => error.to_string().into(),
        }),
    });
    add(funcs, "mustToToml", &[ANY], STRING, |_, args| match any(args, 0)? {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => writer::write(value).map(Value::string).map_err(FuncError::other),
    });
    add(funcs, "fromToml", &[STRING], MAP, |_, args| {
        let map = match reader::read(text(args, 0)?) {
            Ok(map) => map,
            Err(error) => Map::from_entries(MapType::ANY, [("Error", error.to_string().into())]),
        };
        Ok(Value::Map(map))
    });
}

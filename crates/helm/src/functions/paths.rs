//! Paths as text: `base`, `dir`, `clean`, `ext`, `isAbs`, and the `os` forms, which are the same
//! on the systems Helm templates are written for.

use super::args::{BOOL, STRING, add, text};
use crate::golang::path;
use gotemplate::{FuncMap, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "base", &[STRING], STRING, |_, args| Ok(Value::string(path::base(text(args, 0)?))));
    add(funcs, "dir", &[STRING], STRING, |_, args| Ok(Value::string(path::dir(text(args, 0)?))));
    add(funcs, "clean", &[STRING], STRING, |_, args| {
        Ok(Value::string(path::clean(text(args, 0)?)))
    });
    add(funcs, "ext", &[STRING], STRING, |_, args| {
        Ok(Value::string(path::extension(text(args, 0)?)))
    });
    add(funcs, "isAbs", &[STRING], BOOL, |_, args| Ok(text(args, 0)?.starts_with(b"/").into()));
    for (alias, name) in [
        ("osBase", "base"),
        ("osDir", "dir"),
        ("osClean", "clean"),
        ("osExt", "ext"),
        ("osIsAbs", "isAbs"),
    ] {
        funcs.alias(alias, name);
    }
}

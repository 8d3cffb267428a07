//! Types of values: `typeOf`, `kindOf`, `kindIs`, `deepEqual` and their kin.

use super::args::{ANY, BOOL, STRING, add, any, text};
use gotemplate::FuncMap;

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "typeOf", &[ANY], STRING, |_, args| Ok(any(args, 0)?.type_name().into()));
    add(funcs, "typeIs", &[STRING, ANY], BOOL, |_, args| {
        Ok((*text(args, 0)? == any(args, 1)?.type_name()).into())
    });
    add(funcs, "typeIsLike", &[STRING, ANY], BOOL, |_, args| {
        let (wanted, found) = (text(args, 0)?, any(args, 1)?.type_name());
        let pointed_at = found.strip_prefix('*');
        Ok((*wanted == found || pointed_at.is_some_and(|found| *wanted == found)).into())
    });
    add(funcs, "kindOf", &[ANY], STRING, |_, args| Ok(any(args, 0)?.kind().name().into()));
    add(funcs, "kindIs", &[STRING, ANY], BOOL, |_, args| {
        Ok((*text(args, 0)? == any(args, 1)?.kind().name()).into())
    });
    add(funcs, "deepEqual", &[ANY, ANY], BOOL, |_, args| {
        Ok(any(args, 0)?.deep_equal(any(args, 1)?).into())
    });
}

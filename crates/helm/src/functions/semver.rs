//! `semver` and `semverCompare`.

use super::args::{BOOL, INT, Outcome, STRING, add, any, text};
use crate::semver::{Constraint, Version, VersionError};
use gotemplate::{
    CallContext, FuncError, FuncMap, Function, Method, Object, Str, Type, Underlying, Value,
};

/// `*semver.Version` for templates, or with `pointer` unset the struct itself, which the methods
/// that compute another version return.
pub(super) struct VersionValue {
    pub(super) version: Version,
    pointer: bool,
}

const POINTER: Type = Type::Named("*semver.Version");
const STRUCT: Type = Type::Named("semver.Version");
const UINT64: Type = Type::Uint64;

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "semver", &[STRING], POINTER, |_, args| {
        let version =
            Version::parse(&text(args, 0)?.to_string_lossy()).map_err(FuncError::other)?;
        Ok(Value::object(VersionValue { version, pointer: true }))
    });
    add(funcs, "semverCompare", &[STRING, STRING], BOOL, |_, args| {
        let constraint = constraint(text(args, 0)?)?;
        let version =
            Version::parse(&text(args, 1)?.to_string_lossy()).map_err(FuncError::other)?;
        Ok(constraint.check(&version).into())
    });
}

impl VersionValue {
    /// What Go's copying of values makes of a version: all its fields are private, and left out.
    pub(super) fn copied(&self) -> Value {
        Value::object(Self { version: Version::zero(), pointer: self.pointer })
    }
}

/// A constraint; bytes that are no text are in none.
fn constraint(text: &Str) -> Result<Constraint, FuncError> {
    if let Some(text) = text.as_utf8() {
        return Constraint::parse(text).map_err(FuncError::other);
    }
    Err(FuncError::new(format!("improper constraint: {}", gotemplate::print::quote(text))))
}

impl Object for VersionValue {
    fn ty(&self) -> Type {
        if self.pointer { POINTER } else { STRUCT }
    }

    fn underlying(&self) -> Underlying {
        let version = &self.version;
        if self.pointer {
            let target = Self { version: version.clone(), pointer: false };
            return Underlying::Pointer(Some(Value::object(target)));
        }
        Underlying::Struct(vec![
            ("major", Value::Uint64(version.major())),
            ("minor", Value::Uint64(version.minor())),
            ("patch", Value::Uint64(version.patch())),
            ("pre", version.prerelease().into()),
            ("metadata", version.metadata().into()),
            ("original", version.original().into()),
        ])
    }

    /// All fields are private.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str, addressable: bool) -> Option<&'static Method> {
        let all = if self.pointer || addressable { POINTER_METHODS.len() } else { 0 };
        let pointer_methods = &POINTER_METHODS[..all];
        METHODS.iter().chain(pointer_methods).find(|method| method.name == name)
    }

    fn text(&self, _addressable: bool) -> Option<Str> {
        Some(self.version.to_string().into())
    }
}

/// Methods of the struct.
static METHODS: [Method; 11] = [
    method("Major", &[], UINT64, |_, args| Ok(Value::Uint64(version(args, 0)?.major()))),
    method("Minor", &[], UINT64, |_, args| Ok(Value::Uint64(version(args, 0)?.minor()))),
    method("Patch", &[], UINT64, |_, args| Ok(Value::Uint64(version(args, 0)?.patch()))),
    method("Prerelease", &[], STRING, |_, args| Ok(version(args, 0)?.prerelease().into())),
    method("Metadata", &[], STRING, |_, args| Ok(version(args, 0)?.metadata().into())),
    method("String", &[], STRING, |_, args| Ok(version(args, 0)?.to_string().into())),
    method("IncPatch", &[], STRUCT, |_, args| derived(version(args, 0)?.inc_patch())),
    method("IncMinor", &[], STRUCT, |_, args| derived(version(args, 0)?.inc_minor())),
    method("IncMajor", &[], STRUCT, |_, args| derived(version(args, 0)?.inc_major())),
    method("SetPrerelease", &[STRING], STRUCT, |_, args| {
        derived(version(args, 0)?.with_prerelease(&text(args, 1)?.to_string_lossy()))
    }),
    method("SetMetadata", &[STRING], STRUCT, |_, args| {
        derived(version(args, 0)?.with_metadata(&text(args, 1)?.to_string_lossy()))
    }),
];

/// Methods of the pointer.
static POINTER_METHODS: [Method; 7] =
    [
        method("Original", &[], STRING, |_, args| Ok(version(args, 0)?.original().into())),
        method("Compare", &[POINTER], INT, |_, args| {
            Ok(Value::Int(version(args, 0)?.cmp(version(args, 1)?) as i64))
        }),
        method("Equal", &[POINTER], BOOL, |_, args| {
            Ok((version(args, 0)? == version(args, 1)?).into())
        }),
        method("LessThan", &[POINTER], BOOL, |_, args| {
            Ok((version(args, 0)? < version(args, 1)?).into())
        }),
        method("LessThanEqual", &[POINTER], BOOL, |_, args| {
            Ok((version(args, 0)? <= version(args, 1)?).into())
        }),
        method("GreaterThan", &[POINTER], BOOL, |_, args| {
            Ok((version(args, 0)? > version(args, 1)?).into())
        }),
        method("GreaterThanEqual", &[POINTER], BOOL, |_, args| {
            Ok((version(args, 0)? >= version(args, 1)?).into())
        }),
    ];

const fn method(
    name: &'static str,
    params: &'static [Type],
    result: Type,
    body: fn(&CallContext<'_>, &[Value]) -> Outcome,
) -> Method {
    Method::new(name, Function::new(params, result, body))
}

fn version(args: &[Value], index: usize) -> Result<&Version, FuncError> {
    let object = any(args, index)?.downcast::<VersionValue>();
    object.map(|value| &value.version).ok_or_else(FuncError::nil_pointer)
}

fn derived(version: Result<Version, VersionError>) -> Outcome {
    let version = version.map_err(FuncError::other)?;
    Ok(Value::object(VersionValue { version, pointer: false }))
}

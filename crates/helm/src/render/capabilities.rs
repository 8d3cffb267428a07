//! `.Capabilities` as a Go object: a pointer to a struct of structs.

use gotemplate::{
    CallContext, FuncError, Function, List, ListType, Method, Object, Str, Type, Underlying, Value,
};

use crate::capabilities::{Capabilities, KubeVersion, helm_version};

/// `.Capabilities` for one render.
pub(super) fn value(capabilities: &Capabilities) -> Value {
    let versions = capabilities.api_versions.iter().map(|v| Value::string(v.as_str())).collect();
    let kube_version = Value::object(KubeVersionObject::new(&capabilities.kube_version));
    let target = Struct {
        name: "common.Capabilities",
        fields: vec![
            ("KubeVersion", kube_version),
            ("APIVersions", Value::List(List::new(&VERSION_SET, versions))),
            ("HelmVersion", helm_version()),
        ],
    };
    Value::object(Pointer { name: "*common.Capabilities", target: Value::object(target) })
}

fn helm_version() -> Value {
    Value::object(Struct {
        name: "version.BuildInfo",
        fields: vec![
            ("Version", Value::from(helm_version::VERSION)),
            ("GitCommit", Value::from(helm_version::GIT_COMMIT)),
            ("GitTreeState", Value::from(helm_version::GIT_TREE_STATE)),
            ("GoVersion", Value::from(helm_version::GO_VERSION)),
            ("KubeClientVersion", Value::from(helm_version::KUBE_CLIENT_VERSION)),
        ],
    })
}

/// `common.VersionSet`, a list of strings with a method.
static VERSION_SET: ListType =
    ListType::named("common.VersionSet", Type::String, &VERSION_SET_METHODS);

static VERSION_SET_METHODS: [Method; 1] =
    [Method::new("Has", Function::new(&[Type::String], Type::Bool, has))];

fn has(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (Some(set), Some(wanted)) =
        (args.first().and_then(Value::as_list), args.get(1).and_then(Value::as_str))
    else {
        return Err(FuncError::nil_pointer());
    };
    Ok(Value::Bool(set.items().iter().any(|version| version.as_str() == Some(wanted))))
}

/// A struct whose fields are all open to templates.
struct Struct {
    name: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl Object for Struct {
    fn ty(&self) -> Type {
        Type::Named(self.name)
    }

    fn underlying(&self) -> Underlying {
        Underlying::Struct(self.fields.clone())
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    }
}

struct Pointer {
    name: &'static str,
    target: Value,
}

impl Object for Pointer {
    fn ty(&self) -> Type {
        Type::Named(self.name)
    }

    fn underlying(&self) -> Underlying {
        Underlying::Pointer(Some(self.target.clone()))
    }
}

/// `common.KubeVersion`: prints through its `String` method only where Go could take its address,
/// that is in `{{ .Capabilities.KubeVersion }}`, and as a plain struct as a function's argument.
struct KubeVersionObject {
    version: Str,
    normalized: Str,
    major: Str,
    minor: Str,
    text: Str,
}

impl KubeVersionObject {
    fn new(version: &KubeVersion) -> Self {
        Self {
            version: Str::from(version.version.as_str()),
            normalized: Str::from(version.normalized.as_str()),
            major: Str::from(version.major.as_str()),
            minor: Str::from(version.minor.as_str()),
            text: Str::from(version.as_text()),
        }
    }
}

static KUBE_VERSION_METHODS: [Method; 2] = [
    Method::new("String", Function::new(&[], Type::String, as_text)),
    Method::new("GitVersion", Function::new(&[], Type::String, git_version)),
];

fn as_text(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::String(receiver(args)?.text.clone()))
}

fn git_version(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::String(receiver(args)?.version.clone()))
}

fn receiver(args: &[Value]) -> Result<&KubeVersionObject, FuncError> {
    args.first().and_then(Value::downcast).ok_or_else(FuncError::nil_pointer)
}

impl Object for KubeVersionObject {
    fn ty(&self) -> Type {
        Type::Named("common.KubeVersion")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Struct(vec![
            ("Version", Value::String(self.version.clone())),
            ("normalizedVersion", Value::String(self.normalized.clone())),
            ("Major", Value::String(self.major.clone())),
            ("Minor", Value::String(self.minor.clone())),
        ])
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.version,
            "Major" => &self.major,
            "Minor" => &self.minor,
            _ => return None,
        };
        Some(Value::String(text.clone()))
    }

    fn method(&self, name: &str, addressable: bool) -> Option<&'static Method> {
        KUBE_VERSION_METHODS.iter().find(|method| addressable && method.name == name)
    }

    fn text(&self, addressable: bool) -> Option<Str> {
        addressable.then(|| self.text.clone())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        Some(other.downcast_ref::<Self>().is_some_and(|other| {
            self.version == other.version
                && self.normalized == other.normalized
                && self.major == other.major
                && self.minor == other.minor
        }))
    }
}

//! The data and functions of `oracle/execute`, for templates that Go has executed there.

use std::sync::Arc;

use gotemplate::{
    CallContext, FuncError, FuncMap, FuncValue, Function, List, ListType, Map, MapType, Method,
    Object, Sequence, Str, Type, Underlying, Value, print,
};

pub(crate) static VALUES: MapType = MapType::named("main.Values", Type::Any, &VALUES_METHODS);
static VALUES_METHODS: [Method; 1] =
    [Method::new("Table", Function::new(&[Type::String], Type::Map(MapType::ANY), table))];

fn table(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::Map(this), Value::String(name)] = args else { return Err("arguments".into()) };
    match this.get(name) {
        Some(Value::Map(table)) => Ok(Value::Map(table)),
        _ => Err(format!("{} is not a table", print::quote(name)).into()),
    }
}

pub(crate) static SET: ListType = ListType::named("main.Set", Type::String, &SET_METHODS);
static SET_METHODS: [Method; 1] =
    [Method::new("Has", Function::new(&[Type::String], Type::Bool, has))];

fn has(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::List(this), Value::String(name)] = args else { return Err("arguments".into()) };
    Ok(Value::Bool(this.items().iter().any(|item| item.as_str() == Some(name))))
}

pub(crate) static FILES: MapType = MapType::named("main.Files", Type::List(ListType::BYTES), &[]);

fn set_of(items: &[&str]) -> Value {
    Value::strings(items.iter().copied())
        .as_list()
        .map_or(Value::Nil, |list| list.retyped(&SET).into())
}

/// `main.Version`, whose `String` and `Join` have pointer receivers.
#[derive(Clone)]
pub(crate) struct Version;

impl Object for Version {
    fn ty(&self) -> Type {
        Type::Named("main.Version")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Struct(vec![
            ("Version", Value::from("v1.37.0")),
            ("Major", Value::from("1")),
            ("hidden", Value::Int(7)),
        ])
    }

    fn method(&self, name: &str, addressable: bool) -> Option<&'static Method> {
        static PLUS: Method = Method::new(
            "Plus",
            Function::new(&[Type::Int], Type::String, |_, args| {
                Ok(Value::string(format!("v1.37.0+{}", args[1].as_int().unwrap_or(0))))
            }),
        );
        static JOIN: Method = Method::new(
            "Join",
            Function::new(&[], Type::String, |_, args| {
                let parts: Vec<_> =
                    args[1..].iter().filter_map(Value::as_str).map(Str::to_string).collect();
                Ok(Value::string(format!("v1.37.0{}", parts.join("-"))))
            })
            .variadic(Type::String),
        );
        static STRING: Method = Method::new(
            "String",
            Function::new(&[], Type::String, |_, _| Ok(Value::from("version v1.37.0"))),
        );
        match name {
            "Plus" => Some(&PLUS),
            "Join" if addressable => Some(&JOIN),
            "String" if addressable => Some(&STRING),
            _ => None,
        }
    }

    fn text(&self, addressable: bool) -> Option<Str> {
        addressable.then(|| Str::from("version v1.37.0"))
    }

    fn equals(&self, _: &dyn Object) -> Option<bool> {
        Some(true)
    }
}

/// `*main.Caps`
pub(crate) struct Caps {
    any: Value,
    next: Option<Value>,
}

impl Object for Caps {
    fn ty(&self) -> Type {
        Type::Named("*main.Caps")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Pointer(Some(Value::object(CapsStruct)))
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(Value::object(Version)),
            "Sets" => Some(set_of(&["v1", "apps/v1"])),
            "Any" => Some(self.any.clone()),
            "Next" => Some(self.next.clone().unwrap_or_else(|| Value::object(NilCaps))),
            _ => None,
        }
    }
}

/// What the pointer points to, asked for its kind alone.
struct CapsStruct;

impl Object for CapsStruct {
    fn ty(&self) -> Type {
        Type::Named("main.Caps")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Struct(Vec::new())
    }
}

/// A nil `*main.Caps`.
struct NilCaps;

impl Object for NilCaps {
    fn ty(&self) -> Type {
        Type::Named("*main.Caps")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Pointer(None)
    }

    fn has_field(&self, name: &str) -> bool {
        matches!(name, "KubeVersion" | "Sets" | "Any" | "Next")
    }
}

/// `main.Duration`, an int64 with a `String` method.
pub(crate) struct Duration(i64);

impl Object for Duration {
    fn ty(&self) -> Type {
        Type::Named("main.Duration")
    }

    fn underlying(&self) -> Underlying {
        Underlying::Value(Value::Int64(self.0))
    }

    fn text(&self, _: bool) -> Option<Str> {
        Some(Str::from(format!("{}s", self.0)))
    }
}

/// `main.Plain`, or a pointer to one.
#[derive(Clone)]
pub(crate) struct Plain {
    a: i64,
    b: Value,
    c: Value,
    pointer: bool,
}

impl Object for Plain {
    fn ty(&self) -> Type {
        Type::Named(if self.pointer { "*main.Plain" } else { "main.Plain" })
    }

    fn underlying(&self) -> Underlying {
        if self.pointer {
            return Underlying::Pointer(Some(Value::object(Self {
                pointer: false,
                ..self.clone()
            })));
        }
        Underlying::Struct(vec![
            ("A", Value::Int(self.a)),
            ("B", self.b.clone()),
            ("C", self.c.clone()),
        ])
    }

    fn equals(&self, _: &dyn Object) -> Option<bool> {
        self.pointer.then_some(false)
    }
}

/// An iterator function.
pub(crate) struct Seq {
    pairs: bool,
}

impl Object for Seq {
    fn ty(&self) -> Type {
        Type::Func(if self.pairs { "func(func(string, int) bool)" } else { "func(func(int) bool)" })
    }

    fn underlying(&self) -> Underlying {
        Underlying::Sequence(if self.pairs {
            let pairs = [("p", 1), ("q", 2)].map(|(name, at)| (Value::from(name), Value::Int(at)));
            Sequence::Two(Box::new(pairs.into_iter()))
        } else {
            Sequence::One(Box::new([Value::Int(5), Value::Int(6)].into_iter()))
        })
    }
}

fn dict(entries: &[(&str, Value)]) -> Value {
    Map::from_entries(MapType::ANY, entries.iter().map(|(key, value)| (*key, value.clone()))).into()
}

fn func(type_name: &'static str, function: Function) -> Value {
    Value::Func(FuncValue { type_name, function: Arc::new(function) })
}

/// Dot of every case.
pub(crate) fn data() -> Value {
    let inner = Caps { any: Value::from("inner"), next: None };
    let caps = Caps { any: Value::Nil, next: Some(Value::object(inner)) };
    let plain = Plain { a: 1, b: Value::Nil, c: Value::strings(["p"]), pointer: false };
    let pplain =
        Plain { a: 2, b: Value::from("x"), c: List::nil(ListType::STRINGS).into(), pointer: true };
    let call_fn = Function::new(&[Type::Int, Type::String], Type::String, |_, args| {
        Ok(Value::String(print::sprint(args)?))
    });
    let call_vfn =
        Function::new(&[], Type::String, |_, args| Err(format!("got {}", args.len()).into()))
            .variadic(Type::String);
    let text = Value::from;
    dict(&[
        ("s", text("abc")),
        ("é", text("accent")),
        ("empty", text("")),
        ("num", Value::Float64(80.0)),
        ("int", Value::Int(3)),
        ("i64", Value::Int64(7)),
        ("big", Value::Float64(12_345_678.0)),
        ("half", Value::Float64(0.5)),
        ("yes", Value::Bool(true)),
        ("no", Value::Bool(false)),
        ("nil", Value::Nil),
        (
            "list",
            Value::list(vec![
                text("a"),
                Value::Int(1),
                Value::Float64(2.5),
                Value::Nil,
                Value::Bool(true),
            ]),
        ),
        ("strs", Value::strings(["x", "y"])),
        ("bytes", Value::bytes("hi")),
        (
            "m",
            dict(&[
                ("b", Value::Int(1)),
                ("a", Value::list(vec![text("x"), Value::Float64(2.5)])),
                ("B", Value::Nil),
                ("10", Value::Int(3)),
                ("9", dict(&[("k", text("v"))])),
            ]),
        ),
        ("sm", Map::from_entries(MapType::STRINGS, [("k", text("v"))]).into()),
        ("nest", dict(&[("a", dict(&[("b", dict(&[("c", text("deep"))]))]))])),
        ("e", dict(&[])),
        ("el", Value::list(vec![])),
        (
            "Values",
            Map::from_entries(
                &VALUES,
                [("Table", text("t")), ("m", dict(&[("a", Value::Int(1))]))],
            )
            .into(),
        ),
        ("Files", Map::from_entries(&FILES, [("a.txt", Value::bytes("zz"))]).into()),
        ("caps", Value::object(caps)),
        ("ver", Value::object(Version)),
        ("nilcaps", Value::object(NilCaps)),
        ("dur", Value::object(Duration(90))),
        ("plain", Value::object(plain)),
        ("pplain", Value::object(pplain)),
        ("fn", func("func(int, string) string", call_fn)),
        ("vfn", func("func(...string) (string, error)", call_vfn)),
        ("seq", Value::object(Seq { pairs: false })),
        ("seq2", Value::object(Seq { pairs: true })),
        ("quoted", text("<a href=\"x\">'&'</a>")),
        ("uni", text("日本\u{200b}\t😀")),
    ])
}

/// A function that returns its only argument.
fn same(params: &'static [Type]) -> Function {
    Function::new(params, params[0], |_, args| Ok(args[0].clone()))
}

fn count(args: &[Value]) -> Result<Value, FuncError> {
    let len = match args {
        [Value::Map(map)] => map.len(),
        [Value::List(list)] => list.len(),
        _ => return Err("arguments".into()),
    };
    Ok(Value::string(len.to_string()))
}

fn make_dict(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let map = Map::new();
    for pair in args.chunks_exact(2) {
        map.insert(print::sprint(&pair[..1])?, pair[1].clone())?;
    }
    Ok(Value::Map(map))
}

fn include(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(name), dot] = args else { return Err("arguments".into()) };
    Ok(Value::string(context.render(name, dot)?))
}

fn tpl(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(text), dot] = args else { return Err("arguments".into()) };
    let quoted = print::quote(text);
    let mut set = context.templates().clone();
    set.parse("inline", text)
        .map_err(|error| FuncError::wrap(format!("cannot parse {quoted}: "), error))?;
    let out = context
        .render_in(&set, "inline", dot)
        .map_err(|error| FuncError::wrap(format!("tpl failed for {quoted}: "), error))?;
    Ok(Value::string(out))
}

fn repeat(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::Int(times), Value::String(text)] = args else { return Err("arguments".into()) };
    let times = usize::try_from(*times).map_err(|_| "strings: negative Repeat count")?;
    Ok(Value::string(text.repeat(times)))
}

fn at(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::List(list), Value::Int(index)] = args else { return Err("arguments".into()) };
    let Ok(at) = usize::try_from(*index) else {
        return Err(format!("runtime error: index out of range [{index}]").into());
    };
    list.get(at).ok_or_else(|| FuncError::index_out_of_range(at, list.len()))
}

/// The functions of every case.
pub(crate) fn functions() -> FuncMap {
    const ANY: &[Type] = &[Type::Any];
    const MAP: Type = Type::Map(MapType::ANY);
    const LIST: Type = Type::List(ListType::ANY);
    const STRINGS: Type = Type::List(ListType::STRINGS);
    let mut funcs = FuncMap::new();
    funcs.insert(
        "upper",
        Function::new(&[Type::String], Type::String, |_, args| {
            let text = args[0].as_str().cloned().unwrap_or_default();
            Ok(Value::string(text.to_string_lossy().to_uppercase()))
        }),
    );
    funcs.insert("repeat", Function::new(&[Type::Int, Type::String], Type::String, repeat));
    let list = Function::new(&[], LIST, |_, args| Ok(Value::list(args.to_vec())));
    funcs.insert("list", list.variadic(Type::Any));
    let strs = Function::new(&[], STRINGS, |_, args| {
        Ok(List::new(ListType::STRINGS, args.to_vec()).into())
    });
    funcs.insert("strs", strs.variadic(Type::String));
    funcs.insert(
        "typeOf",
        Function::new(ANY, Type::String, |_, args| Ok(Value::from(args[0].type_name()))),
    );
    funcs.insert("dict", Function::new(&[], MAP, make_dict).variadic(Type::Any));
    funcs.insert(
        "set",
        Function::new(&[MAP, Type::String, Type::Any], MAP, |_, args| {
            let [Value::Map(map), Value::String(key), value] = args else {
                return Err("arguments".into());
            };
            map.insert(key.clone(), value.clone())?;
            Ok(args[0].clone())
        }),
    );
    funcs.insert("wantMap", Function::new(&[MAP], Type::String, |_, args| count(args)));
    funcs.insert("wantList", Function::new(&[LIST], Type::String, |_, args| count(args)));
    funcs.insert(
        "wantStrs",
        Function::new(&[STRINGS], Type::String, |_, args| {
            let items = args[0].as_list().map(List::items).unwrap_or_default();
            let items: Vec<_> =
                items.iter().filter_map(Value::as_str).map(Str::to_string).collect();
            Ok(Value::string(items.join("+")))
        }),
    );
    funcs.insert("wantBool", same(&[Type::Bool]));
    funcs.insert("i8", same(&[Type::Int8]));
    funcs.insert("i64", same(&[Type::Int64]));
    funcs.insert("u8", same(&[Type::Uint8]));
    funcs.insert("u32", same(&[Type::Uint32]));
    funcs.insert("u64", same(&[Type::Uint64]));
    funcs.insert("f32", same(&[Type::Float32]));
    funcs.insert("f64", same(&[Type::Float64]));
    funcs.insert("c128", same(&[Type::Complex128]));
    let bytes = Type::List(ListType::BYTES);
    funcs.insert(
        "bytes",
        Function::new(&[Type::String], bytes, |_, args| {
            Ok(Value::bytes(args[0].as_str().cloned().unwrap_or_default().to_vec()))
        }),
    );
    let raw = Function::new(&[], Type::String, |_, args| {
        let bytes = args.iter().filter_map(Value::as_int).map(|int| u8::try_from(int).unwrap_or(0));
        Ok(Value::string(bytes.collect::<Vec<u8>>()))
    });
    funcs.insert("raw", raw.variadic(Type::Int));
    funcs.insert("nilAny", Function::new(&[], Type::Any, |_, _| Ok(Value::Nil)));
    funcs.insert("nilMap", Function::new(&[], MAP, |_, _| Ok(Map::nil(MapType::ANY).into())));
    funcs.insert("nilList", Function::new(&[], LIST, |_, _| Ok(List::nil(ListType::ANY).into())));
    funcs.insert("one", Function::new(&[], Type::Any, |_, _| Ok(Value::Int(1))));
    funcs.insert(
        "fail",
        Function::new(&[Type::String], Type::String, |_, args| {
            Err(args[0].as_str().map(Str::to_string).unwrap_or_default().into())
        }),
    );
    funcs.insert(
        "assert",
        Function::new(ANY, Type::String, |_, args| match &args[0] {
            Value::String(_) => Ok(args[0].clone()),
            other => Err(FuncError::interface_conversion(other.type_name(), "string")),
        }),
    );
    funcs.insert("at", Function::new(&[LIST, Type::Int], Type::Any, at));
    funcs.insert("include", Function::new(&[Type::String, Type::Any], Type::String, include));
    funcs.insert("tpl", Function::new(&[Type::String, Type::Any], Type::String, tpl));
    funcs
}

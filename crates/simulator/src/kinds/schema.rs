//! The fields of the built-in kinds: their types, their numbers on the wire and how they merge.
//!
//! `schema.txt` states them, a type per block: a line with the type's name (`^` if it is atomic;
//! then apiVersion and kind if it is one), then a line per field with number, name, flags, shape,
//! default. A field named `*` is a type whose fields are part of this one but travel as a message.
//!
//! Flags: `!` required, `?` may be there and empty, `^` an atomic map, `%` granular although its type is atomic, `&` strategic
//! merge keeps only the keys that a patch names, `=` strategic merge replaces the whole.
//! Shapes: scalars by name, `any` or `any:name`, `{T}` a map, `[T]` an atomic list, `[T|set]` and
//! `[T|map:key,…]` lists that merge, `|merge:key` the key by which strategic merge joins them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use serde_json::Value;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    String,
    /// Bytes, as base64.
    Bytes,
    /// A whole number of so many bits.
    Int(u8),
    /// Any number.
    Number,
    /// True or false.
    Bool,
    /// A quantity: text or number.
    Quantity,
    /// A whole number or text.
    IntOrString,
    /// A point in time, to the second.
    Time,
    /// A point in time, to the microsecond.
    MicroTime,
    /// Anything: nothing is known.
    Any,
    /// Anything, with a name for it.
    Opaque(&'static str),
    /// A map of equal values.
    Map(Box<Shape>),
    /// A list.
    List(Box<ListShape>),
    /// A type of the table.
    Struct(usize),
    /// An object of a custom resource.
    Object(Arc<ObjectShape>),
}

/// The shape of an object of a custom resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectShape {
    /// Whether it is owned and replaced as a whole.
    pub atomic: bool,
    /// Its declared fields.
    pub fields: BTreeMap<String, Field>,
    /// What all other keys have; `None`: there may be none.
    pub rest: Option<Shape>,
}

/// The shape of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListShape {
    /// Of its items.
    pub item: Shape,
    /// How server-side apply merges it.
    pub merge: ListMerge,
    /// The key by which strategic merge joins items (empty: by value); `None`: it replaces.
    pub patch_key: Option<String>,
}

/// How server-side apply merges a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListMerge {
    /// As a whole.
    Atomic,
    /// As a set of scalars.
    Set,
    /// By these keys of its items.
    Keys(Vec<String>),
}

/// How strategic merge treats a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchStrategy {
    /// It merges.
    Merge,
    /// It merges, and a patch may name the keys that stay.
    RetainKeys,
    /// It is replaced as a whole.
    Replace,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its number on the wire.
    pub number: u32,
    /// Its shape.
    pub shape: Shape,
    /// Whether empty is not the same as missing.
    pub pointer: bool,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether it is owned and replaced as a whole; `None`: as its type says.
    pub atomic: Option<bool>,
    /// How strategic merge treats it.
    pub strategy: PatchStrategy,
    /// Its default.
    pub default: Option<Value>,
}

impl Field {
    /// A field of which nothing is known but its shape.
    pub(crate) fn plain(shape: Shape) -> Self {
        Self {
            number: 0,
            shape,
            pointer: false,
            required: false,
            atomic: None,
            strategy: PatchStrategy::Merge,
            default: None,
        }
    }
}

/// A type of the table.
#[derive(Debug)]
pub struct Struct {
    /// Its name, `core.v1.Container`.
    pub name: &'static str,
    /// Whether it is owned and replaced as a whole.
    pub atomic: bool,
    /// Its fields.
    pub fields: BTreeMap<&'static str, Field>,
    /// Types whose fields are part of this one but travel as a message of their own, by number.
    pub parts: Vec<(u32, usize)>,
}

/// All types.
#[derive(Debug)]
pub struct Schema {
    structs: Vec<Struct>,
    kinds: HashMap<(&'static str, &'static str), usize>,
}

static BUILTIN: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("schema.txt")));

impl Schema {
    /// The types of the built-in kinds.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The type of a kind; `None` for kinds without a schema.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<Shape> {
        let found = self.kinds.iter().find(|((v, k), _)| *v == api_version && *k == kind);
        found.map(|(_, &index)| Shape::Struct(index))
    }

    /// The type with this name.
    pub fn named(&self, name: &str) -> Option<Shape> {
        self.structs.iter().position(|it| it.name == name).map(Shape::Struct)
    }

    /// A type by its index.
    pub fn get(&self, index: usize) -> &Struct {
        &self.structs[index]
    }

    fn parse(text: &'static str) -> Self {
        let lines = || text.lines().filter(|line| !line.starts_with('#'));
        let heads = lines().filter(|line| !line.starts_with(' '));
        let mut names = HashMap::new();
        let mut schema = Self { structs: Vec::new(), kinds: HashMap::new() };
        for (index, head) in heads.enumerate() {
            let mut words = head.split(' ').filter(|word| *word != "^");
            let name = words.next().unwrap_or_default();
            names.insert(name, index);
            if let (Some(api_version), Some(kind)) = (words.next(), words.next()) {
                schema.kinds.insert((api_version, kind), index);
            }
            let atomic = head.contains(" ^");
            schema.structs.push(Struct {
                name,
                atomic,
                fields: BTreeMap::new(),
                parts: Vec::new(),
            });
        }
        let mut current = 0_usize;
        let mut started = false;
        for line in lines() {
            if let Some(field) = line.strip_prefix(' ') {
                let (name, field) = parse_field(field, &names);
                match (name, &field.shape) {
                    ("*", Shape::Struct(part)) => {
                        schema.structs[current].parts.push((field.number, *part));
                    }
                    _ => {
                        schema.structs[current].fields.insert(name, field);
                    }
                }
            } else {
                current += usize::from(started);
                started = true;
            }
        }
        schema
    }
}

fn parse_field(line: &'static str, names: &HashMap<&str, usize>) -> (&'static str, Field) {
    let mut words = line.splitn(4, ' ');
    let number = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    let flagged = words.next().unwrap_or_default();
    let name = flagged.trim_end_matches(['!', '?', '^', '%', '&', '=']);
    let flags = &flagged[name.len()..];
    let shape = parse_shape(words.next().unwrap_or_default(), names);
    let atomic = match flags {
        flags if flags.contains('^') => Some(true),
        flags if flags.contains('%') => Some(false),
        _ => None,
    };
    let field = Field {
        number,
        shape,
        pointer: flags.contains('?'),
        required: flags.contains('!'),
        atomic,
        strategy: match flags {
            flags if flags.contains('=') => PatchStrategy::Replace,
            flags if flags.contains('&') => PatchStrategy::RetainKeys,
            _ => PatchStrategy::Merge,
        },
        default: words.next().and_then(|text| serde_json::from_str(text).ok()),
    };
    (name, field)
}

fn parse_shape(text: &'static str, names: &HashMap<&str, usize>) -> Shape {
    if let Some(inner) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        return Shape::Map(Box::new(parse_shape(inner, names)));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let mut parts = inner.split('|');
        let item = parse_shape(parts.next().unwrap_or_default(), names);
        let mut list = ListShape { item, merge: ListMerge::Atomic, patch_key: None };
        for part in parts {
            if part == "set" {
                list.merge = ListMerge::Set;
            } else if let Some(keys) = part.strip_prefix("map:") {
                list.merge = ListMerge::Keys(keys.split(',').map(str::to_owned).collect());
            } else if let Some(key) = part.strip_prefix("merge:") {
                list.patch_key = Some(key.to_owned());
            }
        }
        return Shape::List(Box::new(list));
    }
    if let Some(name) = text.strip_prefix("any:") {
        return Shape::Opaque(name);
    }
    match text {
        "string" => Shape::String,
        "bytes" => Shape::Bytes,
        "int32" => Shape::Int(32),
        "int64" => Shape::Int(64),
        "number" => Shape::Number,
        "bool" => Shape::Bool,
        "quantity" => Shape::Quantity,
        "intstr" => Shape::IntOrString,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        name => names.get(name).map_or(Shape::Any, |&index| Shape::Struct(index)),
    }
}

/// A place in a typed value: its shape, and whether the field there overrides its type.
#[derive(Debug, Clone, Copy)]
pub struct Place<'s> {
    /// The shape of the value here.
    pub shape: &'s Shape,
    /// The field it is the value of, if it is a field's.
    pub field: Option<&'s Field>,
}

/// How a value merges in server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge<'s> {
    /// As a whole: scalars, atomic maps and lists.
    Whole,
    /// Key by key.
    Fields,
    /// As a set of scalars.
    Set,
    /// Item by item, joined by these keys.
    Items(&'s [String]),
}

const ANY: Shape = Shape::Any;

impl<'s> Place<'s> {
    /// The place of a whole object.
    pub fn root(shape: &'s Shape) -> Self {
        Self { shape, field: None }
    }

    /// The place of a key's value. Unknown keys are [`Shape::Any`].
    #[must_use]
    pub fn key(&self, key: &str) -> Place<'s> {
        match self.shape {
            Shape::Struct(index) => match BUILTIN.get(*index).fields.get(key) {
                Some(field) => Place { shape: &field.shape, field: Some(field) },
                None => Place { shape: &ANY, field: None },
            },
            Shape::Object(object) => match object.fields.get(key) {
                Some(field) => Place { shape: &field.shape, field: Some(field) },
                None => Place { shape: object.rest.as_ref().unwrap_or(&ANY), field: None },
            },
            Shape::Map(value) => Place { shape: value, field: None },
            _ => Place { shape: &ANY, field: None },
        }
    }

    /// Whether keys here are the declared fields of a type, not free keys of a map.
    pub fn declares(&self, key: &str) -> bool {
        match self.shape {
            Shape::Struct(index) => BUILTIN.get(*index).fields.contains_key(key),
            Shape::Object(object) => object.fields.contains_key(key),
            _ => false,
        }
    }

    /// Whether there may be a key of this name.
    pub fn admits(&self, key: &str) -> bool {
        match self.shape {
            Shape::Struct(_) => self.declares(key),
            Shape::Object(object) => object.rest.is_some() || self.declares(key),
            _ => true,
        }
    }

    /// The place of a list's items.
    #[must_use]
    pub fn item(&self) -> Place<'s> {
        match self.shape {
            Shape::List(list) => Place { shape: &list.item, field: None },
            _ => Place { shape: &ANY, field: None },
        }
    }

    /// The default of a field of the type here.
    pub fn default_of(&self, key: &str) -> Option<&'s Value> {
        self.key(key).field.and_then(|field| field.default.as_ref())
    }

    /// How `value` merges at this place.
    pub fn merge(&self, value: &Value) -> Merge<'s> {
        let atomic = self.field.and_then(|field| field.atomic);
        match (self.shape, value) {
            (Shape::Struct(index), Value::Object(_)) => {
                if atomic.unwrap_or(BUILTIN.get(*index).atomic) {
                    Merge::Whole
                } else {
                    Merge::Fields
                }
            }
            (Shape::Object(object), Value::Object(_)) if object.atomic => Merge::Whole,
            (Shape::Object(_), Value::Object(_)) => Merge::Fields,
            (Shape::Map(_) | Shape::Any | Shape::Opaque(_), Value::Object(_)) => {
                if atomic == Some(true) { Merge::Whole } else { Merge::Fields }
            }
            (Shape::List(list), Value::Array(_)) => match &list.merge {
                ListMerge::Atomic => Merge::Whole,
                ListMerge::Set => Merge::Set,
                ListMerge::Keys(keys) => Merge::Items(keys),
            },
            _ => Merge::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every served kind has a type, and every type that a field names exists.
    #[test]
    fn table_is_complete() {
        let schema = Schema::builtin();
        for kind in super::super::table::builtin() {
            assert!(schema.of_kind(&kind.api_version(), &kind.kind).is_some(), "{kind:?}");
        }
        let text = include_str!("schema.txt");
        for line in text.lines().filter(|line| line.starts_with(' ')) {
            let shape = line.split(' ').nth(3).unwrap();
            let name = shape.trim_start_matches(['[', '{']);
            let name = name.split(['|', ']', '}']).next().unwrap();
            if name.contains('.') && !name.starts_with("any:") {
                assert!(schema.structs.iter().any(|it| it.name == name), "{name}");
            }
        }
    }

    /// Places follow a path through types, lists and maps.
    #[test]
    fn places() {
        let shape = Schema::builtin().of_kind("apps/v1", "Deployment").unwrap();
        let pod = Place::root(&shape).key("spec").key("template").key("spec");
        let containers = pod.key("containers");
        let list = Value::Array(Vec::new());
        assert_eq!(containers.merge(&list), Merge::Items(&["name".to_owned()]));
        let ports = containers.item().key("ports");
        assert_eq!(ports.item().default_of("protocol"), Some(&Value::from("TCP")));
        let map = Value::Object(serde_json::Map::new());
        assert_eq!(pod.key("nodeSelector").merge(&map), Merge::Whole);
        assert_eq!(Place::root(&shape).key("spec").key("selector").merge(&map), Merge::Whole);
        assert_eq!(Place::root(&shape).key("metadata").key("labels").merge(&map), Merge::Fields);
    }
}

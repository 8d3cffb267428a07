//! Go's values: references, types, equality, and trees that executions share.

use gotemplate::print::sprintf;
use gotemplate::{
    Frozen, FrozenMap, FuncMap, Kind, List, ListType, Map, MapType, Str, TemplateSet, Type, Value,
};

fn frozen() -> Frozen {
    Frozen::map([
        ("name", Frozen::string("a name of more than twenty-two bytes")),
        ("port", Frozen::Float64(80.0)),
        ("nested", Frozen::map([("list", Frozen::list(vec![Frozen::map([("k", Frozen::Nil)])]))])),
    ])
}

fn map_in(value: &Value, key: &str) -> Map {
    match value.as_map().and_then(|map| map.get(key)) {
        Some(Value::Map(map)) => map,
        other => panic!("{key} is {other:?}"),
    }
}

/// All holders of a map see a change, also those that got it out of another map or list.
#[test]
fn maps_are_references() {
    let root = frozen().to_value();
    let nested = map_in(&root, "nested");
    nested.insert("new", Value::Int(1)).expect("not nil");
    assert!(map_in(&root, "nested").is_same(&nested));
    assert!(map_in(&root, "nested").contains_key("new"));

    let item = |at| nested.get("list").and_then(|list| list.as_list()?.get(at));
    let Some(Value::Map(inner)) = item(0) else { panic!("a map in the list") };
    inner.insert("k", Value::Int(2)).expect("not nil");
    let root_map = root.as_map().expect("a map");
    root_map.insert("other", Value::Bool(true)).expect("not nil"); // thaws the root
    let Some(Value::Map(again)) = item(0) else { panic!("a map in the list") };
    assert!(again.is_same(&inner) && map_in(&root, "nested").is_same(&nested));
}

/// Executions that share a frozen tree do not see each other's changes, nor does the tree.
#[test]
fn frozen_trees_do_not_change() {
    let shared = frozen();
    let mut set = TemplateSet::new("set", FuncMap::new());
    set.parse("t", "{{ .port }} {{ range $k, $v := .nested }}{{ $k }} {{ end }}").expect("parses");
    let changed = shared.to_value();
    map_in(&changed, "nested").insert("more", Value::Nil).expect("not nil");
    changed.as_map().expect("a map").insert("port", Value::Int(1)).expect("not nil");
    assert_eq!(set.execute("t", &changed).expect("executes"), b"1 list more ");
    assert_eq!(set.execute("t", shared.to_value()).expect("executes"), b"80 list ");
    assert_eq!(
        std::thread::scope(|scope| {
            scope
                .spawn(|| set.execute("t", shared.to_value()).expect("executes"))
                .join()
                .expect("no panic")
        }),
        b"80 list "
    );
}

/// A frozen map keeps the last of several entries with one key, and finds entries by key.
#[test]
fn frozen_maps() {
    let map = FrozenMap::new(
        MapType::ANY,
        [("b", Frozen::Int(1)), ("a", Frozen::Nil), ("b", Frozen::Int(2))],
    );
    assert_eq!(map.len(), 2);
    assert!(matches!(map.get("b"), Some(Frozen::Int(2))));
    let keys: Vec<_> = map.entries().iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["a", "b"]);
}

/// Entries come in the order of their keys' bytes, and a snapshot does not follow later changes.
#[test]
fn entries_are_sorted_snapshots() {
    let map = Map::from_entries(
        MapType::ANY,
        [("b", Value::Nil), ("B", Value::Nil), ("10", Value::Nil), ("9", Value::Nil)],
    );
    let entries = map.entries();
    map.remove("B");
    let keys: Vec<_> = entries.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["10", "9", "B", "b"]);
    assert_eq!(map.len(), 3);
}

/// Nil maps read as empty and refuse entries; typed maps refuse values of other types.
#[test]
fn refused_entries() {
    let nil = Map::nil(MapType::ANY);
    assert!(nil.is_empty() && nil.get("a").is_none() && nil.keys().is_empty());
    let error = nil.insert("a", Value::Nil).expect_err("nil map");
    assert_eq!(error.to_string(), "assignment to entry in nil map");
    let strings = Map::of(MapType::STRINGS);
    let error = strings.insert("a", Value::Int(1)).expect_err("an int");
    assert_eq!(
        error.to_string(),
        "reflect.Value.SetMapIndex: value of type int is not assignable to type string"
    );
}

/// A conversion to a named type shares the contents and changes the name.
#[test]
fn conversions_share_contents() {
    static VALUES: MapType = MapType::named("common.Values", Type::Any, &[]);
    let map = Map::new();
    let values = map.retyped(&VALUES);
    values.insert("a", Value::Int(1)).expect("not nil");
    assert_eq!(map.len(), 1);
    assert_eq!(Value::Map(values).type_name(), "common.Values");
    assert_eq!(Value::Map(map).type_name(), "map[string]interface {}");
}

/// Unnamed types are assigned by structure, named ones by name.
#[test]
fn assignability() {
    static VALUES: MapType = MapType::named("common.Values", Type::Any, &[]);
    static OTHER: MapType = MapType::named("other.Values", Type::Any, &[]);
    let (values, other, any) = (Type::Map(&VALUES), Type::Map(&OTHER), Type::Map(MapType::ANY));
    assert!(values.assignable_to(any) && any.assignable_to(values));
    assert!(!values.assignable_to(other) && !values.assignable_to(Type::Map(MapType::STRINGS)));
    assert!(values.assignable_to(Type::Any) && !Type::Int.assignable_to(Type::Int64));
}

/// Equality is that of `reflect.DeepEqual`: types count, nil and empty differ.
#[test]
fn deep_equality() {
    let list = |items: &[Value]| Value::list(items.to_vec());
    assert!(list(&[Value::Int(1), Value::Nil]).deep_equal(&list(&[Value::Int(1), Value::Nil])));
    assert!(
        !Value::Int(1).deep_equal(&Value::Int64(1))
            && !Value::Int(1).deep_equal(&Value::Float64(1.0))
    );
    assert!(!list(&[]).deep_equal(&Value::List(List::nil(ListType::ANY))));
    assert!(!list(&[Value::from("a")]).deep_equal(&Value::strings(["a"])));
    assert!(Value::Nil.deep_equal(&Value::Nil) && !Value::Nil.deep_equal(&list(&[])));
    assert!(frozen().to_value().deep_equal(&frozen().to_value()));
    assert!(
        Value::bytes("a").deep_equal(&Value::bytes("a"))
            && !Value::bytes("a").deep_equal(&Value::bytes("b"))
    );
    assert!(!Value::Float64(f64::NAN).deep_equal(&Value::Float64(f64::NAN)));
}

/// Truth as `if` sees it.
#[test]
fn truth() {
    for value in [
        Value::Nil,
        Value::Int(0),
        Value::Float64(0.0),
        Value::from(""),
        Value::list(vec![]),
        Value::Map(Map::new()),
    ] {
        assert!(!value.is_true(), "{value:?}");
    }
    for value in
        [Value::Int(-1), Value::from(" "), Value::list(vec![Value::Nil]), Value::Float64(f64::NAN)]
    {
        assert!(value.is_true(), "{value:?}");
    }
}

/// Lists of bytes have elements of type `uint8` and keep their bytes at hand.
#[test]
fn bytes() {
    let Value::List(list) = Value::bytes([1, 255]) else { panic!("a list") };
    assert_eq!(list.as_bytes(), Some(&[1, 255][..]));
    assert!(matches!(list.get(1), Some(Value::Uint8(255))) && list.get(2).is_none());
    assert!(matches!(list.items(), [Value::Uint8(1), Value::Uint8(255)]));
    assert_eq!(
        (Value::List(list.clone()).type_name(), Value::List(list).kind()),
        ("[]uint8", Kind::Slice)
    );
}

/// A list of bytes prints as a list of numbers does, plainly and with all that a verb can ask for.
#[test]
fn bytes_print_as_numbers() {
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [&all[..], &[7], &[]] {
        let one_by_one = bytes.iter().copied().map(Value::Uint8).collect();
        let numbers = Value::List(List::new(ListType::BYTES, one_by_one));
        for format in ["%v", "%d", "%+v", "%#v", "%4d", "%-4v|", "%.3d", "% d", "%+d", "%05v", "%t"]
        {
            assert_eq!(
                sprintf(format, &[Value::bytes(bytes)]).expect("printed"),
                sprintf(format, std::slice::from_ref(&numbers)).expect("printed"),
                "{format}"
            );
        }
    }
}

/// Strings of all lengths compare, hash and print by their bytes.
#[test]
fn strings() {
    for len in [0, 1, 21, 22, 23, 24, 100] {
        let text = "x".repeat(len);
        let string = Str::from(&text);
        assert_eq!(string, text.as_str());
        assert_eq!(string.len(), len);
        assert_eq!(string.clone(), string);
        let map = Map::from_entries(MapType::ANY, [(string, Value::Int(1))]);
        assert!(map.contains_key(&text), "{len}");
    }
    let mut sorted = ["b", "a", "B", ""].map(Str::from);
    sorted.sort();
    assert_eq!(sorted.map(|string| string.to_string()), ["", "B", "a", "b"]);
    assert_eq!(Str::from(vec![b'a', 0xff]).to_string_lossy(), "a\u{fffd}");
}

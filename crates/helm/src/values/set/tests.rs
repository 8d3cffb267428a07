//! The grammar of `--set` and its siblings, each case with what Helm 4.3 makes of it.

use goyaml::{Map, Value};
use proptest::prelude::*;

use super::{SetError, set, set_file, set_json, set_literal, set_string};

fn json(values: &Map) -> String {
    goyaml::json::to_string_raw(&Value::Map(values.clone())).unwrap()
}

/// What one flag makes of an empty map.
fn outcome(flag: fn(&str, &mut Map) -> Result<(), SetError>, text: &str) -> String {
    let mut values = Map::new();
    match flag(text, &mut values) {
        Ok(()) => json(&values),
        Err(error) => error.to_string(),
    }
}

/// Values are typed by their look, only where that is safe.
#[test]
fn typing() {
    for (text, expected) in [
        (
            "a=1,b=1.5,c=true,d=null,e=007,g=",
            r#"{"a":1,"b":"1.5","c":true,"d":null,"e":"007","g":""}"#,
        ),
        (
            "a=TRUE,b=False,c=NULL,d=0,e=00,f=+5,g=-1",
            r#"{"a":true,"b":false,"c":null,"d":0,"e":"00","f":5,"g":-1}"#,
        ),
        (
            "a=9223372036854775807,b=9223372036854775808",
            r#"{"a":9223372036854775807,"b":"9223372036854775808"}"#,
        ),
        ("a=0x10,b=1e3,c= 1", r#"{"a":"0x10","b":"1e3","c":" 1"}"#),
        ("a=\"x\",b=x=y,c=x y", r#"{"a":"\"x\"","b":"x=y","c":"x y"}"#),
    ] {
        assert_eq!(outcome(set, text), expected, "{text}");
    }
    assert_eq!(outcome(set_string, "a=1,b=true,c={1,x}"), r#"{"a":"1","b":"true","c":["1","x"]}"#);
}

/// Keys descend by points and indexes; a backslash takes the next character as it is.
#[test]
fn keys() {
    for (text, expected) in [
        (r"a.b.c=1,a.d=2", r#"{"a":{"b":{"c":1},"d":2}}"#),
        (r"k\.l=3,h=a\,b", r#"{"h":"a,b","k.l":3}"#),
        ("l[1]=x", r#"{"l":[null,"x"]}"#),
        ("l[0].a=1,l[0].b=2,l[1][0]=x", r#"{"l":[{"a":1,"b":2},["x"]]}"#),
        ("l={a,b},l[1]=c", r#"{"l":["a","c"]}"#),
        ("a={},b={x},c={a,}", r#"{"a":[""],"b":["x"],"c":["a",""]}"#),
        ("=1,.a=1,b=2", r#"{"b":2}"#),
        ("a=1,", r#"{"a":1}"#),
        ("", "{}"),
    ] {
        assert_eq!(outcome(set, text), expected, "{text}");
    }
}

/// The end of the text in odd places is no error, and sets less than one might think.
#[test]
fn lenient_ends() {
    for (text, expected) in [
        ("a[1", "{}"),
        ("a[0]", r#"{"a":[]}"#),
        ("a[0][1", r#"{"a":[]}"#),
        ("a[0].b=", r#"{"a":[]}"#),
        ("a[0].b=1,a[0].c=", r#"{"a":[{"b":1,"c":""}]}"#),
        ("a.b=", r#"{"a":{"b":""}}"#),
        ("a[0]=", r#"{"a":[""]}"#),
    ] {
        assert_eq!(outcome(set, text), expected, "{text}");
    }
}

/// Every error in Helm's words.
#[test]
fn errors() {
    for (text, expected) in [
        ("a", r#"key "a" has no value"#),
        ("a,b=1", r#"key "a" has no value (cannot end with ,)"#),
        ("a.=1", r#"key map "a" has no value"#),
        (
            "a=1,a.b=2",
            "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
        ),
        (
            "a=null,a.b=2",
            "unable to parse key: interface conversion: interface {} is nil, not map[string]interface {}",
        ),
        (
            "a=x,a[0]=2",
            "unable to parse key: interface conversion: interface {} is string, not []interface {}",
        ),
        ("a[x]=1", r#"error parsing index: strconv.Atoi: parsing "x": invalid syntax"#),
        ("a[]=1", r#"error parsing index: strconv.Atoi: parsing "": invalid syntax"#),
        (
            "a[99999999999999999999]=1",
            r#"error parsing index: strconv.Atoi: parsing "99999999999999999999": value out of range"#,
        ),
        ("a[-1]=1", "negative -1 index not allowed"),
        ("a[65537]=1", "index of 65537 is greater than maximum supported index of 65536"),
        ("a[0]b=1", "unexpected data at end of array index: ['b']"),
        ("a={b", "list must terminate with '}'"),
    ] {
        assert_eq!(outcome(set, text), expected, "{text}");
    }
    let deep = format!("{}=1", vec!["a"; 32].join("."));
    assert_eq!(
        outcome(set, &deep),
        "value name nested level is greater than maximum supported nested level of 30"
    );
}

/// A literal takes all that follows, and knows no escapes.
#[test]
fn literal() {
    assert_eq!(outcome(set_literal, r"a.b=x,y=\z,c=1"), r#"{"a":{"b":"x,y=\\z,c=1"}}"#);
    assert_eq!(outcome(set_literal, r"a\.b=1"), r#"{"a\\":{"b":"1"}}"#);
    assert_eq!(outcome(set_literal, "a[1]=x"), r#"{"a":[null,"x"]}"#);
    assert_eq!(outcome(set_literal, "a"), r#"key "a" has no value"#);
}

/// JSON values may hold commas; nothing is `null`.
#[test]
fn json_values() {
    assert_eq!(
        outcome(set_json, r#"a={"b": [1, 2.5]}, c="x",d=,e=null"#),
        r#"{" c":"x","a":{"b":[1,2.5]},"d":null,"e":null}"#
    );
    assert_eq!(outcome(set_json, "l[1]=[true]"), r#"{"l":[null,[true]]}"#);
    assert_eq!(outcome(set_json, "a=x"), "the value is not JSON");
}

/// Files are read one by one, also inside lists; their text is taken as it is.
#[test]
fn files() {
    let mut values = Map::new();
    let mut read = |path: &str| match path {
        "missing" => Err(SetError::File("open missing: no such file or directory".into())),
        path => Ok(format!("text of {path}\n")),
    };
    set_file("a=x.txt,b={y,z}", &mut values, &mut read).unwrap();
    assert_eq!(json(&values), r#"{"a":"text of x.txt\n","b":["text of y\n","text of z\n"]}"#);
    let error = set_file("a=missing", &mut values, &mut read).unwrap_err();
    assert_eq!(error.to_string(), "open missing: no such file or directory");
}

/// Writes a value so that `--set-string` reads it back.
fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | ',' | '=' | '.' | '[' | '{');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

proptest! {
    /// No text makes a flag panic.
    #[test]
    fn never_panics(text in "[ab=.,\\[\\]{}\\\\ 01\"é-]{0,24}") {
        for flag in [set, set_string, set_json, set_literal] {
            let _ = flag(&text, &mut Map::new());
        }
    }

    /// An escaped path with an escaped value sets exactly that value at that path, and leaves
    /// everything else alone.
    #[test]
    fn sets_what_it_says(
        path in prop::collection::vec("[ab.\\[,=é ]{1,4}", 1..5),
        value in "[^\\n]{1,12}",
    ) {
        let key: Vec<String> = path.iter().map(|step| escaped(step)).collect();
        let mut values: Map = [("other", Value::Bool(true))].into_iter().collect();
        set_string(&format!("{}={}", key.join("."), escaped(&value)), &mut values).unwrap();
        prop_assert_eq!(values.get("other"), Some(&Value::Bool(true)));
        let values = Value::Map(values);
        prop_assert_eq!(values.get_path(&path).and_then(Value::as_str), Some(&*value));
    }

    /// Setting the same twice is setting it once.
    #[test]
    fn idempotent(text in "[abc]{1,2}(\\.[abc]){0,2}(\\[[0-3]\\])?=[a-z0-9]{1,4}") {
        let (mut once, mut twice) = (Map::new(), Map::new());
        set(&text, &mut once).unwrap();
        set(&text, &mut twice).unwrap();
        set(&text, &mut twice).unwrap();
        prop_assert_eq!(once, twice);
    }
}

//! Input made to hurt: nesting, aliases, bytes that are no text. Everything ends in an answer,
//! on a stack of one mebibyte.

use goyaml::{Node, Shape, Value, parse, parse_bytes, to_string};
use proptest::prelude::*;

/// Runs `body` on a small stack.
fn on_small_stack<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    thread.spawn(body).expect("a thread starts").join().expect("it does not panic")
}

fn message(text: &str) -> String {
    parse(text).map_or_else(|error| error.message().to_owned(), |_| "fine".to_owned())
}

/// Nesting has a limit, in flow and in block style; what is below it can be written and dropped.
#[test]
fn nesting() {
    on_small_stack(|| {
        let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(message(&flow(500)), "fine");
        assert_eq!(message(&flow(501)), "yaml: exceeded max depth of 500");
        assert_eq!(message(&"[".repeat(100_000)), "yaml: exceeded max depth of 500");
        assert_eq!(message(&"- ".repeat(100_000)), "yaml: exceeded max depth of 500");
        assert_eq!(message(&"{a: ".repeat(100_000)), "yaml: exceeded max depth of 500");
        assert_eq!(message(&"? ".repeat(100_000)), "yaml: exceeded max depth of 500");

        let value = parse(&flow(500)).unwrap();
        assert_eq!(to_string(&value).unwrap(), format!("{}[]\n", "- ".repeat(499)));
        assert_eq!(value.clone(), value);
    });
}

/// Aliases may nest what they stand for as deep as brackets may, and no deeper.
#[test]
fn nested_aliases() {
    let chain = |length: usize| -> String {
        (1..length).fold("a0: &a0 [x]\n".to_owned(), |text, at| {
            format!("{text}a{at}: &a{at} [[[[[[[[[[*a{}]]]]]]]]]]\n", at - 1)
        })
    };
    assert_eq!(message(&chain(45)), "fine");
    assert!(message(&chain(60)).ends_with("exceeded max depth of 500"));
}

/// A document that is nearly all expansion is refused before it is expanded.
#[test]
fn billion_laughs() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for at in 1..30 {
        let items = vec![format!("*a{}", at - 1); 10].join(",");
        text = format!("{text}a{at}: &a{at} [{items}]\n");
    }
    assert_eq!(message(&text), "yaml: document contains excessive aliasing");
}

/// Long lists of keys and of anchors are read in about linear time: this would not end otherwise.
#[test]
fn wide() {
    let line = |at: i32| format!("k{at}: &a{at} {at}\n");
    let text = (0..200_000).map(line).collect::<Vec<_>>().concat();
    let value = parse(&text).unwrap();
    assert_eq!(value.as_map().unwrap().len(), 200_000);
    assert_eq!(value.get("k199999"), Some(&Value::Float(199_999.0)));
}

/// A tree that never ends, as a template can build one by putting a map into itself.
#[derive(Clone, Copy)]
struct Endless;

impl Node for Endless {
    type Text = &'static str;

    fn shape(&self) -> Shape<Self> {
        Shape::Map(vec![("again", Self)])
    }
}

/// Writing an endless tree fails in Go's words for it.
#[test]
fn endless() {
    let words = "error marshaling into JSON: json: unsupported value: encountered a cycle via \
                 map[string]interface {}";
    on_small_stack(move || {
        assert_eq!(to_string(&Endless).unwrap_err().to_string(), words);
        assert_eq!(goyaml::to_string_pretty(&Endless).unwrap_err().to_string(), words);
        assert_eq!(goyaml::json::to_string(&Endless).unwrap_err().to_string(), words);
    });
}

/// Bytes that are no UTF-8 are refused in the library's words; UTF-16 with its mark is read.
#[test]
fn encodings() {
    for (bytes, words) in [
        (&b"a: \xff"[..], "yaml: invalid leading UTF-8 octet"),
        (b"a: \xc3", "yaml: incomplete UTF-8 octet sequence"),
        (b"a: \xc3b", "yaml: invalid trailing UTF-8 octet"),
        (b"a: \xc0\x80", "yaml: invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "yaml: invalid Unicode character"),
        (b"\xff\xfea\x00:\x00", "fine"),
        (b"\xfe\xff\x00a\xdc", "yaml: incomplete UTF-16 character"),
    ] {
        let found = parse_bytes(bytes).map_or_else(|e| e.message().to_owned(), |_| "fine".into());
        assert_eq!(found, words, "{bytes:?}");
    }
}

/// The place of an error is the true one, though the words count as go-yaml does.
#[test]
fn places() {
    for (text, line, column, words) in [
        ("a: b: c", 1, 5, "yaml: mapping values are not allowed in this context"),
        ("a: 1\nb: [1\nc: 2\n", 3, 2, "yaml: line 2: did not find expected ',' or ']'"),
        ("a: 1\n b: 2\n", 2, 3, "yaml: line 2: mapping values are not allowed in this context"),
        ("a:\n- 1\n- *x\n", 3, 3, "yaml: unknown anchor 'x' referenced"),
        ("a: é\u{1}", 1, 5, "yaml: control characters are not allowed"),
        ("x: 1\ny: !!int z\n", 2, 4, "yaml: cannot decode !!str `z` as a !!int"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.message(), words);
        assert_eq!((error.line(), error.column()), (Some(line), Some(column)), "{text:?}");
    }
}

/// What go-yaml writes and cannot read: a tab in front of a line end, which v3 makes a literal of, and the key `<<`,
/// which no dialect quotes. Its bytes count all the same.
#[test]
fn unreadable() {
    let key = Value::Map([("<<", Value::from("<<"))].into_iter().collect());
    for written in [to_string(&key).unwrap(), goyaml::to_string_pretty(&key).unwrap()] {
        assert_eq!(written, "<<: <<\n");
        assert!(message(&written).contains("map merge requires map"));
    }
    let value = Value::from(vec![Value::from("\t\n")]);
    let written = goyaml::to_string_pretty(&value).unwrap();
    assert_eq!(written, "- |\n  \t\n");
    assert!(parse(&written).is_err());
}

proptest! {
    /// No text makes the reader panic, and what it reads can be written and read again.
    #[test]
    fn any_text(text in "[-a1:?,\\[\\]{}&*!|>'\"%@`# \t\n\\\\é\u{85}\u{2028}~.<]{0,40}") {
        if let Ok(value) = parse(&text)
            && let Ok(written) = to_string(&value)
        {
            prop_assert_eq!(parse(&written).unwrap(), value);
        }
    }

    /// Any text that can be written is read back as it was, in both dialects; a line end that is
    /// none to Unix is the one thing YAML changes. A line that begins with a tab is left out: v3
    /// writes it so that nobody can read it.
    #[test]
    fn texts_survive(text in "[^\u{85}]{0,120}") {
        let value = Value::from(vec![Value::from(text.as_str())]);
        if let Ok(written) = to_string(&value) {
            prop_assert_eq!(parse(&written).unwrap(), value.clone());
        }
        let written = goyaml::to_string_pretty(&value).unwrap();
        if !text.lines().any(|line| line.starts_with('\t')) {
            prop_assert_eq!(parse(&written).unwrap(), value);
        }
    }
}

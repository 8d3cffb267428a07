//! Go's answers to a few hundred documents, kept as data.
//!
//! Each line of `data/go.jsonl` is a JSON object: `in` is a document; `error` is what
//! `sigs.k8s.io/yaml` v1.6.0 over `go.yaml.in/yaml/v2` v2.4.4 says about it, or else `json` is what
//! its `YAMLToJSON` gives, `yaml` what it writes for what it read, and `pretty` what a
//! `go.yaml.in/yaml/v3` v3.0.5 encoder with an indent of two writes for that.

use goyaml::Value;

/// A case with the name it is reported under.
struct Case {
    input: String,
    error: Option<String>,
    json: String,
    yaml: String,
    pretty: String,
}

/// The file is JSON, one case per line, with escapes that YAML does not have in characters
/// outside the basic plane: those are joined here first.
fn cases() -> Vec<Case> {
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let line = |line: &str| {
        let case = goyaml::parse(&joined_surrogates(line)).expect("the data file is JSON");
        Case {
            input: text(&case, "in"),
            error: case.get("error").and_then(Value::as_str).map(str::to_owned),
            json: text(&case, "json"),
            yaml: text(&case, "yaml"),
            pretty: text(&case, "pretty"),
        }
    };
    include_str!("data/go.jsonl").lines().map(line).collect()
}

/// `\ud83d\ude00` as `\U0001f600`.
fn joined_surrogates(line: &str) -> String {
    let unit = |at: usize| {
        let digits = line.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut out = String::new();
    let mut at = 0;
    while at < line.len() {
        match (unit(at), unit(at + 6)) {
            (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                out.extend(["\\U".to_owned(), format!("{code:08x}")]);
                at += 12;
            }
            _ if line[at..].starts_with('\\') => {
                out.push_str(&line[at..at + 2]);
                at += 2;
            }
            _ => {
                let c = line[at..].chars().next().expect("not at the end");
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    out
}

/// The file is there and holds what the other tests go through.
#[test]
fn there_are_cases() {
    assert!(cases().len() > 300);
    assert!(cases().iter().filter(|case| case.error.is_some()).count() > 40);
}

/// What Go refuses is refused in the same words.
#[test]
fn errors() {
    for case in cases() {
        let found = goyaml::parse(&case.input).err().map(|error| error.message().to_owned());
        assert_eq!(found, case.error, "{:?}", case.input);
    }
}

/// Keys, types and numbers are Go's.
#[test]
fn reading() {
    for case in cases().iter().filter(|case| case.error.is_none()) {
        let value = goyaml::parse_keeping_integers(&case.input).unwrap();
        assert_eq!(goyaml::json::to_string(&value).unwrap(), case.json, "{:?}", case.input);
    }
}

/// Every byte written is Go's; `err` in the data stands for a failure to write.
#[test]
fn writing() {
    for case in cases().iter().filter(|case| case.error.is_none()) {
        let value = goyaml::parse(&case.input).unwrap();
        let written = goyaml::to_string(&value).unwrap_or_else(|error| format!("err {error}"));
        assert_eq!(written, case.yaml, "{:?}", case.input);
    }
}

/// The same for the other dialect.
#[test]
fn writing_pretty() {
    for case in cases().iter().filter(|case| case.error.is_none()) {
        let value = goyaml::parse(&case.input).unwrap();
        assert_eq!(goyaml::to_string_pretty(&value).unwrap(), case.pretty, "{:?}", case.input);
    }
}

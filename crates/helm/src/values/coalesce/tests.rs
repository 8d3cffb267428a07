//! What becomes of values and defaults, each case with what Helm 4.3 makes of it.

use goyaml::Value;
use proptest::prelude::*;

use crate::chart::Chart;
use crate::values::merge::tests::maps;
use crate::values::{HelmMode, coalesce, coalesce_as, merge_defaults, parse_values};

/// Chart `c` with defaults, and below it chart `s` if that has defaults too.
fn chart(defaults: &str, sub: Option<&str>) -> Chart {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let mut files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.yaml", defaults),
    ];
    if let Some(sub) = sub {
        files.push(file("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"));
        files.push(file("charts/s/values.yaml", sub));
    }
    Chart::from_files(files).unwrap()
}

fn shown(value: &Value) -> String {
    goyaml::json::to_string(value).unwrap()
}

/// The joined values, or the error.
fn joined(chart: &Chart, values: &str) -> String {
    match coalesce(chart, &parse_values(values).unwrap()) {
        Ok(values) => shown(&values),
        Err(error) => error.to_string(),
    }
}

/// Without a sub-chart: tables are joined, anything else is the user's, and `null` deletes.
#[test]
fn one_chart() {
    for (defaults, values, expected) in [
        ("a: 1\nm: {p: 1, q: 2}", "m: {q: 3}", r#"{"a":1,"m":{"p":1,"q":3}}"#),
        ("l: [1, 2]", "l: [3]", r#"{"l":[3]}"#),
        // The user's null takes a default away, and stays where there is none.
        ("a: 1\nm: {p: 1, k: 2}", "a: null\nm: {p: null}\nz: null", r#"{"m":{"k":2},"z":null}"#),
        ("m: {k: 2}", "m: {z: null}", r#"{"m":{"k":2,"z":null}}"#),
        // A null among the defaults is no value, but an item of a list is.
        ("a: null\nm: {p: null}\nl: [null]", "", r#"{"l":[null],"m":{}}"#),
        ("m: {p: null, q: 1}", "m: {r: 2}", r#"{"m":{"q":1,"r":2}}"#),
        // The user wins whatever it is.
        ("a: {b: {c: 1}}\nd: 1", "a: {b: 5}\nd: {e: 1}", r#"{"a":{"b":5},"d":{"e":1}}"#),
        ("a: {b: 1}", "a: {}", r#"{"a":{"b":1}}"#),
        ("", "a: 1", r#"{"a":1}"#),
    ] {
        assert_eq!(joined(&chart(defaults, None), values), expected, "{defaults} | {values}");
    }
}

/// A sub-chart finds its own defaults under those of its parent, under those of the user.
#[test]
fn sub_chart() {
    for (defaults, sub, values, expected) in [
        (
            "s: {a: 2}\nglobal: {g: 1}",
            "a: 1\nb: 2\nglobal: {h: 1}",
            "",
            r#"{"global":{"g":1},"s":{"a":2,"b":2,"global":{"g":1,"h":1}}}"#,
        ),
        ("", "a: 1", "", r#"{"s":{"a":1,"global":{}}}"#),
        ("", "a: 1", "s: {a: null}", r#"{"s":{"global":{}}}"#),
        // The parent's null has an effect only if the user says something about the sub-chart.
        ("s: {a: null}", "a: 1", "", r#"{"s":{"a":1,"global":{}}}"#),
        ("s: {a: null}", "a: 1", "s: {q: 1}", r#"{"s":{"global":{},"q":1}}"#),
        // The user's null for the whole sub-chart.
        ("s: {a: 2}", "a: 1", "s: null", r#"{"s":{"a":1,"global":{}}}"#),
        ("", "a: 1", "s: null", "type mismatch on s: %!t(<nil>)"),
        ("", "a: 1", "s: foo", "type mismatch on s: %!t(string=foo)"),
        ("", "a: 1", "s: [1, a, null]", "type mismatch on s: [%!t(float64=1) %!t(string=a) <nil>]"),
        ("", "a: 1", "s: true", "type mismatch on s: true"),
    ] {
        assert_eq!(joined(&chart(defaults, Some(sub)), values), expected, "{defaults} | {values}");
    }
}

/// Globals come from above, and what comes from above wins.
#[test]
fn globals() {
    for (defaults, sub, values, expected) in [
        (
            "",
            "",
            "global: {a: 1}\ns: {global: {a: 9}}",
            r#"{"global":{"a":1},"s":{"global":{"a":1}}}"#,
        ),
        (
            "global: {t: {p: 1}}",
            "global: {t: {q: 2}}",
            "",
            r#"{"global":{"t":{"p":1}},"s":{"global":{"t":{"p":1,"q":2}}}}"#,
        ),
        (
            "global: {a: 1}",
            "global: {a: 2}",
            "global: {a: null}",
            r#"{"global":{},"s":{"global":{"a":2}}}"#,
        ),
        ("", "global: 5", "global: {a: 1}", r#"{"global":{"a":1},"s":{"global":{"a":1}}}"#),
        ("", "", "global: 5", r#"{"global":5,"s":{}}"#),
        (
            "",
            "",
            "global: {t: {p: 1}}\ns: {global: {t: 1}}",
            r#"{"global":{"t":{"p":1}},"s":{"global":{"t":1}}}"#,
        ),
        (
            "",
            "",
            "global: {t: 1}\ns: {global: {t: {p: 1}}}",
            r#"{"global":{"t":1},"s":{"global":{"t":{"p":1}}}}"#,
        ),
    ] {
        assert_eq!(joined(&chart(defaults, Some(sub)), values), expected, "{defaults} | {values}");
    }
}

/// Helm 3 lets a null among the defaults stand.
#[test]
fn helm_3() {
    let values = parse_values("m: {r: 2}\nb: null").unwrap();
    let chart = chart("a: null\nb: 1\nm: {p: null}", None);
    let joined = coalesce_as(HelmMode::V3, &chart, &values).unwrap();
    assert_eq!(shown(&joined), r#"{"a":null,"m":{"p":null,"r":2}}"#);
}

/// Merging keeps every null.
#[test]
fn merging() {
    let chart = chart("a: 1\nb: null\ns: {p: null}", Some("p: 1\nq: null"));
    let joined = merge_defaults(&chart, &parse_values("a: null").unwrap()).unwrap();
    assert_eq!(shown(&joined), r#"{"a":null,"b":null,"s":{"global":{},"p":null,"q":null}}"#);
}

/// Defaults nobody overrides are the chart's own trees, not copies.
#[test]
fn shares() {
    let chart = chart("deep: {er: {a: 1}}\nb: {c: 1}", None);
    let joined = coalesce(&chart, &parse_values("b: {d: 1}").unwrap()).unwrap();
    let part = |value: &Value, key: &str| value.get(key).unwrap().as_map().unwrap().clone();
    assert!(part(&joined, "deep").same(&part(chart.values(), "deep")));
    assert!(!part(&joined, "b").same(&part(chart.values(), "b")));
}

fn with_defaults(defaults: &Value) -> Chart {
    chart(&goyaml::to_string(defaults).unwrap(), None)
}

proptest! {
    /// A chart without defaults changes nothing; joining twice is joining once where no null is
    /// left to delete anything.
    #[test]
    fn idempotent(defaults in maps(), values in maps()) {
        let (defaults, values) = (Value::Map(defaults), Value::Map(values));
        prop_assert_eq!(&coalesce(&with_defaults(&Value::empty_map()), &values).unwrap(), &values);
        let chart = with_defaults(&defaults);
        let once = merge_defaults(&chart, &values).unwrap();
        prop_assert_eq!(&merge_defaults(&chart, &once).unwrap(), &once);
    }

    /// A key the user sets to null is gone if the chart has a default for it, and null if not;
    /// any other value of the user's that is no mapping stands.
    #[test]
    fn nulls_delete(defaults in maps(), values in maps()) {
        let chart = with_defaults(&Value::Map(defaults.clone()));
        let joined = coalesce(&chart, &Value::Map(values.clone())).unwrap();
        for (key, value) in values.iter().filter(|(_, value)| value.as_map().is_none()) {
            let expected = Some(value).filter(|v| !v.is_null() || !defaults.contains_key(key));
            prop_assert_eq!(joined.get(key), expected);
        }
    }
}

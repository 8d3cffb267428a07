//! Generated layers of values over a generated chart with sub-charts: merging, origins, dependencies, defaults and
//! schemas.
#![no_main]

use arbitrary::{Result, Unstructured};
use fuzz::{data, within_bounds};
use goyaml::{Map, Value};
use helm::chart::{Chart, process_dependencies};
use helm::values::{
    HelmMode, Layer, coalesce_as, merge, merge_defaults, merge_maps, merge_tables, parse_values,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    within_bounds(bytes, |_| {
        let _ = check(&mut Unstructured::new(bytes));
    });
});

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let count = input.int_in_range(1..=4_u8)?;
    let layers: Vec<Value> =
        (0..count).map(|_| data::map(input).map(Value::Map)).collect::<Result<_>>()?;
    let labelled: Vec<_> =
        layers.iter().enumerate().map(|(label, values)| Layer { label, values }).collect();
    let merged = merge(&labelled);
    let mut rebuilt = Map::new();
    for (path, origin) in merged.origins.leaves() {
        assert_eq!(origin.label, merged.origins.of(&path).expect("a leaf has an origin").label);
        assert!(!merged.origins.get(&path).is_empty());
        put(&mut rebuilt, &path, origin.value);
    }
    assert_eq!(Value::Map(rebuilt), merged.values);
    let map = merged.values.as_map().expect("merging gives a mapping");
    assert_eq!(&merge_maps(map, map), map);

    let Some(chart) = chart(input)? else { return Ok(()) };
    let _ = merge_defaults(&chart, &merged.values);
    let _ = merge_tables(map, chart.values().as_map().unwrap_or(map));
    for mode in [HelmMode::V3, HelmMode::V4] {
        let Ok(chart) = process_dependencies(mode, &chart, &merged.values) else { continue };
        let Ok(values) = coalesce_as(mode, &chart, &merged.values) else { continue };
        let _ = helm::schema::validate(&chart, &values);
        // Some texts cannot be written, for instance those with control characters.
        if let Ok(text) = goyaml::to_string(&values) {
            assert!(parse_values(&text).is_ok(), "{text}");
        }
    }
    Ok(())
}

fn put(map: &mut Map, path: &[&str], value: &Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(*first, value.clone());
        return;
    }
    if !map.contains_key(first) {
        map.insert(*first, Value::empty_map());
    }
    if let Some(inner) = map.get_mut(first).and_then(Value::as_map_mut) {
        put(inner, rest, value);
    }
}

/// A chart with two sub-charts, one of which has one of its own; what they say of each other is generated.
fn chart(input: &mut Unstructured<'_>) -> Result<Option<Chart>> {
    let mut files = Vec::new();
    for (path, name) in
        [("", "c"), ("charts/child/", "child"), ("charts/a/", "a"), ("charts/child/charts/b/", "b")]
    {
        let mut about = Map::new();
        about.insert("apiVersion", "v2".into());
        about.insert("name", name.into());
        about.insert("version", "0.1.0".into());
        if input.arbitrary()? {
            let entries = input.int_in_range(0..=3_u8)?;
            let entries: Result<Vec<_>> = (0..entries).map(|_| dependency(input)).collect();
            about.insert("dependencies", Value::from(entries?));
        }
        files.push((format!("{path}Chart.yaml"), Value::Map(about)));
        files.push((format!("{path}values.yaml"), Value::Map(data::map(input)?)));
        if input.ratio(1, 4)? {
            let schema = format!("{path}values.schema.json");
            files.push((schema, Value::Map(schema_of(input, 3)?)));
        }
    }
    let files = files.into_iter().map(|(name, content)| {
        let text = if name.ends_with("json") {
            goyaml::json::to_string(&content)
        } else {
            goyaml::to_string(&content)
        };
        (name, text.unwrap_or_default().into_bytes())
    });
    Ok(Chart::from_files(files.collect()).ok())
}

fn dependency(input: &mut Unstructured<'_>) -> Result<Value> {
    let path = |input: &mut Unstructured<'_>| -> Result<String> {
        Ok(format!("{}.{}", data::key(input)?, data::key(input)?))
    };
    let mut entry = Map::new();
    entry.insert("name", (*input.choose(&["child", "a", "b"])?).into());
    entry.insert("version", (*input.choose(&["*", "0.1.0", ">9", "x"])?).into());
    if input.ratio(1, 3)? {
        entry.insert("alias", data::key(input)?.into());
    }
    if input.ratio(1, 3)? {
        entry.insert("condition", path(input)?.into());
    }
    if input.ratio(1, 3)? {
        entry.insert("tags", Value::from(vec![data::key(input)?.into()]));
    }
    if input.ratio(1, 2)? {
        let imported = if input.arbitrary()? {
            data::key(input)?.into()
        } else {
            let sides = [("child", path(input)?.into()), ("parent", data::key(input)?.into())];
            Value::Map(sides.into_iter().collect())
        };
        entry.insert("import-values", Value::from(vec![imported]));
    }
    Ok(Value::Map(entry))
}

/// A schema of the usual words.
fn schema_of(input: &mut Unstructured<'_>, depth: u32) -> Result<Map> {
    let mut schema = Map::new();
    for _ in 0..input.int_in_range(0..=3_u8)? {
        match input.int_in_range(0..=if depth == 0 { 6 } else { 10_u8 })? {
            0 => {
                let types =
                    ["object", "array", "string", "integer", "number", "boolean", "null", "odd"];
                schema.insert("type", (*input.choose(&types)?).into());
            }
            1 => drop(schema.insert("required", Value::from(vec![data::key(input)?.into()]))),
            2 => drop(schema.insert("minimum", Value::Float(f64::from(input.arbitrary::<i8>()?)))),
            3 => drop(schema.insert("pattern", data::text(input)?.into())),
            4 => drop(schema.insert("maxLength", Value::Int(input.arbitrary::<i8>()?.into()))),
            5 => drop(schema.insert("enum", Value::from(vec![data::text(input)?.into()]))),
            6 => {
                let targets = [
                    "#",
                    "#/properties/a",
                    "#/x",
                    "http://example.org/x",
                    "urn:x",
                    "file:///etc/passwd",
                ];
                schema.insert("$ref", (*input.choose(&targets)?).into());
            }
            7 => drop(schema.insert("additionalProperties", Value::Bool(input.arbitrary()?))),
            8 => drop(schema.insert("items", Value::Map(schema_of(input, depth - 1)?))),
            9 => {
                let word = *input.choose(&["anyOf", "allOf", "oneOf", "not"])?;
                let inner = Value::Map(schema_of(input, depth - 1)?);
                schema.insert(word, if word == "not" { inner } else { Value::from(vec![inner]) });
            }
            _ => {
                let inner = (data::key(input)?, Value::Map(schema_of(input, depth - 1)?));
                schema.insert("properties", Value::Map([inner].into_iter().collect()));
            }
        }
    }
    Ok(schema)
}

//! Generated templates over generated values: Helm's whole library through the rendering of a chart, and
//! Go's own functions through the engine alone. What is repeatable comes out the same twice.
//!
//! With `LANDFALL_FUZZ_SHOW` set, a binary given the file of a finding prints what its bytes stand for.
#![no_main]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arbitrary::Unstructured;
use fuzz::template::{HELM, PLAIN, is_repeatable, write};
use fuzz::{data, within_bounds};
use gotemplate::{Frozen, FuncMap, Limits, TemplateSet};
use goyaml::{Map, Value};
use helm::chart::Chart;
use helm::render::{PreparedChart, ReleaseOptions, RenderInput};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    within_bounds(bytes, |stop| {
        let mut input = Unstructured::new(bytes);
        let Ok(is_helm) = input.ratio(7, 8_u8) else { return };
        let vocabulary = if is_helm { &*HELM } else { &*PLAIN };
        let (Ok(values), Ok(template)) = (data::map(&mut input), write(&mut input, vocabulary))
        else {
            return;
        };
        if std::env::var_os("LANDFALL_FUZZ_SHOW").is_some() {
            eprintln!("values: {values:?}\ntemplate: {template}");
        }
        if is_helm {
            through_a_chart(&values, &template, stop);
        } else {
            alone(&values, &template, stop);
        }
    });
});

fn through_a_chart(values: &Map, template: &str, stop: &Arc<AtomicBool>) {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        ("values.yaml", "a: {b: 1}\ntext: x\n"),
        ("templates/a.yaml", template),
        ("charts/child/Chart.yaml", "apiVersion: v2\nname: child\nversion: 0.1.0\n"),
        ("files/blob", "one\ntwo\n"),
    ];
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let chart = Chart::from_files(files.collect()).expect("a sound chart");
    let prepared = PreparedChart::new(chart).expect("an installable chart");
    let input = RenderInput {
        stop: Some(Arc::clone(stop)),
        ..RenderInput::new(Value::Map(values.clone()), ReleaseOptions::install("r", "ns"))
    };
    let render = || match prepared.render(&input) {
        Ok(rendered) => rendered.manifest,
        Err(error) => error.to_string(),
    };
    let first = render();
    if is_repeatable(template) {
        let second = render();
        // A render that was stopped may have been stopped elsewhere.
        if !stop.load(Ordering::Relaxed) {
            assert_eq!(first, second, "of {template}");
        }
    }
}

fn alone(values: &Map, template: &str, stop: &Arc<AtomicBool>) {
    let mut set = TemplateSet::new("set", FuncMap::new());
    if set.parse("t", template).is_err() {
        return;
    }
    let dot = freeze(&Value::Map(values.clone()));
    let limits = Limits { output: 64 << 20, ..Limits::default() };
    let execute = || {
        let result = set.execution().limits(limits).stop_when(stop).execute("t", dot.to_value());
        result.map_err(|error| error.to_string())
    };
    let (first, second) = (execute(), execute());
    if !stop.load(Ordering::Relaxed) {
        assert_eq!(first, second, "of {template}");
    }
}

fn freeze(value: &Value) -> Frozen {
    match value {
        Value::Null => Frozen::Nil,
        Value::Bool(value) => Frozen::Bool(*value),
        Value::Int(value) => Frozen::Int64(*value),
        Value::Uint(value) => Frozen::Uint64(*value),
        Value::Float(value) => Frozen::Float64(*value),
        Value::String(text) => Frozen::string(&**text),
        Value::Seq(items) => Frozen::list(items.iter().map(freeze).collect()),
        Value::Map(map) => Frozen::map(map.iter().map(|(key, value)| (key, freeze(value)))),
    }
}

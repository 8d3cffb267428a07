//! One prepared chart, many renders: on several threads, with different sub-charts, stopped early.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use helm::chart::Chart;
use helm::render::{PreparedChart, ReleaseOptions, RenderError, RenderInput};
use helm::values::parse_values;

fn prepared(files: &[(&str, &str)]) -> PreparedChart {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    PreparedChart::new(Chart::from_files(files.collect()).expect("a chart")).expect("installable")
}

fn input(values: &str) -> RenderInput {
    let values = parse_values(values).expect("values");
    RenderInput::new(values, ReleaseOptions::install("r", "ns"))
}

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {name: s, version: \
                     \"*\", condition: s.enabled}\n";
const CHILD: &str = "apiVersion: v2\nname: s\nversion: 0.1.0\n";

/// Renders do not see each other: neither changed values nor switched-off sub-charts linger.
#[test]
fn renders_are_independent() {
    let chart = prepared(&[
        ("Chart.yaml", CHART),
        ("values.yaml", "num: 0\nm: {k: v}\n"),
        (
            "templates/a.yaml",
            "kind: Foo\nn: {{ .Values.num }}\nm: {{ .Values.m }}\n{{ $_ := set .Values.m \"k\" \
             .Values.num }}{{ $_ := set .Values \"num\" \"gone\" }}",
        ),
        ("charts/s/Chart.yaml", CHILD),
        ("charts/s/templates/a.yaml", "kind: Bar\n"),
    ]);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let chart = &chart;
            scope.spawn(move || {
                for round in 0..20 {
                    let enabled = (n + round) % 2 == 0;
                    let values = format!("num: {n}\ns: {{enabled: {enabled}}}\n");
                    let rendered = chart.render(&input(&values)).expect("it renders");
                    let own = rendered.documents.iter().find(|d| d.kind == "Foo").expect("Foo");
                    assert_eq!(own.text, format!("kind: Foo\nn: {n}\nm: map[k:v]\n"));
                    assert_eq!(rendered.documents.len(), if enabled { 2 } else { 1 });
                }
            });
        }
    });
}

/// A render gives what a release record needs: notes, definitions, merged values, the chart itself.
#[test]
fn what_a_render_gives() {
    let chart = prepared(&[
        ("Chart.yaml", CHART),
        ("values.yaml", "a: 1\n"),
        ("templates/NOTES.txt", "Thanks, {{ .Release.Name }}{{ .Values.b }}"),
        ("crds/x.yaml", "kind: CustomResourceDefinition\n"),
        ("charts/s/Chart.yaml", CHILD),
        ("charts/s/templates/NOTES.txt", "unread"),
    ]);
    let rendered = chart.render(&input("b: 2\ns: {enabled: false}\n")).unwrap();
    assert_eq!(rendered.notes.as_deref(), Some("Thanks, r2"));
    assert_eq!(rendered.manifest, "");
    assert_eq!(rendered.chart.crds()[0].path, "c/crds/x.yaml");
    assert_eq!(format!("{:?}", rendered.values.get("a")), "Some(1.0)");
    assert!(
        rendered.chart.dependencies().is_empty() && rendered.chart.metadata().declared().is_empty()
    );
    let stored = helm::release::StoredChart::from(&rendered.chart);
    assert_eq!(stored.templates.unwrap()[0].name, "templates/NOTES.txt");
}

/// A refusal of the chart itself can be told from a mistake in it, and both have a place.
#[test]
fn places_of_errors() {
    let failure = |template: &str| {
        let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
        match prepared(&[("Chart.yaml", chart), ("templates/a.yaml", template)]).render(&input(""))
        {
            Err(RenderError::Template(error)) => *error,
            other => panic!("{other:?}"),
        }
    };
    let refused = failure("a: 1\n{{ required \"give a name\" .Values.name }}");
    assert_eq!(refused.refusal.as_deref(), Some("give a name"));
    assert_eq!((refused.file.as_deref(), refused.line), (Some("c/templates/a.yaml"), Some(2)));
    let mistaken = failure("{{ .Values.a.b.c }}");
    assert_eq!((mistaken.refusal, mistaken.line, mistaken.column), (None, Some(1), Some(10)));
    let unparsable = failure("\n\n{{ if }}");
    assert_eq!((unparsable.line, unparsable.column), (Some(3), None));
}

/// A render that takes too long can be ended from outside.
#[test]
fn stopping() {
    let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
    let endless = "{{ range 1000000000 }}{{ range 1000000000 }}{{ end }}{{ end }}";
    let chart = prepared(&[("Chart.yaml", chart), ("templates/a.yaml", endless)]);
    let stopped = RenderInput { stop: Some(Arc::new(AtomicBool::new(true))), ..input("") };
    let error = chart.render(&stopped).unwrap_err().to_string();
    assert!(error.contains("execution was stopped"), "{error}");
}

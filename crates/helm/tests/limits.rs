//! Limits of charts and renderings: what is too large is refused by name, and nothing else is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use helm::chart::{Chart, ChartLimit, ChartLimits, pack};
use helm::render::{Exceeded, PreparedChart, ReleaseOptions, RenderInput, RenderLimits};

fn chartfile(name: &str, dependencies: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n{dependencies}")
}

fn chart(files: &[(&str, &str)]) -> Chart {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
    Chart::from_files(files.iter().map(owned).collect()).expect("a chart")
}

fn input() -> RenderInput {
    RenderInput::new(
        helm::values::parse_values("").expect("values"),
        ReleaseOptions::install("r", "n"),
    )
}

fn exceeded(chart: Chart, input: &RenderInput) -> Option<Exceeded> {
    let prepared = PreparedChart::new(chart).expect("a chart that can be installed");
    prepared.render(input).err().and_then(|error| error.exceeded())
}

/// Unpacked bytes and files are counted over an archive; what is within the limits loads.
#[test]
fn archives() {
    let text = "x".repeat(1000);
    let archive = pack(
        &chart(&[
            ("Chart.yaml", &chartfile("a", "")),
            ("templates/a.yaml", "kind: A\n"),
            ("files/x", &text),
        ]),
        None,
    )
    .expect("an archive");
    let load = |unpacked: u64, files: usize| {
        let limits = ChartLimits { unpacked, files, ..ChartLimits::default() };
        Chart::from_archive_within(&archive, limits).map_err(|error| error.exceeded())
    };
    assert!(load(2000, 3).is_ok());
    assert_eq!(load(1000, 3), Err(Some(ChartLimit::Unpacked(1000))));
    assert_eq!(load(2000, 2), Err(Some(ChartLimit::Files(2))));
}

/// Charts that lie inside each other for ever are refused before the stack is used up.
#[test]
fn nested_charts() {
    let file = |depth: usize| {
        (format!("{}Chart.yaml", "charts/a/".repeat(depth)), chartfile("a", "").into_bytes())
    };
    let nested = |depth: usize| Chart::from_files((0..=depth).map(file).collect());
    assert!(nested(50).is_ok());
    let refused = nested(200).expect_err("too deep");
    assert_eq!(refused.exceeded(), Some(ChartLimit::Depth(100)));
}

/// Aliases of charts that have aliases multiply; a few lines are not to make a million charts.
#[test]
fn aliases_multiply() {
    let aliases = |name: &str| {
        let mut text = "dependencies:\n".to_owned();
        for n in 0..40 {
            // Writing to a String does not fail.
            let _ = writeln!(text, "- {{name: {name}, version: 1.0.0, alias: {name}{n}}}");
        }
        text
    };
    let chart = chart(&[
        ("Chart.yaml", &chartfile("a", &aliases("b"))),
        ("charts/b/Chart.yaml", &chartfile("b", &aliases("c"))),
        ("charts/b/charts/c/Chart.yaml", &chartfile("c", "")),
    ]);
    let prepared = PreparedChart::new(chart).expect("a chart that can be installed");
    let refused = prepared.render(&input()).expect_err("too many");
    let told = "more than 1000 sub-charts take part, each alias counted";
    assert_eq!(refused.to_string(), told);
}

/// What all templates write counts together; a stopped rendering says that it was.
#[test]
fn renderings() {
    let text = format!("kind: A\nmetadata: {{name: a}}\ntext: {}\n", "x".repeat(600));
    let two = || {
        chart(&[
            ("Chart.yaml", &chartfile("a", "")),
            ("templates/a.yaml", &text),
            ("templates/b.yaml", &text),
        ])
    };
    let limits = |output: usize| RenderLimits { output, ..RenderLimits::default() };
    assert_eq!(exceeded(two(), &RenderInput { limits: limits(2000), ..input() }), None);
    let short = RenderInput { limits: limits(1000), ..input() };
    assert_eq!(exceeded(two(), &short), Some(Exceeded::Output));

    let growing = "{{ range $i := 1000 }}{{ $x := repeat 1000 \"x\" }}{{ end }}";
    let growing = || chart(&[("Chart.yaml", &chartfile("a", "")), ("templates/a.yaml", growing)]);
    let made = RenderLimits { made: 100_000, ..RenderLimits::default() };
    let made = RenderInput { limits: made, ..input() };
    assert_eq!(exceeded(growing(), &made), Some(Exceeded::Made));
    let stopped = RenderInput { stop: Some(Arc::new(AtomicBool::new(true))), ..input() };
    assert_eq!(exceeded(growing(), &stopped), Some(Exceeded::Stopped));
}

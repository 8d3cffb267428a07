//! Errors of templates, with Go's places and words as Helm lays them out.

mod support;

use support::{agree, chart};

/// Renders `text` as templates/t.txt beside some helpers with both; both must refuse alike.
#[track_caller]
fn refused(text: &str) -> String {
    let files = [
        ("values.yaml", "a: {}\ns: abc\nnum: 1.5\nl: [a]\n"),
        ("templates/t.txt", text),
        (
            "templates/_h.tpl",
            "{{ define \"outer\" }}\n  {{ include \"inner\" . }}{{ end }}\n{{ define \"inner\" \
             }}{{ .Values.a.b.c }}{{ end }}{{ define \"fails\" }}{{ fail \"told: so\" }}{{ end }}\
             {{ define \"loop\" }}{{ include \"loop\" . }}{{ end }}",
        ),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
        ("charts/sub/templates/_s.tpl", "{{ define \"s\" }}{{ .Values.a.b.c }}{{ end }}"),
    ];
    match agree(chart(&files).path(), &[]) {
        Err(refusal) => refusal,
        Ok(rendered) => panic!("{text} was rendered: {rendered}"),
    }
}

/// Mistakes in the template itself: one block with file, line, column and node.
#[test]
fn mistakes_in_place() {
    for text in [
        "x\n  {{ .Values.a.b.c }}",
        "{{ .Values.s.x }}",
        "{{ $x := .Values.s }}{{ $x.y }}",
        "{{ upper .Values.x }}",
        "{{ until .Values.num }}",
        "{{ upper }}",
        "{{ .Values.s \"x\" }}",
        "{{ range .Values.num }}{{ end }}",
        "{{ template \"nope\" . }}",
        "{{ .Capabilities.Nope }}",
        "{{ nil }}",
        "{{ index .Values.l 9 }}",
        "{{ eq .Values.num 1 }}",
        "{{ keys .Files }}",
        "{{ .Values.Table \"nope\" }}",
    ] {
        refused(text);
    }
}

/// Through includes there is one block per level.
#[test]
fn through_includes() {
    assert_eq!(refused("{{ include \"outer\" . }}").matches("error calling include").count(), 2);
    refused("{{ include \"s\" . }}");
    refused("{{ include \"nope\" . }}");
    refused("{{ template \"outer\" . }}");
    refused("{{ include \"loop\" . }}");
}

/// `fail` and `required` speak for themselves, however deep they are called.
#[test]
fn refusals_of_the_chart() {
    for text in [
        "{{ fail \"no\" }}",
        "{{ required \"need x\" .Values.x }}",
        "{{ include \"fails\" . }}",
        "{{ tpl \"{{ fail \\\"deep\\\" }}\" . }}",
        "{{ if true }}\n   {{ fail \"two\\nlines\" }}{{ end }}",
    ] {
        assert!(refused(text).starts_with("execution error at (c/templates/t.txt:"));
    }
}

/// Errors of other functions are printed as Go has them, on one line.
#[test]
fn function_errors() {
    for text in [
        "{{ first .Values.s }}",
        "{{ tpl \"{{ .a.b.c }}\" . }}",
        "{{ tpl \"{{ nope }}\" . }}",
        "{{ tpl \"{{ include \\\"inner\\\" . }}\" . }}",
        "{{ div 1 0 }}",
        "{{ dig \"a\" \"b\" \"z\" (dict \"a\" \"s\") }}",
        "{{ mustFromJson \"[\" }}",
    ] {
        refused(text);
    }
}

/// Templates that do not parse are refused before anything is rendered.
#[test]
fn parse_errors() {
    for text in [
        "\n{{ foo }}",
        "{{ .Values.a-b }}",
        "{{ if }}{{ end }}",
        "{{ if true }}",
        "{{ end }}",
        "{{ /* x */ }}",
        "{{ \"a }}",
        "{{ $y }}",
        "{{ define \"x\" }}1{{ end }}{{ define \"x\" }}2{{ end }}",
        "{{ .x",
        "{{ break }}",
    ] {
        assert!(refused(text).starts_with("parse error at (c/templates/t.txt:"), "{text}");
    }
}

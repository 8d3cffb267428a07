//! Which of several templates of one name wins, and who sees whose changes.

mod support;

use support::{agree, chart};

const LABEL: &str = "kind: Foo\nx: {{ include \"x\" . | quote }}\n";

fn define(text: &str) -> String {
    format!("{{{{ define \"x\" }}}}{text}{{{{ end }}}}")
}

/// Deepest files are parsed first, then in reverse; the last definition wins.
#[test]
fn last_parsed_wins() {
    let [here, later, deeper] = ["here", "later", "deeper"].map(define);
    let same_chart = [
        ("templates/l.yaml", LABEL),
        ("templates/_a.tpl", &*here),
        ("templates/_b.tpl", &*later),
        ("templates/z/_c.tpl", &*deeper),
    ];
    assert!(agree(chart(&same_chart).path(), &[]).unwrap().contains("x: \"here\""));
    let siblings = [
        ("templates/l.yaml", LABEL),
        ("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
        ("charts/s/templates/_h.tpl", &*here),
        ("charts/t/Chart.yaml", "apiVersion: v2\nname: t\nversion: 0.1.0\n"),
        ("charts/t/templates/_h.tpl", &*later),
    ];
    assert!(agree(chart(&siblings).path(), &[]).unwrap().contains("x: \"here\""));
}

/// A blank definition never replaces one that says something; `block` takes part.
#[test]
fn blank_definitions() {
    let (blank, full) = (define("  {{/* nothing */}} "), define("X"));
    let files =
        [("templates/l.yaml", LABEL), ("templates/_a.tpl", &*blank), ("templates/_b.tpl", &*full)];
    assert!(agree(chart(&files).path(), &[]).unwrap().contains("x: \"X\""));
    let block = "kind: Foo\ny: {{ block \"x\" . }}block{{ end }}\n";
    agree(chart(&[("templates/m.yaml", block), ("templates/_a.tpl", &*full)]).path(), &[]).unwrap();
}

/// Definitions inside `tpl` are seen by that call alone; files can be included by name.
#[test]
fn tpl_scope() {
    let inside =
        "kind: Foo\nx: {{ tpl \"{{ define \\\"q\\\" }}Q{{ end }}{{ include \\\"q\\\" . }}\" . }}\n";
    agree(chart(&[("templates/a.yaml", inside)]).path(), &[]).unwrap();
    let leaks = inside.replace('\n', " ") + "{{ include \"q\" . }}";
    agree(chart(&[("templates/a.yaml", &leaks)]).path(), &[]).unwrap_err();
    let by_name = "kind: Bar\nx: {{ include \"c/templates/b.yaml\" . | quote }}\nt: {{ tpl \"{{ .Template.Name }}<no value>{{ .Values.no }}\" . }}\n";
    agree(chart(&[("templates/a.yaml", by_name), ("templates/b.yaml", "kind: Foo\n")]).path(), &[])
        .unwrap();
}

/// Changes to values are seen by files rendered later, which are those earlier in the alphabet.
#[test]
fn mutations() {
    let shows = "kind: Foo\nx: {{ .Values.x }} {{ .Release.Name }}\n";
    let changes = "kind: Foo\n{{ $_ := set .Values \"x\" \"changed\" }}{{ $_ := set .Release \"Name\" \"n\" }}";
    let files = [
        ("values.yaml", "x: 1\n"),
        ("templates/a.yaml", shows),
        ("templates/m.yaml", changes),
        ("templates/z.yaml", shows),
        ("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
        ("charts/s/templates/a.yaml", shows),
    ];
    agree(chart(&files).path(), &[]).unwrap();
}

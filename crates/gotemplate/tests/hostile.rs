//! Templates written to break the engine: each must end in an error or in Go's output, on the
//! small stack of a test's thread.

use std::sync::atomic::{AtomicBool, Ordering};

use gotemplate::{ExecError, Frozen, FuncMap, Function, Limits, Map, TemplateSet, Type, Value};

fn functions() -> FuncMap {
    let mut funcs = FuncMap::new();
    let list = Function::new(&[], Type::List(gotemplate::ListType::ANY), |_, args| {
        Ok(Value::list(args.to_vec()))
    });
    funcs.insert("list", list.variadic(Type::Any));
    funcs.insert(
        "include",
        Function::new(&[Type::String, Type::Any], Type::String, |context, args| {
            let name = args[0].as_str().cloned().unwrap_or_default();
            Ok(Value::string(context.render(name, &args[1])?))
        }),
    );
    funcs
}

fn set(text: &str) -> TemplateSet {
    let mut set = TemplateSet::new("set", functions());
    set.parse("t", text).expect("the template parses");
    set
}

fn run(text: &str) -> Result<Vec<u8>, ExecError> {
    set(text).execute("t", Value::Nil)
}

/// Control structures nest as deep as the text is long.
#[test]
fn deep_control_structures() {
    let depth = 50_000;
    let nested = format!("{}x{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
    assert_eq!(run(&nested).expect("executes"), b"x");
    let chain = format!("{{{{if 0}}}}{}{{{{else}}}}x{{{{end}}}}", "{{else if 0}}".repeat(depth));
    assert_eq!(run(&chain).expect("executes"), b"x");
    let blocks = format!("{}x{}", "{{block \"b\" .}}".repeat(2000), "{{end}}".repeat(2000));
    let error = TemplateSet::new("set", functions()).parse("t", blocks).expect_err("one name");
    assert!(error.message.ends_with("multiple definition of template \"b\""), "{error}");
}

/// Parentheses nest up to Go's limit, in arguments and in what errors show of them.
#[test]
fn deep_parentheses() {
    let depth = 9_999;
    let text = format!("{{{{ print {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(run(&text).expect("executes"), b"1");
    let text = format!("{{{{ index {}1{} 2 }}}}", "(".repeat(depth), ")".repeat(depth));
    let error = run(&text).expect_err("an int has no elements");
    assert!(error.message().ends_with("can't index item of type int"), "{}", error.message());
}

/// A value 300000 lists deep can be built and dropped, and is refused by printing.
#[test]
fn deep_values() {
    let build = "{{ $x := 1 }}{{ range 300000 }}{{ $x = list $x }}{{ end }}";
    assert_eq!(run(build).expect("executes"), b"");
    let error = run(&format!("{build}{{{{ $x }}}}")).expect_err("too deep to print");
    assert_eq!(
        error.message(),
        "value nests more than 10000 levels deep: does a map contain itself?"
    );
    let error = run(&format!("{build}{{{{ printf \"%s\" $x }}}}")).expect_err("too deep to print");
    assert_eq!(error.function(), Some("printf"));
    let one = run(&format!("{build}{{{{ $y := 1 }}}}{{{{ eq $y 1 }}}}")).expect("executes");
    assert_eq!(one, b"true");
}

/// Deep values compare without recursion.
#[test]
fn deep_values_compare() {
    let deep = || (0..200_000).fold(Value::Int(1), |value, _| Value::list(vec![value]));
    assert!(deep().deep_equal(&deep()));
    assert!(!deep().deep_equal(&Value::list(vec![deep()])));
}

/// A frozen tree is dropped without recursion.
#[test]
fn deep_frozen_values() {
    let deep = (0..500_000).fold(Frozen::Int(1), |value, _| Frozen::list(vec![value]));
    drop(deep);
    let deep = (0..500_000).fold(Frozen::Int(1), |value, _| Frozen::map([("k", value)]));
    drop(deep.to_value());
}

/// A map that contains itself is an error where it is printed, and equal to itself.
#[test]
fn map_that_contains_itself() {
    let map = Map::new();
    map.insert("self", Value::Map(map.clone())).expect("not a nil map");
    let error = set("{{ . }}").execute("t", Value::Map(map.clone())).expect_err("endless");
    assert!(error.message().starts_with("value nests more than"), "{error}");
    assert!(Value::Map(map.clone()).deep_equal(&Value::Map(map.clone())));
    map.remove("self");
}

/// Lists that share elements double with every level; printing them stops in time.
#[test]
fn exponential_text() {
    let text = "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}";
    let error = run(text).expect_err("2^60 elements");
    assert_eq!(error.message(), "text of the value is longer than 67108864 bytes");
}

/// Rendering through functions has a depth limit, and the error that comes of it, ten thousand
/// links long, can be printed and dropped.
#[test]
fn endless_include() {
    let error = run(r#"{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}"#)
        .expect_err("endless");
    let text = error.to_string();
    assert!(
        text.ends_with("template: exceeded maximum depth of nested rendering (10000)"),
        "{text}"
    );
    assert_eq!(text.matches("error calling include").count(), 10_001);
}

/// Limits of the embedder's own.
#[test]
fn limits() {
    let set = set(
        r#"{{ define "r" }}{{ template "r" }}{{ end }}{{ if . }}{{ template "r" }}{{ end }}{{ range 100 }}0123456789{{ end }}"#,
    );
    let limits = Limits { template_depth: 10, render_depth: 10, output: 500, made: 10_000 };
    let execution = set.execution().limits(limits);
    let error = execution.execute("t", Value::Bool(true)).expect_err("endless");
    assert_eq!(error.message(), "exceeded maximum template depth (10)");
    let error = execution.execute("t", Value::Nil).expect_err("1000 bytes");
    assert_eq!(error.message(), "output exceeds the limit of 500 bytes");
}

/// What functions make counts together, however it is kept; what they only hand on counts little.
#[test]
fn memory_of_results() {
    let limits = Limits { made: 1 << 20, ..Limits::default() };
    let run = |text: &str| {
        let result = set(text).execution().limits(limits).execute("t", Value::Nil);
        result.map_err(|error| error.message().clone())
    };
    let text = format!("{{{{ $x := print {:?} }}}}", "x".repeat(300));
    let words = Err("functions made more than the limit of 1048576 bytes".to_owned());
    let keeps = "{{ range 10000 }}{{ $x = list $x (print . $x) }}{{ end }}";
    assert_eq!(run(&format!("{text}{{{{ $x := list }}}}{keeps}")), words);
    let hands_on = "{{ range 10000 }}{{ $y := and true $x }}{{ $y = or $x }}{{ end }}";
    assert_eq!(run(&format!("{text}{hands_on}")), Ok(Vec::new()));
}

/// A loop without end is stopped from outside, even if nothing happens in it.
#[test]
fn stopped_from_outside() {
    for text in [
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ range 9223372036854775807 }}{{ 1 }}{{ end }}",
    ] {
        let set = set(text);
        let stop = AtomicBool::new(false);
        let result = std::thread::scope(|scope| {
            let run = scope.spawn(|| set.execution().stop_when(&stop).execute("t", Value::Nil));
            stop.store(true, Ordering::Relaxed);
            run.join().expect("no panic")
        });
        assert_eq!(result.expect_err("stopped").message(), "execution was stopped");
    }
}

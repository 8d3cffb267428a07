//! Sets of templates, functions and errors, as embedders use them.

use std::sync::Arc;

use gotemplate::{
    CallContext, ExecError, FuncError, FuncMap, Function, Map, MissingKey, Parsed, TemplateSet,
    Type, Value,
};

/// An error of the embedder's own, which it wants to find again under any number of templates.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// What an execution hands to its functions.
struct Release {
    name: &'static str,
}

fn include(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(name), dot] = args else { return Err("arguments".into()) };
    Ok(Value::string(context.render(name, dot)?))
}

fn tpl(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(text), dot] = args else { return Err("arguments".into()) };
    let parsed = context.templates().parse_only("gotpl", text)?;
    let rendered = context.render_parsed(&parsed, dot);
    Ok(Value::string(rendered.map_err(|error| FuncError::wrap("error in tpl: ", error))?))
}

fn functions() -> FuncMap {
    let mut funcs = FuncMap::new();
    funcs.insert("include", Function::new(&[Type::String, Type::Any], Type::String, include));
    funcs.insert("tpl", Function::new(&[Type::String, Type::Any], Type::String, tpl));
    funcs.insert(
        "fail",
        Function::new(&[Type::String], Type::String, |_, args| {
            let text = args[0].as_str().map(ToString::to_string);
            Err(FuncError::other(Refused(text.unwrap_or_default())))
        }),
    );
    funcs.insert(
        "release",
        Function::new(&[], Type::String, |context, _| {
            Ok(Value::from(context.data::<Release>().map_or("", |release| release.name)))
        }),
    );
    funcs
}

fn set(texts: &[(&str, &str)]) -> TemplateSet {
    let mut set = TemplateSet::new("gotpl", functions());
    for (name, text) in texts {
        set.parse(*name, *text).expect("the template parses");
    }
    set
}

fn text(result: Result<Vec<u8>, ExecError>) -> String {
    match result {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(error) => panic!("{error}"),
    }
}

/// What is parsed into a clone stays in it, however many clones deep.
#[test]
fn clones_are_separate() {
    let original = set(&[("a", "original"), ("b", "{{ template \"a\" }}")]);
    let mut clone = original.clone();
    for depth in 0..30 {
        clone = clone.clone();
        clone.parse("a", format!("clone {depth}")).expect("parses");
        clone.parse(format!("only {depth}"), "x").expect("parses");
        assert_eq!(text(clone.execute("b", Value::Nil)), format!("clone {depth}"));
    }
    assert!(clone.contains("only 0") && clone.contains("only 29"));
    assert_eq!(clone.names().len(), 32);
    assert_eq!(text(original.execute("b", Value::Nil)), "original");
    assert!(!original.contains("only 0"));
}

/// A text that does not parse adds nothing, not even what it defined before the mistake.
#[test]
fn failed_parse_adds_nothing() {
    let mut set = set(&[("a", "A")]);
    let error = set.parse("a", "{{ define \"new\" }}x{{ end }}\n{{ if }}").expect_err("no value");
    assert_eq!((error.line, error.message.as_str()), (2, "missing value for if"));
    assert!(!set.contains("new"));
    assert_eq!(text(set.execute("a", Value::Nil)), "A");
}

/// A parsed text can be added to several sets.
#[test]
fn parsed_texts_are_shared() {
    let original = set(&[]);
    let parsed: Parsed = original.parse_only("t", "{{ define \"d\" }}D{{ end }}T").expect("parses");
    for _ in 0..2 {
        let mut set = original.clone();
        set.add(&parsed);
        assert_eq!(text(set.execute("t", Value::Nil)) + &text(set.execute("d", Value::Nil)), "TD");
    }
    assert!(original.names().is_empty());
}

/// Definitions in a text rendered by `tpl` are seen by it and by what it includes, and by nobody
/// else.
#[test]
fn tpl_has_a_set_of_its_own() {
    let set = set(&[
        ("a", r#"{{ tpl "{{ define \"q\" }}Q{{ end }}{{ include \"via\" . }}" . }}"#),
        ("via", r#"{{ include "q" . }}"#),
    ]);
    assert_eq!(text(set.execute("a", Value::Nil)), "Q");
    let error = set.execute("via", Value::Nil).expect_err("no q");
    assert_eq!(
        error.to_string(),
        "template: via:1:3: executing \"via\" at <include \"q\" .>: error calling include: \
         template: no template \"q\" associated with template \"gotpl\""
    );
}

/// A text without contents is rendered as such, even inside another one of the same name.
#[test]
fn empty_tpl_in_tpl() {
    let set = set(&[("t", r#"[{{ tpl "<{{ tpl \"{{/* c */}}\" . }}>" . }}]"#)]);
    assert_eq!(text(set.execute("t", Value::Nil)), "[<>]");
}

/// One set serves several threads at once, each with values of its own.
#[test]
fn sets_are_shared_between_threads() {
    let set = Arc::new(set(&[("t", "{{ range . }}{{ . }}{{ end }}")]));
    let threads: Vec<_> = (0..4)
        .map(|at: i64| {
            let set = Arc::clone(&set);
            std::thread::spawn(move || {
                text(set.execute("t", Value::list(vec![Value::Int(at), Value::Int(at + 1)])))
            })
        })
        .collect();
    let texts: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(texts, ["01", "12", "23", "34"]);
}

/// Functions get the data of the execution, also inside templates they render.
#[test]
fn data_of_the_execution() {
    let set = set(&[("t", r#"{{ release }} {{ tpl "{{ release }}" . }}"#)]);
    let execution = set.execution();
    let release = Release { name: "shop" };
    assert_eq!(text(execution.data(&release).execute("t", Value::Nil)), "shop shop");
    assert_eq!(text(execution.execute("t", Value::Nil)), " ");
}

/// The chain of an error can be followed from the outermost place to the innermost, and the
/// embedder's own error found at its end.
#[test]
fn errors_are_chains() {
    let set = set(&[
        ("page", "line\n  {{ include \"part\" . }}"),
        ("part", "{{ tpl \"{{ fail `too small` }}\" . }}"),
    ]);
    let error = set.execute("page", Value::Nil).expect_err("fail fails");

    let mut places = Vec::new();
    let mut link = Some(&error);
    while let Some(exec) = link {
        let place = exec.place().expect("every link has a place");
        places.push(format!("{}:{}:{} {}", place.file, place.line, place.column, place.node));
        link = exec.cause().and_then(FuncError::exec_error);
    }
    assert_eq!(
        places,
        [
            "page:2:5 include \"part\" .",
            "part:1:3 tpl \"{{ fail `too small` }}\" .",
            "gotpl:1:3 fail `too small`"
        ]
    );
    assert_eq!(error.function(), Some("include"));
    assert_eq!(error.downcast_ref::<Refused>().expect("found").0, "too small");
    assert!(error.message().ends_with(
        "error calling tpl: error in tpl: template: gotpl:1:3: executing \"gotpl\" at \
         <fail `too small`>: error calling fail: too small"
    ));
}

/// A parse error inside a function keeps its place and text.
#[test]
fn parse_errors_are_causes() {
    let set = set(&[("t", r#"{{ tpl "\n{{ nope }}" . }}"#)]);
    let error = set.execute("t", Value::Nil).expect_err("no such function");
    let cause = error.downcast_ref::<gotemplate::ParseError>().expect("found");
    assert_eq!((cause.name.to_string(), cause.line), ("gotpl".to_owned(), 2));
    assert_eq!(cause.message, "function \"nope\" not defined");
}

/// Functions of the embedder hide Go's own, keywords that are functions included.
#[test]
fn functions_hide_builtins() {
    let mut funcs = FuncMap::new();
    for name in ["len", "break"] {
        funcs.insert(name, Function::new(&[], Type::String, |_, _| Ok(Value::from("mine"))));
    }
    funcs.alias("length", "len");
    let mut set = TemplateSet::new("set", funcs);
    set.parse("t", "{{ len }} {{ break }} {{ length }}").expect("parses");
    assert_eq!(text(set.execute("t", Value::Nil)), "mine mine mine");
}

/// Functions may keep data of their own.
#[test]
fn closures() {
    let greeting = "hello".to_owned();
    let mut funcs = FuncMap::new();
    funcs.insert(
        "greet",
        Function::closure(vec![Type::String], Type::String, move |_, args| {
            let name = args[0].as_str().map(ToString::to_string).unwrap_or_default();
            Ok(Value::string(format!("{greeting} {name}")))
        }),
    );
    let mut set = TemplateSet::new("set", funcs);
    set.parse("t", "{{ greet \"Ada\" }}").expect("parses");
    assert_eq!(text(set.execute("t", Value::Nil)), "hello Ada");
}

/// Delimiters can be chosen, and are what errors show.
#[test]
fn other_delimiters() {
    let mut set = TemplateSet::new("set", FuncMap::new()).delims("[[", "");
    set.parse("t", "{{ [[ 1 }}[[- /* c */ -}} [[ template \"x\" }}").expect("parses");
    let error = set.execute("t", Value::Nil).expect_err("no x");
    assert_eq!(error.place().map(|place| place.node.as_str()), Some("[[template \"x\"}}"));
}

/// The option for missing keys holds for the whole set and its clones.
#[test]
fn missing_keys() {
    let mut set = TemplateSet::new("set", functions()).missing_key(MissingKey::Error);
    set.parse("t", "{{ tpl \"{{ .nope }}\" . }}").expect("parses");
    let error = set.execute("t", Value::Map(Map::new())).expect_err("no such key");
    assert!(error.to_string().ends_with("map has no entry for key \"nope\""), "{error}");
}

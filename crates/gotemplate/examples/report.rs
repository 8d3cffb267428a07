//! A small report: data, a function of one's own, a template that calls another, and an error with its place.
//!
//! `cargo run --package gotemplate --example report`

use std::error::Error;

use gotemplate::{Frozen, FuncMap, Function, TemplateSet, Type, Value};

const TEMPLATE: &str = r#"{{ define "line" }}{{ .name | shout | printf "%-8s" }}{{ range .sizes }} {{ printf "%04d" . }}{{ end }}
{{ end -}}
{{ range .rows }}{{ template "line" . }}{{ else }}nothing to report{{ end -}}
{{ len .rows }} rows
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut functions = FuncMap::new();
    // func shout(text string) string
    functions.insert(
        "shout",
        Function::new(&[Type::String], Type::String, |_, args| match args {
            [Value::String(text)] => Ok(Value::string(text.to_ascii_uppercase())),
            _ => Err("shout: arguments are checked before the call".into()),
        }),
    );
    let mut set = TemplateSet::new("reports", functions);
    set.parse("report", TEMPLATE)?;

    // Frozen data is shared by any number of executions; each sees it as maps and lists of its own.
    let row = |name: &str, sizes: &[i64]| {
        let sizes = sizes.iter().map(|size| Frozen::Int(*size)).collect();
        Frozen::map([("name", Frozen::string(name)), ("sizes", Frozen::list(sizes))])
    };
    let data =
        Frozen::map([("rows", Frozen::list(vec![row("disk", &[1, 20]), row("net", &[300])]))]);
    print!("{}", String::from_utf8_lossy(&set.execute("report", data.to_value())?));

    set.parse("broken", "{{ .rows.name }}")?;
    if let Err(error) = set.execute("broken", data.to_value()) {
        println!("{error}");
    }
    Ok(())
}

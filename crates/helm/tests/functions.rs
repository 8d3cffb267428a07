//! Every template function against what Helm itself answers.
//!
//! The files in `tests/functions` hold one template per line, each followed by Helm's answer:
//! lines of output after `= `, or an error after `! `. To add a case, write the template alone and
//! let Helm answer (`LANDFALL_HELM` names the binary):
//!
//! ```text
//! cargo test -p helm --test functions -- --ignored
//! ```

use gotemplate::{Frozen, MissingKey, TemplateSet};
use helm::functions::{Refusal, func_map};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

/// The values all cases may use, as Helm is given them.
const VALUES: &str = "num: 3\ns: abc\nl: [1, two, null]\nm: {a: 1, b: x}\nz: 0\n";

/// The same values as the function under test sees them.
fn dot() -> Frozen {
    let text = |text: &str| Frozen::string(text);
    let values = Frozen::map([
        ("num", Frozen::Float64(3.0)),
        ("s", text("abc")),
        ("l", Frozen::list(vec![Frozen::Float64(1.0), text("two"), Frozen::Nil])),
        ("m", Frozen::map([("a", Frozen::Float64(1.0)), ("b", text("x"))])),
        ("z", Frozen::Float64(0.0)),
    ]);
    Frozen::map([("Values", values)])
}

/// What a template gives: its output, or the error without the places that led to it.
type Answer = Result<String, String>;

struct Case {
    template: String,
    answer: Answer,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/functions");
    let entries = fs::read_dir(folder).expect("the folder of cases is there");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a file of cases").path()).collect();
    files.sort();
    files
}

fn read_cases(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).expect("a file of cases is UTF-8");
    let mut cases: Vec<Case> = Vec::new();
    let mut answer: Vec<(char, &str)> = Vec::new();
    let finish = |cases: &mut Vec<Case>, answer: &mut Vec<(char, &str)>| {
        let Some(case) = cases.last_mut() else { return };
        let lines: Vec<&str> = answer.iter().map(|(_, line)| *line).collect();
        let text = lines.join("\n");
        let failed = answer.first().is_some_and(|(sign, _)| *sign == '!');
        case.answer = if failed { Err(text) } else { Ok(text) };
        answer.clear();
    };
    for line in text.lines() {
        match line.chars().next() {
            Some(sign @ ('=' | '!')) => answer.push((sign, line.get(2..).unwrap_or_default())),
            Some(_) => {
                finish(&mut cases, &mut answer);
                cases.push(Case { template: line.to_owned(), answer: Ok(String::new()) });
            }
            None => {}
        }
    }
    finish(&mut cases, &mut answer);
    cases
}

/// Every function answers as Helm does, right and wrong arguments alike.
#[test]
fn functions_answer_as_helm_does() {
    // Some answers depend on the local time zone, which a process can only be given from outside.
    if env::var("TZ").as_deref() != Ok("UTC") {
        let itself = env::current_exe().expect("this test has a program");
        let arguments = ["functions_answer_as_helm_does", "--exact", "--nocapture"];
        let output = Command::new(itself).args(arguments).env("TZ", "UTC").output();
        let output = output.expect("this test can be started again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let mut differences = String::new();
    let mut count = 0;
    for file in files() {
        for case in read_cases(&file) {
            count += 1;
            let found = render(&case.template);
            if found != case.answer {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let Case { template, answer } = &case;
                write!(
                    differences,
                    "\n{name}: {template}\n  Helm: {answer:?}\n  here: {found:?}\n"
                )
                .expect("memory takes every write");
            }
        }
    }
    assert!(count > 400, "only {count} cases were found");
    assert!(differences.is_empty(), "{differences}");
}

fn render(template: &str) -> Answer {
    let mut set = TemplateSet::new("set", func_map()).missing_key(MissingKey::Zero);
    set.parse("case", template)
        .map_err(|error| error.message.rsplit(": ").next().unwrap_or_default().to_owned())?;
    match set.execute("case", dot().to_value()) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(error) => Err(match error.downcast_ref::<Refusal>() {
            Some(refusal) => refusal.message.clone(),
            None => error.message(),
        }),
    }
}

/// Asks Helm for all answers and writes them into the files of cases.
#[test]
#[ignore = "rewrites the expectations with the answers of a Helm binary"]
fn regenerate() {
    for file in files() {
        let cases = read_cases(&file);
        let half = cases.len().div_ceil(2);
        let (first, second) = cases.split_at(half);
        let answers = thread::scope(|scope| {
            let other = scope.spawn(|| second.iter().map(ask_helm).collect::<Vec<_>>());
            let mut answers: Vec<Answer> = first.iter().map(ask_helm).collect();
            answers.extend(other.join().expect("the other half is answered"));
            answers
        });
        let mut text = String::new();
        for (case, answer) in cases.iter().zip(answers) {
            text.push_str(&case.template);
            text.push('\n');
            let (sign, answer) = match answer {
                Ok(answer) => ('=', answer),
                Err(answer) => ('!', answer),
            };
            for line in answer.split('\n') {
                let blank = if line.is_empty() { "" } else { " " };
                writeln!(text, "{sign}{blank}{line}").expect("memory takes every write");
            }
        }
        fs::write(file, text).expect("the file of cases can be written");
    }
}

/// Renders one template with Helm. The output travels as base64, so that every byte survives.
fn ask_helm(case: &Case) -> Answer {
    let chart = tempfile::tempdir().expect("a folder for the chart");
    let write = |name: &str, text: &str| {
        fs::write(chart.path().join(name), text).expect("the chart can be written");
    };
    fs::create_dir(chart.path().join("templates")).expect("the chart can be written");
    write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n");
    write("values.yaml", VALUES);
    write("templates/_case.tpl", &format!("{{{{define \"case\"}}}}{}{{{{end}}}}", case.template));
    write("templates/out.yaml", "out: {{ include \"case\" . | b64enc | quote }}\n");
    let output = Command::new(helm())
        .args(["template", "r"])
        .arg(chart.path())
        .env("TZ", "UTC")
        .output()
        .expect("LANDFALL_HELM or .cache/tools/bin/helm is a program that runs");
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let encoded = text.split('"').nth(1).unwrap_or_default();
        let decode = "{{ . | b64dec }}";
        let mut set = TemplateSet::new("set", func_map());
        set.parse("decode", decode).expect("a template of ours");
        let decoded = set.execute("decode", Frozen::string(encoded).to_value());
        return Ok(String::from_utf8_lossy(&decoded.expect("b64dec works")).into_owned());
    }
    Err(error_text(&String::from_utf8_lossy(&output.stderr)))
}

/// The last cause in what Helm prints about an error.
fn error_text(printed: &str) -> String {
    let printed = printed.split("\n\nUse --debug flag").next().unwrap_or_default();
    let printed = printed.trim_end_matches('\n');
    if let Some((_, message)) =
        printed.split_once("execution error at (").and_then(|(_, rest)| rest.split_once("): "))
    {
        return message.to_owned();
    }
    if let Some((_, message)) =
        printed.split_once("parse error at (").and_then(|(_, rest)| rest.split_once("): "))
    {
        return message.to_owned();
    }
    let inner = printed.split_once("executing \"case\" at <").map_or(printed, |(_, rest)| rest);
    match inner.split_once(">: ") {
        Some((_, message)) if !inner.contains(">:\n    ") => message.to_owned(),
        _ => inner.split_once(">:\n    ").map_or(inner, |(_, message)| message).to_owned(),
    }
}

fn helm() -> PathBuf {
    match env::var_os("LANDFALL_HELM") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/bin/helm"),
    }
}

//! Calls of template functions: made from tables, answered by both engines.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use helm::chart::Chart;
use helm::functions::func_map;
use helm::render::{PreparedChart, ReleaseOptions, RenderInput};

use super::{Answer, chain, helm_binary};

const CHARTFILE: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\nkeywords: [k, 1]\n";
const VALUES: &str =
    "num: 3\nzero: 0\nstr: abc\nflag: true\nlist: [1, two, null]\nmap: {a: 1, b: {c: d}}\n";
const HELPER: &str = "{{ define \"helper\" }}<{{ . }}>{{ end }}";
/// Calls drawn with all arguments odd, for each function.
const DRAWN: u64 = 60;

/// A function of the table.
pub(crate) struct Function {
    pub(crate) name: String,
    marks: String,
    arguments: Vec<String>,
}

/// One call.
#[derive(Clone)]
pub(crate) struct Call {
    /// As a template has it.
    text: String,
    marks: String,
}

/// What this crate does with a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It gives a result.
    Output,
    /// It fails.
    Error,
    /// It fails on purpose: `fail` and `required`, which `helm lint` passes over.
    Told,
}

/// Reads the table of functions.
pub(crate) fn read_functions(table: &str) -> Vec<Function> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        let mut parts = line.split(" | ").map(str::to_owned);
        let name = parts.next().unwrap_or_default();
        let marks: String = name.chars().take_while(|c| !c.is_alphanumeric()).collect();
        Function { name: name[marks.len()..].to_owned(), marks, arguments: parts.collect() }
    };
    lines.map(read).collect()
}

/// FNV: the same draw in every run, on every machine.
fn digest(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // FNV's low bits repeat in short periods.
    state ^ (state >> 29)
}

/// One in `share` of all calls that the tables give; every function's own example always.
pub(crate) fn generate(functions: &[Function], odd: &[String], share: u64) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut seen = BTreeSet::new();
    for function in functions {
        let mut add = |arguments: &[String], always: bool| {
            let costly = if function.marks.contains('$') { 16 } else { 1 };
            for text in writings(&function.name, arguments) {
                let taken = digest(&["call", &text]).is_multiple_of(share * costly);
                if (always || taken) && seen.insert(text.clone()) {
                    calls.push(Call { text, marks: function.marks.clone() });
                }
            }
        };
        let odd: Vec<&String> = odd.iter().filter(|value| fits(&function.marks, value)).collect();
        let liked = &function.arguments;
        add(liked, true);
        for count in 0..liked.len() {
            add(&liked[..count], true);
        }
        let more: Vec<String> = liked.iter().cloned().chain(["\"more\"".to_owned()]).collect();
        add(&more, true);
        for place in 0..more.len() {
            for value in &odd {
                let mut arguments = if place < liked.len() { liked.clone() } else { more.clone() };
                arguments[place].clone_from(value);
                add(&arguments, false);
            }
        }
        for round in 0..DRAWN {
            let draw = |place: usize| {
                let number = digest(&[&function.name, &round.to_string(), &place.to_string()]);
                let at = number % odd.len() as u64;
                odd[usize::try_from(at).expect("below a length")].clone()
            };
            let arguments: Vec<String> = (0..liked.len()).map(draw).collect();
            add(&arguments, false);
        }
    }
    calls
}

fn fits(marks: &str, value: &str) -> bool {
    // A list of 2^63 numbers is nothing to compare.
    let huge = value.contains("922337203685477580");
    // What a call changes must be seen by no other call.
    let shared = value.starts_with('.') && !value.starts_with(".Values.n");
    // Addresses, and fields that no template can reach, are shown by few functions.
    let object = ["Capabilities", "semver", "toDate"].iter().any(|part| value.contains(part));
    !(marks.contains('^') && huge
        || marks.contains('!') && shared
        || marks.contains('*') && value.contains("\\xff")
        || marks.contains('%') && object)
}

/// The call as a list of arguments, and with the last one piped, which Go checks elsewhere.
fn writings(name: &str, arguments: &[String]) -> Vec<String> {
    let mut all = vec![[&[name.to_owned()], arguments].concat().join(" ")];
    if let Some((last, rest)) = arguments.split_last() {
        all.push(format!("{last} | {}", [&[name.to_owned()], rest].concat().join(" ")));
    }
    all
}

impl Call {
    /// The template that shows the result from several sides.
    fn template(&self) -> String {
        let shown = if self.marks.contains('~') {
            "{{ typeOf $r }}"
        } else if self.marks.contains('&') {
            "{{ typeOf $r }} {{ sortAlpha $r }}"
        } else {
            "{{ printf \"%T|%v|%q\" $r $r $r }}|{{ $r }}|{{ toJson $r }}|{{ toYaml $r }}|{{ toYamlPretty $r }}"
        };
        format!("{{{{ $r := {} }}}}{shown}", self.text)
    }
}

/// The chart around calls: its files beside the templates given.
fn files(templates: &[(&str, String)]) -> Vec<(String, Vec<u8>)> {
    let fixed = [
        ("Chart.yaml", CHARTFILE),
        ("values.yaml", VALUES),
        ("file.txt", "line\nsecond é\n"),
        ("templates/_helper.tpl", HELPER),
    ];
    let fixed = fixed.iter().map(|(name, text)| (*name, (*text).to_owned()));
    fixed
        .chain(templates.iter().cloned())
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .collect()
}

fn write(folder: &Path, files: &[(String, Vec<u8>)]) {
    std::fs::create_dir_all(folder.join("templates")).expect("a folder for the chart");
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("the chart can be written");
    }
}

fn ours(files: Vec<(String, Vec<u8>)>) -> Answer {
    let chart = Chart::from_files(files).map_err(chain)?;
    let prepared = PreparedChart::new(chart).map_err(chain)?;
    let release = ReleaseOptions::install("test-release", "default");
    let input = RenderInput::new(goyaml::Value::Null, release);
    prepared.render(&input).map(|rendered| rendered.manifest).map_err(chain)
}

/// Says what this crate does with a call, without its words.
pub(crate) fn predict(call: &Call) -> Kind {
    match ours(single(call)) {
        Ok(_) => Kind::Output,
        Err(text) if text.starts_with("execution error at (") => Kind::Told,
        Err(_) => Kind::Error,
    }
}

/// A chart with this call alone, which prints nothing.
fn single(call: &Call) -> Vec<(String, Vec<u8>)> {
    files(&[("templates/t.yaml", format!("{{{{ $r := {} }}}}", call.text))])
}

/// Renders calls together, and names those whose results differ.
pub(crate) fn compare_outputs(calls: &[Call]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut left: Vec<&Call> = calls.iter().collect();
    // A clock may move on between the two engines, but not every time.
    for attempt in 0..3 {
        let (theirs, here, failed) = render_together(&left, &mut differences);
        left.retain(|call| !failed.contains(&call.text));
        let differing: Vec<usize> =
            (0..left.len()).filter(|at| theirs.get(*at) != here.get(*at)).collect();
        let again = |at: &&usize| attempt < 2 && left[**at].marks.contains('@');
        for at in differing.iter().filter(|at| !again(at)) {
            differences.push(difference(left[*at], theirs.get(*at), here.get(*at)));
        }
        left = differing.iter().filter(again).map(|at| left[*at]).collect();
        if left.is_empty() {
            break;
        }
    }
    differences
}

fn difference(call: &Call, theirs: Option<&String>, here: Option<&String>) -> String {
    format!("{}\n  Helm: {theirs:?}\n  here: {here:?}", call.text)
}

type Lines = Vec<String>;

/// The results by call, and the calls that failed after all.
fn render_together(
    calls: &[&Call],
    differences: &mut Vec<String>,
) -> (Lines, Lines, BTreeSet<String>) {
    let mut calls = calls.to_vec();
    let mut failed = BTreeSet::new();
    loop {
        let chart = together(&calls);
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &chart);
        let (theirs, here) = (helm_template(folder.path()), ours(chart));
        let culprit = match (&theirs, &here) {
            (Ok(theirs), Ok(here)) => return (results(theirs), results(here), failed),
            (Err(text), _) | (_, Err(text)) => culprit(text, &calls),
        };
        let call = calls.remove(culprit);
        failed.insert(call.text.clone());
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &single(call));
        let theirs = helm_template(folder.path());
        differences.push(format!("{}\n  Helm: {theirs:?}\n  here it succeeds", call.text));
        assert!(failed.len() < 30, "too many calls fail\n{}", differences.join("\n"));
    }
}

/// A chart that calls them all. Results travel as base64 in comments, so that every byte survives.
fn together(calls: &[&Call]) -> Vec<(String, Vec<u8>)> {
    let (mut defines, mut shown) = (String::new(), String::new());
    for (at, call) in calls.iter().enumerate() {
        writeln!(defines, "{{{{ define \"call{at}.\" }}}}{}{{{{ end }}}}", call.template())
            .expect("memory takes every write");
        writeln!(shown, "# {{{{ include \"call{at}.\" . | b64enc }}}}")
            .expect("memory takes every write");
    }
    files(&[("templates/_calls.tpl", defines), ("templates/t.yaml", shown)])
}

fn helm_template(chart: &Path) -> Answer {
    let output = Command::new(helm_binary())
        .args(["template", "test-release"])
        .arg(chart)
        .args(["--namespace", "default"])
        .output()
        .expect("Helm can be started");
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).expect("base64 is text"));
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(stderr.split_once("Error: ").map_or(&*stderr, |(_, text)| text).to_owned())
}

fn results(printed: &str) -> Vec<String> {
    let decode = LazyCell::new(|| {
        let mut set = gotemplate::TemplateSet::new("set", func_map());
        set.parse("decode", "{{ . | b64dec }}").expect("a template of ours");
        set
    });
    let lines = printed.lines().filter(|line| line.starts_with('#') && !line.contains("Source"));
    let text = |line: &str| {
        let encoded = gotemplate::Value::string(line[1..].trim());
        let bytes = decode.execute("decode", encoded).expect("base64 can be read");
        without_addresses(&bytes.escape_ascii().to_string())
    };
    lines.map(text).collect()
}

/// Go prints pointers inside of collections as addresses.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_hexdigit).count();
        out.push_str(if digits > 8 { "0xADDRESS" } else { "0x" });
        out.push_str(&part[if digits > 8 { digits } else { 0 }..]);
    }
    out
}

/// Which of the calls an error is about.
fn culprit(error: &str, calls: &[&Call]) -> usize {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let by_name = error.rsplit("\"call").next().map(number).and_then(|digits| digits.parse().ok());
    let by_line = error.split("_calls.tpl:").nth(1).map(number);
    let by_line = by_line.and_then(|digits| digits.parse::<usize>().ok()).map(|line| line - 1);
    let at = if error.contains("\"call") { by_name } else { by_line };
    at.filter(|at| *at < calls.len())
        .unwrap_or_else(|| panic!("which call was it? {}", &error[..error.len().min(2000)]))
}

/// Lets Helm lint a chart for every call, and names those whose errors differ.
pub(crate) fn compare_errors(calls: &[Call]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, call) in calls.iter().enumerate() {
        write(&folder.path().join(at.to_string()), &single(call));
    }
    let output = Command::new(helm_binary())
        .arg("lint")
        .args((0..calls.len()).map(|at| at.to_string()))
        .current_dir(folder.path())
        .output()
        .expect("Helm can be started");
    let printed = String::from_utf8_lossy(&output.stdout);
    let theirs: HashMap<&str, String> =
        printed.split("==> Linting ").filter_map(|part| part.split_once('\n')).map(lint).collect();
    let differ = |(at, call): (usize, &Call)| {
        let here = ours(single(call)).err();
        let theirs = theirs.get(&*at.to_string());
        (theirs != here.as_ref()).then(|| difference(call, theirs, here.as_ref()))
    };
    calls.iter().enumerate().filter_map(differ).collect()
}

/// The error in what `helm lint` says of one chart.
fn lint<'a>((name, text): (&'a str, &str)) -> (&'a str, String) {
    let error = text.split_once("[ERROR] templates/: ").map_or("", |(_, error)| error);
    (name, error.trim_end_matches('\n').to_owned())
}

/// Runs Helm for each call that fails on purpose.
pub(crate) fn compare_refusals(calls: &[Call]) -> Vec<String> {
    let differ = |call: &Call| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &single(call));
        let (theirs, here) = (helm_template(folder.path()), ours(single(call)));
        let theirs = theirs.map_err(|text| {
            text.split("\n\nUse --debug flag").next().unwrap_or_default().trim_end().to_owned()
        });
        let same =
            theirs.is_err() && theirs == here.clone().map_err(|text| text.trim_end().to_owned());
        (!same).then(|| difference(call, theirs.err().as_ref(), here.err().as_ref()))
    };
    calls.iter().filter_map(differ).collect()
}

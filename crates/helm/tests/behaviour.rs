//! What charts and templates rely on, one behaviour after the other, in Helm's own words.
//!
//! Each file in `tests/behaviour` holds cases: a heading, the chart's files, and what is printed.
//! Every case is rendered by this crate and by real Helm, and both must answer as it stands there,
//! so that no expectation can outlive the Helm it was written for.
//!
//! ```text
//! == heading
//! values.yaml | first line of that file
//! | its second line
//! flags | --set a=1
//! template | body of a block scalar in templates/t.txt, on line 2, indented by two
//! output | what stands in its place
//! ```
//!
//! `lines` is a `template` whose output has lines of its own and is indented by `nindent`. `stdout` is
//! all that is printed, `error` what follows `Error: ` (without the hint about `--debug`). `␍` is a
//! carriage return, `∎` says that no line break follows. `stderr` are the lines of the log, in any order.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, thread};

use support::behaviour::{self, Behaviour};
use support::log::logged;
use support::{Answer, ours, real_with_log};

const HINT: &str = "\n\nUse --debug flag to render out invalid YAML";

fn check(behaviour: &Behaviour) -> Result<(), String> {
    let chart = behaviour.chart();
    let flags: Vec<&str> = behaviour.flags.iter().map(String::as_str).collect();
    let wanted = &behaviour.answer;
    let mut wrong = String::new();
    let theirs = real_with_log(chart.path(), &flags);
    let here = logged(|| ours(chart.path(), &flags));
    for (who, (answer, mut log)) in [("Helm", theirs), ("this crate", here)] {
        let answer: Answer = answer.map_err(|text| text.trim_end_matches(HINT).to_owned());
        if answer != *wanted {
            write!(wrong, "\n  expected: {wanted:?}\n  {who}: {answer:?}").expect("memory");
        }
        log.sort();
        if log != behaviour.log {
            write!(wrong, "\n  expected: {:?}\n  {who}: {log:?}", behaviour.log).expect("memory");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}{wrong}\n", behaviour.heading)) }
}

/// Every behaviour is Helm's and ours.
#[test]
fn behaviours_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let behaviours: Vec<Behaviour> = files.iter().flat_map(|file| behaviour::read(file)).collect();
    assert!(behaviours.len() >= 142, "only {} behaviours were found", behaviours.len());
    let (first, second) = behaviours.split_at(behaviours.len() / 2);
    let wrong = |part: &[Behaviour]| -> Vec<String> {
        part.iter().filter_map(|behaviour| check(behaviour).err()).collect()
    };
    let wrong = thread::scope(|scope| {
        let other = scope.spawn(|| wrong(second));
        let mut all = wrong(first);
        all.extend(other.join().expect("the other half is checked"));
        all
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

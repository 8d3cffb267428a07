//! A folder of public charts, each with its default values and with switches flipped, held against
//! Helm: the same bytes, or a refusal in the same words.
//!
//! They are not part of the project: `LANDFALL_CHARTS` names a folder that holds them. Helm's answers
//! are kept where CI keeps its caches, by Helm's version, the chart's contents and the values, so that
//! only the first run takes long. `LANDFALL_CHARTS_SEED` (default 1) and `LANDFALL_CHARTS_FILES` (files
//! of flipped switches for each chart, default 2) make other and longer runs.

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, thread};

use support::answers::Answers;
use support::flipped::{flipped, switches};
use support::{Answer, ours};

/// Renders by Helm until a line is taken to be always the same.
const ATTEMPTS: usize = 12;

/// How many of a hundred refusals may have other words: Helm's own vary with the order of maps.
const OTHER_WORDS: usize = 2;

#[derive(Default)]
struct Outcome {
    renders: usize,
    refusals: usize,
    other_words: Vec<String>,
    differences: Vec<String>,
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("the variable is a number"))
}

/// Every chart renders to Helm's bytes, or is refused as Helm refuses it.
#[test]
fn charts_render_as_helm_does() {
    let Some(folder) = env::var_os("LANDFALL_CHARTS") else {
        // Printed past the test's own capture: that nothing was compared must be seen.
        let mut terminal = std::io::stderr().lock();
        writeln!(
            terminal,
            "LEFT OUT: no public chart was compared with Helm, because LANDFALL_CHARTS does not name \
             a folder of charts"
        )
        .expect("standard error takes every write");
        return;
    };
    let mut charts: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("LANDFALL_CHARTS is a folder")
        .map(|entry| entry.expect("LANDFALL_CHARTS can be listed").path())
        .filter(|path| path.join("Chart.yaml").is_file())
        .collect();
    charts.sort();
    assert!(!charts.is_empty(), "LANDFALL_CHARTS has no charts");
    let (first, second) = charts.split_at(charts.len() / 2);
    let [first, second] = thread::scope(|scope| {
        let other = scope.spawn(|| compare_all(second));
        [compare_all(first), other.join().expect("the other half is compared")]
    });
    let refusals = first.refusals + second.refusals;
    let other_words = [first.other_words, second.other_words].concat();
    let differences = [first.differences, second.differences].concat();
    println!(
        "{} charts: {} renders, {refusals} refusals, {} of them in other words",
        charts.len(),
        first.renders + second.renders,
        other_words.len(),
    );
    assert!(differences.is_empty(), "{}\n{}", differences.len(), differences.join("\n"));
    assert!(other_words.len() * 100 <= refusals * OTHER_WORDS, "{}", other_words.join("\n"));
}

fn compare_all(charts: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome::default();
    let (seed, files) = (number("LANDFALL_CHARTS_SEED", 1), number("LANDFALL_CHARTS_FILES", 2));
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let values = temporary.path().join("values.yaml");
    for chart in charts {
        let answers = Answers::new(chart);
        compare(chart, &answers, &[], &mut outcome);
        let switches = switches(&chart.join("values.yaml"));
        let name = chart.file_name().unwrap_or_default().to_string_lossy();
        for file in 0..files {
            let Some(text) = flipped(&switches, &format!("{seed}/{name}/{file}")) else { continue };
            fs::write(&values, text).expect("the values can be written");
            compare(chart, &answers, &["-f", values.to_str().expect("UTF-8")], &mut outcome);
        }
    }
    outcome
}

fn compare(chart: &Path, answers: &Answers, flags: &[&str], outcome: &mut Outcome) {
    let first = answers.get(flags, 0);
    // A schema elsewhere, which is not fetched here; or a folder that was copied without what its
    // links point to.
    let elsewhere = ["Get \"http", "error evaluating symlink"];
    if first.as_ref().is_err_and(|text| elsewhere.iter().any(|part| text.contains(part))) {
        return;
    }
    let here = ours(chart, flags);
    let title = || {
        let values = flags.get(1).map(|file| fs::read_to_string(file).unwrap_or_default());
        format!("{} {}", chart.display(), values.unwrap_or_default().replace('\n', "\\n"))
    };
    match (&first, &here) {
        (Ok(_), Ok(here)) => {
            outcome.renders += 1;
            if let Some(difference) = difference(here, &|attempt| answers.get(flags, attempt)) {
                outcome.differences.push(format!("{}\n  {difference}", title()));
            }
        }
        (Err(wanted), Err(found)) => {
            outcome.refusals += 1;
            let again = |attempt| answers.get(flags, attempt).is_err_and(|text| text == *found);
            if wanted != found && !(1..ATTEMPTS).any(again) {
                let text = format!("{}\n  Helm: {wanted}\n  here: {found}", title());
                outcome.other_words.push(text);
            }
        }
        (Ok(_), Err(found)) => {
            outcome.differences.push(format!("{}\n  refused here: {found}", title()));
        }
        (Err(wanted), Ok(_)) => {
            outcome.differences.push(format!("{}\n  refused by Helm: {wanted}", title()));
        }
    }
}

/// The first line that Helm prints in this way alone, and otherwise than it is here. Passwords,
/// certificates and maps without order are different every time.
fn difference(here: &str, helm: &dyn Fn(usize) -> Answer) -> Option<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut found = String::new();
    for attempt in 0..ATTEMPTS {
        seen.push(helm(attempt).ok()?);
        found = first_difference(here, &seen)?;
    }
    Some(found)
}

fn first_difference(here: &str, seen: &[String]) -> Option<String> {
    let seen: Vec<Vec<&str>> = seen.iter().map(|text| text.split('\n').collect()).collect();
    let here: Vec<&str> = here.split('\n').collect();
    let same_length: Vec<&Vec<&str>> =
        seen.iter().filter(|lines| lines.len() == here.len()).collect();
    let Some(first) = same_length.first() else {
        return Some(format!("{} lines by Helm, {} here", seen[0].len(), here.len()));
    };
    let differs = |at: &usize| {
        let varies = same_length.iter().any(|lines| lines[*at] != first[*at]);
        !varies && here[*at] != first[*at]
    };
    let at = (0..here.len()).find(differs)?;
    Some(format!("line {}\n  Helm: {}\n  here: {}", at + 1, first[at], here[at]))
}

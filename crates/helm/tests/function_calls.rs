//! Every template function with ordinary, odd and wrong arguments, through this crate and real Helm.
//!
//! `tests/calls/functions.txt` has every function with arguments it likes. Each of them is replaced by
//! every value of `tests/calls/arguments.txt` in turn, the number of arguments is varied, and some
//! calls are drawn with all arguments odd. What this crate answers is grouped: calls that succeed are
//! rendered by Helm together, and calls that fail are charts of their own that one `helm lint` goes over,
//! since an error ends a render. Output, types and error texts must be the same.
//!
//! `LANDFALL_CALLS_SHARE=1` takes all calls, as `make soak` does; by default every sixteenth is taken.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, thread};

use helm::functions::func_map;
use support::calls::{self, Call, Kind};

/// How many calls stand in one chart, or in one `helm lint`.
const GROUP: usize = 400;

fn table(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls").join(name);
    fs::read_to_string(path).expect("the tables of calls are there")
}

fn share() -> u64 {
    let share = std::env::var("LANDFALL_CALLS_SHARE").ok();
    share.map_or(16, |text| text.parse().expect("LANDFALL_CALLS_SHARE is a number"))
}

/// No function is missing in the table.
#[test]
fn the_table_has_every_function() {
    let listed: BTreeSet<String> =
        calls::read_functions(&table("functions.txt")).into_iter().map(|f| f.name).collect();
    let funcs = func_map();
    let missing: Vec<&str> = funcs.names().filter(|name| !listed.contains(*name)).collect();
    assert!(missing.is_empty(), "not in functions.txt: {missing:?}");
}

/// Both engines answer every call alike.
#[test]
fn calls_are_answered_as_helm_does() {
    let functions = calls::read_functions(&table("functions.txt"));
    let arguments: Vec<String> = table("arguments.txt").lines().map(str::to_owned).collect();
    let calls = calls::generate(&functions, &arguments, share());
    let (mut rendered, mut refused, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        match calls::predict(&call) {
            Kind::Output => rendered.push(call),
            Kind::Error => refused.push(call),
            Kind::Told => told.push(call),
        }
    }
    println!("{} succeed, {} fail, {} by fail", rendered.len(), refused.len(), told.len());
    assert!(rendered.len() > 500 && refused.len() > 500, "too few calls were made");
    let mut differences = Vec::new();
    differences.extend(halves(&rendered, calls::compare_outputs));
    differences.extend(halves(&refused, calls::compare_errors));
    differences.extend(halves(&told, calls::compare_refusals));
    let count = differences.len();
    assert!(count == 0, "{count} differences\n{}", differences.join("\n"));
}

/// Runs groups of the calls on two threads.
fn halves(calls: &[Call], compare: fn(&[Call]) -> Vec<String>) -> Vec<String> {
    let run = |part: &[Call]| part.chunks(GROUP).flat_map(compare).collect::<Vec<_>>();
    let (first, second) = calls.split_at(calls.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| run(second));
        let mut all = run(first);
        all.extend(other.join().expect("the other half is compared"));
        all
    })
}

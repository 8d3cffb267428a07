//! Any bytes as a chart archive: bare, wrapped into gzip, and as the contents of a sound archive. What loads can
//! be rendered.
#![no_main]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arbitrary::Unstructured;
use fuzz::{entries, within_bounds};
use goyaml::Value;
use helm::chart::Chart;
use helm::render::{PreparedChart, PrintedHooks, ReleaseOptions, RenderInput};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    within_bounds(bytes, |stop| {
        let Some((kind, rest)) = bytes.split_first() else { return };
        let archive = match kind % 8 {
            0 => rest.to_vec(),
            1 => entries::gzip(rest),
            _ => match entries::archive(&mut Unstructured::new(rest)) {
                Ok(archive) => archive,
                Err(_) => return,
            },
        };
        match Chart::from_archive(&archive) {
            Ok(chart) => use_up(chart, stop),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
});

fn use_up(chart: Chart, stop: &Arc<AtomicBool>) {
    let _ = chart.crds();
    let Ok(prepared) = PreparedChart::new(chart) else { return };
    let input = RenderInput {
        stop: Some(Arc::clone(stop)),
        ..RenderInput::new(Value::Null, ReleaseOptions::install("r", "ns"))
    };
    match prepared.render(&input) {
        Ok(rendered) => drop(rendered.to_printed(PrintedHooks::All)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

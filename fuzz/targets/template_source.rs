//! Any bytes as the source of a template: it parses or does not, and what parses can be executed.
#![no_main]

use std::sync::Arc;
use std::sync::LazyLock;

use fuzz::within_bounds;
use gotemplate::{Frozen, FuncMap, Limits, TemplateSet};
use libfuzzer_sys::fuzz_target;

static FUNCTIONS: LazyLock<Arc<FuncMap>> = LazyLock::new(|| Arc::new(helm::functions::func_map()));

fuzz_target!(|source: &[u8]| {
    within_bounds(source, |stop| {
        let mut set = TemplateSet::new("set", Arc::clone(&FUNCTIONS));
        match set.parse("t", source) {
            Ok(()) => {
                let dot =
                    Frozen::map([("a", Frozen::string("x")), ("b", Frozen::Int(1))]).to_value();
                let limits = Limits { output: 16 << 20, ..Limits::default() };
                let result = set.execution().limits(limits).stop_when(stop).execute("t", dot);
                if let Err(error) = result {
                    assert!(!error.to_string().is_empty());
                }
            }
            Err(error) => assert!(error.to_string().starts_with("template: "), "{error}"),
        }
    });
});

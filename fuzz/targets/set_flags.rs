//! Any texts as flags of the `--set` family, several of them on the same values. What they leave can be written.
#![no_main]

use fuzz::within_bounds;
use goyaml::{Map, Value};
use helm::values::set;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    within_bounds(bytes, |_| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let mut values = Map::new();
        for flag in text.split('\n') {
            let Some(kind) = flag.chars().next() else { continue };
            let text = &flag[kind.len_utf8()..];
            let result = match kind {
                's' => set::set_string(text, &mut values),
                'j' => set::set_json(text, &mut values),
                'l' => set::set_literal(text, &mut values),
                'f' => set::set_file(text, &mut values, &mut |path| Ok(path.to_uppercase())),
                'o' => match set::json_object(text) {
                    Some(Ok(object)) => {
                        values = helm::values::merge_maps(&values, &object);
                        Ok(())
                    }
                    Some(Err(error)) => Err(error),
                    None => Ok(()),
                },
                _ => set::set(text, &mut values),
            };
            if let Err(error) = result {
                assert!(!error.to_string().is_empty());
            }
        }
        let values = Value::Map(values);
        let json = goyaml::json::to_string(&values).expect("values can be written");
        assert!(json.starts_with('{'));
    });
});

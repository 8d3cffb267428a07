//! Templates that Go itself has executed: output and errors must be the same, byte for byte.
//!
//! `data/cases.json` holds the templates by the option `missingkey`; `oracle/execute`, run with
//! the Go version its `go.mod` names, wrote `data/golden.json` from them.

mod support;

use std::error::Error;

use gotemplate::{MissingKey, TemplateSet};
use serde_json::Value as Json;

/// Parses the files of a case and executes the one called `t`.
fn run(template: &Json, missing: MissingKey) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut set = TemplateSet::new("set", support::functions()).missing_key(missing);
    match template {
        Json::String(text) => set.parse("t", text)?,
        files => {
            for file in files.as_array().into_iter().flatten() {
                let part = |at: usize| file[at].as_str().unwrap_or_default();
                set.parse(part(0), part(1))?;
            }
        }
    }
    Ok(set.execute("t", support::data())?)
}

/// The differences to Go among the cases of one option, for a message.
fn differences(option: &str, missing: MissingKey) -> Vec<String> {
    let golden: Json =
        serde_json::from_str(include_str!("data/golden.json")).expect("golden.json is JSON");
    let cases = golden[option].as_array().expect("cases of the option");
    assert!(cases.len() > 10, "no cases for missingkey={option}");
    let mut differences = Vec::new();
    for case in cases {
        let bytes = case["bytes"].as_str().map(decode);
        let expected = match (case["error"].as_str(), bytes) {
            (Some(error), _) => Err(error.to_owned()),
            (None, Some(bytes)) => Ok(bytes),
            (None, None) => Ok(case["output"].as_str().unwrap_or_default().as_bytes().to_vec()),
        };
        let found = run(&case["template"], missing).map_err(|error| error.to_string());
        if found != expected {
            let show = |result: &Result<Vec<u8>, String>| match result {
                Ok(output) => format!("{:?}", String::from_utf8_lossy(output)),
                Err(error) => format!("error {error}"),
            };
            differences.push(format!(
                "{}\n  Go:   {}\n  here: {}",
                case["template"],
                show(&expected),
                show(&found)
            ));
        }
    }
    differences
}

/// Standard base64, in which Go writes output that is not UTF-8.
fn decode(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        let value = (0..).zip(DIGITS).find(|(_, known)| **known == digit).map(|(value, _)| value);
        bits = bits << 6 | value.unwrap_or(0_u32);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held).to_le_bytes()[0]);
        }
    }
    bytes
}

/// Templates under `missingkey=zero`.
#[test]
fn same_as_go() {
    let differences = differences("zero", MissingKey::Zero);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Missing keys without an option.
#[test]
fn same_as_go_with_missing_keys_invalid() {
    let differences = differences("default", MissingKey::Default);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Missing keys as errors.
#[test]
fn same_as_go_with_missing_keys_as_errors() {
    let differences = differences("error", MissingKey::Error);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

//! The hash of a plan: equal if and only if the plan does the same.
//!
//! It covers contents (also those that diffs mask), so it is keyed: who reads it cannot test guesses
//! against it. It does not cover what changes without changing the plan, such as resource versions.

use std::fmt::Write as _;

use helm::release::Hook;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::planner::ObjectState;
use super::{Action, Plan};
use crate::manifest::Desired;

/// HMAC-SHA256 in hex.
pub(super) fn of(plan: &Plan, states: &[ObjectState<'_>], desired: &Desired, key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    let mut feed = |part: &str| {
        // Lengths keep neighbouring parts apart.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    };
    feed(&plan.release);
    feed(&plan.namespace);
    let Plan { operation, creates_namespace, force_conflicts, method, .. } = plan;
    feed(&format!("{operation:?} {creates_namespace} {force_conflicts} {method:?}"));
    for (state, planned) in states.iter().zip(&plan.objects) {
        feed(&format!("{:?} {} {}", state.action, state.key.api_version, state.key));
        // Of what does not change or stays behind only the fact counts.
        if matches!(state.action, Action::Create | Action::Change | Action::Delete) {
            feed(&canonical(state.before.as_ref()));
            feed(&canonical(state.after.as_ref()));
        }
        feed(planned.refusal.as_ref().map_or("", |refusal| &refusal.message));
    }
    for planned in &plan.hooks {
        feed(&format!("{} {:?}", planned.event, planned.delete_policies));
        let of_event = |hook: &&Hook| hook.name == planned.name && hook.path == planned.source;
        feed(desired.hooks.iter().find(of_event).map_or("", |hook| &hook.manifest));
    }
    // What is there of them does not count: they are installed before a plan is held to what it was.
    for wanted in &desired.crds.objects {
        feed(&format!("{:?} {}", desired.crds.policy, wanted.key));
        feed(&canonical(Some(&wanted.object)));
    }
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

/// The same text for the same content, whatever the order of keys.
fn canonical(value: Option<&Value>) -> String {
    let mut text = String::new();
    if let Some(value) = value {
        write_sorted(value, &mut text);
    }
    text
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in sorted {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_sorted(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_sorted(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

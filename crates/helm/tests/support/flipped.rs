//! Values files that turn some of a chart's switches the other way, so that what is off by default
//! (ingress, persistence, network policies) is rendered as well.

use std::path::Path;

use goyaml::{Map, Value};

/// A boolean of the default values, by its keys.
pub(crate) type Switch = (Vec<String>, bool);

/// All booleans in the maps of a values file; none where it cannot be read.
pub(crate) fn switches(file: &Path) -> Vec<Switch> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut found = Vec::new();
    if let Ok(values) = goyaml::parse(&text) {
        collect(&values, &mut Vec::new(), &mut found);
    }
    found
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut Vec<Switch>) {
    match value {
        Value::Bool(on) => found.push((path.clone(), *on)),
        Value::Map(map) => {
            for (key, value) in map.iter() {
                path.push(key.to_owned());
                collect(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The text of a values file that flips a share of the switches; the same for the same `seed`.
pub(crate) fn flipped(switches: &[Switch], seed: &str) -> Option<String> {
    let mut draw = Draw::new(seed);
    let share = [5, 15, 30, 50][usize::try_from(draw.below(4)).unwrap_or_default()];
    let mut values = Value::from(Map::new());
    let mut any = false;
    for (path, on) in switches {
        if draw.below(100) < share {
            values = with(values, path, !on);
            any = true;
        }
    }
    any.then(|| goyaml::to_string(&values).expect("maps of booleans can be written"))
}

fn with(values: Value, path: &[String], on: bool) -> Value {
    let Some((key, rest)) = path.split_first() else { return Value::Bool(on) };
    let mut map = match values {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    let inner = map.get(key).cloned().unwrap_or(Value::Null);
    map.insert(key.as_str(), with(inner, rest, on));
    Value::from(map)
}

/// Numbers that look drawn: xorshift from the digest of a text.
struct Draw(u64);

impl Draw {
    fn new(seed: &str) -> Self {
        let step = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, step) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % limit
    }
}

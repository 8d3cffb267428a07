//! The `--set` family of flags: assignments such as `image.tag=1.2,hosts[0]=a`.
//!
//! Follows Helm's `pkg/strvals`, its leniency included: an index without its bracket, for one,
//! sets nothing and is no error.

mod assign;
mod json;
mod reader;

use goyaml::{Map, Value};

use assign::{Assigner, Kind};

/// The largest list index that may be set.
pub const MAX_INDEX: i64 = 65_536;

/// How many levels of names a key may have below the first.
pub const MAX_LEVELS: usize = 30;

/// Why a flag's text does not set anything.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The text ends behind a key.
    #[error("key {} has no value", quoted(.0))]
    NoValue(String),
    /// A comma follows a key.
    #[error("key {} has no value (cannot end with ,)", quoted(.0))]
    EndsWithComma(String),
    /// Nothing is set below a key.
    #[error("key map {} has no value", quoted(.0))]
    EmptyMap(String),
    /// More levels than [`MAX_LEVELS`].
    #[error(
        "value name nested level is greater than maximum supported nested level of {MAX_LEVELS}"
    )]
    TooDeep,
    /// An index is no number.
    #[error("error parsing index: strconv.Atoi: parsing {}: {problem}", quoted(.text))]
    Index {
        /// What stands between the brackets.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An index is below 0.
    #[error("negative {0} index not allowed")]
    NegativeIndex(i64),
    /// An index is above [`MAX_INDEX`].
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    IndexTooLarge(i64),
    /// Something stands between an index and what may follow it.
    #[error("unexpected data at end of array index: {}", quoted_characters(.0))]
    AfterIndex(String),
    /// A key goes on below a value that is no mapping or no list.
    #[error("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")]
    Conversion {
        /// The Go type of the value that is there.
        found: &'static str,
        /// The Go type the key needs.
        wanted: &'static str,
    },
    /// A list is not closed.
    #[error("list must terminate with '}}'")]
    UnterminatedList,
    /// A value of `--set-json` is not JSON.
    #[error("the value is not JSON")]
    Json(#[source] serde_json::Error),
    /// A file of `--set-file` cannot be read.
    #[error("{0}")]
    File(String),
}

fn quoted(text: &str) -> String {
    gotemplate::print::quote(text)
}

/// Each character by itself, as Go's `%q` prints a list of them.
fn quoted_characters(text: &str) -> String {
    let one = |c: char| match c {
        '"' => "'\"'".to_owned(),
        '\'' => r"'\''".to_owned(),
        c => quoted(&c.to_string()).replace('"', "'"),
    };
    format!("[{}]", text.chars().map(one).collect::<Vec<_>>().join(" "))
}

/// `--set`: `true`, `false`, `null` and whole numbers are what they look like, anything else is
/// text.
///
/// ```
/// let mut values = goyaml::Map::new();
/// helm::values::set::set(r"a.b=1,c={x,true},d=1.5,e\.f=", &mut values).unwrap();
/// let json = goyaml::json::to_string(&goyaml::Value::Map(values)).unwrap();
/// assert_eq!(json, r#"{"a":{"b":1},"c":["x",true],"d":"1.5","e.f":""}"#);
/// ```
pub fn set(text: &str, values: &mut Map) -> Result<(), SetError> {
    Assigner::new(text, Kind::Texts(&mut |text| Ok(typed(text)))).run(values)
}

/// `--set-string`: every value is text.
pub fn set_string(text: &str, values: &mut Map) -> Result<(), SetError> {
    Assigner::new(text, Kind::Texts(&mut |text| Ok(text.into()))).run(values)
}

/// `--set-file`: every value is the path of a file, which `read` hands over as text.
pub fn set_file(
    text: &str,
    values: &mut Map,
    read: &mut dyn FnMut(&str) -> Result<String, SetError>,
) -> Result<(), SetError> {
    Assigner::new(text, Kind::Texts(&mut |path| read(&path).map(Value::from))).run(values)
}

/// `--set-json` of the form `key=JSON,…`; nothing behind `=` is `null`. For a whole object see
/// [`json_object`].
pub fn set_json(text: &str, values: &mut Map) -> Result<(), SetError> {
    Assigner::new(text, Kind::Json).run(values)
}

/// `--set-json` of the form `{…}`: the object that is to be laid over the values; `None` if
/// `text` is not of that form.
pub fn json_object(text: &str) -> Option<Result<Map, SetError>> {
    let text = text.trim();
    text.starts_with('{').then(|| json::object(text))
}

/// `--set-literal`: everything behind the first `=` is the value, as it stands.
pub fn set_literal(text: &str, values: &mut Map) -> Result<(), SetError> {
    Assigner::new(text, Kind::Literal).run(values)
}

/// What a value of `--set` stands for.
fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::Int(0);
    }
    // A leading zero is kept: it is likely part of an identifier.
    if !text.starts_with('0')
        && let Ok(number) = text.parse()
    {
        return Value::Int(number);
    }
    text.into()
}

#[cfg(test)]
mod tests;

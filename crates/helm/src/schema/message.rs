//! The words for one fault, as `santhosh-tekuri/jsonschema` for Go prints them in English.

use boon::{ErrorKind, Type};
use goyaml::number;
use serde_json::{Number, Value};

/// What is wrong; `None` for kinds that only hold others together.
pub(super) fn message(kind: &ErrorKind<'_, '_>) -> Option<String> {
    Some(match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".into(),
        ErrorKind::Schema { .. } => return None,
        ErrorKind::ContentSchema => "'contentSchema' failed".into(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quoted(prop)),
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            let url = gotemplate::print::quote(url);
            format!("both {kw_loc1} and {kw_loc2} resolve to {url} causing reference cycle")
        }
        ErrorKind::FalseSchema => "false schema".into(),
        ErrorKind::Type { got, want } => {
            let want: Vec<_> = TYPES
                .iter()
                .filter(|(kind, _)| want.contains(*kind))
                .map(|(_, name)| *name)
                .collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } => match one_of(want) {
            Some(values) if want.len() == 1 => format!("value must be {values}"),
            Some(values) => format!("value must be one of {values}"),
            None => "'enum' failed".into(),
        },
        ErrorKind::Const { want } => match one_of(std::slice::from_ref(*want)) {
            Some(value) => format!("value must be {value}"),
            None => "'const' failed".into(),
        },
        ErrorKind::Format { got, want, err } => {
            format!("{} is not valid {want}: {err}", shown(got))
        }
        ErrorKind::MinProperties { got, want } => limit("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => limit("maxProperties", *got, *want),
        ErrorKind::MinItems { got, want } => limit("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => limit("maxItems", *got, *want),
        ErrorKind::MinLength { got, want } => limit("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => limit("maxLength", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", list(got.iter()))
        }
        ErrorKind::Required { want } if want.len() == 1 => {
            format!("missing property {}", quoted(want[0]))
        }
        ErrorKind::Required { want } => format!("missing properties {}", list(want.iter())),
        ErrorKind::Dependency { prop, missing }
        | ErrorKind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", list(missing.iter()), quoted(prop))
        }
        ErrorKind::Contains => "no items match contains schema".into(),
        ErrorKind::MinContains { got, want } if got.is_empty() => format!(
            "min {} items required to match contains schema, but none matched",
            grouped(&want.to_string())
        ),
        ErrorKind::MinContains { got, want } => contains("min", got, *want),
        ErrorKind::MaxContains { got, want } => contains("max", got, *want),
        ErrorKind::UniqueItems { got: [first, second] } => {
            let (first, second) = (grouped(&first.to_string()), grouped(&second.to_string()));
            format!("items at {first} and {second} are equal")
        }
        ErrorKind::AdditionalItems { got } => {
            format!("last {} additionalItem(s) not allowed", grouped(&got.to_string()))
        }
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quoted(got), quoted(want))
        }
        ErrorKind::ContentEncoding { want, err } => {
            format!("value is not {} encoded: {err}", quoted(want))
        }
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value is not of mediatype {}: {err}", quoted(want))
        }
        ErrorKind::Minimum { got, want } => bound("minimum", got, want),
        ErrorKind::Maximum { got, want } => bound("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => bound("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => bound("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => bound("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".into(),
        ErrorKind::AllOf => "'allOf' failed".into(),
        ErrorKind::AnyOf => "'anyOf' failed".into(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".into(),
        ErrorKind::OneOf(Some((first, second))) => {
            format!("'oneOf' failed, subschemas {first}, {second} matched")
        }
    })
}

/// The types in the order the Go library lists them.
const TYPES: [(Type, &str); 7] = [
    (Type::Null, "null"),
    (Type::Boolean, "boolean"),
    (Type::Number, "number"),
    (Type::Integer, "integer"),
    (Type::String, "string"),
    (Type::Array, "array"),
    (Type::Object, "object"),
];

/// `text` in single quotes, with Go's escapes.
pub(super) fn quoted(text: &str) -> String {
    let quoted = gotemplate::print::quote(text);
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.unwrap_or(&quoted).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{inner}'")
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    names.map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The values in a list; `None` if one of them is a collection.
fn one_of(values: &[Value]) -> Option<String> {
    let plain = values.iter().all(|value| !value.is_array() && !value.is_object());
    plain.then(|| values.iter().map(shown).collect::<Vec<_>>().join(", "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => "value".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn limit(keyword: &str, got: usize, want: usize) -> String {
    let (got, want) = (grouped(&got.to_string()), grouped(&want.to_string()));
    format!("{keyword}: got {got}, want {want}")
}

fn bound(keyword: &str, got: &Number, want: &Number) -> String {
    format!("{keyword}: got {}, want {}", localized(got), localized(want))
}

fn contains(which: &str, got: &[usize], want: usize) -> String {
    let at: Vec<_> = got.iter().map(ToString::to_string).collect();
    format!(
        "{which} {} items required to match contains schema, but matched {} items at {}",
        grouped(&want.to_string()),
        grouped(&got.len().to_string()),
        at.join(" ")
    )
}

/// A number as Go's English message printer has it: `1,234.5`, `1.5 × 10⁰⁷`.
fn localized(number: &Number) -> String {
    let text = number::format_g(number.as_f64().unwrap_or_default());
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return match text.split_once('.') {
            Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
            None => grouped(&text),
        };
    };
    let raised: String = exponent.chars().filter_map(superscript).collect();
    format!("{mantissa}\u{202f}×\u{202f}10{raised}")
}

fn superscript(c: char) -> Option<char> {
    let place = c.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
    match place {
        Some(place) => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(place),
        None => (c == '-').then_some('⁻'),
    }
}

/// Digits with a comma every three.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

//! From what `boon` found to the tree Helm prints.
//!
//! The two libraries agree on what is wrong and differ in small things about the tree: `boon`
//! leaves out an `allOf`, `anyOf` or `oneOf` with a single failure (the location of the failure in
//! the schema shows where it was), goes on behind a `format` that does not fit, and loses the
//! place of a property name.

use std::fmt;

use boon::{ErrorKind, InstanceToken, ValidationError};

use super::message::{message, quoted};

/// One place where values break a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The keys and indexes that lead to the value.
    pub path: Vec<String>,
    /// What is wrong with it, in the library's words.
    pub message: String,
    /// What that comes from.
    pub causes: Vec<Violation>,
}

impl Violation {
    /// Writes the violation as list items, each level indented by two blanks.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
        let pointer = self.path.iter().flat_map(|token| ["/".to_owned(), escaped(token)]);
        let pointer: String = pointer.collect();
        writeln!(
            f,
            "{:indent$}- at {}: {}",
            "",
            quoted(&pointer),
            self.message,
            indent = 2 * level
        )?;
        self.causes.iter().try_for_each(|cause| cause.write(f, level + 1))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The violations of a whole check.
pub(super) fn of(error: &ValidationError<'_, '_>) -> Vec<Violation> {
    causes(error, error.schema_url, &[], None)
}

/// The schema a whole check was made against.
pub(super) fn schema_url(error: &ValidationError<'_, '_>) -> String {
    match error.kind {
        ErrorKind::Schema { url } => url.to_owned(),
        _ => error.schema_url.to_owned(),
    }
}

/// The causes of `error`, seen from the schema at `location` that checks the value at `path`.
/// `held_by` is the combining keyword that `error` itself stands for.
fn causes(
    error: &ValidationError<'_, '_>,
    location: &str,
    path: &[String],
    held_by: Option<&str>,
) -> Vec<Violation> {
    let kept =
        |cause: &&ValidationError<'_, '_>| !error.causes.iter().any(|f| stopped_by(cause, f));
    let seen: Vec<_> = error.causes.iter().filter(kept).collect();
    if matches!(error.kind, ErrorKind::Schema { .. } | ErrorKind::Reference { .. })
        && let Some(group) = lost_group(&seen, location, path)
    {
        return group;
    }
    seen.into_iter().flat_map(|cause| converted(cause, location, path, held_by)).collect()
}

/// A schema and a reference take over the causes of a group of faults that is all they found. If
/// that group was the single failure of a combining keyword, nothing is left of it but what its
/// causes have in common.
fn lost_group(
    causes: &[&ValidationError<'_, '_>],
    location: &str,
    path: &[String],
) -> Option<Vec<Violation>> {
    let (first, others) = causes.split_first().filter(|(_, others)| !others.is_empty())?;
    let place = place_in_values(first);
    let mut common = Steps::between(location, first.schema_url).0;
    let mut shared = place.len();
    for other in others {
        let steps = Steps::between(location, other.schema_url).0;
        common.truncate(equal(&common, &steps));
        shared = shared.min(equal(&place, &place_in_values(other)));
    }
    let inside = |step: &Step| path.len() + step.depth <= shared;
    common.truncate(common.iter().take_while(|step| inside(step)).count());
    common.iter().find(|step| step.combining.is_some())?;
    let end = common.last()?;
    let group_path = place[..path.len() + end.depth].to_vec();
    let inner: Vec<_> =
        causes.iter().flat_map(|cause| converted(cause, &end.url, &group_path, None)).collect();
    let message = "validation failed".to_owned();
    let group = Violation { path: group_path, message, causes: inner };
    Some(wrapped(vec![group], &common, path.len(), &place))
}

/// How many items two lists begin with alike.
fn equal<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Whether `fault` is of a schema that Helm's library left when it found `format`.
fn stopped_by(fault: &ValidationError<'_, '_>, format: &ValidationError<'_, '_>) -> bool {
    let rest = fault.schema_url.strip_prefix(format.schema_url);
    !std::ptr::eq(fault, format)
        && matches!(format.kind, ErrorKind::Format { .. })
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && place_in_values(fault).starts_with(&place_in_values(format))
}

fn place_in_values(error: &ValidationError<'_, '_>) -> Vec<String> {
    let token = |token: &InstanceToken<'_>| match token {
        InstanceToken::Prop(name) => name.clone().into_owned(),
        InstanceToken::Item(index) => index.to_string(),
    };
    error.instance_location.tokens.iter().map(token).collect()
}

/// `error` as Helm shows it: mostly one violation.
fn converted(
    error: &ValidationError<'_, '_>,
    location: &str,
    path: &[String],
    held_by: Option<&str>,
) -> Vec<Violation> {
    let steps = Steps::between(location, error.schema_url).0;
    let place = place_of(error, path, &steps);
    let inner = innermost(error, &place);
    let skipped = usize::from(held_by.is_some() && !steps.is_empty());
    wrapped(inner, &steps[skipped..], path.len(), &place)
}

/// `inner` below a violation for each combining keyword on the way to it.
fn wrapped(
    inner: Vec<Violation>,
    steps: &[Step],
    above: usize,
    place: &[String],
) -> Vec<Violation> {
    let combining = steps.iter().rev().filter_map(|step| Some((step.combining?, step.depth)));
    combining.fold(inner, |causes, (keyword, depth)| {
        let path = place[..place.len().min(above + depth)].to_vec();
        let message = match keyword {
            "oneOf" => "'oneOf' failed, none matched".to_owned(),
            keyword => format!("'{keyword}' failed"),
        };
        vec![Violation { path, message, causes }]
    })
}

fn innermost(error: &ValidationError<'_, '_>, place: &[String]) -> Vec<Violation> {
    let causes = match error.kind {
        // A reference to a single fault, or a group that came down to one, does not show.
        ErrorKind::Reference { url, .. } => match causes(error, url, place, None) {
            single if single.len() == 1 => return single,
            several => several,
        },
        ErrorKind::Group => match causes(error, error.schema_url, place, None) {
            single if single.len() == 1 => return single,
            several => several,
        },
        ErrorKind::AllOf => causes(error, error.schema_url, place, Some("allOf")),
        ErrorKind::AnyOf => causes(error, error.schema_url, place, Some("anyOf")),
        ErrorKind::OneOf(_) => causes(error, error.schema_url, place, Some("oneOf")),
        // The name is a value of its own.
        ErrorKind::PropertyName { .. } => causes(error, error.schema_url, &[], None),
        _ => causes(error, error.schema_url, place, None),
    };
    match message(&error.kind) {
        Some(message) => vec![Violation { path: place.to_vec(), message, causes }],
        None => causes,
    }
}

/// Where the value of `error` is. For a property name that has to be worked out.
fn place_of(error: &ValidationError<'_, '_>, path: &[String], steps: &[Step]) -> Vec<String> {
    if matches!(error.kind, ErrorKind::PropertyName { .. }) {
        return path
            .iter()
            .cloned()
            .chain(steps.iter().filter_map(|step| step.name.clone()))
            .collect();
    }
    place_in_values(error)
}

/// The way from one schema to another one inside it.
struct Steps(Vec<Step>);

/// One keyword on that way.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// The schema it leads to.
    url: String,
    /// How far below the first value that one's value is.
    depth: usize,
    /// Set for `allOf`, `anyOf` and `oneOf`.
    combining: Option<&'static str>,
    /// The name of the value, where the schema tells it.
    name: Option<String>,
}

impl Steps {
    /// Empty if `to` is not inside `from`.
    fn between(from: &str, to: &str) -> Self {
        let Some(way) = to.strip_prefix(from) else {
            return Self(Vec::new());
        };
        let mut steps = Vec::new();
        let (mut depth, mut url) = (0, from.to_owned());
        let mut tokens = way.split('/').skip(1).peekable();
        while let Some(keyword) = tokens.next() {
            let operand = match keyword {
                "allOf" | "anyOf" | "oneOf" | "properties" | "patternProperties"
                | "prefixItems" | "dependentSchemas" | "dependencies" | "$defs" | "definitions" => {
                    tokens.next()
                }
                // A list of schemas up to draft 2019, one schema as well.
                "items" => tokens.next_if(|token| token.bytes().all(|byte| byte.is_ascii_digit())),
                _ => None,
            };
            depth += usize::from(matches!(
                keyword,
                "properties"
                    | "patternProperties"
                    | "prefixItems"
                    | "items"
                    | "additionalItems"
                    | "additionalProperties"
                    | "unevaluatedItems"
                    | "unevaluatedProperties"
                    | "contains"
            ));
            for token in std::iter::once(keyword).chain(operand) {
                url.push('/');
                url.push_str(token);
            }
            let combining = ["allOf", "anyOf", "oneOf"].into_iter().find(|known| *known == keyword);
            let name = operand.filter(|_| keyword == "properties").map(unescaped);
            steps.push(Step { url: url.clone(), depth, combining, name });
        }
        Self(steps)
    }
}

/// A token of a JSON pointer in a URL as the name it stands for.
fn unescaped(token: &str) -> String {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = token_byte(rest);
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &rest[3..] } else { after };
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

/// The byte a `%XX` at the start of `text` stands for.
fn token_byte(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

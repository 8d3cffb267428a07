//! Making a validator of a schema's text, and Helm's words for why that fails.

use std::error::Error;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader};
use serde_json::Value;

use super::Fault;
use super::message::quoted;
use super::plain::Plain;
use super::violation::{self, Violation};
use crate::golang::json::{self, JsonError};

/// The name Helm gives the schema.
const LOCATION: &str = "file:///values.schema.json";

/// The validator of one chart's schema, made by the first check and shared by the chart's clones. It has no
/// say in whether two charts are equal.
#[derive(Clone, Default)]
pub(crate) struct Compiled(Arc<Parts>);

/// What a schema's text turns into, each part when it is first needed.
#[derive(Default)]
struct Parts {
    /// The schema, or Go's words for why the text is none.
    schema: OnceLock<Result<Value, String>>,
    plain: OnceLock<Option<Plain>>,
    outcome: OnceLock<Outcome>,
}

/// What became of a schema's text.
struct Outcome {
    /// The validator, or Helm's words for why there is none.
    validator: Result<(Schemas, SchemaIndex), String>,
    /// Names nobody can resolve; each check warns of them.
    unresolved: Vec<String>,
}

impl Compiled {
    /// Checks `instance` against the schema of this text, which is compiled if it was not yet.
    pub(super) fn check(&self, text: &[u8], instance: &Value) -> Result<(), Fault> {
        let Parts { schema, plain, outcome } = &*self.0;
        let schema = schema.get_or_init(|| parse(text));
        let plain = plain.get_or_init(|| Plain::of(schema.as_ref().ok()?));
        if plain.as_ref().is_some_and(|plain| plain.takes(instance)) {
            return Ok(());
        }
        let outcome = outcome.get_or_init(|| Outcome::new(schema.clone()));
        for urn in &outcome.unresolved {
            tracing::warn!(urn, "unresolved URN reference ignored; using permissive schema");
        }
        let (schemas, index) =
            outcome.validator.as_ref().map_err(|text| Fault::Schema(text.clone()))?;
        schemas.validate(instance, *index).map_err(|error| Fault::Violations(violation::of(&error)))
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Compiled").field(&self.0.outcome.get().is_some()).finish()
    }
}

impl Outcome {
    fn new(schema: Result<Value, String>) -> Self {
        let unresolved = Arc::default();
        let validator = schema.and_then(|schema| compile(schema, &unresolved));
        let unresolved = std::mem::take(&mut *lock(&unresolved));
        Self { validator, unresolved }
    }
}

fn compile(schema: Value, unresolved: &Names) -> Result<(Schemas, SchemaIndex), String> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(InsideOnly { unresolved: Arc::clone(unresolved) }));
    let mut schemas = Schemas::new();
    compiler.add_resource(LOCATION, schema).map_err(|error| words(&error))?;
    let index = compiler.compile(LOCATION, &mut schemas).map_err(|error| words(&error))?;
    Ok((schemas, index))
}

type Names = Arc<Mutex<Vec<String>>>;

fn lock(names: &Names) -> std::sync::MutexGuard<'_, Vec<String>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a schema's text; errors are Go's.
fn parse(text: &[u8]) -> Result<Value, String> {
    let refused = match serde_json::from_slice(text) {
        Ok(schema) => return Ok(schema),
        Err(refused) => refused,
    };
    match json::parse(text) {
        Ok(_) => Err(refused.to_string()),
        Err(JsonError::End) if text.trim_ascii().is_empty() => Err("EOF".into()),
        Err(JsonError::End) => Err("unexpected EOF".into()),
        Err(JsonError::Character { context: "after top-level value", .. }) => {
            Err("invalid character after top-level value".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Loads nothing: a schema has to be complete in itself.
struct InsideOnly {
    unresolved: Names,
}

/// A reference leads out of the schema.
#[derive(Debug, thiserror::Error)]
#[error("a schema may refer to nothing outside its own file")]
struct Outside;

impl UrlLoader for InsideOnly {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        // Helm takes such a name nobody can resolve for a schema that allows everything.
        if url.starts_with("urn:") {
            lock(&self.unresolved).push(url.to_owned());
            return Ok(Value::Bool(true));
        }
        Err(Box::new(Outside))
    }
}

/// What Helm says about a schema that cannot be used.
fn words(error: &CompileError) -> String {
    let name = gotemplate::print::quote;
    match error {
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", name(url)),
        CompileError::UnsupportedUrlScheme { url } => {
            format!("failing loading {}: {Outside}", name(url))
        }
        CompileError::ParseUrlError { url, src } => {
            format!("error in parsing {}: {src}", name(url))
        }
        CompileError::InvalidMetaSchemaUrl { url, src } => {
            format!("invalid $schema in {}: {src}", name(url))
        }
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", name(url)),
        CompileError::MetaSchemaCycle { url } => {
            format!("cycle in resolving $schema in {}", name(url))
        }
        CompileError::ValidationError { url, src } => {
            let url = if url.contains('#') { url.clone() } else { format!("{url}#") };
            let against = violation::schema_url(src);
            let mut text = format!(
                "{} is not valid against metaschema: jsonschema validation failed with {}",
                name(&url),
                quoted(&against)
            );
            for line in violation::of(src).iter().map(Violation::to_string) {
                text.push('\n');
                text.push_str(line.trim_end_matches('\n'));
            }
            text
        }
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", name(loc)),
        CompileError::ParseAnchorError { loc } => {
            format!("error in parsing anchor at {}", name(loc))
        }
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => format!(
            "duplicate id {} in {} at {} and {}",
            name(id),
            name(url),
            name(ptr1),
            name(ptr2)
        ),
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => format!(
            "duplicate anchor {} in {} at {} and {}",
            name(anchor),
            name(url),
            name(ptr1),
            name(ptr2)
        ),
        CompileError::InvalidJsonPointer(url) => format!("invalid json-pointer {}", name(url)),
        CompileError::JsonPointerNotFound(url) => {
            format!("json-pointer in {} not found", name(url))
        }
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", name(reference), name(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", name(vocabulary), name(url))
        }
        CompileError::InvalidRegex { url, regex, src } => {
            format!("invalid regex {} at {}: {src}", name(regex), name(url))
        }
        CompileError::Bug(src) => format!("unable to validate schema: {src}"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Whether the validator takes the value, or why it does not take the schema.
    pub(in crate::schema) fn compiles_and_takes(
        schema: Value,
        value: &Value,
    ) -> Result<bool, String> {
        let (schemas, index) = compile(schema, &Arc::default())?;
        Ok(schemas.validate(value, index).is_ok())
    }
}

//! Making a validator of a schema's text, and Helm's words for why that fails.

use std::error::Error;

use boon::{CompileError, Compiler, Schemas, UrlLoader};
use serde_json::Value;

use super::Fault;
use super::message::quoted;
use super::violation::{self, Violation};
use crate::golang::json::{self, JsonError};

/// The name Helm gives the schema.
const LOCATION: &str = "file:///values.schema.json";

/// Reads a schema's text; errors are Go's.
pub(super) fn parse(text: &[u8]) -> Result<Value, String> {
    match json::parse(text) {
        Ok(_) => serde_json::from_slice(text).map_err(|error| error.to_string()),
        Err(JsonError::End) if text.trim_ascii().is_empty() => Err("EOF".into()),
        Err(JsonError::End) => Err("unexpected EOF".into()),
        Err(JsonError::Character { context: "after top-level value", .. }) => {
            Err("invalid character after top-level value".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Checks `instance` against `schema`.
pub(super) fn check(schema: Value, instance: &Value) -> Result<(), Fault> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(InsideOnly));
    let mut schemas = Schemas::new();
    compiler.add_resource(LOCATION, schema).map_err(|error| Fault::Schema(words(&error)))?;
    let index =
        compiler.compile(LOCATION, &mut schemas).map_err(|error| Fault::Schema(words(&error)))?;
    schemas.validate(instance, index).map_err(|error| Fault::Violations(violation::of(&error)))
}

/// Loads nothing: a schema has to be complete in itself.
struct InsideOnly;

/// A reference leads out of the schema.
#[derive(Debug, thiserror::Error)]
#[error("a schema may refer to nothing outside its own file")]
struct Outside;

impl UrlLoader for InsideOnly {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        // Helm takes such a name nobody can resolve for a schema that allows everything.
        if url.starts_with("urn:") {
            tracing::warn!(urn = url, "unresolved URN reference ignored; using permissive schema");
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

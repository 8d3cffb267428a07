//! Reading the text of a values file.

use goyaml::{Map, ParseError, SeparatorError, Value};

use super::{HelmMode, merge_maps};

/// What is wrong with the text of a values file.
///
/// The displayed text and those of the sources, joined by `: `, are Helm's words.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ValuesError {
    /// The text is not YAML.
    #[error("cannot unmarshal yaml document")]
    Syntax {
        /// The line of the fault, counted from 1, where it is known.
        line: Option<usize>,
        /// The column of the fault in characters, counted from 1, where it is known.
        column: Option<usize>,
        /// That line.
        excerpt: Option<String>,
        /// What the YAML library says.
        source: ParseError,
    },
    /// The text is YAML, but no mapping.
    #[error("cannot unmarshal yaml document")]
    NotAMap {
        /// The line the document begins on, counted from 1.
        line: usize,
        /// That line.
        excerpt: Option<String>,
        /// What it is instead.
        source: NotAMap,
    },
    /// A line begins like a document separator and goes on with content.
    #[error("error reading yaml document")]
    Separator {
        /// The line, counted from 1.
        line: usize,
        /// That line.
        excerpt: Option<String>,
        /// What stands behind the dashes.
        source: SeparatorError,
    },
}

/// A document that is no mapping, in the words of Go's JSON decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value \
     of type map[string]interface {{}}"
)]
pub struct NotAMap {
    found: &'static str,
}

impl NotAMap {
    /// What it is, in JSON's words: `array`, `string`, `number` or `bool`.
    pub fn found(&self) -> &'static str {
        self.found
    }
}

impl ValuesError {
    /// The line of the fault, counted from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { line, .. } => *line,
            Self::NotAMap { line, .. } | Self::Separator { line, .. } => Some(*line),
        }
    }

    /// The column of the fault in characters, counted from 1, where it is known.
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Syntax { column, .. } => *column,
            Self::NotAMap { .. } | Self::Separator { .. } => Some(1),
        }
    }

    /// The line of the fault itself, where it is known. It is part of somebody's values: show it
    /// to who wrote them, and write it into no log.
    pub fn excerpt(&self) -> Option<&str> {
        let (Self::Syntax { excerpt, .. }
        | Self::NotAMap { excerpt, .. }
        | Self::Separator { excerpt, .. }) = self;
        excerpt.as_deref()
    }
}

/// Reads a values file as Helm 4 does: always a mapping, empty if the text is; of several
/// documents the later ones are laid over the earlier.
pub fn parse_values(text: &str) -> Result<Value, ValuesError> {
    parse_values_as(HelmMode::V4, text)
}

/// Reads a values file. Helm 3 reads the first document only.
pub fn parse_values_as(mode: HelmMode, text: &str) -> Result<Value, ValuesError> {
    let excerpt = |line: usize| text.lines().nth(line - 1).map(str::to_owned);
    if mode == HelmMode::V3 {
        return document(text, 1, &excerpt).map(Value::Map);
    }
    let mut values = Map::new();
    for part in goyaml::documents(text) {
        let part = part.map_err(|source| ValuesError::Separator {
            line: source.line,
            excerpt: excerpt(source.line),
            source,
        })?;
        values = merge_maps(&values, &document(&part.text, part.first_line, &excerpt)?);
    }
    Ok(Value::Map(values))
}

/// One document, the first line of which is number `first`.
fn document(
    text: &str,
    first: usize,
    excerpt: &dyn Fn(usize) -> Option<String>,
) -> Result<Map, ValuesError> {
    let value = goyaml::parse(text).map_err(|source| {
        let line = source.line().map(|line| line + first - 1);
        ValuesError::Syntax {
            line,
            column: source.column(),
            excerpt: line.and_then(excerpt),
            source,
        }
    })?;
    let found = match value {
        Value::Map(map) => return Ok(map),
        Value::Null => return Ok(Map::new()),
        Value::Seq(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
    };
    Err(ValuesError::NotAMap { line: first, excerpt: excerpt(first), source: NotAMap { found } })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::{ValuesError, parse_values, parse_values_as};
    use crate::values::HelmMode;

    /// An error with its sources, as Helm prints it.
    fn words(error: &ValuesError) -> String {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    }

    /// Later documents win, and what follows `...` in one is not read.
    #[test]
    fn several_documents() {
        let values = parse_values("a: 1\nm: {p: 1}\n---\nb: 2\nm: {q: null}\n...\nc: 3").unwrap();
        assert_eq!(
            goyaml::json::to_string(&values).unwrap(),
            r#"{"a":1,"b":2,"m":{"p":1,"q":null}}"#
        );
        let values = parse_values_as(HelmMode::V3, "a: 1\n---\nb: 2\n").unwrap();
        assert_eq!(goyaml::json::to_string(&values).unwrap(), r#"{"a":1}"#);
    }

    /// Nothing at all is an empty mapping.
    #[test]
    fn empty() {
        for text in ["", "# nothing\n", "null", "---\n---\n"] {
            assert_eq!(parse_values(text).unwrap(), goyaml::Value::empty_map(), "{text:?}");
        }
    }

    /// A literal block that ends with the text ends in a line end.
    #[test]
    fn unterminated_block() {
        let values = parse_values("a: |\n  x").unwrap();
        assert_eq!(values.get("a").and_then(goyaml::Value::as_str), Some("x\n"));
    }

    /// The place of a syntax error is the true one; the words are Helm's, whose count is off.
    #[test]
    fn syntax_error() {
        let error = parse_values("a: 1\n---\nb: 2\nc: d: e\n").unwrap_err();
        assert_eq!((error.line(), error.column()), (Some(4), Some(5)));
        assert_eq!(error.excerpt(), Some("c: d: e"));
        insta::assert_snapshot!(
            words(&error),
            @"cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context"
        );
    }

    /// Values must be a mapping.
    #[test]
    fn list() {
        let error = parse_values("a: 1\n---\n- b\n").unwrap_err();
        assert_eq!((error.line(), error.excerpt()), (Some(3), Some("- b")));
        insta::assert_snapshot!(
            words(&error),
            @"cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"
        );
    }

    /// A separator with content is refused by name.
    #[test]
    fn separator() {
        let error = parse_values("a: 1\n--- {b: 1}\n").unwrap_err();
        assert_eq!((error.line(), error.excerpt()), (Some(2), Some("--- {b: 1}")));
        insta::assert_snapshot!(
            words(&error),
            @"error reading yaml document: invalid Yaml document separator: {b: 1}"
        );
    }
}

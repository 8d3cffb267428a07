//! The documents of a rendered file as Kubernetes' reader for YAML or JSON streams sees them
//! (`k8s.io/apimachinery/pkg/util/yaml`), and the few fields that rules look at.

use goyaml::Value;

use crate::chart::Decoder;
use crate::golang::json;

/// How many of a stream's first bytes decide whether it may be JSON.
const LOOKED_AT: usize = 4096;

/// What rules look at in an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// The objects of a stream in turn. Empty documents are left out; the first error is the last item.
pub(super) struct Documents<'a> {
    json: Option<JsonPart<'a>>,
    yaml: goyaml::Documents<'a>,
    ended: bool,
}

/// The front of a stream that begins like JSON.
struct JsonPart<'a> {
    rest: &'a str,
    /// How much of the stream is behind.
    consumed: usize,
    count: usize,
}

impl<'a> Documents<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let start = text.len() - text.trim_start().len();
        let json = start < LOOKED_AT && text[start..].starts_with('{');
        let json = json.then_some(JsonPart { rest: text, consumed: 0, count: 0 });
        Self { json, yaml: goyaml::documents(text), ended: false }
    }

    fn step(&mut self) -> Option<Result<Option<Head>, String>> {
        let mut first_error = None;
        if let Some(part) = &mut self.json {
            match part.next() {
                None => return None,
                Some(Ok(head)) => return Some(Ok(head)),
                // Two JSON objects make a JSON stream; before that it may still be YAML.
                Some(Err(JsonFault { text, .. })) if part.count > 1 => return Some(Err(text)),
                Some(Err(fault)) => {
                    first_error = Some(fault.with_offset(part.consumed));
                    self.yaml = goyaml::documents(after_blanks(part.rest));
                    self.json = None;
                }
            }
        }
        let outcome = match self.yaml.next()? {
            Ok(document) => match goyaml::parse_keeping_integers(&document.text) {
                Ok(value) => head(&value),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        Some(outcome.map_err(|error| first_error.unwrap_or(error)))
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Head, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.step()? {
                Ok(Some(head)) => return Some(Ok(head)),
                Ok(None) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Why a part of a stream is no JSON object of the wanted shape.
struct JsonFault {
    text: String,
    /// Where, for faults in the syntax, counted from the start of the part.
    at: Option<usize>,
}

impl JsonFault {
    fn with_offset(self, consumed: usize) -> String {
        match self.at {
            Some(at) => format!("json: offset {}: {}", consumed + at, self.text),
            None => self.text,
        }
    }
}

impl JsonPart<'_> {
    fn next(&mut self) -> Option<Result<Option<Head>, JsonFault>> {
        let mut values =
            serde_json::Deserializer::from_str(self.rest).into_iter::<serde_json::Value>();
        match values.next()? {
            Ok(value) => {
                let end = values.byte_offset();
                // Go's JSON and YAML agree on what JSON means.
                let value = goyaml::parse_keeping_integers(&value.to_string()).unwrap_or_default();
                let outcome = head(&value).map_err(|text| JsonFault {
                    text: text
                        .trim_start_matches("error unmarshaling JSON: while decoding JSON: ")
                        .to_owned(),
                    at: None,
                });
                if outcome.is_ok() {
                    self.rest = &self.rest[end..];
                    self.consumed += end;
                    self.count += 1;
                }
                Some(outcome)
            }
            Err(error) => {
                let line_start: usize =
                    self.rest.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
                let at = Some(line_start + error.column());
                let text = match json::parse(self.rest.as_bytes()) {
                    Err(error) => error.to_string(),
                    Ok(_) => error.to_string(),
                };
                Some(Err(JsonFault { text, at }))
            }
        }
    }
}

/// What is left behind white space up to the first line end.
fn after_blanks(text: &str) -> &str {
    let blank = text.len() - text.trim_start().len();
    match text[..blank].find('\n') {
        Some(end) => &text[end + 1..],
        None => &text[blank..],
    }
}

/// The fields of one object; `None` for an empty document.
fn head(value: &Value) -> Result<Option<Head>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let mut decoder = Decoder::default();
    let mut head = Head::default();
    decoder.object(value, "rules.k8sYamlStruct", |decoder, key, value| match key {
        "apiversion" => decoder.text(value, &mut head.api_version),
        "kind" => decoder.text(value, &mut head.kind),
        "metadata" => {
            decoder.object(value, "rules.k8sYamlMetadata", |decoder, key, value| match key {
                "namespace" => decoder.text(value, &mut String::new()),
                "name" => decoder.text(value, &mut head.name),
                _ => {}
            });
        }
        _ => {}
    });
    decoder.finish(Some(head)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        Documents::new(text)
            .map(|outcome| outcome.map_or_else(|error| format!("! {error}"), |head| head.kind))
            .collect()
    }

    /// Documents are cut at separators; empty ones and comments count for nothing.
    #[test]
    fn yaml() {
        assert_eq!(kinds("---\n# c\n---\nkind: A\n---\n\n--- # x\nkind: 1\n"), ["A", "1"]);
        assert_eq!(
            kinds("kind: A\n---\nkind: B: C\n---\nkind: D\n"),
            [
                "A",
                "! error converting YAML to JSON: yaml: mapping values are not allowed in this \
                 context"
            ]
        );
    }

    /// What begins like JSON is read as JSON as long as it is, and as YAML from there.
    #[test]
    fn json_first() {
        assert_eq!(kinds("{\"kind\":\"A\"}\n{\"kind\":\"B\"}"), ["A", "B"]);
        assert_eq!(kinds("{\"kind\":\"A\"}\n---\nkind: B\n"), ["A", "B"]);
        assert_eq!(kinds("{kind: A}\n"), ["A"]);
        assert_eq!(
            kinds("{\"kind\":\"A\"}{\"kind\":\"B\"}{\"kind\":\"C\",}"),
            ["A", "B", "! invalid character '}' looking for beginning of object key string"]
        );
        assert_eq!(
            kinds("{\"kind\":[]}"),
            ["! json: cannot unmarshal array into Go struct field .kind of type string"]
        );
    }
}

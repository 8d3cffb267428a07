//! The template of domain values: YAML with places such as `{{ host }}`, which becomes a layer of values. Pure.
//!
//! Places are filled in the parsed YAML, so that nothing filled in can change its structure. A value whose place is empty
//! (no TLS, no issuer) is left out, and so is what thereby becomes empty: one template serves all cases.

use goyaml::{Map, Value};

use crate::error::{Error, Problem};
use crate::values::{check_values, not_values};

/// What the places stand for; empty where there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places<'a> {
    /// The host.
    pub(crate) host: &'a str,
    /// The Secret with the host's certificate.
    pub(crate) tls_secret: &'a str,
    /// The issuer that cert-manager is to ask; empty where the certificate was uploaded.
    pub(crate) issuer: &'a str,
    /// `Issuer` or `ClusterIssuer`.
    pub(crate) issuer_kind: &'a str,
    /// The environment's name.
    pub(crate) environment: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
}

/// The places there are.
pub(crate) const NAMES: [&str; 6] =
    ["host", "tls_secret", "issuer", "issuer_kind", "environment", "namespace"];

// Characters that nobody types: a place stays one scalar, quoted or not.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

impl Places<'_> {
    fn get(&self, name: &str) -> &str {
        match name {
            "host" => self.host,
            "tls_secret" => self.tls_secret,
            "issuer" => self.issuer,
            "issuer_kind" => self.issuer_kind,
            "environment" => self.environment,
            "namespace" => self.namespace,
            _ => "",
        }
    }
}

/// Fails at `field` unless the text is a template of domain values; an empty one is none.
pub(crate) fn check_template(field: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let marked = marked(field, text)?;
    check_values(field, &marked)?;
    if !marked.contains(&format!("{OPEN}host{CLOSE}")) {
        let remedy = "Write {{ host }} where the chart takes its host name.";
        return Err(Error::invalid(
            field,
            "The template does not say where the host goes.",
            remedy,
        ));
    }
    Ok(())
}

/// The values that the template makes of these places, as YAML; empty where there is no template.
pub(crate) fn fill(text: &str, places: &Places<'_>) -> Result<String, Error> {
    const FIELD: &str = "domains.template";
    let marked = marked(FIELD, text)?;
    let values = helm::values::parse_values(&marked)
        .map_err(|refused| Error::invalid(FIELD, not_values(FIELD, &refused).message, ""))?;
    match filled(&values, places) {
        Some(Value::Map(map)) if map.is_empty() => Ok(String::new()),
        Some(values) => goyaml::to_string(&values)
            .map_err(|failed| Error::internal("write domain values", failed.to_string())),
        None => Ok(String::new()),
    }
}

/// A pattern of hosts, filled.
pub(crate) fn fill_pattern(field: &str, text: &str, places: &Places<'_>) -> Result<String, Error> {
    let marked = marked(field, text)?;
    Ok(in_text(&marked, places).unwrap_or_default())
}

/// The text with its places as scalars that YAML reads as they are.
fn marked(field: &str, text: &str) -> Result<String, Error> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("{{") {
        let (before, opened) = rest.split_at(start);
        out.push_str(before);
        let inside = opened[2..].split_once("}}");
        let name = inside.map(|(name, _)| name.trim());
        let (Some((_, after)), Some(name)) = (inside, name) else {
            return Err(Error::invalid(
                field,
                "A place that begins with {{ does not end.",
                "Close it with }}.",
            ));
        };
        if !NAMES.contains(&name) {
            let message = format!("There is no place `{{{{ {name} }}}}`.");
            let remedy =
                format!("Use {}.", NAMES.map(|name| format!("{{{{ {name} }}}}")).join(", "));
            return Err(Error::Invalid(crate::error::Invalid {
                problems: vec![Problem::new(field, message, remedy)],
            }));
        }
        out.push(OPEN);
        out.push_str(name);
        out.push(CLOSE);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The value with its places filled; none where one of them is empty.
fn filled(value: &Value, places: &Places<'_>) -> Option<Value> {
    match value {
        Value::String(text) => in_text(text, places).map(|text| Value::String(text.into())),
        Value::Seq(items) => {
            let left: Vec<Value> = items.iter().filter_map(|item| filled(item, places)).collect();
            (items.is_empty() || !left.is_empty()).then(|| Value::Seq(left.into()))
        }
        Value::Map(map) => {
            let mut left = Map::new();
            for (key, value) in map.iter() {
                if let (Some(key), Some(value)) = (in_text(key, places), filled(value, places)) {
                    left.insert(key, value);
                }
            }
            (map.is_empty() || !left.is_empty()).then_some(Value::Map(left))
        }
        other => Some(other.clone()),
    }
}

fn in_text(text: &str, places: &Places<'_>) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, opened)) = rest.split_once(OPEN) {
        let (name, after) = opened.split_once(CLOSE)?;
        let filled = places.get(name);
        if filled.is_empty() {
            return None;
        }
        out.push_str(before);
        out.push_str(filled);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "# how the chart takes it\ningress:\n  host: {{ host }}\n  tls:\n    - secretName: '{{tls_secret}}'\n      hosts: [ {{ host }} ]\n  annotations:\n    cert-manager.io/{{ issuer_kind }}: \"{{ issuer }}\"\n  class: ~\n";

    /// Everything there is goes where the template says; nothing of it is read as YAML.
    #[test]
    fn filled_in() {
        check_template("t", TEMPLATE).unwrap();
        let places = Places {
            host: "shop.example.com",
            tls_secret: "shop-tls",
            issuer: "yes: [",
            issuer_kind: "ClusterIssuer",
            ..Places::default()
        };
        insta::assert_snapshot!(fill(TEMPLATE, &places).unwrap(), @r"
        ingress:
          annotations:
            cert-manager.io/ClusterIssuer: 'yes: ['
          class: null
          host: shop.example.com
          tls:
          - hosts:
            - shop.example.com
            secretName: shop-tls
        ");
    }

    /// What has nothing to stand for is left out, with what becomes empty.
    #[test]
    fn left_out() {
        let places = Places { host: "shop.example.com", ..Places::default() };
        insta::assert_snapshot!(fill(TEMPLATE, &places).unwrap(), @r"
        ingress:
          class: null
          host: shop.example.com
          tls:
          - hosts:
            - shop.example.com
        ");
        assert_eq!(fill("", &places).unwrap(), "");
        assert_eq!(fill("tls: {secretName: '{{ tls_secret }}'}\n", &places).unwrap(), "");
    }

    /// Places that are not there, templates that say nothing of the host, and what is no YAML.
    #[test]
    fn refused() {
        let why = |text: &str| check_template("t", text).unwrap_err().to_string();
        assert!(why("a: {{ hots }}").starts_with("There is no place `{{ hots }}`. Use {{ host }}"));
        assert!(why("a: {{ host").contains("does not end"));
        assert!(why("a: 1").contains("where the host goes"));
        assert!(why("a: [ {{ host }}").contains("not valid YAML"));
        check_template("t", " \n").unwrap();
    }
}

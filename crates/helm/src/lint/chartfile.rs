//! Rules for Chart.yaml.

use std::path::Path;

use goyaml::Value;

use super::{Linter, Severity, address, chain, go_words};
use crate::chart::{ChartfileReading, Metadata, sorted};
use crate::golang::path;
use crate::semver::{Constraint, Version};

const FILE: &str = "Chart.yaml";

pub(super) fn check(linter: &mut Linter) {
    let path = linter.folder.join(FILE);
    let no_folder = if path.is_dir() { Err("should be a file, not a directory") } else { Ok(()) };
    linter.rule(Severity::Error, FILE, no_folder);
    let (text, reading) = match read(&path) {
        Ok(read) => read,
        Err(error) => {
            linter.rule(Severity::Error, FILE, Err(format!("unable to parse YAML\n\t{error}")));
            return;
        }
    };
    let strict = strictly(&text)
        .map_err(|error| format!("failed to strictly parse chart metadata file\n\t{error}"));
    linter.rule(Severity::Warning, FILE, strict);
    let metadata = &reading.metadata;
    // Cannot fail where the text could be read with types.
    let untyped = goyaml::parse(&text).unwrap_or_default();
    let rules = [
        (Severity::Error, name(metadata)),
        (Severity::Error, api_version(metadata)),
        (Severity::Error, is_text(&untyped, "version")),
        (Severity::Error, version(metadata)),
        (Severity::Error, is_text(&untyped, "appVersion")),
        (Severity::Error, maintainers(&reading)),
        (Severity::Error, sources(metadata)),
        (Severity::Info, demand(!metadata.icon.is_empty(), || "icon is recommended".to_owned())),
        (Severity::Error, icon(metadata)),
        (Severity::Error, chart_type(metadata)),
        (Severity::Error, dependencies(metadata)),
        (Severity::Warning, strict_version(metadata)),
    ];
    for (severity, outcome) in rules {
        linter.rule(severity, FILE, outcome);
    }
}

/// What must hold, and else the text of the finding.
fn demand(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

fn read(path: &Path) -> Result<(String, ChartfileReading), String> {
    let bytes = std::fs::read(path).map_err(|error| {
        let operation = if path.is_dir() { "read" } else { "open" };
        go_words(operation, path, &error)
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let reading = ChartfileReading::of(&text).map_err(|error| chain(&error))?;
    Ok((text, reading))
}

/// Keys that stand twice, or else the first that means nothing.
fn strictly(text: &str) -> Result<(), String> {
    let document = goyaml::parse_strict(text).map_err(|error| error.to_string())?;
    match unknown(&document, &FIELDS) {
        None => Ok(()),
        Some(key) => Err(format!(
            "error unmarshaling JSON: while decoding JSON: json: unknown field {}",
            gotemplate::print::quote(&key)
        )),
    }
}

/// The fields of a mapping, those that are lists of mappings with theirs.
type Fields = [(&'static str, &'static [&'static str])];

const FIELDS: [(&str, &[&str]); 17] = [
    ("name", &[]),
    ("home", &[]),
    ("sources", &[]),
    ("version", &[]),
    ("description", &[]),
    ("keywords", &[]),
    ("maintainers", &["name", "email", "url"]),
    ("icon", &[]),
    ("apiversion", &[]),
    ("condition", &[]),
    ("tags", &[]),
    ("appversion", &[]),
    ("deprecated", &[]),
    ("annotations", &[]),
    ("kubeversion", &[]),
    (
        "dependencies",
        &[
            "name",
            "version",
            "repository",
            "condition",
            "tags",
            "enabled",
            "import-values",
            "alias",
        ],
    ),
    ("type", &[]),
];

/// The first key, in Go's order, that is no field.
fn unknown(document: &Value, fields: &Fields) -> Option<String> {
    for (key, value) in sorted(document.as_map()?) {
        let lower = key.to_ascii_lowercase();
        let Some((_, inner)) = fields.iter().find(|(name, _)| *name == lower) else {
            return Some(key.to_owned());
        };
        if inner.is_empty() {
            continue;
        }
        let items = value.as_seq().unwrap_or_default().iter().filter_map(Value::as_map);
        let inside = items
            .flat_map(sorted)
            .find(|(key, _)| !inner.contains(&key.to_ascii_lowercase().as_str()));
        if let Some((key, _)) = inside {
            return Some(key.to_owned());
        }
    }
    None
}

fn name(metadata: &Metadata) -> Result<(), String> {
    let name = &metadata.name;
    if name.is_empty() {
        return Err("name is required".into());
    }
    if path::base(name.as_bytes()) != name.as_bytes() {
        return Err(format!("chart name {} is invalid", gotemplate::print::quote(name)));
    }
    Ok(())
}

fn api_version(metadata: &Metadata) -> Result<(), String> {
    match metadata.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".into()),
        other => Err(format!(
            "apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\""
        )),
    }
}

/// Whether a field that should be a text was written as one.
fn is_text(document: &Value, key: &str) -> Result<(), String> {
    let found = match document.get(key) {
        None | Some(Value::String(_)) => return Ok(()),
        Some(Value::Null) => "<nil>",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Int(_) | Value::Uint(_) | Value::Float(_)) => "float64",
        Some(Value::Seq(_)) => "[]interface {}",
        Some(Value::Map(_)) => "map[string]interface {}",
    };
    Err(format!("{key} should be of type string but it's of type {found}"))
}

fn version(metadata: &Metadata) -> Result<(), String> {
    let text = &metadata.version;
    if text.is_empty() {
        return Err("version is required".into());
    }
    let version =
        Version::parse(text).map_err(|_| format!("version '{text}' is not a valid SemVer"))?;
    let above_nothing = Constraint::parse(">0.0.0-0").is_ok_and(|c| c.check(&version));
    if above_nothing {
        return Ok(());
    }
    Err(format!("version \"{text}\" is less than or equal to \"0.0.0-0\""))
}

fn maintainers(reading: &ChartfileReading) -> Result<(), String> {
    for maintainer in &reading.metadata.maintainers {
        let (name, email, url) = (&maintainer.name, &maintainer.email, &maintainer.url);
        if reading.nulls.maintainer && name.is_empty() && email.is_empty() && url.is_empty() {
            return Err("a maintainer entry is empty".into());
        }
        if name.is_empty() {
            return Err("each maintainer requires a name".into());
        }
        if !email.is_empty() && !address::is_email(email) {
            return Err(format!("invalid email '{email}' for maintainer '{name}'"));
        }
        if !url.is_empty() && !address::is_url(url) {
            return Err(format!("invalid url '{url}' for maintainer '{name}'"));
        }
    }
    Ok(())
}

fn sources(metadata: &Metadata) -> Result<(), String> {
    match metadata.sources.iter().find(|source| !address::is_request_url(source)) {
        None => Ok(()),
        Some(source) => Err(format!("invalid source URL '{source}'")),
    }
}

fn icon(metadata: &Metadata) -> Result<(), String> {
    let icon = &metadata.icon;
    let fits = icon.is_empty() || address::is_request_url(icon);
    demand(fits, || format!("invalid icon URL '{icon}'"))
}

fn chart_type(metadata: &Metadata) -> Result<(), String> {
    let version = &metadata.api_version;
    demand(metadata.chart_type.is_empty() || version == "v2", || {
        format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'")
    })
}

fn dependencies(metadata: &Metadata) -> Result<(), String> {
    let version = &metadata.api_version;
    demand(metadata.declared().is_empty() || version == "v2", || {
        format!(
            "dependencies are not valid in the Chart file with apiVersion '{version}'. They are \
             valid in apiVersion 'v2'"
        )
    })
}

fn strict_version(metadata: &Metadata) -> Result<(), String> {
    let version = &metadata.version;
    demand(Version::parse_strict(version).is_ok(), || {
        format!("version '{version}' is not a valid SemVerV2")
    })
}

//! Rules for the files below `templates/`: that they render, and what they render to.

use std::collections::BTreeMap;

use goyaml::Value;

use super::stream::{Documents, Head};
use super::{Linter, Options, Severity, chain, deprecations, names};
use crate::Capabilities;
use crate::capabilities::KubeVersion;
use crate::chart::{Chart, Decoder, File};
use crate::golang::path;
use crate::render::rendered_for_lint;

const FOLDER: &str = "templates/";

/// Go's scanner of lines gives up on longer ones, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

pub(super) fn check(linter: &mut Linter, options: &Options<'_>) {
    let path = linter.folder.join("templates");
    let exists = if path.exists() { Ok(()) } else { Err("directory does not exist") };
    if !linter.rule(Severity::Warning, FOLDER, exists) {
        return;
    }
    let is_folder = if path.is_dir() { Ok(()) } else { Err("not a directory") };
    if !linter.rule(Severity::Error, FOLDER, is_folder) {
        return;
    }
    let loaded = Chart::load_of_any_format(&linter.folder).map_err(|error| chain(&error));
    let rendered = loaded.and_then(|chart| Ok((render(&chart, options)?, chart)));
    let (rendered, chart) = match rendered {
        Ok((Some(rendered), chart)) => (rendered, chart),
        Ok((None, _)) => return,
        Err(error) => {
            linter.rule(Severity::Error, FOLDER, Err(error));
            return;
        }
    };
    let version = options.kube_version.clone().unwrap_or_default();
    for template in chart.templates() {
        let text = rendered.get(&format!("{}/{}", chart.name(), template.name));
        let text = text.map(String::as_str).unwrap_or_default();
        // Helm looks at no further file after one that is not YAML.
        if !check_file(linter, template, text, &version) {
            return;
        }
    }
}

fn render(
    chart: &Chart,
    options: &Options<'_>,
) -> Result<Option<BTreeMap<String, String>>, String> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    rendered_for_lint(chart, options.values, options.namespace, capabilities, options.skip_schema)
        .map_err(|error| chain(&error))
}

/// Checks one file and what it rendered to; whether that could be read.
fn check_file(linter: &mut Linter, file: &File, text: &str, version: &KubeVersion) -> bool {
    let name = file.name.as_str();
    let extension = String::from_utf8_lossy(path::extension(name.as_bytes())).into_owned();
    let known = if [".yaml", ".yml", ".tpl", ".txt"].contains(&extension.as_str()) {
        Ok(())
    } else {
        Err(format!(
            "file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or \
             .txt"
        ))
    };
    linter.rule(Severity::Error, name, known);
    if ![".yaml", ".yml"].contains(&extension.to_lowercase().as_str()) || text.trim().is_empty() {
        return true;
    }
    linter.rule(Severity::Warning, name, first_line(text));
    for head in Documents::new(text) {
        match head {
            Ok(head) => check_object(linter, name, &head, text, version),
            Err(error) => {
                let text = format!("unable to parse YAML: {error}");
                return linter.rule(Severity::Error, name, Err(text));
            }
        }
    }
    true
}

fn check_object(linter: &mut Linter, file: &str, head: &Head, text: &str, version: &KubeVersion) {
    linter.rule(Severity::Warning, file, names::check(&head.kind, &head.name));
    let deprecated = match deprecations::warning(&head.api_version, &head.kind, version) {
        Ok(None) => Ok(()),
        Ok(Some(text)) | Err(text) => Err(text),
    };
    linter.rule(Severity::Warning, file, deprecated);
    linter.rule(Severity::Error, file, selector(head, text));
    linter.rule(Severity::Error, file, list_annotations(head, text));
}

/// The first line with content must not be indented.
fn first_line(text: &str) -> Result<(), String> {
    for line in text.split('\n') {
        if line.len() >= LONGEST_LINE {
            return Err("bufio.Scanner: token too long".into());
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let line = gotemplate::print::quote(line);
            return Err(format!(
                "document starts with an illegal indent: {line}, which may cause parsing problems"
            ));
        }
        return Ok(());
    }
    Ok(())
}

/// Workloads need a selector; somewhere in the file will do.
fn selector(head: &Head, text: &str) -> Result<(), String> {
    let workload =
        matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if workload && !text.contains("matchLabels") && !text.contains("matchExpressions") {
        let name = gotemplate::print::quote(&head.name);
        return Err(format!(
            "a {} must contain matchLabels or matchExpressions, and {name} does not",
            head.kind
        ));
    }
    Ok(())
}

const LIST_TYPE: &str =
    "struct { Items []struct { Metadata struct { Annotations map[string]string } } }";
const ITEMS_TYPE: &str = "[]struct { Metadata struct { Annotations map[string]string } }";
const ITEM_TYPE: &str = "struct { Metadata struct { Annotations map[string]string } }";
const METADATA_TYPE: &str = "struct { Annotations map[string]string }";

/// What is in a `List` cannot ask Helm to be kept. Helm reads the first document of the file.
fn list_annotations(head: &Head, text: &str) -> Result<(), String> {
    if head.kind != "List" {
        return Ok(());
    }
    let unreadable = |error: &dyn std::error::Error| format!("unable to parse YAML: {error}");
    let document = goyaml::parse(text).map_err(|error| unreadable(&error))?;
    let mut decoder = Decoder::default();
    let mut keeps = false;
    decoder.object(&document, LIST_TYPE, |decoder, key, value| {
        if key == "items" {
            decoder.list(value, ITEMS_TYPE, |decoder, item| keeps |= is_kept(decoder, item));
        }
    });
    if decoder.finish(keeps).map_err(|error| unreadable(&error))? {
        return Err("annotation 'helm.sh/resource-policy' within List objects are ignored".into());
    }
    Ok(())
}

fn is_kept(decoder: &mut Decoder, item: &Value) -> bool {
    let mut kept = false;
    decoder.object(item, ITEM_TYPE, |decoder, key, value| {
        if key == "metadata" {
            decoder.object(value, METADATA_TYPE, |decoder, key, value| {
                if key == "annotations" {
                    let annotations = decoder.text_map(value).unwrap_or_default();
                    kept |= annotations.contains_key("helm.sh/resource-policy");
                }
            });
        }
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An indented first line is quoted; blank lines before it do not count.
    #[test]
    fn indentation() {
        assert_eq!(first_line("\n\na: 1\n  b"), Ok(()));
        assert_eq!(
            first_line("\n \n\ta: \"1\"\r\n").unwrap_err(),
            "document starts with an illegal indent: \"\\ta: \\\"1\\\"\", which may cause parsing \
             problems"
        );
    }
}

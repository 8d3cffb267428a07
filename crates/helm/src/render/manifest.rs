//! From rendered files to documents and hooks: splitting, reading heads, sorting.
//!
//! The texts of documents are never changed beyond what Helm's splitting does to them.

use std::collections::BTreeMap;

use goyaml::Value;

use super::order::{INSTALL_ORDER, compare_kinds};
use crate::chart::{ChartfileError, Decoder};
use crate::release::{Hook, HookDeletePolicy, HookEvent, HookExecution, HookOutputLogPolicy};

/// One rendered document that is not a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The template it came from, such as `shop/templates/service.yaml`.
    pub source: String,
    /// `apiVersion`, empty if it has none.
    pub api_version: String,
    /// `kind`, empty if it has none (a document of comments, say).
    pub kind: String,
    /// `metadata.name`, empty if it has none.
    pub name: String,
    /// The YAML, with the line breaks it ended in.
    pub text: String,
}

/// Why a rendered document cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("YAML parse error on {source_file}")]
pub struct ManifestError {
    /// The template it came from.
    pub source_file: String,
    /// The document as rendered.
    pub text: String,
    /// What is wrong with it.
    pub source: ChartfileError,
}

/// What Helm reads of a document.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    api_version: String,
    kind: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

/// Splits rendered files (name → text) and sorts what is in them into hooks and documents, both in
/// install order.
pub(super) fn sort_manifests(
    files: &BTreeMap<String, String>,
) -> Result<(Vec<Hook>, Vec<Document>), ManifestError> {
    let (mut hooks, mut documents) = (Vec::new(), Vec::new());
    for (file, text) in files {
        let partial = file.rsplit('/').next().is_some_and(|base| base.starts_with('_'));
        if partial {
            continue;
        }
        for document in split(text) {
            let head = read_head(document).map_err(|source| ManifestError {
                source_file: file.clone(),
                text: document.to_owned(),
                source,
            })?;
            match head.annotations.get("helm.sh/hook") {
                Some(events) => hooks.extend(hook(file, document, &head, events)),
                None => documents.push(Document {
                    source: file.clone(),
                    api_version: head.api_version,
                    kind: head.kind,
                    name: head.name,
                    text: document.to_owned(),
                }),
            }
        }
    }
    hooks.sort_by(|a, b| compare_kinds(&INSTALL_ORDER, &a.kind, &b.kind));
    documents.sort_by(|a, b| compare_kinds(&INSTALL_ORDER, &a.kind, &b.kind));
    Ok((hooks, documents))
}

/// Cuts a text at every line that begins with `---`, wherever it stands; blank pieces and leading
/// blanks of pieces are dropped, trailing ones kept.
pub fn split(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut line = 0;
    while line < text.len() {
        if let Some(after) = text[line..].strip_prefix("---") {
            pieces.push(&text[start..line]);
            let rest = after.trim_start_matches([' ', '\t']);
            start = text.len() - rest.len();
        }
        line = match text[line.max(start)..].find('\n') {
            Some(end) => line.max(start) + end + 1,
            None => text.len(),
        };
    }
    pieces.push(&text[start..]);
    pieces.into_iter().map(str::trim_start).filter(|piece| !piece.is_empty()).collect()
}

const METADATA_TYPE: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \
     \"json:\\\"annotations\\\"\" }";

fn read_head(text: &str) -> Result<Head, ChartfileError> {
    let document = goyaml::parse_keeping_integers(text)?;
    let mut decoder = Decoder::default();
    let mut head = Head::default();
    decoder.object(&document, "util.SimpleHead", |decoder, key, value| match key {
        "apiversion" => decoder.text(value, &mut head.api_version),
        "kind" => decoder.text(value, &mut head.kind),
        "metadata" => read_metadata(decoder, value, &mut head),
        _ => {}
    });
    Ok(decoder.finish(head)?)
}

fn read_metadata(decoder: &mut Decoder, value: &Value, head: &mut Head) {
    decoder.object(value, METADATA_TYPE, |decoder, key, value| match key {
        "name" => decoder.text(value, &mut head.name),
        "annotations" => head.annotations = decoder.text_map(value).unwrap_or_default(),
        _ => {}
    });
}

/// The hook a document is; `None` if it names an event Helm does not know, which drops it.
fn hook(file: &str, text: &str, head: &Head, events: &str) -> Option<Hook> {
    let mut known = Vec::new();
    for event in words(events) {
        let event = if event == "test-success" { "test".to_owned() } else { event };
        match HookEvent::from(event) {
            HookEvent::Other(_) => {
                tracing::info!(hookTypes = events, "skipping unknown hooks");
                return None;
            }
            event => known.push(event),
        }
    }
    let list = |annotation: &str| head.annotations.get(annotation).map(|list| words(list));
    let delete = list("helm.sh/hook-delete-policy").unwrap_or_default();
    let output = list("helm.sh/hook-output-log-policy").unwrap_or_default();
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: file.to_owned(),
        manifest: text.to_owned(),
        events: known,
        last_run: HookExecution::default(),
        weight: head
            .annotations
            .get("helm.sh/hook-weight")
            .and_then(|weight| weight.parse().ok())
            .unwrap_or(0),
        delete_policies: delete.into_iter().map(HookDeletePolicy::from).collect(),
        output_log_policies: output.into_iter().map(HookOutputLogPolicy::from).collect(),
    })
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(|word| word.trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `---` at the start of any line cuts; what precedes a document is trimmed, its end is not.
    #[test]
    fn splitting() {
        assert_eq!(
            split("kind: Foo\n---\nkind: Bar\n---d: 4\n---\n# only\n"),
            ["kind: Foo\n", "kind: Bar\n", "d: 4\n", "# only\n"]
        );
        assert_eq!(split("---\n\n  a: 1\n\n--- # c\nb: 2"), ["a: 1\n\n", "# c\nb: 2"]);
        assert_eq!(split("a: |\n  x\n---\n  b: 1\n"), ["a: |\n  x\n", "b: 1\n"]);
        assert_eq!(split("a: 1\n --- x\n"), ["a: 1\n --- x\n"]);
        assert_eq!(split("\n \n---\n---\n"), Vec::<&str>::new());
        assert_eq!(split("------\na"), ["---\na"]);
    }

    fn sorted(files: &[(&str, &str)]) -> Result<(Vec<Hook>, Vec<Document>), String> {
        let files = files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        sort_manifests(&files).map_err(|error| format!("{error}: {}", error.source))
    }

    /// Documents come in install order, equal kinds in file order.
    #[test]
    fn install_order() {
        let (_, documents) = sorted(&[
            ("c/templates/a.yaml", "kind: Deployment\nmetadata: {name: 1}\n"),
            ("c/templates/b.yaml", "kind: Service\n---\nkind: Foo\n"),
            ("c/templates/_p.yaml", "kind: Service\n"),
            ("c/templates/c.yaml", "kind: Namespace\n"),
        ])
        .unwrap();
        let kinds: Vec<&str> = documents.iter().map(|d| d.kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "Service", "Deployment", "Foo"]);
        assert_eq!(documents[2].name, "1");
    }

    /// Annotations make hooks; one unknown event drops the document.
    #[test]
    fn hooks() {
        let (hooks, documents) = sorted(&[(
            "c/templates/a.yaml",
            "kind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: Pre-Install , \
             test-success\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: \
             hook-succeeded,later\n---\nkind: Job\nmetadata: {annotations: {helm.sh/hook: \
             crd-install}}\n",
        )])
        .unwrap();
        assert!(documents.is_empty());
        assert_eq!(hooks.len(), 1);
        assert_eq!(hooks[0].events, [HookEvent::PreInstall, HookEvent::Test]);
        assert_eq!(hooks[0].weight, -5);
        assert_eq!(
            hooks[0].delete_policies,
            [HookDeletePolicy::Succeeded, HookDeletePolicy::Other("later".to_owned())]
        );
    }

    /// Documents Helm cannot read the head of are refused in its words.
    #[test]
    fn refusals() {
        let refusal = |text| sorted(&[("c/templates/a.yaml", text)]).unwrap_err();
        let prefix = "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while \
                      decoding JSON: json: cannot unmarshal";
        assert_eq!(
            refusal("- a\n"),
            format!("{prefix} array into Go value of type util.SimpleHead")
        );
        assert_eq!(
            refusal("kind: Foo\nmetadata: {annotations: {a: {b: 1}}}\n"),
            format!("{prefix} object into Go struct field .metadata.annotations.a of type string")
        );
        assert_eq!(
            refusal("a: b: c\n"),
            "YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: mapping \
             values are not allowed in this context"
        );
    }
}

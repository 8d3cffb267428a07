//! Masking what people are shown: Secrets in manifests, and texts that are secret wherever they stand. Pure.
//!
//! Which values of an App are secret is told in `mask_values`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goyaml::Value;
use rollout::diff::ObjectDiff;
use rollout::plan::Plan;

/// Stands for what is not shown.
pub(crate) const MASK: &str = "********";

/// Masks the contents of every Secret in a manifest; the rest of the text stays as it is.
pub(crate) fn mask_manifest(manifest: &str) -> String {
    let mut masked = String::with_capacity(manifest.len());
    for document in documents(manifest) {
        match masked_document(document) {
            Some(text) => masked.push_str(&text),
            None => masked.push_str(document),
        }
    }
    masked
}

/// The documents with the lines that separate them.
fn documents(manifest: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in manifest.split_inclusive('\n') {
        if line.trim_end() == "---" && at > start {
            parts.push(&manifest[start..at]);
            start = at;
        }
        at += line.len();
    }
    parts.push(&manifest[start..]);
    parts
}

/// The document with Secrets masked, if it has any. What cannot be read is not shown at all if it
/// might be one.
fn masked_document(document: &str) -> Option<String> {
    if !document.contains("Secret") {
        return None;
    }
    let head: String = document
        .split_inclusive('\n')
        .take_while(|line| line.trim_end() == "---" || line.starts_with('#'))
        .collect();
    let Ok(mut value) = goyaml::parse(&document[head.len()..]) else {
        return Some(format!("{head}# This object cannot be read, so it is not shown.\n"));
    };
    if !mask_secrets(&mut value) {
        return None;
    }
    Some(format!("{head}{}", goyaml::to_string(&value).unwrap_or_default()))
}

/// Masks an object that is a Secret, and those in a list; whether there were any.
fn mask_secrets(object: &mut Value) -> bool {
    let secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    let items = object.get("items").and_then(Value::as_seq).map(<[Value]>::to_vec);
    let Some(map) = object.as_map_mut() else { return false };
    let mut found = secret;
    if secret {
        for field in ["data", "stringData"] {
            let Some(data) = map.get(field).and_then(Value::as_map) else { continue };
            let hidden = data.iter().map(|(key, _)| (key, Value::String(MASK.into()))).collect();
            let hidden = Value::Map(hidden);
            map.insert(field, hidden);
        }
    }
    if let Some(mut items) = items {
        // Every item is looked at, also after one was found.
        let masked = items.iter_mut().map(mask_secrets).fold(false, |any, one| any | one);
        if masked {
            map.insert("items", Value::Seq(items.into()));
            found = true;
        }
    }
    found
}

/// What looked-up Secrets hold, as it stands in them and decoded: wherever a template has put it, it
/// is not shown. Texts of fewer than [`SHORTEST`] characters would hide half of every manifest.
pub(crate) fn looked_up_secrets(lookups: &[serde_json::Value]) -> Vec<String> {
    let mut texts = Vec::new();
    for lookup in lookups {
        collect_secrets(lookup.get("answer").unwrap_or(&serde_json::Value::Null), &mut texts);
    }
    texts
}

/// Texts in the order in which they are masked: the longest first, so that one that holds another is
/// masked whole.
pub(crate) fn longest_first(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    texts.dedup();
    texts
}

/// Shorter texts would hide half of every manifest.
pub(super) const SHORTEST: usize = 4;

fn collect_secrets(object: &serde_json::Value, texts: &mut Vec<String>) {
    for item in object.get("items").and_then(serde_json::Value::as_array).into_iter().flatten() {
        collect_secrets(item, texts);
    }
    if object.get("kind").and_then(serde_json::Value::as_str) != Some("Secret") {
        return;
    }
    let data = object.get("data").and_then(serde_json::Value::as_object);
    for encoded in data.into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let found = decoded.into_iter().chain([encoded.to_owned()]);
        texts.extend(found.filter(|text| text.chars().count() >= SHORTEST));
    }
}

/// Masks these texts wherever they stand.
pub(crate) fn mask_texts(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| {
        if text.contains(secret.as_str()) { text.replace(secret.as_str(), MASK) } else { text }
    })
}

/// The same in the diffs of a plan.
pub(crate) fn mask_plan(mut plan: Plan, secrets: &[String]) -> Plan {
    let objects = plan.crds.iter_mut().chain(&mut plan.objects);
    mask_diffs(objects.filter_map(|object| object.diff.as_mut()), secrets);
    plan
}

/// The same in diffs.
pub(crate) fn mask_diffs<'d>(diffs: impl Iterator<Item = &'d mut ObjectDiff>, secrets: &[String]) {
    for line in diffs.flat_map(|diff| &mut diff.hunks).flat_map(|hunk| &mut hunk.lines) {
        line.text = mask_texts(&line.text, secrets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Secret's contents are masked, its keys and everything else stay, byte for byte.
    #[test]
    fn secrets_in_manifests() {
        let manifest = "---\n# Source: shop/templates/secret.yaml\napiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\ndata:\n  token: c2VjcmV0\nstringData:\n  plain: secret\n---\n# Source: shop/templates/web.yaml\nkind: ConfigMap\ndata: {a:   b}\n";
        insta::assert_snapshot!(mask_manifest(manifest), @r"
        ---
        # Source: shop/templates/secret.yaml
        apiVersion: v1
        data:
          token: '********'
        kind: Secret
        metadata:
          name: keys
        stringData:
          plain: '********'
        ---
        # Source: shop/templates/web.yaml
        kind: ConfigMap
        data: {a:   b}
        ");
    }

    /// Secrets inside a List are masked, and one that cannot be read is not shown.
    #[test]
    fn hidden_secrets() {
        let list = "kind: List\nitems:\n- kind: Secret\n  data: {a: c2VjcmV0}\n- kind: Secret\n  data: {b: c2VjcmV0}\n";
        assert!(!mask_manifest(list).contains("c2VjcmV0"));
        let broken = "---\nkind: Secret\ndata: {a: c2VjcmV0\n";
        assert!(!mask_manifest(broken).contains("c2VjcmV0"));
    }

    /// What `lookup` found in a Secret is masked wherever it reappears, encoded or not, one whole.
    #[test]
    fn looked_up_secrets_reappear_masked() {
        let answer = |kind: &str, data: serde_json::Value| serde_json::json!({ "kind": "Secret", "answer": { "kind": kind, "data": data } });
        let lookups = [
            answer(
                "Secret",
                serde_json::json!({ "a": "aHVudGVyMg==", "b": "aHVudA==", "c": "eA==" }),
            ),
            answer("ConfigMap", serde_json::json!({ "plain": "shown" })),
        ];
        let secrets = longest_first(looked_up_secrets(&lookups));
        let text = "url: db://hunter2@host\nraw: aHVudGVyMg==\nx: shown, hunt\n";
        let masked = mask_texts(text, &secrets);
        assert_eq!(masked, format!("url: db://{MASK}@host\nraw: {MASK}\nx: shown, {MASK}\n"));
    }
}

//! Masking what people are shown: Secrets in manifests, and values on the App's path patterns. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goyaml::Value;
use rollout::plan::Plan;

use crate::values::{MergedKey, MergedValues};

/// Stands for what is not shown.
pub(crate) const MASK: &str = "********";

/// Masks the values whose path matches one of `patterns` (`*` stands for one key).
pub(crate) fn mask_values(values: MergedValues, patterns: &[String]) -> MergedValues {
    if patterns.is_empty() {
        return values;
    }
    let mut lines: Vec<&str> = values.yaml.lines().collect();
    let mut keys: Vec<MergedKey> = values.keys;
    let mut masked_lines: Vec<(usize, String)> = Vec::new();
    // From the end, so that taking lines away does not move what is still to be looked at.
    for n in (0..keys.len()).rev() {
        if !patterns.iter().any(|pattern| matches(pattern, &keys[n].path)) {
            continue;
        }
        MASK.clone_into(&mut keys[n].value);
        let first = keys[n].line as usize - 1;
        let Some(line) = lines.get(first) else { continue };
        let indent = indent(line);
        let more = lines[first + 1..].iter().take_while(|line| belongs(line, indent)).count();
        lines.drain(first + 1..=first + more);
        for later in &mut keys[n + 1..] {
            later.line -= u32::try_from(more).unwrap_or(0);
        }
        for (at, _) in &mut masked_lines {
            *at -= more;
        }
        masked_lines.push((first, keys[n].path.clone()));
    }
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        if masked_lines.iter().any(|(masked, _)| *masked == at) {
            let key = key_of(line);
            text.extend([key, ": '", MASK, "'\n"]);
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    MergedValues { yaml: text, keys }
}

/// The key of a line with its indentation. Quoted keys may have colons.
fn key_of(line: &str) -> &str {
    let start = indent(line);
    let rest = &line[start..];
    let end = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |at| at + 2),
        _ => rest.find(':').unwrap_or(rest.len()),
    };
    &line[..start + end]
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line goes on with the value of a key that is indented so far.
fn belongs(line: &str, key: usize) -> bool {
    line.trim().is_empty()
        || indent(line) > key
        || (indent(line) == key && (line[key..].starts_with("- ") || &line[key..] == "-"))
}

/// Whether a path such as `db.password` matches a pattern such as `*.password`. A pattern also
/// matches what lies below it.
fn matches(pattern: &str, path: &str) -> bool {
    let mut keys = path.split('.');
    pattern.split('.').all(|wanted| keys.next().is_some_and(|key| wanted == "*" || wanted == key))
}

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
    // The longest first, so that a text that holds another is masked whole.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.dedup();
    texts
}

const SHORTEST: usize = 4;

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
    let diffs = plan.objects.iter_mut().filter_map(|object| object.diff.as_mut());
    for line in diffs.flat_map(|diff| &mut diff.hunks).flat_map(|hunk| &mut hunk.lines) {
        line.text = mask_texts(&line.text, secrets);
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::ValuesLayer;

    fn key(path: &str, value: &str, line: u32) -> MergedKey {
        MergedKey {
            path: path.to_owned(),
            value: value.to_owned(),
            layer: ValuesLayer::App,
            overrules: Vec::new(),
            line,
        }
    }

    /// Values on a pattern are masked with all their lines; the lines of the others still fit.
    #[test]
    fn values_on_patterns() {
        let yaml = "db:\n  key: |\n    one\n    two\n  name: shop\n  password: secret\ntokens:\n- a\n- b\nweb: 1\n";
        let keys = vec![
            key("db.key", "\"one\\ntwo\\n\"", 2),
            key("db.name", "\"shop\"", 5),
            key("db.password", "\"secret\"", 6),
            key("tokens", "[\"a\",\"b\"]", 7),
            key("web", "1", 10),
        ];
        let patterns = ["*.password", "db.key", "tokens"].map(str::to_owned);
        let masked = mask_values(MergedValues { yaml: yaml.to_owned(), keys }, &patterns);
        insta::assert_snapshot!(masked.yaml, @r"
        db:
          key: '********'
          name: shop
          password: '********'
        tokens: '********'
        web: 1
        ");
        let told: Vec<String> = masked
            .keys
            .iter()
            .map(|key| format!("{} {}={}", key.line, key.path, key.value))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        2 db.key=********
        3 db.name="shop"
        4 db.password=********
        5 tokens=********
        6 web=1
        "#);
    }

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
        let secrets = looked_up_secrets(&lookups);
        let text = "url: db://hunter2@host\nraw: aHVudGVyMg==\nx: shown, hunt\n";
        let masked = mask_texts(text, &secrets);
        assert_eq!(masked, format!("url: db://{MASK}@host\nraw: {MASK}\nx: shown, {MASK}\n"));
    }
}

//! Masking the values that an App's settings call secret, and finding their texts. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::mask::{MASK, SHORTEST};
use crate::values::{MergedKey, MergedValues, PathPattern, fitting, masked};

/// Masks the values whose path fits one of `patterns`, and lists in which something does.
pub(crate) fn mask_values(values: MergedValues, patterns: &[PathPattern]) -> MergedValues {
    if patterns.is_empty() {
        return values;
    }
    let mut lines: Vec<&str> = values.yaml.lines().collect();
    let mut keys: Vec<MergedKey> = values.keys;
    let mut masked_lines: Vec<(usize, String)> = Vec::new();
    // From the end, so that taking lines away does not move what is still to be looked at.
    for n in (0..keys.len()).rev() {
        let path = keys[n].path.clone();
        for said in &mut keys[n].chain {
            if is_masked(&path, &said.value, patterns) {
                MASK.clone_into(&mut said.value);
            }
        }
        if !is_masked(&path, &keys[n].value, patterns) {
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
        masked_lines.push((first, path));
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

/// Whether a value, given as JSON, is masked: its path fits, or something in it does. What cannot be
/// looked into counts as one whole.
fn is_masked(path: &str, value: &str, patterns: &[PathPattern]) -> bool {
    let value = serde_json::from_str(value).unwrap_or(Value::Null);
    fitting(patterns, path, &value).is_some()
}

/// Values as somebody wrote them, without those that `patterns` mask: printed anew, since comments may say what they are,
/// unless nothing in them is masked.
pub(crate) fn mask_written(text: &str, patterns: &[PathPattern]) -> String {
    if patterns.is_empty() {
        return text.to_owned();
    }
    // What cannot be read was never saved; if it was, nothing tells what in it is secret.
    let Ok(values) = helm::values::parse_values(text) else { return format!("{MASK}\n") };
    let hides = |path: &str, value: &str| is_masked(path, value, patterns);
    masked(&values, MASK, hides).unwrap_or_else(|| text.to_owned())
}

/// The texts of all values that `patterns` mask: wherever a template has put one, it is not shown.
pub(crate) fn masked_texts(values: &MergedValues, patterns: &[PathPattern]) -> Vec<String> {
    let mut texts = Vec::new();
    for key in &values.keys {
        // What a lower layer set is not in the manifest, but may be in what ran before.
        for value in key.chain.iter().map(|said| &said.value).chain([&key.value]) {
            let value = serde_json::from_str(value).unwrap_or(Value::Null);
            for found in fitting(patterns, &key.path, &value).unwrap_or_default() {
                collect_texts(found, &mut texts);
            }
        }
    }
    texts
}

/// A value's texts and numbers, plain, as they stand in quotes, and in base64; of one with several
/// lines each line, because where it is indented it stands nowhere as a whole.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    let text = match value {
        Value::Array(items) => return items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(map) => return map.values().for_each(|value| collect_texts(value, texts)),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Null => return,
    };
    let quoted = Value::from(text.as_str()).to_string();
    let quoted = quoted[1..quoted.len() - 1].to_owned();
    let encoded = STANDARD.encode(&text);
    let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    let all = lines.into_iter().chain([text, quoted, encoded]);
    texts.extend(all.filter(|text| text.chars().count() >= SHORTEST));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{ValuesLayer, patterns};

    /// As written, comments included, where nothing is masked; else printed anew without what is.
    #[test]
    fn what_was_written() {
        let patterns = patterns(&["**.token".to_owned()]);
        let plain = "api: {replicas: 2} # two\n";
        assert_eq!(mask_written(plain, &patterns), plain);
        let secret = "api:\n  # abc is the old one\n  token: xyz\n  replicas: 2\n";
        assert_eq!(mask_written(secret, &[]), secret);
        assert_eq!(mask_written(secret, &patterns), "api:\n  replicas: 2\n  token: '********'\n");
        assert_eq!(mask_written("a: [", &patterns), "********\n");
    }

    fn key(path: &str, value: &str, line: u32) -> MergedKey {
        MergedKey {
            path: path.to_owned(),
            value: value.to_owned(),
            layer: ValuesLayer::App,
            chain: Vec::new(),
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
        let patterns = patterns(&["*.password", "db.key", "tokens"].map(str::to_owned));
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

    /// A list is masked whole where something in it is secret; the texts of secrets are told as they may
    /// stand in a manifest, and what is not secret is not.
    #[test]
    fn texts_of_masked_values() {
        let values = MergedValues {
            yaml: "users:\n- name: ann\n  pin: 123456\n  word: open \"sesame\"\n".to_owned(),
            keys: vec![key(
                "users",
                r#"[{"name":"anna","pin":123456,"word":"open \"sesame\""}]"#,
                1,
            )],
        };
        let patterns = patterns(&["users.*.pin", "**.word"].map(str::to_owned));
        let texts = masked_texts(&values, &patterns);
        insta::assert_snapshot!(texts.join("\n"), @r#"
        123456
        123456
        123456
        MTIzNDU2
        open "sesame"
        open "sesame"
        open \"sesame\"
        b3BlbiAic2VzYW1lIg==
        "#);
        assert_eq!(mask_values(values, &patterns).yaml, "users: '********'\n");
    }
}

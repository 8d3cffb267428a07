//! Names, labels and annotations, with Kubernetes' words for what is wrong with them.

use serde_json::{Value, json};

use crate::{kinds::Kind, object, status::Cause};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
     characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
     'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
     or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', \
     regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or \
     '-', start with an alphabetic character, and end with an alphanumeric character (e.g. \
     'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric \
     characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
     'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and \
     must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
     '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with an object's name, labels and annotations.
pub(super) fn problems(kind: &Kind, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::name(value);
    if let Err(why) = check_name(kind, name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), &why));
    }
    label_problems(&value["metadata"], "metadata", &mut causes);
    annotation_problems(value, &mut causes);
    causes
}

/// What is wrong with the labels of a `metadata`.
pub(super) fn label_problems(metadata: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = format!("{path}.labels");
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        if let Err(why) = check_qualified(key) {
            causes.push(Cause::invalid(&field, &json!(key), &why));
        }
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(Cause::invalid(&field, value, "must be no more than 63 characters"));
        }
        if !text.is_empty() && !is_word(text) {
            causes.push(Cause::invalid(&field, value, LABEL_VALUE));
        }
    }
}

fn annotation_problems(value: &Value, causes: &mut Vec<Cause>) {
    let annotations = &value["metadata"]["annotations"];
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        if let Err(why) = check_qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), &why));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 << 10 {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            message: "Too long: may not be more than 262144 bytes".to_owned(),
            field: "metadata.annotations".to_owned(),
        });
    }
}

fn check_name(kind: &Kind, name: &str) -> Result<(), String> {
    match kind.kind.as_str() {
        _ if kind.custom.is_some() => dns_subdomain(name),
        // These names are paths in URLs and nothing else.
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => {
            if matches!(name, "." | "..") || name.contains(['/', '%']) {
                return Err("may not contain '/' or '%'".to_owned());
            }
            Ok(())
        }
        "Service" => dns_label_1035(name),
        "Namespace" => dns_label(name),
        _ => dns_subdomain(name),
    }
}

/// A DNS subdomain of at most 253 characters.
pub(super) fn dns_subdomain(name: &str) -> Result<(), String> {
    if name.len() > 253 {
        return Err("must be no more than 253 characters".to_owned());
    }
    if name.split('.').all(is_label) { Ok(()) } else { Err(SUBDOMAIN.to_owned()) }
}

/// A DNS label of at most 63 characters.
pub(super) fn dns_label(name: &str) -> Result<(), String> {
    if name.len() > 63 {
        return Err("must be no more than 63 characters".to_owned());
    }
    if is_label(name) { Ok(()) } else { Err(LABEL.to_owned()) }
}

fn dns_label_1035(name: &str) -> Result<(), String> {
    if name.len() > 63 {
        return Err("must be no more than 63 characters".to_owned());
    }
    if is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(LABEL_1035.to_owned())
    }
}

fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(plain) && text.ends_with(plain) && text.chars().all(|c| plain(c) || c == '-')
}

fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(plain)
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || "-_.".contains(c))
}

fn check_qualified(key: &str) -> Result<(), String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(a, b)| (Some(a), b));
    if name.is_empty() {
        return Err("name part must be non-empty".to_owned());
    }
    if name.len() > 63 {
        return Err("name part must be no more than 63 characters".to_owned());
    }
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            return Err("prefix part must be non-empty".to_owned());
        }
        dns_subdomain(prefix).map_err(|why| format!("prefix part {why}"))?;
    }
    if is_word(name) { Ok(()) } else { Err(QUALIFIED.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kinds;

    /// Names are checked by the rule of their kind, and the rule is in the message.
    #[test]
    fn names_of_kinds() {
        let kinds = Kinds::builtin();
        let cases = [
            ("configmaps", "a.b-c", None),
            ("configmaps", "Web", Some("a lowercase RFC 1123 subdomain")),
            ("configmaps", "-web", Some("a lowercase RFC 1123 subdomain")),
            ("services", "1web", Some("a DNS-1035 label")),
            ("namespaces", "a.b", Some("a lowercase RFC 1123 label")),
            ("clusterroles.rbac.authorization.k8s.io", "system:admin", None),
        ];
        for (resource, name, wanted) in cases {
            let found = check_name(kinds.stored(resource).unwrap(), name).err();
            match wanted {
                None => assert_eq!(found, None, "{resource} {name}"),
                Some(wanted) => assert!(found.unwrap().starts_with(wanted), "{resource} {name}"),
            }
        }
    }

    /// Label keys and values follow Kubernetes' syntax.
    #[test]
    fn labels() {
        let cases = [
            (json!({ "app.kubernetes.io/name": "web" }), 0),
            (json!({ "app": "" }), 0),
            (json!({ "app": "two words" }), 1),
            (json!({ "/app": "web" }), 1),
            (json!({ "a/b/c": "web" }), 1),
            (json!({ "app": "x".repeat(64) }), 1),
        ];
        for (labels, wanted) in cases {
            let mut causes = Vec::new();
            label_problems(&json!({ "labels": labels }), "metadata", &mut causes);
            assert_eq!(causes.len(), wanted, "{labels}");
        }
    }
}

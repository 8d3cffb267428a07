//! Whether the name of an object is one Kubernetes accepts for its kind.

use std::sync::LazyLock;

use regex::Regex;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const DNS_1035_LABEL: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";

static LABEL_RULE: LazyLock<Option<Regex>> = LazyLock::new(|| whole(LABEL));
static SUBDOMAIN_RULE: LazyLock<Option<Regex>> = LazyLock::new(|| whole(SUBDOMAIN));
static DNS_1035_RULE: LazyLock<Option<Regex>> = LazyLock::new(|| whole(DNS_1035_LABEL));

fn whole(rule: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{rule})$")).ok()
}

fn fits(rule: &LazyLock<Option<Regex>>, name: &str) -> bool {
    // Go's `$` does not match before a final line break, nor does this crate's.
    rule.as_ref().is_some_and(|rule| rule.is_match(name))
}

/// Checks the name of an object of this kind; the text is Helm's.
pub(super) fn check(kind: &str, name: &str) -> Result<(), String> {
    let quoted = gotemplate::print::quote(name);
    let problems = problems(kind, name);
    let all: Vec<String> = problems
        .iter()
        .map(|problem| format!("metadata.name: Invalid value: {quoted}: {problem}"))
        .collect();
    let all = match all.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(format!("object name does not conform to Kubernetes naming requirements: {quoted}: {all}"))
}

fn problems(kind: &str, name: &str) -> Vec<String> {
    match kind.to_lowercase().as_str() {
        "service" => dns_1035_label(name),
        "namespace" => label(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    }
}

fn subdomain(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.len() > 253 {
        problems.push("must be no more than 253 bytes".to_owned());
    }
    if !fits(&SUBDOMAIN_RULE, name) {
        problems.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character (e.g. \
             'example.com', regex used for validation is '{SUBDOMAIN}')"
        ));
    }
    problems
}

fn label(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.len() > 63 {
        problems.push("must be no more than 63 bytes".to_owned());
    }
    if !fits(&LABEL_RULE, name) {
        problems.push(if fits(&SUBDOMAIN_RULE, name) {
            "must not contain dots".to_owned()
        } else {
            format!(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
                 '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or \
                 '123-abc', regex used for validation is '{LABEL}')"
            )
        });
    }
    problems
}

fn dns_1035_label(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.len() > 63 {
        problems.push("must be no more than 63 characters".to_owned());
    }
    if !fits(&DNS_1035_RULE, name) {
        problems.push(format!(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
             with an alphabetic character, and end with an alphanumeric character (e.g. \
             'my-name',  or 'abc-123', regex used for validation is '{DNS_1035_LABEL}')"
        ));
    }
    problems
}

fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ["/", "%"].into_iter().filter(|part| name.contains(part));
    forbidden.map(|part| format!("may not contain '{part}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds differ in what they accept.
    #[test]
    fn kinds() {
        for (kind, name) in [
            ("ConfigMap", "a.b-1"),
            ("Service", "a-1"),
            ("Namespace", "1a"),
            ("Role", "system:a_B"),
            ("CertificateSigningRequest", "%%%"),
        ] {
            assert_eq!(check(kind, name), Ok(()), "{kind} {name}");
        }
        for (kind, name) in [
            ("ConfigMap", "a_b"),
            ("ConfigMap", ""),
            ("Service", "1a"),
            ("Namespace", "a.b"),
            ("ClusterRole", "a/b"),
            ("Role", ".."),
        ] {
            assert!(check(kind, name).is_err(), "{kind} {name}");
        }
    }

    /// Several problems stand in brackets.
    #[test]
    fn several_problems() {
        assert_eq!(
            check("Role", "a/%").unwrap_err(),
            "object name does not conform to Kubernetes naming requirements: \"a/%\": \
             [metadata.name: Invalid value: \"a/%\": may not contain '/', metadata.name: Invalid \
             value: \"a/%\": may not contain '%']"
        );
    }
}

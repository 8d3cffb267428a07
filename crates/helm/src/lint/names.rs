//! Whether the name of an object is one Kubernetes accepts for its kind.

use std::sync::LazyLock;

use regex::Regex;

/// What Kubernetes demands of the names of some kinds.
struct Rule {
    /// The longest name, in bytes.
    longest: usize,
    /// What Kubernetes calls them here.
    unit: &'static str,
    pattern: &'static str,
    /// The pattern as it is described, with examples.
    described: &'static str,
    regex: LazyLock<Option<Regex>>,
}

static SUBDOMAIN: Rule = Rule {
    longest: 253,
    unit: "bytes",
    pattern: r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    described: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
                '-' or '.', and must start and end with an alphanumeric character (e.g. \
                'example.com'",
    regex: LazyLock::new(|| whole(&SUBDOMAIN)),
};

static LABEL: Rule = Rule {
    longest: 63,
    unit: "bytes",
    pattern: "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    described: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
                '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or \
                '123-abc'",
    regex: LazyLock::new(|| whole(&LABEL)),
};

static DNS_1035_LABEL: Rule = Rule {
    longest: 63,
    unit: "characters",
    pattern: "[a-z]([-a-z0-9]*[a-z0-9])?",
    described: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
                with an alphabetic character, and end with an alphanumeric character (e.g. \
                'my-name',  or 'abc-123'",
    regex: LazyLock::new(|| whole(&DNS_1035_LABEL)),
};

fn whole(rule: &Rule) -> Option<Regex> {
    Regex::new(&format!("^(?:{})$", rule.pattern)).ok()
}

impl Rule {
    fn fits(&self, name: &str) -> bool {
        // Go's `$` does not match before a final line break, nor does this crate's.
        self.regex.as_ref().is_some_and(|regex| regex.is_match(name))
    }

    fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if name.len() > self.longest {
            problems.push(format!("must be no more than {} {}", self.longest, self.unit));
        }
        if !self.fits(name) {
            let Self { described, pattern, .. } = self;
            problems.push(format!("{described}, regex used for validation is '{pattern}')"));
        }
        problems
    }
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
        "service" => DNS_1035_LABEL.problems(name),
        "namespace" => label(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => SUBDOMAIN.problems(name),
    }
}

/// A name with dots would be right elsewhere, which Kubernetes says instead of the rule.
fn label(name: &str) -> Vec<String> {
    let mut problems = LABEL.problems(name);
    if !LABEL.fits(name) && SUBDOMAIN.fits(name) {
        problems.pop();
        problems.push("must not contain dots".to_owned());
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

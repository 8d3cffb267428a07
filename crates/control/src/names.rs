//! Names that people give: of environments, Releases, Apps, clusters, namespaces, people.
//!
//! A name is checked once, where it enters (form, JSON, path, row); code that holds one of these
//! types never checks again. The rule stands in the error text, so that forms can show it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not {what}: {rule}")]
pub struct InvalidName {
    /// The text as given.
    pub input: String,
    /// What it should have been, with its article, such as `an environment name`.
    pub what: &'static str,
    /// The first rule that it breaks, as something to do.
    pub rule: &'static str,
}

type Rule = (&'static str, fn(&str) -> bool);

fn check(input: String, what: &'static str, rules: &[Rule]) -> Result<String, InvalidName> {
    match rules.iter().find(|(_, holds)| !holds(&input)) {
        Some((rule, _)) => Err(InvalidName { input, what, rule }),
        None => Ok(input),
    }
}

fn lower_or_digit(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn label_ends(s: &str) -> bool {
    s.starts_with(lower_or_digit) && s.ends_with(lower_or_digit)
}

fn label_characters(s: &str) -> bool {
    s.chars().all(|c| lower_or_digit(c) || c == '-')
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, [$($rule:expr),+ $(,)?];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[derive(utoipa::ToSchema)]
        #[schema(value_type = String)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(input: String) -> Result<Self, InvalidName> {
                let rules: &[Rule] = &[$($rule),+];
                check(input, $what, rules).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(input: &str) -> Result<Self, InvalidName> {
                Self::try_from(input.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

const LABEL_ENDS: Rule = ("start and end with a-z or 0-9", label_ends);
const LABEL_CHARACTERS: Rule = ("use only a-z, 0-9 and `-`", label_characters);

names! {
    /// The name of an App Environment, such as `northwind-prod`: a DNS label of at most 53
    /// characters, because its Helm release takes the name and Helm stops there.
    EnvironmentName, "an environment name", [
        ("use 1 to 53 characters", |s| (1..=53).contains(&s.len())),
        LABEL_ENDS,
        LABEL_CHARACTERS,
    ];

    /// The name of a Helm release. Helm allows dots between labels; 53 characters at most.
    HelmReleaseName, "a Helm release name", [
        ("use 1 to 53 characters", |s| (1..=53).contains(&s.len())),
        ("start and end every part between dots with a-z or 0-9", |s| s.split('.').all(label_ends)),
        ("use only a-z, 0-9, `-` and `.`", |s| s.split('.').all(label_characters)),
    ];

    /// A Kubernetes namespace: a DNS label of at most 63 characters.
    Namespace, "a namespace", [
        ("use 1 to 63 characters", |s| (1..=63).contains(&s.len())),
        LABEL_ENDS,
        LABEL_CHARACTERS,
    ];

    /// The name of a cluster, such as `eu-central`.
    ClusterName, "a cluster name", [
        ("use 1 to 63 characters", |s| (1..=63).contains(&s.len())),
        LABEL_ENDS,
        LABEL_CHARACTERS,
    ];

    /// A service account of a cluster, as `namespace/name`.
    ServiceAccount, "a service account", [
        ("write it as NAMESPACE/NAME", |s| s.split_once('/').is_some_and(|(_, name)| !name.contains('/'))),
        ("use a namespace of at most 63 characters and a name of at most 253", |s| {
            s.split_once('/').is_some_and(|(namespace, name)| namespace.len() <= 63 && name.len() <= 253)
        }),
        ("start and end namespace, name and every part of it between dots with a-z or 0-9", |s| {
            s.split(['/', '.']).all(label_ends)
        }),
        ("use only a-z, 0-9 and `-`, and `.` in the name", |s| {
            s.split_once('/').is_some_and(|(namespace, name)| {
                label_characters(namespace) && name.split('.').all(label_characters)
            })
        }),
    ];

    /// The tag of a Release, such as `2.4.1` or `2026-11-23+hotfix`; case matters.
    ReleaseTag, "a release tag", [
        ("use 1 to 128 characters", |s| (1..=128).contains(&s.len())),
        ("use only letters, digits and `.`, `_`, `+`, `-`", |s| {
            s.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
        }),
    ];

    /// The name of an App, such as `Parcel`, as people read it; unique whatever its case.
    AppName, "an App name", [
        ("use 1 to 63 characters", |s| (1..=63).contains(&s.chars().count())),
        ("use only letters, digits, blanks and `.`, `_`, `-`", |s| {
            s.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c))
        }),
        ("start and end with a letter or digit", |s| {
            s.starts_with(char::is_alphanumeric) && s.ends_with(char::is_alphanumeric)
        }),
    ];

    /// The name of a token, such as `release-bot`, as lists and the audit log show it.
    TokenName, "a token name", [
        ("use 1 to 63 characters", |s| (1..=63).contains(&s.chars().count())),
        ("use only printable characters, with none blank at either end", |s| {
            !s.chars().any(char::is_control) && s.trim() == s
        }),
    ];

    /// A person's e-mail address: what they sign in with; unique whatever its case.
    Email, "an e-mail address", [
        ("use 3 to 254 characters", |s| (3..=254).contains(&s.len())),
        ("write it as name@host", |s| {
            s.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains('@')
            })
        }),
        ("leave out blanks and control characters", |s| {
            !s.chars().any(|c| c.is_whitespace() || c.is_control())
        }),
    ];
}

impl ServiceAccount {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Its name there.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// The user that Kubernetes knows it by.
    pub(crate) fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace(), self.name())
    }
}

impl ReleaseTag {
    /// Whether the tag is a pre-release as semantic versions are: `2.5.0-rc.1`, `v1.0-beta`.
    ///
    /// A tag that is not a version, such as `2026-11-23` or `stable`, is none.
    pub fn is_prerelease(&self) -> bool {
        let version = self.0.strip_prefix('v').unwrap_or(&self.0);
        let version = version.split('+').next().unwrap_or_default();
        let Some((core, rest)) = version.split_once('-') else { return false };
        let numbers: Vec<&str> = core.split('.').collect();
        let plain = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        numbers.len() >= 2 && numbers.iter().all(plain) && !rest.is_empty()
    }
}

impl AppName {
    /// What makes the name unique: the name without regard to case.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl Email {
    /// What makes the address unique: the address without regard to case.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kubernetes and Helm would refuse is refused here, with the rule.
    #[test]
    fn names_and_their_rules() {
        fn of<T: TryFrom<String, Error = InvalidName>>(input: &str) -> String {
            T::try_from(input.to_owned()).map_or_else(|e| e.rule.to_owned(), |_| "fine".to_owned())
        }
        let long = "a".repeat(54);
        let cases = [
            (of::<EnvironmentName>("northwind-prod"), "fine"),
            (of::<EnvironmentName>("7"), "fine"),
            (of::<EnvironmentName>(""), "use 1 to 53 characters"),
            (of::<EnvironmentName>(&long), "use 1 to 53 characters"),
            (of::<EnvironmentName>("Prod"), "start and end with a-z or 0-9"),
            (of::<EnvironmentName>("a_b"), "use only a-z, 0-9 and `-`"),
            (of::<EnvironmentName>("prod-"), "start and end with a-z or 0-9"),
            (of::<Namespace>(&long), "fine"),
            (of::<Namespace>("a.b"), "use only a-z, 0-9 and `-`"),
            (of::<HelmReleaseName>("a.b-c"), "fine"),
            (
                of::<HelmReleaseName>("a..b"),
                "start and end every part between dots with a-z or 0-9",
            ),
            (of::<ServiceAccount>("shop/deployer.v2"), "fine"),
            (of::<ServiceAccount>("deployer"), "write it as NAMESPACE/NAME"),
            (of::<ServiceAccount>("a/b/c"), "write it as NAMESPACE/NAME"),
            (of::<ServiceAccount>("shop/x:y"), "use only a-z, 0-9 and `-`, and `.` in the name"),
            (of::<ReleaseTag>("2.4.1+build_7"), "fine"),
            (of::<ReleaseTag>("2/4"), "use only letters, digits and `.`, `_`, `+`, `-`"),
            (of::<AppName>("Parcel Plus"), "fine"),
            (of::<AppName>(" Parcel"), "start and end with a letter or digit"),
            (of::<AppName>("a/b"), "use only letters, digits, blanks and `.`, `_`, `-`"),
            (of::<Email>("ops@example.com"), "fine"),
            (of::<Email>("ops"), "write it as name@host"),
            (
                of::<TokenName>("bot\n"),
                "use only printable characters, with none blank at either end",
            ),
        ];
        for (got, wanted) in cases {
            assert_eq!(got, wanted);
        }
    }

    /// Only versions with a pre-release part are pre-releases.
    #[test]
    fn prerelease_tags() {
        for (tag, wanted) in [
            ("2.5.0-rc.1", true),
            ("v1.0-beta", true),
            ("2.4.1", false),
            ("2.4.1+build-7", false),
            ("2026-11-23", false),
            ("stable", false),
            ("release-1", false),
        ] {
            let parsed: ReleaseTag = tag.parse().unwrap();
            assert_eq!(parsed.is_prerelease(), wanted, "{tag}");
        }
    }
}

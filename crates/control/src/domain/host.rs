//! [`Host`]: the name of a host on the Internet, checked and in the one form that DNS and certificates know.
//!
//! Names in other scripts are normalised by IDNA (UTS #46) where they enter; people are shown both forms.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// A host name of at least two labels, in lower case and A-labels (`xn--…`), without a dot at its end.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[schema(value_type = String)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// Why a text is no name that an environment could answer on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not a host name: {why}")]
pub struct InvalidHost {
    /// The text as given.
    pub input: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// What to do, as a sentence.
    pub remedy: &'static str,
}

impl Host {
    /// As DNS knows it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people write it, in its own script.
    pub fn unicode(&self) -> String {
        let shown = Uts46::new().to_unicode(self.0.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
        shown.0.into_owned()
    }

    /// The name of the record that proves whose the host is.
    pub(crate) fn challenge(&self) -> String {
        format!("_landfall-challenge.{}", self.0)
    }

    /// Whether a name of a certificate stands for it: itself, or a wildcard in the place of its first label.
    pub(crate) fn is_covered_by(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if name == self.0 {
            return true;
        }
        let below = name.strip_prefix("*.").zip(self.0.split_once('.'));
        below.is_some_and(|(wild, (_, parent))| wild == parent)
    }
}

const PLAIN: &str = "Write only the host, such as shop.example.com.";

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(input: &str) -> Result<Self, InvalidHost> {
        let refuse = |why, remedy| Err(InvalidHost { input: input.trim().to_owned(), why, remedy });
        let typed = input.trim();
        let typed = typed.strip_suffix('.').unwrap_or(typed);
        if typed.is_empty() {
            return refuse("it is empty", PLAIN);
        }
        if typed.contains("://") || typed.contains(['/', '?', '#', '@']) {
            return refuse("it is an address, not a host", PLAIN);
        }
        if typed.parse::<IpAddr>().is_ok() || typed.starts_with('[') {
            return refuse("it is an IP address", "Give a name whose DNS records you can change.");
        }
        if typed.contains(':') {
            return refuse("it has a port", PLAIN);
        }
        if typed.contains('*') {
            return refuse(
                "it is a wildcard, which would stand for hosts of other environments, too",
                "Add each host by its own name.",
            );
        }
        let ascii = Uts46::new().to_ascii(
            typed.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        );
        let Ok(ascii) = ascii else {
            return refuse(
                "every part between dots has 1 to 63 letters, digits or hyphens and neither begins nor ends with a hyphen, and all have at most 253 characters",
                "Correct the name.",
            );
        };
        let Some((_, last)) = ascii.rsplit_once('.') else {
            return refuse("it has only one part", PLAIN);
        };
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse("it ends in a number, which no domain does", PLAIN);
        }
        Ok(Self(ascii.into_owned()))
    }
}

impl TryFrom<String> for Host {
    type Error = InvalidHost;

    fn try_from(input: String) -> Result<Self, InvalidHost> {
        input.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One form whatever script and case it was typed in; what cannot be a host is refused with the reason.
    #[test]
    fn one_form() {
        let of = |input: &str| match input.parse::<Host>() {
            Ok(host) => format!("{host} {}", host.unicode()),
            Err(refused) => refused.why.to_owned(),
        };
        for (input, wanted) in [
            ("Shop.Example.COM.", "shop.example.com shop.example.com"),
            ("  bücher.example ", "xn--bcher-kva.example bücher.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example bücher.example"),
            ("STRASSE.example", "strasse.example strasse.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah 例え.テスト"),
            (
                "*.example.com",
                "it is a wildcard, which would stand for hosts of other environments, too",
            ),
            ("https://shop.example.com", "it is an address, not a host"),
            ("shop.example.com/x", "it is an address, not a host"),
            ("shop.example.com:8443", "it has a port"),
            ("203.0.113.7", "it is an IP address"),
            ("2001:db8::1", "it is an IP address"),
            ("localhost", "it has only one part"),
            ("", "it is empty"),
            ("shop.1", "it ends in a number, which no domain does"),
        ] {
            assert_eq!(of(input), wanted, "{input}");
        }
        for wrong in ["a_b.example.com", "-a.example.com", "a..example.com", "a b.example.com"] {
            assert!(of(wrong).starts_with("every part"), "{wrong}: {}", of(wrong));
        }
        let long = format!("{}.example.com", "a".repeat(64));
        assert!(of(&long).starts_with("every part"));
    }

    /// A wildcard of a certificate stands for one label, not for several and not for none.
    #[test]
    fn names_of_certificates() {
        let host: Host = "shop.example.com".parse().unwrap();
        for (name, covers) in [
            ("shop.example.com", true),
            ("SHOP.example.com", true),
            ("*.example.com", true),
            ("example.com", false),
            ("*.com", false),
            ("*.shop.example.com", false),
        ] {
            assert_eq!(host.is_covered_by(name), covers, "{name}");
        }
    }
}

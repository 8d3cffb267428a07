//! Which DNS records a custom domain needs, and how those stand that were found. Pure.
//!
//! One TXT record proves whose the host is. Where the host points is advice: it may stand behind a proxy, and it may be
//! pointed here only after the environment answers.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Host, IngressAddress};
use crate::closed::closed_set;

closed_set! {
    /// The type of a DNS record.
    pub enum RecordKind {
        /// A text.
        Txt = "TXT",
        /// Another name.
        Cname = "CNAME",
        /// An IPv4 address.
        A = "A",
        /// An IPv6 address.
        Aaaa = "AAAA",
    }
}

closed_set! {
    /// How a DNS record stands.
    pub enum RecordState {
        /// It was not looked up yet.
        Unchecked = "unchecked",
        /// It is as it should be.
        Found = "found",
        /// There is none.
        Missing = "missing",
        /// It says something else.
        Different = "different",
        /// The name server did not answer.
        Unanswered = "unanswered",
    }
}

/// A DNS record that a domain needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsRecord {
    /// Its type.
    pub kind: RecordKind,
    /// Its name.
    pub name: String,
    /// What it is to say; any one of the domain's owner's choice where there are several lines for it.
    pub expected: Vec<String>,
    /// What was found.
    pub found: Vec<String>,
    /// How it stands.
    pub state: RecordState,
    /// What is wrong and what to do, as a sentence; empty where nothing is.
    pub note: String,
    /// Whether the domain cannot be deployed without it.
    pub required: bool,
}

/// What a name server said to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// There is no such record.
    #[default]
    Nothing,
    /// These.
    Records(Vec<String>),
    /// It did not answer, or refused to: why.
    Failed(String),
}

impl Said {
    /// Whether one of the records is this text; an error says why nobody knows.
    pub(crate) fn proves(&self, token: &str) -> Result<bool, &str> {
        match self {
            Self::Failed(why) => Err(why),
            said => Ok(said.records().iter().any(|record| record == token)),
        }
    }

    pub(crate) fn records(&self) -> &[String] {
        match self {
            Self::Records(records) => records,
            Self::Nothing | Self::Failed(_) => &[],
        }
    }
}

/// What was found of a domain when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) at: Timestamp,
    pub(crate) challenge: Said,
    pub(crate) cname: Said,
    pub(crate) v4: Said,
    pub(crate) v6: Said,
    /// Whether the host is the top of a zone, which can have no CNAME.
    pub(crate) apex: bool,
    /// The addresses of the ingress's own name.
    pub(crate) target: Vec<IpAddr>,
}

impl Findings {
    /// Whether the proof is there; none where the name server did not say.
    pub(crate) fn proves(&self, token: &str) -> Option<bool> {
        self.challenge.proves(token).ok()
    }
}

/// Whether a host is likely the top of its zone, before anyone was asked.
pub(crate) fn looks_like_apex(host: &Host) -> bool {
    host.as_str().split('.').count() == 2
}

/// The records that a host needs to be proved and to point to `target`; `default_host` is a name that points there already.
pub(crate) fn records(
    host: &Host,
    token: &str,
    target: &IngressAddress,
    default_host: Option<&Host>,
    findings: Option<&Findings>,
) -> Vec<DnsRecord> {
    let mut records = vec![proof(host, token, findings)];
    let apex = findings.map_or_else(|| looks_like_apex(host), |found| found.apex);
    let name = target.names.first().cloned();
    let name = name.or_else(|| default_host.filter(|it| *it != host).map(ToString::to_string));
    let mut addresses = target.addresses.clone();
    if let Some(found) = findings {
        addresses.extend(found.target.iter().filter(|it| !target.addresses.contains(it)));
    }
    match name {
        Some(name) if !apex => records.push(cname(host, &name, &addresses, findings)),
        _ => {
            for kind in [RecordKind::A, RecordKind::Aaaa] {
                records.extend(address(host, kind, &addresses, findings));
            }
        }
    }
    records
}

fn proof(host: &Host, token: &str, findings: Option<&Findings>) -> DnsRecord {
    let said = findings.map(|found| &found.challenge);
    let (state, note) = match said {
        None => (RecordState::Unchecked, String::new()),
        Some(Said::Failed(why)) => (RecordState::Unanswered, unanswered(why)),
        Some(Said::Nothing) => (
            RecordState::Missing,
            "There is no such record. Make it where the domain's DNS is kept, then check again."
                .to_owned(),
        ),
        Some(Said::Records(found)) if found.iter().any(|text| text == token) => {
            (RecordState::Found, String::new())
        }
        Some(Said::Records(_)) => (
            RecordState::Different,
            "None of the records there has this text. Add one with it; others may stay.".to_owned(),
        ),
    };
    DnsRecord {
        kind: RecordKind::Txt,
        name: host.challenge(),
        expected: vec![token.to_owned()],
        found: said.map_or_else(Vec::new, |said| said.records().to_vec()),
        state,
        note,
        required: true,
    }
}

fn unanswered(why: &str) -> String {
    format!("The name server did not answer: {why}. Check again in a moment.")
}

fn cname(
    host: &Host,
    target: &str,
    addresses: &[IpAddr],
    findings: Option<&Findings>,
) -> DnsRecord {
    let (mut state, mut note, mut found) = (RecordState::Unchecked, String::new(), Vec::new());
    if let Some(findings) = findings {
        let points: Vec<String> =
            [&findings.v4, &findings.v6].iter().flat_map(|said| said.records()).cloned().collect();
        let there = |text: &String| text.parse().is_ok_and(|ip: IpAddr| addresses.contains(&ip));
        found = findings.cname.records().to_vec();
        (state, note) = match &findings.cname {
            Said::Failed(why) => (RecordState::Unanswered, unanswered(why)),
            Said::Records(names) if names.iter().any(|name| same_name(name, target)) => {
                (RecordState::Found, String::new())
            }
            _ if !points.is_empty() && points.iter().all(there) => {
                found.extend(points);
                (RecordState::Found, "It points there by its addresses.".to_owned())
            }
            Said::Records(_) => (
                RecordState::Different,
                format!(
                    "It is the CNAME of another name. Point it to {target}, unless it leads there through a proxy of yours."
                ),
            ),
            Said::Nothing if !points.is_empty() => {
                found.extend(points);
                (
                    RecordState::Different,
                    format!(
                        "It has addresses of something else. Put a CNAME to {target} in their place, unless they are those of a proxy of yours."
                    ),
                )
            }
            Said::Nothing => {
                (RecordState::Missing, "The host points nowhere yet: nobody reaches it.".to_owned())
            }
        };
    }
    DnsRecord {
        kind: RecordKind::Cname,
        name: host.to_string(),
        expected: vec![target.to_owned()],
        found,
        state,
        note,
        required: false,
    }
}

fn same_name(a: &str, b: &str) -> bool {
    a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
}

/// The record of one family of addresses; none where there neither is nor should be one.
fn address(
    host: &Host,
    kind: RecordKind,
    addresses: &[IpAddr],
    findings: Option<&Findings>,
) -> Option<DnsRecord> {
    let v4 = kind == RecordKind::A;
    let expected: Vec<String> =
        addresses.iter().filter(|ip| ip.is_ipv4() == v4).map(ToString::to_string).collect();
    let said = findings.map(|found| if v4 { &found.v4 } else { &found.v6 });
    let found = said.map_or(&[][..], Said::records).to_vec();
    let (state, note) = match said {
        None if expected.is_empty() => return None,
        None => (RecordState::Unchecked, String::new()),
        Some(Said::Failed(_)) if expected.is_empty() => return None,
        Some(Said::Failed(why)) => (RecordState::Unanswered, unanswered(why)),
        Some(Said::Nothing) if expected.is_empty() => return None,
        Some(Said::Nothing) => {
            (RecordState::Missing, "The host points nowhere yet: nobody reaches it.".to_owned())
        }
        // Where nobody knows where the ingress is, nothing is called wrong.
        Some(Said::Records(_)) if addresses.is_empty() => return None,
        Some(Said::Records(_)) if expected.is_empty() => {
            (RecordState::Different, "The ingress has no address of this family: who uses this record does not come there. Remove it, unless it is of a proxy of yours.".to_owned())
        }
        Some(Said::Records(found)) if found.iter().all(|it| expected.contains(it)) => {
            (RecordState::Found, String::new())
        }
        Some(Said::Records(_)) => {
            (RecordState::Different, "It leads elsewhere. Correct it, unless these are the addresses of a proxy of yours.".to_owned())
        }
    };
    Some(DnsRecord { kind, name: host.to_string(), expected, found, state, note, required: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AddressSource;

    fn target(names: &[&str], addresses: &[&str]) -> IngressAddress {
        IngressAddress {
            source: AddressSource::App,
            names: names.iter().map(|&name| name.to_owned()).collect(),
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        }
    }

    fn said(records: &[&str]) -> Said {
        match records {
            [] => Said::Nothing,
            some => Said::Records(some.iter().map(|&it| it.to_owned()).collect()),
        }
    }

    fn found(apex: bool, txt: &[&str], cname: &[&str], v4: &[&str], v6: &[&str]) -> Findings {
        Findings {
            at: Timestamp::UNIX_EPOCH,
            challenge: said(txt),
            cname: said(cname),
            v4: said(v4),
            v6: said(v6),
            apex,
            target: Vec::new(),
        }
    }

    fn lines(host: &str, target: &IngressAddress, findings: Option<&Findings>) -> Vec<String> {
        let host: Host = host.parse().unwrap();
        let default: Host = "eu.example.net".parse().unwrap();
        let records = records(&host, "t0", target, Some(&default), findings);
        let line = |it: &DnsRecord| {
            format!("{} {} -> {} {}", it.kind, it.name, it.expected.join(","), it.state)
        };
        records.iter().map(line).collect()
    }

    /// Sub-domains get a CNAME, to the ingress's name or else to the default host; the top of a zone gets addresses.
    #[test]
    fn what_is_needed() {
        let txt = "TXT _landfall-challenge.shop.example.com -> t0 unchecked";
        assert_eq!(
            lines("shop.example.com", &target(&["lb.example.net"], &[]), None),
            [txt, "CNAME shop.example.com -> lb.example.net unchecked"]
        );
        assert_eq!(
            lines("shop.example.com", &target(&[], &["203.0.113.7"]), None),
            [txt, "CNAME shop.example.com -> eu.example.net unchecked"]
        );
        assert_eq!(
            lines("example.com", &target(&[], &["203.0.113.7", "2001:db8::7"]), None)[1..],
            ["A example.com -> 203.0.113.7 unchecked", "AAAA example.com -> 2001:db8::7 unchecked"]
        );
        assert_eq!(lines("example.com", &target(&[], &[]), None).len(), 1);
    }

    /// Each record is told by itself; a name that leads there by addresses is fine, too.
    #[test]
    fn what_was_found() {
        let to = target(&["lb.example.net"], &["203.0.113.7"]);
        let of = |findings: &Findings| {
            let all = lines("shop.example.com", &to, Some(findings));
            all.iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(&found(false, &[], &[], &[], &[])), ["missing", "missing"]);
        assert_eq!(
            of(&found(false, &["x"], &["y.example."], &[], &[])),
            ["different", "different"]
        );
        assert_eq!(
            of(&found(false, &["x", "t0"], &["LB.example.net."], &[], &[])),
            ["found", "found"]
        );
        assert_eq!(of(&found(false, &["t0"], &[], &["203.0.113.7"], &[])), ["found", "found"]);
        assert_eq!(of(&found(false, &["t0"], &[], &["198.51.100.1"], &[])), ["found", "different"]);
        assert_eq!(
            of(&found(true, &["t0"], &[], &["203.0.113.7"], &["2001:db8::1"])),
            ["found", "found", "different"]
        );
    }
}

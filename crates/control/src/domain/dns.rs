//! Looking DNS records up: the only thing that is ever asked about a host that a person gave. No connection is made to it.
//!
//! Each look has a resolver of its own, so that nothing is answered from memory: people look again right after they made a
//! record. (Name servers on the way may still remember that there was none.)

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::Host;
use super::records::{Findings, Said, looks_like_apex};
use crate::error::Error;
use crate::store::sql::now;

/// How long one question waits for one answer, and how often it is asked.
const ANSWER: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;
/// Longest that one look-up may take with everything it leads to.
const LOOK: Duration = Duration::from_secs(10);
/// Most records of an answer that are kept, and characters of one.
const RECORDS: usize = 20;
const LONGEST: usize = 300;

/// Looks names up.
pub(crate) struct Dns {
    resolver: TokioResolver,
}

impl Dns {
    /// Asks this name server, else those that the system names.
    pub(crate) fn new(server: Option<SocketAddr>) -> Result<Self, Error> {
        let failed = |e: NetError| Error::internal("read which name servers the system has", e);
        let mut builder = match server {
            Some(server) => {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                let server = NameServerConfig::new(server.ip(), true, connections);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(failed)?,
        };
        bounded(builder.options_mut());
        Ok(Self { resolver: builder.build().map_err(failed)? })
    }

    /// Everything that counts of a host; `target` is the ingress's own name, if it has one.
    pub(crate) async fn look(&self, host: &Host, target: Option<&str>) -> Findings {
        let (challenge, name) = (host.challenge(), host.as_str());
        let (challenge, cname, v4, v6, apex, target) = tokio::join!(
            self.ask(&challenge, RecordType::TXT),
            self.ask(name, RecordType::CNAME),
            self.ask(name, RecordType::A),
            self.ask(name, RecordType::AAAA),
            self.is_apex(host),
            self.addresses(target),
        );
        Findings { at: now(), challenge, cname, v4, v6, apex, target }
    }

    /// The texts of the record that proves a host.
    pub(crate) async fn challenge(&self, host: &Host) -> Said {
        self.ask(&host.challenge(), RecordType::TXT).await
    }

    async fn addresses(&self, name: Option<&str>) -> Vec<IpAddr> {
        let Some(name) = name else { return Vec::new() };
        let (v4, v6) =
            tokio::join!(self.ask(name, RecordType::A), self.ask(name, RecordType::AAAA));
        let all = v4.records().iter().chain(v6.records());
        all.filter_map(|address| address.parse().ok()).collect()
    }

    /// Whether the host is the top of a zone. Without an answer it is what it looks like.
    async fn is_apex(&self, host: &Host) -> bool {
        match self.records(host.as_str(), RecordType::SOA).await {
            Ok(records) => records.iter().any(|record| {
                let name = record.name.to_ascii().to_ascii_lowercase();
                matches!(record.data, RData::SOA(_)) && name.trim_end_matches('.') == host.as_str()
            }),
            Err(_) => looks_like_apex(host),
        }
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Said {
        let records = match self.records(name, kind).await {
            Ok(records) => records,
            Err(why) => return Said::Failed(why),
        };
        let texts: Vec<String> =
            records.iter().filter_map(|record| written(&record.data, kind)).take(RECORDS).collect();
        if texts.is_empty() { Said::Nothing } else { Said::Records(texts) }
    }

    /// The answer's records, also those of other kinds on the way; empty where there are none.
    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, String> {
        let name = Name::from_ascii(format!("{name}.")).map_err(|e| e.to_string())?;
        let looking = tokio::time::timeout(LOOK, self.resolver.lookup(name, kind));
        match looking.await {
            Ok(Ok(found)) => Ok(found.answers().to_vec()),
            Ok(Err(error)) if error.is_no_records_found() => Ok(Vec::new()),
            Ok(Err(error)) => Err(why(&error)),
            Err(_) => Err(format!("nothing came within {} s", LOOK.as_secs())),
        }
    }
}

fn bounded(options: &mut ResolverOpts) {
    options.timeout = ANSWER;
    options.attempts = ATTEMPTS;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
}

fn why(error: &NetError) -> String {
    match error {
        NetError::Timeout => "it took too long".to_owned(),
        NetError::NoConnections => "it could not be reached".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => code.to_string().to_lowercase(),
        other => other.to_string(),
    }
}

/// A record's data as people write it, if it is of the kind.
fn written(data: &RData, kind: RecordType) -> Option<String> {
    let text = match (data, kind) {
        (RData::TXT(text), RecordType::TXT) => {
            let bytes: Vec<u8> =
                text.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        (RData::CNAME(name), RecordType::CNAME) => {
            name.0.to_ascii().trim_end_matches('.').to_owned()
        }
        (RData::A(address), RecordType::A) => address.0.to_string(),
        (RData::AAAA(address), RecordType::AAAA) => address.0.to_string(),
        _ => return None,
    };
    Some(text.chars().take(LONGEST).collect())
}

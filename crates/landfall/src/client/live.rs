//! An Op's server-sent events: read as they come, taken up again where they broke off.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use super::Client;

/// How long a connection may be silent; the server sends a comment at least every fifteen seconds.
const SILENCE: Duration = Duration::from_mins(1);
/// How often in a row a broken stream is taken up again before the command gives up.
const ATTEMPTS: u32 = 20;

/// Follows the Op's events until `see` says that it has seen enough.
///
/// A stream that breaks is opened again from the last event that arrived, so that nothing is missed or told twice.
pub(crate) async fn follow(
    client: &Client,
    op: &str,
    mut see: impl FnMut(&str, Value) -> Result<bool>,
) -> Result<()> {
    let mut last_id = "0".to_owned();
    let mut failures = 0;
    loop {
        match follow_once(client, op, &mut last_id, &mut failures, &mut see).await {
            Ok(true) => return Ok(()),
            Ok(false) => failures += 1,
            Err(Broken::Told(error)) => return Err(error),
            Err(Broken::Connection(error)) => {
                failures += 1;
                if failures >= ATTEMPTS {
                    return Err(
                        error.context("the connection broke and could not be taken up again")
                    );
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(250 * u64::from(failures.min(8)))).await;
    }
}

/// Why one stream ended before the Op did.
enum Broken {
    /// The connection: worth another attempt.
    Connection(anyhow::Error),
    /// What was said on it, or whoever listens: not worth one.
    Told(anyhow::Error),
}

async fn follow_once(
    client: &Client,
    op: &str,
    last_id: &mut String,
    failures: &mut u32,
    see: &mut impl FnMut(&str, Value) -> Result<bool>,
) -> Result<bool, Broken> {
    let request = client
        .request(Method::GET, &format!("/api/v1/ops/{op}/events"))
        .map_err(Broken::Told)?
        .header("Accept", "text/event-stream")
        .header("Last-Event-ID", last_id.as_str());
    let response = client.send(request).await.map_err(|error| {
        // An answer with a problem is final; no answer is not.
        if error.chain().any(<dyn std::error::Error>::is::<reqwest::Error>) {
            Broken::Connection(error)
        } else {
            Broken::Told(error)
        }
    })?;
    let mut bytes = response.bytes_stream();
    let mut parser = EventParser::default();
    loop {
        let next = tokio::time::timeout(SILENCE, bytes.next()).await;
        let chunk = match next {
            Ok(Some(chunk)) => chunk.context("the stream broke").map_err(Broken::Connection)?,
            Ok(None) => return Ok(false),
            Err(_) => return Err(Broken::Connection(anyhow::anyhow!("the server fell silent"))),
        };
        for event in parser.take(&chunk) {
            *failures = 0;
            let data = match event.data.as_deref() {
                None | Some("") => Value::Null,
                Some(text) => serde_json::from_str(text)
                    .context("an event is not JSON")
                    .map_err(Broken::Told)?,
            };
            let enough = see(&event.name, data).map_err(Broken::Told)?;
            if let Some(id) = event.id {
                *last_id = id;
            }
            if enough {
                return Ok(true);
            }
        }
    }
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    id: Option<String>,
    name: String,
    /// Absent until a `data` line came; without one there is no event.
    data: Option<String>,
}

/// Puts events together from chunks (WHATWG HTML, section 9.2.6), as far as Landfall sends them.
#[derive(Default)]
struct EventParser {
    rest: Vec<u8>,
    event: Event,
}

impl EventParser {
    fn take(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(chunk);
        let mut events = Vec::new();
        let mut start = 0;
        while let Some(length) = self.rest[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[start..start + length]).into_owned();
            start += length + 1;
            if let Some(event) = self.line(line.trim_end_matches('\r')) {
                events.push(event);
            }
        }
        self.rest.drain(..start);
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return event.data.is_some().then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event.name),
            "data" => match &mut self.event.data {
                None => self.event.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            // Comments (keep-alives) and fields that Landfall does not send.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events arrive whole however the connection cuts them, and comments are not events.
    #[test]
    fn events_from_chunks() {
        let text =
            ": keep-alive\n\nid: 7\nevent: log\ndata: {\"a\":\ndata: 1}\n\nevent: end\ndata:\n\n";
        let wanted = vec![
            Event { id: Some("7".into()), name: "log".into(), data: Some("{\"a\":\n1}".into()) },
            Event { id: None, name: "end".into(), data: Some(String::new()) },
        ];
        for size in 1..text.len() {
            let mut parser = EventParser::default();
            let events: Vec<Event> =
                text.as_bytes().chunks(size).flat_map(|chunk| parser.take(chunk)).collect();
            assert_eq!(events, wanted, "in chunks of {size}");
        }
    }
}

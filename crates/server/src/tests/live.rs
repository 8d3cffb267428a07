//! Live pages and Ops: what streams tell, and that a reader who reconnects misses nothing.

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::{Asking, Site};

/// One event of a stream.
#[derive(Clone, Debug, Default)]
struct Event {
    name: String,
    id: String,
    data: String,
}

/// Reads events as a browser does.
struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(asking: &Asking, path: &str) -> Self {
        let response = asking.open(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let parsed = parse(event);
                self.text = rest.to_owned();
                if let Some(parsed) = parsed {
                    return Some(parsed);
                }
                continue;
            }
            let piece = self.body.next().await?.unwrap();
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}

/// An event's fields; none for a sign of life.
fn parse(text: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut data = Vec::new();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "id" => value.clone_into(&mut event.id),
            "data" => data.push(value),
            _ => {}
        }
    }
    event.data = data.join("\n");
    (!event.data.is_empty() || !event.name.is_empty()).then_some(event)
}

async fn environment(ada: &Asking, name: &str) -> Value {
    let new = json!({ "name": name, "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED).json()
}

/// A list's stream is silent to who has seen it, and tells it anew, with another id, once it changed.
#[tokio::test]
async fn a_list_tells_changes() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let page = ada.get("/environments").await.expect(StatusCode::OK);
    let seen = page
        .text
        .split(r#""Last-Event-ID":""#)
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let mut events = Events::open(&ada.with("last-event-id", &seen), "/environments").await;
    environment(&ada, "northwind-dev").await;
    let event = events.next().await.unwrap();
    assert!(event.data.contains("northwind-dev"), "{}", event.data);
    assert_ne!(event.id, seen);
}

/// The log of an Op is told whole from any line: two halves, cut anywhere, are the same as one piece.
#[tokio::test]
async fn an_op_is_followed_from_any_line() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    let made = environment(&ada, "northwind-dev").await;
    let path = format!("/api/v1/ops/{}/events", made["op"]["id"].as_str().unwrap());

    let whole = follow(&ada, &path).await;
    let (lines, last_state) = (&whole.0, &whole.1);
    assert_eq!(last_state["state"], "succeeded", "{last_state}");
    let numbers: Vec<i64> = lines.iter().map(|line| line["sequence"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (1..=i64::try_from(lines.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "no line is missing, none is told twice");

    let cut = lines.len() / 2;
    let rest = follow(&ada.with("last-event-id", &cut.to_string()), &path).await;
    assert_eq!(rest.0, lines[cut..]);
}

async fn follow(ada: &Asking, path: &str) -> (Vec<Value>, Value) {
    let mut events = Events::open(ada, path).await;
    let (mut lines, mut state) = (Vec::new(), Value::Null);
    while let Some(event) = events.next().await {
        match event.name.as_str() {
            "log" => lines.extend(serde_json::from_str::<Vec<Value>>(&event.data).unwrap()),
            "state" => state = serde_json::from_str(&event.data).unwrap(),
            "end" => break,
            other => panic!("an event `{other}`"),
        }
    }
    (lines, state)
}

/// A role's stream tells what it may see: nothing of production, and nothing once it is shut out.
#[tokio::test]
async fn streams_are_for_whom_they_are_for() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let qa = site.person("qa").await;
    let mut events = Events::open(&qa.with("last-event-id", ""), "/environments").await;
    events.next().await.unwrap();
    let new =
        json!({ "name": "vault-prod", "app": "Parcel", "kind": "production", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
    let made = environment(&ada, "northwind-dev").await;
    let event = events.next().await.unwrap();
    assert!(event.data.contains("northwind-dev"), "{}", event.data);
    assert!(!event.data.contains("vault-prod"), "{}", event.data);

    // Nobody carries the Op out, so its stream would go on.
    let op = format!("/api/v1/ops/{}/events", made["op"]["id"].as_str().unwrap());
    let mut following = Events::open(&qa, &op).await;
    following.next().await.unwrap();
    let person = "/api/v1/people/qa@example.com";
    let change = json!({ "active": false });
    ada.json(Method::PATCH, person, &change).await.expect(StatusCode::OK);
    while following.next().await.is_some() {}
    while events.next().await.is_some() {}
}

/// The page of an Op streams its block and its lines, and ends with `done` when the Op is over.
#[tokio::test]
async fn the_page_of_an_op() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    environment(&ada, "northwind-dev").await;
    let mut events = Events::open(&ada, "/environments/northwind-dev/deployments/1").await;
    let (mut block, mut lines) = (String::new(), 0);
    loop {
        let event = events.next().await.expect("the stream ends with `done`");
        match event.name.as_str() {
            "done" => break,
            "log" => lines += serde_json::from_str::<Vec<Value>>(&event.data).unwrap().len(),
            _ => block = event.data,
        }
    }
    assert!(lines > 5, "{lines} lines");
    assert!(block.contains("Succeeded"), "the last block shows the end: {block}");
    let page = ada.get("/environments/northwind-dev").await;
    assert!(page.words().contains("Running 2.4.0"), "{}", page.words());
}

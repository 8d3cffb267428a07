//! Those who follow one Op's log, half of them on each server, and come back whenever they are cut off.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::world::{Addresses, World};

/// How long a follower waits before it comes back, as browsers do.
const AGAIN: Duration = Duration::from_millis(200);

pub(crate) struct Followers {
    following: JoinSet<Vec<i64>>,
}

/// Starts so many followers of an Op.
pub(crate) fn start(world: &World, op: &str, count: usize) -> Followers {
    let client = harness::client().build().unwrap();
    let mut following = JoinSet::new();
    for number in 0..count {
        let follower = Follower {
            client: client.clone(),
            addresses: world.addresses.clone(),
            server: number % 2,
            token: world.api.token.clone(),
            op: op.to_owned(),
            seen: Vec::new(),
        };
        following.spawn(follower.run());
    }
    Followers { following }
}

impl Followers {
    /// Each has seen every line once, in order, to the end.
    pub(crate) async fn check(self, world: &World, op: &str) {
        let last = world.api.get(&format!("/ops/{op}")).await["last_sequence"].as_i64().unwrap();
        assert!(last > 50, "the Op said only {last} lines");
        let all: Vec<i64> = (1..=last).collect();
        let ended = tokio::time::timeout(harness::PATIENCE, self.following.join_all());
        for seen in ended.await.expect("followers hear the end") {
            assert_eq!(seen, all, "a follower saw something else");
        }
    }
}

struct Follower {
    client: reqwest::Client,
    addresses: Addresses,
    server: usize,
    token: String,
    op: String,
    seen: Vec<i64>,
}

impl Follower {
    async fn run(mut self) -> Vec<i64> {
        while !self.follow().await.unwrap_or(false) {
            tokio::time::sleep(AGAIN).await;
        }
        self.seen
    }

    /// Follows until it is cut off; whether it has heard the end.
    async fn follow(&mut self) -> Result<bool, reqwest::Error> {
        let server = self.addresses.lock().unwrap()[self.server].clone();
        let after = self.seen.last().copied().unwrap_or(0);
        let request = self.client.get(format!("{server}/api/v1/ops/{}/events", self.op));
        let request = request.bearer_auth(&self.token).header("last-event-id", after.to_string());
        let mut answer = request.send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
            while let Some(end) = bytes.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = bytes.drain(..end + 2).collect();
                if self.hear(&String::from_utf8(event).unwrap()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Notes the lines of an event; whether it is the end.
    fn hear(&mut self, event: &str) -> bool {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        match field("event: ") {
            Some("log") => {
                let lines: Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
                let numbers = lines.as_array().unwrap().iter();
                self.seen.extend(numbers.map(|line| line["sequence"].as_i64().unwrap()));
                false
            }
            Some("end") => true,
            _ => false,
        }
    }
}

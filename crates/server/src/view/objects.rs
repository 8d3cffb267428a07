//! The objects of a release, as the pages show them: what runs or comes up as cards, the rest in a line.

use std::collections::BTreeMap;

use control::op::{Culprit, ObjectCondition, ObjectState};

use super::words::plural;

/// The objects of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Objects {
    /// What runs, and whatever is not as it should be.
    pub(crate) cards: Vec<Card>,
    /// `3 Services, 2 ConfigMaps`: what is there as soon as it exists. Empty: none.
    pub(crate) also: String,
    pub(crate) ready: usize,
    pub(crate) total: usize,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// The class of its state.
    pub(crate) class: &'static str,
    /// Its name without the release's, which all of them begin with.
    pub(crate) name: String,
    /// Its name in full.
    pub(crate) full: String,
    /// `Deployment · 3 of 3`.
    pub(crate) words: String,
}

/// Kinds that run something or wait for something; others are there as soon as they exist.
const RUNNING: [&str; 9] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
    "PersistentVolumeClaim",
    "Ingress",
];

impl Objects {
    /// The same when nobody waits for them any more: then nothing is shown as on its way.
    pub(crate) fn at_rest(mut self) -> Self {
        for card in self.cards.iter_mut().filter(|card| card.class == "busy") {
            card.class = "idle";
        }
        self
    }
}

/// The objects of Helm release `release_name` while it is uninstalled: all of them, each until it is gone.
pub(crate) fn leaving(objects: &[ObjectState], release_name: &str) -> Objects {
    let cards: Vec<Card> = objects
        .iter()
        .map(|object| {
            let (class, word) = match object.condition {
                ObjectCondition::NotFound => ("good", "gone"),
                ObjectCondition::Terminating => ("busy", "being deleted"),
                _ => ("idle", "still there"),
            };
            let short = object.name.strip_prefix(release_name);
            let short = short.and_then(|rest| rest.strip_prefix('-'));
            Card {
                class,
                name: short.unwrap_or(&object.name).to_owned(),
                full: object.name.clone(),
                words: format!("{} · {word}", object.kind),
            }
        })
        .collect();
    let ready = cards.iter().filter(|card| card.class == "good").count();
    Objects { ready, total: cards.len(), cards, also: String::new() }
}

/// Arranges the objects of Helm release `release_name`; what a culprit holds up is bad, whatever its
/// state may yet become. A culprit of an object that became ready is past.
pub(crate) fn arrange(
    objects: &[ObjectState],
    culprits: &[Culprit],
    release_name: &str,
) -> Objects {
    let shown = |object: &&ObjectState| {
        RUNNING.contains(&object.kind.as_str()) || class(object.condition) != "good"
    };
    let mut cards: Vec<&ObjectState> = objects.iter().filter(shown).collect();
    let mut rest: BTreeMap<&str, i64> = BTreeMap::new();
    if cards.is_empty() {
        cards = objects.iter().collect();
    } else {
        for object in objects.iter().filter(|object| !shown(object)) {
            *rest.entry(object.kind.as_str()).or_default() += 1;
        }
    }
    let also: Vec<String> = rest.iter().map(|(kind, count)| plural(*count, kind)).collect();
    Objects {
        cards: cards.into_iter().map(|object| card(object, culprits, release_name)).collect(),
        also: also.join(", "),
        ready: objects.iter().filter(|object| class(object.condition) == "good").count(),
        total: objects.len(),
    }
}

fn card(object: &ObjectState, culprits: &[Culprit], release_name: &str) -> Card {
    let waited_for = object.condition != ObjectCondition::Current;
    let culprit = culprits.iter().filter(|_| waited_for).find(|culprit| {
        let mut parts = culprit.object.split('/');
        parts.next() == Some(&object.kind) && parts.next_back() == Some(&object.name)
    });
    let cause = culprit.map_or_else(String::new, |culprit| culprit.cause.replace('_', " "));
    let short = object.name.strip_prefix(release_name).and_then(|rest| rest.strip_prefix('-'));
    let counts = match (object.ready, object.total) {
        (Some(ready), Some(total)) => format!("{ready} of {total}"),
        _ => counted(object),
    };
    let parts = [object.kind.as_str(), counts.as_str(), cause.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Card {
        class: if culprit.is_some() { "bad" } else { class(object.condition) },
        name: short.unwrap_or(&object.name).to_owned(),
        full: object.name.clone(),
        words: parts.join(" · "),
    }
}

fn class(condition: ObjectCondition) -> &'static str {
    match condition {
        ObjectCondition::Current => "good",
        ObjectCondition::InProgress | ObjectCondition::Terminating => "busy",
        ObjectCondition::Failed => "bad",
        ObjectCondition::NotFound => "idle",
    }
}

/// What kstatus says, as counts where it says counts: `Available: 1/2` is `1 of 2`, `Replicas: 3` of
/// what is ready `3 of 3`. Of ready objects nothing else is worth saying.
fn counted(object: &ObjectState) -> String {
    let message = object.message.as_str();
    let fraction = message.rsplit(' ').next().and_then(|last| last.split_once('/'));
    if let Some((ready, total)) = fraction
        && let (Ok(ready), Ok(total)) = (ready.parse::<u32>(), total.parse::<u32>())
    {
        return format!("{ready} of {total}");
    }
    if object.condition != ObjectCondition::Current {
        return message.to_owned();
    }
    let last = message.rsplit(": ").next().and_then(|last| last.parse::<u32>().ok());
    last.map_or_else(String::new, |count| format!("{count} of {count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, condition: ObjectCondition, message: &str) -> ObjectState {
        ObjectState {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
            condition,
            ready: None,
            total: None,
            message: message.to_owned(),
        }
    }

    fn crash_loop(object: &str) -> Culprit {
        Culprit {
            object: object.to_owned(),
            pod: None,
            container: None,
            cause: "crash_loop".to_owned(),
            text: String::new(),
            evidence: None,
            last_lines: Vec::new(),
            since: None,
            remedy: String::new(),
            hopeless: false,
        }
    }

    /// What runs is a card with its counts; what merely exists is counted by kind, unless it is not there.
    #[test]
    fn cards_and_the_rest() {
        use ObjectCondition::{Current, InProgress, NotFound};
        let arranged = arrange(
            &[
                object("Service", "shop-web", Current, "Service is ready"),
                object("Service", "shop-api", Current, "Service is ready"),
                object("ConfigMap", "shop", NotFound, "Resource not found"),
                object("Deployment", "shop-web", Current, "Deployment is available. Replicas: 3"),
                object("Deployment", "shop-api", InProgress, "Available: 1/2"),
            ],
            &[crash_loop("Deployment/shop/shop-api")],
            "shop",
        );
        let cards: Vec<String> = arranged
            .cards
            .iter()
            .map(|card| format!("{} {}: {}", card.class, card.name, card.words))
            .collect();
        insta::assert_snapshot!(cards.join("\n"), @r"
        idle shop: ConfigMap · Resource not found
        good web: Deployment · 3 of 3
        bad api: Deployment · 1 of 2 · crash loop
        ");
        assert_eq!(arranged.also, "2 Services");
        assert_eq!((arranged.ready, arranged.total), (3, 5));
    }

    /// What is uninstalled is shown until it is gone, whatever its kind.
    #[test]
    fn what_leaves() {
        use ObjectCondition::{InProgress, NotFound, Terminating};
        let objects = leaving(
            &[
                object("Deployment", "shop-web", Terminating, ""),
                object("Service", "shop-web", NotFound, ""),
                object("ConfigMap", "shop", InProgress, ""),
            ],
            "shop",
        );
        let cards: Vec<String> = objects
            .cards
            .iter()
            .map(|card| format!("{} {}: {}", card.class, card.name, card.words))
            .collect();
        insta::assert_snapshot!(cards.join("\n"), @r"
        busy web: Deployment · being deleted
        good web: Service · gone
        idle shop: ConfigMap · still there
        ");
        assert_eq!((objects.ready, objects.total), (1, 3));
    }

    /// When the wait is over nothing spins; what held it up stays bad, unless it became ready after all.
    #[test]
    fn after_the_wait() {
        use ObjectCondition::{Current, InProgress};
        let culprits = ["Deployment/shop/shop-api", "Deployment/shop/shop-web"].map(crash_loop);
        let arranged = arrange(
            &[
                object("Deployment", "shop-api", InProgress, ""),
                object("Deployment", "shop-web", Current, ""),
                object("Deployment", "shop-db", InProgress, ""),
            ],
            &culprits,
            "shop",
        );
        let classes: Vec<&str> = arranged.at_rest().cards.iter().map(|card| card.class).collect();
        assert_eq!(classes, ["bad", "good", "idle"]);
    }
}

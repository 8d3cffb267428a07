//! What a group of environments is called, and what its change does, in words. Pure.

use rollout::ObjectKey;
use rollout::plan::compare::Compared;
use rollout::plan::{Action, Consequence, PlannedObject};

use super::GroupKind;
use crate::names::HelmReleaseName;

/// Names that a line lists before it counts.
const LISTED: usize = 3;

/// The title of a group that does not render.
pub(super) const NOT_RENDERED: &str = "cannot be rendered";

/// What changes in an environment.
pub(super) struct Change {
    pub(super) objects: Vec<PlannedObject>,
    pub(super) fields: Vec<String>,
    pub(super) likeness: String,
    drawn: bool,
    blind: bool,
}

impl Change {
    /// `blind`: whether `lookup` asked for what it had not asked for before.
    pub(super) fn of(compared: Compared, blind: bool) -> Self {
        let Compared { objects, fields, drawn, likeness } = compared;
        Self { objects, fields, likeness, drawn, blind }
    }
}

/// What happens to environments that get no deployment.
pub(super) fn of_idle(kind: GroupKind) -> (&'static str, &'static str) {
    match kind {
        GroupKind::Holds => ("hold", "Nothing happens there until someone deploys."),
        GroupKind::NotDeployed => (
            "not deployed yet",
            "No deployment by Landfall has succeeded there. Nothing happens until someone deploys.",
        ),
        _ => {
            (NOT_RENDERED, "What was deployed last cannot be read. The server's log has the cause.")
        }
    }
}

/// What a change is, by its worst part.
pub(super) fn kind(objects: &[PlannedObject]) -> GroupKind {
    if objects.is_empty() {
        GroupKind::Unchanged
    } else if objects.iter().any(|object| interruption(object).is_some()) {
        GroupKind::Interrupts
    } else {
        GroupKind::Changes
    }
}

/// What is interrupted, as what happens to the object.
fn interruption(object: &PlannedObject) -> Option<&'static str> {
    match (&object.consequence, object.action) {
        (Consequence::DeletesData, _) => Some("is deleted with its data"),
        (Consequence::DeletesNamespace, _) => Some("is deleted with everything in it"),
        (Consequence::DeletesCustomObjects, _) => Some("is deleted with all objects of its kind"),
        (_, Action::Delete) => Some("is deleted"),
        (Consequence::Recreates { pods: 1.. }, _) => Some("stops and starts anew"),
        (Consequence::Scales { to: 0, .. } | Consequence::Stops { .. }, _) => Some("is stopped"),
        // A StatefulSet's pod is taken down before the new one starts.
        (Consequence::Rolls { pods: 1 }, _) if object.key.kind == "StatefulSet" => Some("restarts"),
        _ => None,
    }
}

/// A change's title and summary.
pub(super) fn of_change(release: &HelmReleaseName, change: &Change) -> (String, String) {
    let name = |key: &ObjectKey| short(release.as_str(), key);
    let mut summary = Vec::new();
    let title = match kind(&change.objects) {
        GroupKind::Unchanged => {
            summary.push(
                "No object changes: their own values win, or nothing uses what changes.".to_owned(),
            );
            "nothing changes".to_owned()
        }
        GroupKind::Interrupts => {
            let mut acts: Vec<(&str, Vec<String>)> = Vec::new();
            for object in &change.objects {
                let Some(act) = interruption(object) else { continue };
                match acts.iter_mut().find(|(known, _)| *known == act) {
                    Some((_, names)) => names.push(name(&object.key)),
                    None => acts.push((act, vec![name(&object.key)])),
                }
            }
            let told = acts.into_iter().map(|(act, names)| match names.as_slice() {
                [one] => format!("{one} {act}"),
                many => format!("{} {}", listed(many), plural(act)),
            });
            if change.objects.iter().any(|object| interruption(object) == Some("restarts")) {
                summary.push("One replica: it is down meanwhile.".to_owned());
            }
            if !change.fields.is_empty() {
                summary.push(format!("Changes {}.", listed(&change.fields)));
            }
            told.collect::<Vec<_>>().join(", ")
        }
        _ => match (change.fields.as_slice(), created(&change.objects, &name)) {
            ([], created) => created,
            ([one], created) if created.is_empty() => format!("{one} only"),
            (fields, created) if created.is_empty() => listed(fields),
            (fields, created) => format!("{}; {created}", listed(fields)),
        },
    };
    summary.extend(rolling(&change.objects, &name));
    if change.drawn {
        summary.push(
            "What is drawn anew with every deployment, such as passwords, is left out.".to_owned(),
        );
    }
    if change.blind {
        summary.push(
            "The chart looks something up that it did not the last time; it counts as not there."
                .to_owned(),
        );
    }
    (title, summary.join(" "))
}

/// `web is created`.
fn created(objects: &[PlannedObject], name: &dyn Fn(&ObjectKey) -> String) -> String {
    let made: Vec<String> = objects
        .iter()
        .filter(|object| object.action == Action::Create)
        .map(|object| format!("{} {}", object.key.kind, name(&object.key)))
        .collect();
    match made.as_slice() {
        [] => String::new(),
        [one] => format!("{one} is created"),
        many => format!("{} are created", listed(many)),
    }
}

/// What rolls, and what else changes.
fn rolling(objects: &[PlannedObject], name: &dyn Fn(&ObjectKey) -> String) -> Vec<String> {
    let mut told = Vec::new();
    let rolls = |object: &&PlannedObject| {
        matches!(object.consequence, Consequence::Rolls { .. }) && interruption(object).is_none()
    };
    let rolled: Vec<String> =
        objects.iter().filter(rolls).map(|object| name(&object.key)).collect();
    match rolled.as_slice() {
        [] => {}
        [one] => told.push(format!("{one} rolls without interruption.")),
        many => told.push(format!("{} roll without interruption.", listed(many))),
    }
    let others = objects.iter().filter(|object| {
        object.action == Action::Change
            && !matches!(object.consequence, Consequence::Rolls { .. })
            && interruption(object).is_none()
    });
    let mut kinds: Vec<String> = Vec::new();
    for object in others {
        let kind = match object.consequence {
            Consequence::ReadOnRestart => {
                format!("{} (read only after a restart)", object.key.kind)
            }
            _ => object.key.kind.clone(),
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    match kinds.as_slice() {
        [] => {}
        [one] => told.push(format!("{one} changes.")),
        many => told.push(format!("{} change.", listed(many))),
    }
    told
}

/// An object's name without the release's.
fn short(release: &str, key: &ObjectKey) -> String {
    match key.name.strip_prefix(release).and_then(|rest| rest.strip_prefix('-')) {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => key.name.clone(),
    }
}

/// The same said of several.
fn plural(act: &str) -> String {
    let (verb, rest) = act.split_once(' ').unwrap_or((act, ""));
    let verb = match verb {
        "is" => "are",
        other => other.strip_suffix('s').unwrap_or(other),
    };
    let rest = rest.replace("starts", "start");
    format!("{verb} {rest}").trim_end().to_owned()
}

/// `a`, `a and b`, `a, b, c and 4 more`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        few if few.len() <= LISTED => {
            let (last, first) = few.split_last().expect("there are some");
            format!("{} and {last}", first.join(", "))
        }
        many => format!("{} and {} more", many[..LISTED].join(", "), many.len() - LISTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, action: Action, consequence: Consequence) -> PlannedObject {
        PlannedObject {
            key: ObjectKey {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: None,
                name: name.to_owned(),
            },
            action,
            source: None,
            diff: None,
            consequence,
            refusal: None,
            stays: false,
        }
    }

    fn told(objects: Vec<PlannedObject>, fields: &[&str]) -> String {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let change =
            Change { objects, fields, likeness: String::new(), drawn: false, blind: false };
        let (title, summary) = of_change(&"eu".parse().unwrap(), &change);
        format!("{title} | {summary}")
    }

    /// Groups are called by what changes, the worst first.
    #[test]
    fn titles_and_summaries() {
        use Action::{Change as Changes, Create, Delete};
        let web = || object("Deployment", "eu-web", Changes, Consequence::Rolls { pods: 3 });
        let db = || object("StatefulSet", "eu-db", Changes, Consequence::Rolls { pods: 1 });
        let config = || object("ConfigMap", "eu", Changes, Consequence::None);
        let lines = [
            told(vec![config(), web()], &["LOG_LEVEL"]),
            told(vec![web(), db()], &["LOG_LEVEL", "memory"]),
            told(vec![config()], &["a", "b", "c", "d", "e"]),
            told(vec![object("Service", "eu-api", Create, Consequence::None)], &[]),
            told(
                vec![object("PersistentVolumeClaim", "data", Delete, Consequence::DeletesData)],
                &[],
            ),
            told(
                vec![
                    object("Deployment", "eu-a", Changes, Consequence::Recreates { pods: 1 }),
                    object("Deployment", "eu-b", Changes, Consequence::Recreates { pods: 2 }),
                ],
                &["image"],
            ),
            told(Vec::new(), &[]),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        LOG_LEVEL only | web rolls without interruption. ConfigMap changes.
        db restarts | One replica: it is down meanwhile. Changes LOG_LEVEL and memory. web rolls without interruption.
        a, b, c and 2 more | ConfigMap changes.
        Service api is created | 
        data is deleted with its data | 
        a and b stop and start anew | Changes image.
        nothing changes | No object changes: their own values win, or nothing uses what changes.
        ");
    }
}

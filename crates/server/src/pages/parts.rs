//! What several pages show: links that keep a list's filters, pagers, values with their origins,
//! diffs, rows of deployments.

use std::collections::BTreeMap;

use control::deployment::{Changes, Deployment};
use control::store::paging::{Count, Page};
use control::values::{MergedValues, ValuesLayer};
use rollout::ObjectKey;
use rollout::diff::{LineChange, ObjectDiff};
use rollout::drift::{Found, ObjectDrift};
use rollout::plan::compare::{ObjectDifference, Side};
use rollout::plan::{Action, Consequence, Plan, PlannedHook, PlannedObject};

use crate::view::code::yaml_line;
use crate::view::words::{counted, grouped, plural};

/// The address of a list with its filters, to make others from.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    path: String,
    query: BTreeMap<String, String>,
}

impl Links {
    /// From the address asked for; the cursor is left out, since another filter starts anew.
    pub(crate) fn of(path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, value)| name != "cursor" && !value.is_empty())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { path: path.to_owned(), query }
    }

    /// The same list with `name` set to `value`; empty: without it.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut query = self.query.clone();
        if value.is_empty() {
            query.remove(name);
        } else {
            query.insert(name.to_owned(), value.to_owned());
        }
        if query.is_empty() {
            return self.path.clone();
        }
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        format!("{}?{query}", self.path)
    }

    /// The list without any filter.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a filter; empty: not set.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// Whether a filter has this value.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    /// Whether anything is filtered: then an empty list is not an empty installation.
    pub(crate) fn filtered(&self) -> bool {
        self.query.keys().any(|name| !matches!(name.as_str(), "sort" | "direction" | "limit"))
    }

    /// `aria-current` for a chip whose filter is on.
    pub(crate) fn on(&self, name: &str, value: &str) -> &'static str {
        if self.is(name, value) { r#" aria-current="true""# } else { "" }
    }

    /// `selected` for an option whose filter is on.
    pub(crate) fn selected(&self, name: &str, value: &str) -> &'static str {
        if self.is(name, value) { " selected" } else { "" }
    }
}

/// The foot of a list.
#[derive(Clone, Debug)]
pub(crate) struct Pager {
    pub(crate) text: String,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl Pager {
    pub(crate) fn of<T>(page: &Page<T>, links: &Links, noun: &str, order: &str) -> Self {
        let cursor =
            |cursor: &Option<String>| cursor.as_ref().map(|cursor| links.with("cursor", cursor));
        let all = counted(page.count, noun);
        let shown = page.items.len() as u64;
        let text = match page.count {
            Count::Exact(n) if n.unsigned_abs() == shown => format!("{all}, {order}"),
            _ => format!("{} of {all}, {order}", grouped(shown)),
        };
        Self { text, previous: cursor(&page.previous), next: cursor(&page.next) }
    }
}

/// A line of YAML with the layer that set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OriginLine {
    pub(crate) html: String,
    pub(crate) from: Option<Origin>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) label: &'static str,
    /// Whether the deployment itself set it, which is what someone just did.
    pub(crate) own: bool,
    /// What each layer says, lowest first; empty where only one says anything.
    pub(crate) chain: Vec<(&'static str, String)>,
}

pub(crate) fn layer(layer: ValuesLayer) -> &'static str {
    match layer {
        ValuesLayer::Chart => "chart",
        ValuesLayer::App => "App",
        ValuesLayer::Release => "release",
        ValuesLayer::Domain => "domain",
        ValuesLayer::Deployment => "deployment",
    }
}

/// Merged values line by line; `set_only`: without what the chart's own defaults say.
pub(crate) fn origin_lines(merged: &MergedValues, set_only: bool) -> Vec<OriginLine> {
    let keys: BTreeMap<usize, _> = merged.keys.iter().map(|key| (key.line as usize, key)).collect();
    let mut lines: Vec<OriginLine> = Vec::new();
    // Lines of parents that are shown only once a child is.
    let mut parents: Vec<(usize, String)> = Vec::new();
    let mut keep_below = None;
    for (at, line) in merged.yaml.lines().enumerate() {
        let depth = line.len() - line.trim_start().len();
        if keep_below.is_some_and(|kept| {
            depth <= kept && !line.trim().is_empty() && !line.trim_start().starts_with("- ")
        }) {
            keep_below = None;
        }
        while parents.last().is_some_and(|(parent, _)| *parent >= depth) {
            parents.pop();
        }
        let Some(key) = keys.get(&(at + 1)) else {
            if keep_below.is_some() || !set_only {
                lines.push(OriginLine { html: yaml_line(line), from: None });
            } else {
                parents.push((depth, yaml_line(line)));
            }
            continue;
        };
        if set_only && key.layer == ValuesLayer::Chart {
            keep_below = None;
            continue;
        }
        lines.extend(parents.drain(..).map(|(_, html)| OriginLine { html, from: None }));
        keep_below = Some(depth);
        let said = key.chain.iter().map(|said| (layer(said.layer), said.value.clone()));
        let from = Origin {
            path: key.path.clone(),
            label: layer(key.layer),
            own: key.layer == ValuesLayer::Deployment,
            chain: if key.chain.len() > 1 { said.collect() } else { Vec::new() },
        };
        lines.push(OriginLine { html: yaml_line(line), from: Some(from) });
    }
    lines
}

/// Lines of YAML with colours.
pub(crate) fn code_lines(yaml: &str) -> Vec<String> {
    yaml.lines().map(yaml_line).collect()
}

/// What happens to one object, as lists show it.
#[derive(Clone, Debug)]
pub(crate) struct ObjectChange {
    /// `create`, `change`, `delete`, `run`, …: the word and the class.
    pub(crate) verb: &'static str,
    /// `apps/v1 Deployment`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) consequence: String,
    /// Whether its diff is open: not where only labels change, which every chart version does.
    pub(crate) open: bool,
    /// What the cluster would refuse it for.
    pub(crate) refusal: Option<String>,
    pub(crate) lines: Vec<DiffRow>,
}

/// A line of a diff.
#[derive(Clone, Debug)]
pub(crate) struct DiffRow {
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// What a plan does: definitions of custom resources, hooks before the objects, the objects it touches, the largest
/// consequence first, and hooks after them.
pub(crate) fn object_changes(plan: &Plan) -> Vec<ObjectChange> {
    let crds = plan.crds.iter().filter(|crd| crd.action != Action::Same || crd.refusal.is_some());
    let (before, after): (Vec<_>, Vec<_>) = plan.hooks.iter().partition(|hook| hook.is_before());
    let mut rows: Vec<ObjectChange> = crds.map(object_change).collect();
    rows.extend(before.into_iter().map(hook_run));
    rows.extend(touched_objects(plan));
    rows.extend(after.into_iter().map(hook_run));
    rows
}

/// A hook that will run.
fn hook_run(hook: &PlannedHook) -> ObjectChange {
    let weight = if hook.weight == 0 { String::new() } else { format!(", weight {}", hook.weight) };
    ObjectChange {
        verb: "run",
        kind: format!("{} hook", hook.event),
        name: hook.name.clone(),
        consequence: format!("{}{weight}", hook.kind),
        open: false,
        refusal: None,
        lines: Vec::new(),
    }
}

/// Objects that change, the largest consequence first.
pub(crate) fn changed_objects(objects: &[PlannedObject]) -> Vec<ObjectChange> {
    let mut changed: Vec<&PlannedObject> = objects.iter().collect();
    changed.sort_by_key(|object| weight(object));
    changed.into_iter().map(object_change).collect()
}

fn touched_objects(plan: &Plan) -> Vec<ObjectChange> {
    let mut touched: Vec<&PlannedObject> = plan
        .objects
        .iter()
        .filter(|object| object.action != Action::Same || object.refusal.is_some())
        .collect();
    touched.sort_by_key(|object| weight(object));
    touched.into_iter().map(object_change).collect()
}

/// Delete, replace, restart, change, create; what is refused before all.
fn weight(object: &PlannedObject) -> u8 {
    match (&object.refusal, object.action, &object.consequence) {
        (Some(_), _, _) => 0,
        (_, Action::Delete, _) => 1,
        (_, _, Consequence::Recreates { .. } | Consequence::DeletesData) => 2,
        (_, Action::Change, Consequence::Rolls { .. } | Consequence::Stops { .. }) => 3,
        (_, Action::Change, _) => 4,
        (_, Action::Create, _) => 5,
        (_, Action::Keep | Action::Same, _) => 6,
    }
}

fn object_change(object: &PlannedObject) -> ObjectChange {
    let verb = match object.action {
        Action::Create => "create",
        Action::Change => "change",
        Action::Delete => "delete",
        Action::Keep => "keep",
        Action::Same => "same",
    };
    let labels_only = object.action == Action::Change
        && object.consequence == Consequence::None
        && object.diff.as_ref().is_none_or(labels_only);
    ObjectChange {
        verb,
        kind: kind_of(&object.key),
        name: object.key.name.clone(),
        open: object.action != Action::Create && !labels_only,
        consequence: if labels_only {
            "labels only".to_owned()
        } else {
            object.consequence.to_string()
        },
        refusal: object.refusal.as_ref().map(|refusal| refusal.message.clone()),
        lines: diff_rows(object.diff.as_ref()),
    }
}

/// Whether only labels and annotations change, which every chart version does.
fn labels_only(diff: &ObjectDiff) -> bool {
    let labels = |path: &str| path == "metadata.labels" || path == "metadata.annotations";
    diff.hunks.iter().all(|hunk| labels(&hunk.path))
}

fn diff_rows(diff: Option<&ObjectDiff>) -> Vec<DiffRow> {
    let mut lines = Vec::new();
    for (at, hunk) in diff.iter().flat_map(|diff| &diff.hunks).enumerate() {
        if !hunk.path.is_empty() {
            lines.push(DiffRow { class: "gap", text: hunk.path.clone() });
        } else if at > 0 {
            lines.push(DiffRow { class: "gap", text: String::new() });
        }
        lines.extend(hunk.lines.iter().map(|line| DiffRow {
            class: match line.change {
                LineChange::Context => "",
                LineChange::Removed => "del",
                LineChange::Added => "add",
            },
            text: line.text.clone(),
        }));
    }
    lines
}

/// The objects that are not as they were deployed.
pub(crate) fn drifted_objects(objects: &[ObjectDrift]) -> Vec<ObjectChange> {
    let rows = objects.iter().map(|object| {
        let (verb, consequence) = match object.found {
            Found::Missing => ("missing", "it was deployed and is gone"),
            Found::Changed => ("changed", "− as deployed, + as it runs"),
            Found::Added => ("added", "only in the revision made outside Landfall"),
        };
        ObjectChange {
            verb,
            kind: kind_of(&object.key),
            name: object.key.name.clone(),
            consequence: consequence.to_owned(),
            open: true,
            refusal: object.refusal.clone(),
            lines: diff_rows(object.diff.as_ref()),
        }
    });
    rows.collect()
}

/// The objects that two deployments have different.
pub(crate) fn different_objects(objects: &[ObjectDifference]) -> Vec<ObjectChange> {
    let rows = objects.iter().map(|object| {
        let (verb, consequence) = match object.on {
            Side::Left => ("missing", "only on the left"),
            Side::Right => ("added", "only on the right"),
            Side::Both if labels_only(&object.diff) => ("changed", "labels only"),
            Side::Both => ("changed", ""),
        };
        ObjectChange {
            verb,
            kind: kind_of(&object.key),
            name: object.key.name.clone(),
            consequence: consequence.to_owned(),
            open: object.on == Side::Both && consequence.is_empty(),
            refusal: None,
            lines: diff_rows(Some(&object.diff)),
        }
    });
    rows.collect()
}

fn kind_of(key: &ObjectKey) -> String {
    match key.api_version.split_once('/') {
        Some((group, _)) => format!("{group}/{}", key.kind),
        None => format!("{}/{}", key.api_version, key.kind),
    }
}

/// `4 objects change, 1 is created, none is deleted.`
pub(crate) fn changes_sentence(changes: &Changes) -> String {
    let Changes { create, change, replace, delete, .. } = *changes;
    if create + change + replace + delete == 0 {
        return "Nothing changes in the cluster.".to_owned();
    }
    let be = |n: i64, what: &str| {
        if n == 1 { format!("1 is {what}") } else { format!("{n} are {what}") }
    };
    let mut parts = Vec::new();
    if change > 0 {
        let verb = if change == 1 { "changes" } else { "change" };
        parts.push(format!("{} {verb}", objects(change)));
    }
    if create > 0 {
        parts.push(if parts.is_empty() {
            format!("{} {} created", objects(create), is_are(create))
        } else {
            be(create, "created")
        });
    }
    if replace > 0 {
        parts.push(if parts.is_empty() {
            format!("{} {} replaced", objects(replace), is_are(replace))
        } else {
            be(replace, "replaced")
        });
    }
    parts.push(match delete {
        0 => "none is deleted".to_owned(),
        n if parts.is_empty() => format!("{} {} deleted", objects(n), is_are(n)),
        n => be(n, "deleted"),
    });
    format!("{}.", parts.join(", "))
}

/// `4 change, 1 created`, for rows.
pub(crate) fn changes_brief(changes: &Changes) -> String {
    let counts = [
        (changes.delete, "deleted"),
        (changes.replace, "replaced"),
        (changes.change, "changed"),
        (changes.create, "created"),
    ];
    let parts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if parts.is_empty() { "no object changed".to_owned() } else { parts.join(", ") }
}

fn objects(n: i64) -> String {
    plural(n, "object")
}

fn is_are(n: i64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `took 1 m 12 s` of what has ended.
pub(crate) fn took(deployment: &Deployment) -> Option<String> {
    let (start, end) = (deployment.started_at?, deployment.finished_at?);
    Some(crate::view::time::between(start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::values::MergedKey;

    /// Chips and selects change one filter and keep the others; another filter starts at page one.
    #[test]
    fn links_keep_filters() {
        let links = Links::of("/environments?kind=sandbox&search=a+b&cursor=xyz&status=");
        assert_eq!(links.with("kind", "production"), "/environments?kind=production&search=a+b");
        assert_eq!(links.with("kind", ""), "/environments?search=a+b");
        assert!(links.filtered());
        assert!(!Links::of("/environments?sort=name").filtered());
    }

    fn key(path: &str, layer: ValuesLayer, line: u32) -> MergedKey {
        let path = path.to_owned();
        MergedKey { path, value: String::new(), layer, chain: Vec::new(), line }
    }

    /// Without the chart's defaults only what someone set is left, under its parents.
    #[test]
    fn values_someone_set() {
        let merged = MergedValues {
            yaml: "api:\n  image: x\n  replicas: 3\nglobal:\n  edition: pro\nweb:\n  port: 80\n"
                .to_owned(),
            keys: vec![
                key("api.image", ValuesLayer::Chart, 2),
                key("api.replicas", ValuesLayer::Deployment, 3),
                key("global.edition", ValuesLayer::App, 5),
                key("web.port", ValuesLayer::Chart, 7),
            ],
        };
        let show = |lines: Vec<OriginLine>| {
            let lines = lines.into_iter().map(|line| {
                format!(
                    "{}{}",
                    line.html,
                    line.from.map_or(String::new(), |from| format!(" <- {}", from.label))
                )
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(show(origin_lines(&merged, true)), @r#"
        <span class="k">api</span>:
          <span class="k">replicas</span>: 3 <- deployment
        <span class="k">global</span>:
          <span class="k">edition</span>:<span class="s"> pro</span> <- App
        "#);
        assert_eq!(origin_lines(&merged, false).len(), 7);
    }

    /// What will change, in one sentence.
    #[test]
    fn sentences() {
        let changes =
            |change, create, delete| Changes { change, create, delete, ..Changes::default() };
        let words = [(4, 1, 0), (1, 0, 0), (0, 3, 0), (0, 0, 0), (2, 1, 1), (0, 0, 2)]
            .map(|(change, create, delete)| changes_sentence(&changes(change, create, delete)));
        insta::assert_snapshot!(words.join("\n"), @r"
        4 objects change, 1 is created, none is deleted.
        1 object changes, none is deleted.
        3 objects are created, none is deleted.
        Nothing changes in the cluster.
        2 objects change, 1 is created, 1 is deleted.
        2 objects are deleted.
        ");
    }
}

//! Two deployments side by side, and why an environment has a value: what is told, what is hidden, and from whom.

use super::on_both;
use super::site::{Site, chart_with, new_environment, new_release, problems};
use super::work::ended;
use crate::actor::Actor;
use crate::app::{NewValues, SettingsChange};
use crate::deployment::{Comparison, ComparisonRequest, NewDeployment};
use crate::environment::NewEnvironment;
use crate::error::Error;
use crate::op::OpState;
use crate::release::NewRelease;
use crate::rights::Role;
use crate::values::ValuesLayer;

on_both!(of_one_environment, of_two_environments, masked, why_a_value);

fn system() -> Actor {
    Actor::system()
}

/// A hook, and a Secret that holds a value.
const FILES: [(&str, &str); 2] = [
    (
        "templates/keys.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: \"{{ .Release.Name }}-keys\"}\nstringData: {key: {{ default \"none\" .Values.key | quote }}}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}-url\"}\ndata: {url: \"db://{{ .Values.key }}@{{ .Release.Name }}.{{ .Release.Namespace }}\"}\n",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}-hook\", annotations: {helm.sh/hook: post-upgrade}}\n\
         data: {replicas: \"{{ .Values.replicas }}\"}\n",
    ),
];

async fn ground(site: &Site) {
    site.app("shop").await;
    let archive = Some(chart_with("1.0.0", &FILES));
    let new = NewRelease { archive, ..new_release("shop", "1.0") };
    site.control.release_add(&system(), new).await.unwrap();
    site.cluster("demo").await;
}

async fn create(site: &Site, name: &str, kind: &str, values: &str) {
    let new = NewEnvironment { values: values.to_owned(), ..new_environment(name, kind) };
    let op = site.control.environment_create(&system(), new).await.unwrap().1.op.id;
    assert_eq!(ended(&site.control, op).await.state, OpState::Succeeded);
}

async fn deploy(site: &Site, name: &str, values: &str) {
    let new = NewDeployment { values: Some(values.to_owned()), ..NewDeployment::default() };
    let op = site.control.deployment_create(&system(), name, new).await.unwrap().op.id;
    assert_eq!(ended(&site.control, op).await.state, OpState::Succeeded);
}

async fn compare(
    site: &Site,
    actor: &Actor,
    environment: &str,
    with: &str,
    number: Option<i64>,
) -> Result<Comparison, Error> {
    let asked = ComparisonRequest { with: with.to_owned(), number };
    site.control.deployments_compare(actor, environment, &asked).await
}

fn told(comparison: &Comparison) -> String {
    let side = |laid: &Option<crate::deployment::LaidValue>| match laid {
        Some(laid) => format!("{} ({})", laid.value, laid.layer),
        None => "–".to_owned(),
    };
    let values = comparison
        .values
        .iter()
        .map(|it| format!("{}: {} | {}", it.path, side(&it.left), side(&it.right)));
    let objects = comparison.objects.iter().map(|it| {
        let lines = it.diff.hunks.iter().flat_map(|hunk| &hunk.lines);
        let changed = lines.filter(|line| line.change != rollout::diff::LineChange::Context);
        let changed: Vec<&str> = changed.map(|line| line.text.trim()).collect();
        format!("{} {:?}: {}", it.key, it.on, changed.join(" | "))
    });
    values.chain(objects).collect::<Vec<_>>().join("\n")
}

/// Without more said, what runs is compared with the deployment before it, hooks included.
async fn of_one_environment(site: Site) {
    ground(&site).await;
    let workers = site.control.start_workers();
    create(&site, "eu", "sandbox", "replicas: 2\n").await;
    let first = compare(&site, &system(), "eu", "", None).await;
    assert!(matches!(first, Err(Error::Conflict { .. })), "{first:?}");
    deploy(&site, "eu", "replicas: 3\nextra: true\n").await;
    let comparison = compare(&site, &system(), "eu", "", None).await.unwrap();
    assert_eq!((comparison.left.number, comparison.right.number), (1, 2));
    assert!(comparison.same_chart && !comparison.same);
    insta::allow_duplicates! {
        insta::assert_snapshot!(told(&comparison), @r#"
        extra: – | true (deployment)
        replicas: 2 (deployment) | 3 (deployment)
        ConfigMap/eu Both: replicas: "2" | replicas: "3"
        ConfigMap/eu-hook Both: replicas: "2" | replicas: "3"
        Deployment/eu-web Both: replicas: 2 | replicas: 3
        "#);
    }
    let back = compare(&site, &system(), "eu", "#2", Some(2)).await.unwrap();
    assert!(back.same, "{}", told(&back));
    let wrong = problems(compare(&site, &system(), "eu", "eu#x", None).await);
    assert!(wrong.starts_with("with: `eu#x` is not a deployment."), "{wrong}");
    workers.stop().await;
}

/// Two environments that were given the same are the same, whatever they are called; production does not exist for QA on
/// either side.
async fn of_two_environments(site: Site) {
    ground(&site).await;
    let workers = site.control.start_workers();
    create(&site, "eu", "sandbox", "replicas: 2\n").await;
    create(&site, "us", "production", "replicas: 2\n").await;
    let same = compare(&site, &system(), "eu", "us", None).await.unwrap();
    assert!(same.same, "{}", told(&same));
    deploy(&site, "us", "replicas: 4\n").await;
    let other = compare(&site, &system(), "eu", "us", None).await.unwrap();
    assert_eq!(other.left.environment.name.as_str(), "us");
    assert!(!other.same);
    let earlier = compare(&site, &system(), "eu", "us#1", None).await.unwrap();
    assert!(earlier.same, "{}", told(&earlier));
    let qa = site.person(Role::Qa).await;
    for (environment, with) in [("eu", "us"), ("eu", "us#1"), ("us", "eu")] {
        let refused = compare(&site, &qa, environment, with, None).await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{environment} {with}");
    }
    workers.stop().await;
}

/// Values that the App calls secret are told to differ, and shown nowhere.
async fn masked(site: Site) {
    ground(&site).await;
    let workers = site.control.start_workers();
    let change =
        SettingsChange { masked_values: Some(vec!["key".to_owned()]), ..SettingsChange::default() };
    site.control.app_change_settings(&system(), "shop", change).await.unwrap();
    create(&site, "eu", "sandbox", "key: eu-hunter2\n").await;
    create(&site, "us", "sandbox", "key: us-hunter3\n").await;
    let comparison = compare(&site, &system(), "eu", "us", None).await.unwrap();
    let text = serde_json::to_string(&comparison).unwrap();
    assert!(!text.contains("hunter"), "{text}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(told(&comparison), @"
        key: ******** (deployment) | ******** (deployment)
        Secret/<namespace>/<release>-keys Both: key: (hidden, before) | key: (hidden, after)
        ConfigMap/<namespace>/<release>-url Both: url: db://(hidden, left)@<release>.<namespace> | url: db://(hidden, right)@<release>.<namespace>
        ");
    }
    let why = site.control.environment_why(&system(), "eu", "key").await.unwrap();
    assert_eq!((why.value.as_str(), why.chain.len()), ("********", 1));
    assert_eq!(why.chain[0].value, "********");
    workers.stop().await;
}

/// A value is told with its layer, the deployment that it came with, what it was before, and who set it.
async fn why_a_value(site: Site) {
    ground(&site).await;
    let workers = site.control.start_workers();
    let olga = site.person(Role::Developer).await;
    for (actor, values, note) in [
        (&olga, "greeting: good day\n", "politeness"),
        (&system(), "greeting: good day\nreplicas: 2\n", "room"),
    ] {
        let (values, note) = (values.to_owned(), note.to_owned());
        let new = NewValues { values, note, ..NewValues::default() };
        site.control.app_update_values(actor, "shop", new).await.unwrap();
    }
    create(&site, "eu", "sandbox", "").await;
    deploy(&site, "eu", "replicas: 5\n").await;
    deploy(&site, "eu", "replicas: 5\nextra: true\n").await;

    let greeting = site.control.environment_why(&system(), "eu", "greeting").await.unwrap();
    assert_eq!((greeting.value.as_str(), greeting.layer), ("\"good day\"", ValuesLayer::App));
    assert_eq!((greeting.since.number, greeting.or_before, greeting.before), (1, false, None));
    assert_eq!(greeting.set.with, "App values, revision 1");
    assert_eq!((greeting.set.note.as_str(), greeting.set.by), ("politeness", olga.by()));

    let replicas = site.control.environment_why(&system(), "eu", "replicas").await.unwrap();
    let layers: Vec<ValuesLayer> = replicas.chain.iter().map(|said| said.layer).collect();
    assert_eq!(layers, [ValuesLayer::Chart, ValuesLayer::App, ValuesLayer::Deployment]);
    assert_eq!((replicas.since.number, replicas.set.with.as_str()), (2, "eu#2"));
    let before = replicas.before.unwrap();
    assert_eq!((before.value.as_str(), before.layer), ("2", ValuesLayer::App));

    let fault = site.control.environment_why(&system(), "eu", "fault").await.unwrap();
    assert_eq!(fault.set.with, "chart shop 1.0.0, release 1.0");

    let no = problems(site.control.environment_why(&system(), "eu", "nothing").await);
    assert!(no.starts_with("key: eu runs with no value `nothing`."), "{no}");
    let qa = site.person(Role::Qa).await;
    create(&site, "us", "production", "").await;
    let hidden = site.control.environment_why(&qa, "us", "greeting").await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })));
    workers.stop().await;
}

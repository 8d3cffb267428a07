//! Apps, their values, Releases, clusters.

use super::on_both;
use super::site::{Site, chart, new_release, problems};
use crate::actor::Actor;
use crate::app::{NewApp, NewValues};
use crate::cluster::NewSimulatedCluster;
use crate::error::Error;
use crate::release::{NewRelease, ReleaseFilter};
use crate::rights::Role;
use crate::store::paging::PageRequest;

on_both!(
    bad_apps_are_refused,
    registry_passwords_are_sealed,
    values_in_revisions,
    releases_never_change,
    bad_releases_are_refused,
    newest_and_archived,
    releases_are_found_by_words,
    clusters_are_unique,
    rights_to_apps,
);

fn system() -> Actor {
    Actor::system()
}

/// What is wrong with an App is told field by field, and nothing is made.
async fn bad_apps_are_refused(site: Site) {
    site.app("Shop").await;
    let new = NewApp {
        name: "shop".to_owned(),
        chart_kind: "repository".to_owned(),
        chart_url: "oci://registry.example.com/shop".to_owned(),
        chart_name: "shop".to_owned(),
        values: "a: [1\nb: 2\n".to_owned(),
        ..NewApp::default()
    };
    let refused = site.control.app_create(&system(), new).await;
    let Err(Error::Invalid(invalid)) = &refused else { panic!("{refused:?}") };
    let fields: Vec<&str> = invalid.problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["chart_url", "values", "name"]);
    assert!(invalid.problems[1].place.is_some());

    let unreachable = NewApp {
        name: "other".to_owned(),
        chart_url: "http://127.0.0.1:1/charts".to_owned(),
        chart_name: "shop".to_owned(),
        ..NewApp::default()
    };
    let refused = problems(site.control.app_create(&system(), unreachable).await);
    assert!(
        refused
            .starts_with("chart_url: The chart repository http://127.0.0.1:1/charts was not read"),
        "{refused}"
    );
    let listed = site.control.app_list(&system(), "", &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

/// A registry password is in no answer and in no row as it is.
async fn registry_passwords_are_sealed(site: Site) {
    let new = NewApp {
        name: "Shop".to_owned(),
        chart_kind: "upload".to_owned(),
        chart_name: "shop".to_owned(),
        registry_username: Some("bot".to_owned()),
        registry_password: Some("hunter2hunter2".into()),
        ..NewApp::default()
    };
    let developer = site.person(Role::Developer).await;
    let refused = site.control.app_create(&developer, new.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    let app = site.control.app_create(&system(), new).await.unwrap();
    assert!(app.has_registry_password);
    assert!(!format!("{app:?}").contains("hunter2"));
    let row = site.control.app_row(&system(), "shop").await.unwrap();
    let sealed = row.registry_password_sealed.unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
}

/// Values are kept in revisions; equal text keeps the revision, an overtaken editor saves nothing.
async fn values_in_revisions(site: Site) {
    site.app("shop").await;
    let save = async |text: &str, based_on: Option<i64>| {
        let new = NewValues { values: text.to_owned(), based_on, ..NewValues::default() };
        site.control.app_update_values(&system(), "shop", new).await.map(|saved| saved.revision)
    };
    let none = site.control.app_values(&system(), "shop", None).await.unwrap();
    assert_eq!((none.revision, none.values.as_str()), (0, ""));
    let text = "# ours\nreplicas: 2 # two\n";
    assert_eq!(save(text, Some(0)).await.unwrap().revision, 1);
    assert_eq!(save(text, Some(1)).await.unwrap().revision, 1);
    assert_eq!(save("replicas: 3\n", Some(1)).await.unwrap().revision, 2);
    let overtaken = save("replicas: 4\n", Some(1)).await;
    assert!(matches!(overtaken, Err(Error::Conflict { .. })), "{overtaken:?}");
    assert_eq!(save("replicas: 5\n", None).await.unwrap().revision, 3);
    let first = site.control.app_values(&system(), "shop", Some(1)).await.unwrap();
    assert_eq!(first.values, text);
    let missing = site.control.app_values(&system(), "shop", Some(9)).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    assert_eq!(problems(save("- a\n", None).await).split(':').next(), Some("values"));
}

/// A tag is unique within its App, whatever the case of others; the archive is kept by content.
async fn releases_never_change(site: Site) {
    site.app("shop").await;
    site.app("other").await;
    let release = site.release("shop", "1.0").await;
    assert_eq!((release.chart.name.as_str(), release.chart.version.as_str()), ("shop", "1.0.0"));
    let archive = site.control.objects().archive(&release.chart.sha256).await.unwrap();
    assert_eq!(i64::try_from(archive.len()).unwrap(), release.chart.size);
    let again = site.control.release_add(&system(), new_release("shop", "1.0")).await;
    assert_eq!(
        problems(again),
        "tag: shop has a release with the tag `1.0` already. Use another tag: a release never changes."
    );
    site.release("other", "1.0").await;
    site.release("shop", "1.0A").await;
    site.release("shop", "1.0a").await;
    let found = site.control.release_find(&system(), "SHOP", "1.0").await.unwrap();
    assert_eq!(found.id, release.id);
}

/// A missing App, a bad tag, values that are none and an archive that is none: all told at once.
async fn bad_releases_are_refused(site: Site) {
    let new = NewRelease {
        app: "nothing".to_owned(),
        tag: "1/0".to_owned(),
        values: "[".to_owned(),
        ..NewRelease::default()
    };
    let refused = site.control.release_add(&system(), new).await;
    let fields: Vec<String> = problems(refused)
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(field, _)| field.to_owned()))
        .collect();
    assert_eq!(fields, ["app", "tag", "values"]);

    site.app("shop").await;
    let with = async |archive: Option<Vec<u8>>, version: &str| {
        let new =
            NewRelease { archive, chart_version: version.to_owned(), ..new_release("shop", "1.0") };
        problems(site.control.release_add(&system(), new).await)
    };
    let none = with(None, "").await;
    assert!(none.starts_with("archive: No chart archive was uploaded."), "{none}");
    let broken = with(Some(b"not a chart".to_vec()), "").await;
    assert!(broken.starts_with("archive: The chart cannot be loaded"), "{broken}");
    let other = with(Some(chart("1.0.0")), "2.0.0").await;
    assert!(other.starts_with("archive: This is version 1.0.0, not 2.0.0."), "{other}");
    let page = PageRequest::default();
    let listed =
        site.control.release_list(&system(), &ReleaseFilter::default(), &page).await.unwrap();
    assert!(listed.items.is_empty());
}

/// The newest is the last added that is neither archived nor a pre-release.
async fn newest_and_archived(site: Site) {
    site.app("shop").await;
    let newest = async || {
        let app = site.control.app_get(&system(), "shop").await.unwrap();
        app.newest.map(|release| release.tag.to_string())
    };
    assert_eq!(newest().await, None);
    site.release("shop", "2.0").await;
    let last = site.release("shop", "1.9").await;
    site.release("shop", "3.0-rc.1").await;
    assert_eq!(newest().await.as_deref(), Some("1.9"));
    site.control.release_archive(&system(), last.id, true).await.unwrap();
    assert_eq!(newest().await.as_deref(), Some("2.0"));
    let tags = async |archived| {
        let filter = ReleaseFilter { archived, ..ReleaseFilter::default() };
        let page = PageRequest::default();
        let page = site.control.release_list(&system(), &filter, &page).await.unwrap();
        page.items.iter().map(|release| release.tag.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(tags(false).await, ["3.0-rc.1", "2.0"]);
    assert_eq!(tags(true).await, ["1.9"]);
    site.control.release_archive(&system(), last.id, false).await.unwrap();
    assert_eq!(newest().await.as_deref(), Some("1.9"));
}

/// Releases are found by the beginning of words of tag, chart and changelog; all words must be there.
async fn releases_are_found_by_words(site: Site) {
    site.app("shop").await;
    for (tag, changelog) in [
        ("2.4.0", "Faster label printing; new returns page"),
        ("2.4.1", "Fixes double charging when a checkout is retried"),
    ] {
        let new = NewRelease { changelog: changelog.to_owned(), ..new_release("shop", tag) };
        site.control.release_add(&system(), new).await.unwrap();
    }
    for (search, wanted) in [
        ("2.4", vec!["2.4.1", "2.4.0"]),
        ("LABEL pri", vec!["2.4.0"]),
        ("label charging", vec![]),
        ("1.0.0", vec!["2.4.1", "2.4.0"]),
        ("abel", vec![]),
    ] {
        let filter = ReleaseFilter { search: search.to_owned(), ..ReleaseFilter::default() };
        let found =
            site.control.release_list(&system(), &filter, &PageRequest::default()).await.unwrap();
        let tags: Vec<&str> = found.items.iter().map(|release| release.tag.as_str()).collect();
        assert_eq!(tags, wanted, "{search}");
    }
}

/// Cluster names are unique; a simulated cluster answers with its version.
async fn clusters_are_unique(site: Site) {
    let cluster = site.cluster("demo").await;
    assert!(cluster.version.as_deref().is_some_and(|version| version.starts_with("v1.")));
    let twin = NewSimulatedCluster { name: "demo".to_owned(), admits: "all".to_owned() };
    let refused = problems(site.control.cluster_add_simulated(&system(), twin).await);
    assert!(refused.starts_with("admits: "), "{refused}");
    let twin = NewSimulatedCluster { name: "demo".to_owned(), admits: "both".to_owned() };
    let refused = problems(site.control.cluster_add_simulated(&system(), twin).await);
    assert!(refused.starts_with("name: There is a cluster"), "{refused}");
    let checked = site.control.cluster_check(&system(), "demo").await.unwrap();
    assert_eq!(checked.version, cluster.version);
    assert_eq!((checked.problem, checked.missing), (None, Vec::new()));
}

/// QA reads Apps and Releases; Developers write them but add no clusters.
async fn rights_to_apps(site: Site) {
    site.ground().await;
    let qa = site.person(Role::Qa).await;
    let developer = site.person(Role::Developer).await;
    site.control.app_get(&qa, "shop").await.unwrap();
    site.control.cluster_get(&qa, "demo").await.unwrap();
    let refused = site.control.release_add(&qa, new_release("shop", "2.0")).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    site.control.release_add(&developer, new_release("shop", "2.0")).await.unwrap();
    let new = NewSimulatedCluster { name: "two".to_owned(), admits: "both".to_owned() };
    let refused = site.control.cluster_add_simulated(&developer, new).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
}

//! Settings of Apps: what they may be, who may change them, what is masked for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::gpg::Keys;
use super::on_both;
use super::site::{Site, problems};
use super::work::ended;
use crate::actor::Actor;
use crate::app::{HelmMode, ProvenancePolicy, SettingsChange};
use crate::audit::AuditFilter;
use crate::deployment::{NewDeployment, NewPreview};
use crate::error::Error;
use crate::op::OpState;
use crate::rights::Role;
use crate::store::paging::PageRequest;

on_both!(
    settings_in_revisions,
    bad_settings_are_refused,
    rights_to_settings,
    keyrings,
    masked_values_are_shown_nowhere,
);

fn system() -> Actor {
    Actor::system()
}

fn none() -> SettingsChange {
    SettingsChange::default()
}

/// What is given changes and is logged, the rest stays; what changes nothing is no revision, and an
/// overtaken form saves nothing.
async fn settings_in_revisions(site: Site) {
    site.app("shop").await;
    let before = site.control.app_settings(&system(), "shop").await.unwrap();
    assert_eq!((before.revision, before.settings.wait_seconds), (0, 60));
    let change = SettingsChange {
        helm_mode: Some("3".to_owned()),
        masked_values: Some(
            [" db.password ", "", "**.token", "db.password"].map(str::to_owned).to_vec(),
        ),
        based_on: Some(0),
        ..none()
    };
    let saved = site.control.app_change_settings(&system(), "shop", change.clone()).await.unwrap();
    assert_eq!((saved.revision, saved.settings.wait_seconds), (1, 60));
    assert_eq!(saved.settings.helm_mode, HelmMode::V3);
    assert_eq!(saved.settings.masked_values, ["db.password", "**.token"]);
    assert_eq!(site.control.app_settings(&system(), "shop").await.unwrap(), saved);

    let stale = site.control.app_change_settings(&system(), "shop", change.clone()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let same = SettingsChange { based_on: None, ..change };
    let same = site.control.app_change_settings(&system(), "shop", same).await.unwrap();
    assert_eq!(same.revision, 1);

    let filter =
        AuditFilter { action: Some("app.change_settings".to_owned()), ..AuditFilter::default() };
    let page = PageRequest::default();
    let logged = site.control.audit_list(&system(), &filter, &page).await.unwrap().items;
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].old, serde_json::json!({ "helm_mode": "4", "masked_values": [] }));
    let new = serde_json::json!({ "helm_mode": "3", "masked_values": ["db.password", "**.token"] });
    assert_eq!(logged[0].new, new);
}

/// Each field that is wrong is told with what to do, and nothing is saved.
async fn bad_settings_are_refused(site: Site) {
    site.app("shop").await;
    let change = SettingsChange {
        helm_mode: Some("2".to_owned()),
        masked_values: Some(["a..b", "ok", "**"].map(str::to_owned).to_vec()),
        wait_seconds: Some(86_401),
        wait_for_jobs: Some(true),
        run_tests: Some(true),
        crds: Some("replace".to_owned()),
        end_when_hopeless: Some(true),
        provenance: Some("maybe".to_owned()),
        keyring: Some("no keyring".to_owned()),
        domains: None,
        based_on: None,
    };
    let refused = problems(site.control.app_change_settings(&system(), "shop", change).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @r"
        helm_mode: There is no Helm `2` to be like. Choose 4 or 3.
        wait_seconds: A deployment cannot wait so long. Use 1 to 86400 seconds.
        masked_values: `a..b` is not a path of values: a key is empty. Write keys with dots between them, such as db.password or **.token.
        masked_values: `**` is not a path of values: it names no key. Write keys with dots between them, such as db.password or **.token.
        crds: `replace` is not a rule for custom resource definitions. Choose skip, create or create_and_upgrade.
        provenance: `maybe` is not a rule for signatures. Choose off or required.
        keyring: This is neither an armored keyring nor base64. Give what `gpg --armor --export` prints, or the keyring's file in base64.
        ");
    }
    let change = SettingsChange { provenance: Some("required".to_owned()), ..none() };
    let refused = problems(site.control.app_change_settings(&system(), "shop", change).await);
    assert!(refused.starts_with("keyring: Without a keyring"), "{refused}");
    let now = site.control.app_settings(&system(), "shop").await.unwrap();
    assert_eq!((now.revision, now.settings.wait_for_jobs), (0, false));
}

/// QA reads settings; Developers change them but for the signatures that charts need and for what becomes of definitions
/// that a whole cluster shares.
async fn rights_to_settings(site: Site) {
    site.app("shop").await;
    let (qa, developer) = (site.person(Role::Qa).await, site.person(Role::Developer).await);
    site.control.app_settings(&qa, "shop").await.unwrap();
    let wait = SettingsChange { wait_seconds: Some(5), ..none() };
    let refused = site.control.app_change_settings(&qa, "shop", wait.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    site.control.app_change_settings(&developer, "shop", wait).await.unwrap();
    let keys = SettingsChange { keyring: Some(Keys::new(&["eve"]).armored()), ..none() };
    let refused = site.control.app_change_settings(&developer, "shop", keys).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    let crds = SettingsChange { crds: Some("create_and_upgrade".to_owned()), ..none() };
    let refused = site.control.app_change_settings(&developer, "shop", crds.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    site.control.app_change_settings(&system(), "shop", crds).await.unwrap();
    let off = SettingsChange { provenance: Some("off".to_owned()), ..none() };
    site.control.app_change_settings(&developer, "shop", off).await.unwrap();
    let missing = site.control.app_settings(&qa, "nothing").await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

/// Keyrings are taken armored and binary; secret keys are refused; the keys are told and can be
/// taken away again.
async fn keyrings(site: Site) {
    site.app("shop").await;
    let keys = Keys::new(&["ann", "bob"]);
    let give = async |keyring: String, provenance: Option<&str>| {
        let provenance = provenance.map(str::to_owned);
        let change = SettingsChange { keyring: Some(keyring), provenance, ..none() };
        site.control.app_change_settings(&system(), "shop", change).await
    };
    let given = give(keys.armored(), Some("required")).await.unwrap().settings;
    assert_eq!(given.provenance, ProvenancePolicy::Required);
    let names: Vec<&str> = given.trusted_keys.iter().map(|key| key.names[0].as_str()).collect();
    assert_eq!(names, ["ann <ann@example.com>", "bob <bob@example.com>"]);
    let binary = give(STANDARD.encode(keys.binary()), None).await.unwrap().settings;
    assert_eq!(binary, given);
    let refused = problems(give(STANDARD.encode(keys.secret()), None).await);
    assert!(refused.starts_with("keyring: This keyring has secret keys"), "{refused}");
    let refused = problems(give(String::new(), None).await);
    assert!(refused.starts_with("keyring: Without a keyring"), "{refused}");
    let removed = give(String::new(), Some("off")).await.unwrap().settings;
    assert!(removed.trusted_keys.is_empty());
}

/// A value on a path that the App calls secret is shown in no merged values, no manifest and no diff,
/// neither as it is nor as it was.
async fn masked_values_are_shown_nowhere(site: Site) {
    site.ground().await;
    let masked = |paths: &[&str]| SettingsChange {
        masked_values: Some(paths.iter().map(|path| (*path).to_owned()).collect()),
        ..none()
    };
    let workers = site.control.start_workers();
    let (_, started) = site.environment("dev", "production").await;
    assert_eq!(ended(&site.control, started.op.id).await.state, OpState::Succeeded);
    let deploy =
        NewDeployment { values: Some("greeting: hunter2".to_owned()), ..NewDeployment::default() };
    let started = site.control.deployment_create(&system(), "dev", deploy).await.unwrap();
    assert_eq!(ended(&site.control, started.op.id).await.state, OpState::Succeeded);

    workers.stop().await;

    let asked =
        NewPreview { values: Some("greeting: correcthorse".to_owned()), ..NewPreview::default() };
    let preview = async || {
        let preview =
            site.control.deployment_preview(&system(), "dev", asked.clone()).await.unwrap();
        serde_json::to_string(&(preview.merged, preview.manifest, preview.plan)).unwrap()
    };
    let open = preview().await;
    assert!(open.contains("hunter2") && open.contains("correcthorse"), "{open}");
    site.control.app_change_settings(&system(), "shop", masked(&["*"])).await.unwrap();
    let hidden = preview().await;
    assert!(!hidden.contains("hunter2") && !hidden.contains("correcthorse"), "{hidden}");
    let content = site.control.deployment_content(&system(), started.deployment.id).await.unwrap();
    let content = serde_json::to_string(&(content.merged, content.manifest, content.plan)).unwrap();
    // What ran before said the same under a key that is masked now.
    assert!(!content.contains("hunter2") && !content.contains("hello"), "{content}");

    // What was written is for those who may change it.
    let written = async |actor: &Actor| {
        let own = site.control.environment_values(actor, "dev").await.unwrap().own.values;
        let content = site.control.deployment_content(actor, started.deployment.id).await.unwrap();
        [own, content.values]
    };
    assert_eq!(written(&system()).await, ["greeting: hunter2", "greeting: hunter2"]);
    let masked = "greeting: '********'\n";
    assert_eq!(written(&Actor::for_test(Role::Developer)).await, [masked, masked]);
}

//! Clusters by kubeconfig and by address, their checks, and the accounts that environments act as.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::on_both;
use super::site::{Site, new_environment, problems};
use crate::actor::Actor;
use crate::audit::AuditFilter;
use crate::cluster::{AccessKind, ClusterChange, NewAccess, NewCluster};
use crate::config::InCluster;
use crate::control::Control;
use crate::environment::{EnvironmentChange, NewEnvironment};
use crate::error::Error;
use crate::rights::Role;
use crate::store::paging::PageRequest;

on_both!(
    clusters_by_address,
    clusters_by_kubeconfig,
    credentials_are_replaced,
    environments_act_as_accounts
);

fn by_address(name: &str, server: &str, ca_pem: &str, token: &str) -> NewCluster {
    NewCluster {
        name: name.to_owned(),
        admits: "both".to_owned(),
        access: NewAccess {
            server: server.to_owned(),
            ca_pem: ca_pem.to_owned(),
            token: SecretString::from(token),
            ..NewAccess::default()
        },
        ..NewCluster::default()
    }
}

fn kubeconfig(server: &str, ca_pem: &str, token: &str) -> NewAccess {
    let ca = STANDARD.encode(ca_pem);
    let text = format!(
        "contexts:\n- {{name: here, context: {{cluster: c, user: u}}}}\n\
         clusters:\n- {{name: c, cluster: {{server: '{server}', certificate-authority-data: {ca}}}}}\n\
         users:\n- {{name: u, user: {{token: '{token}'}}}}\n"
    );
    NewAccess { kubeconfig: text.into(), ..NewAccess::default() }
}

/// A cluster is added by address, certificate authority and token, and must answer.
async fn clusters_by_address(site: Site) {
    let system = Actor::system();
    site.cluster("simulated").await;
    let (server, ca_pem, token) = site.simulator_access().await;
    let new = |name: &str, server: &str, token: &str| by_address(name, server, &ca_pem, token);
    let added = site.control.cluster_add(&system, new("real", &server, &token)).await.unwrap();
    assert_eq!(added.server.as_deref(), Some(server.as_str()));
    assert_eq!(added.access, Some(AccessKind::Token));
    let check = added.check.as_ref().unwrap();
    assert_eq!(check.user.as_deref(), Some("simulator-admin"));
    assert_eq!((check.missing.len(), &check.problem), (0, &None));
    // Reached again from what is stored, by a process that knows nothing else.
    let other = site.second_process().await;
    assert_eq!(other.cluster_check(&system, "real").await.unwrap().version, added.version);
    let wrong = site.control.cluster_add(&system, new("wrong", &server, "guessed")).await;
    assert!(matches!(wrong, Err(Error::Unreachable { .. })), "{wrong:?}");
    let plain = server.replace("https://", "http://");
    let refused = problems(site.control.cluster_add(&system, new("plain", &plain, &token)).await);
    assert!(refused.starts_with("server: Clusters are reached by https only."), "{refused}");
    assert!(!format!("{added:?}").contains(&token));
    let limited = NewCluster {
        namespaces: vec!["shop".to_owned(), "Nope".to_owned()],
        ..new("limited", &server, &token)
    };
    let refused = problems(site.control.cluster_add(&system, limited).await);
    assert!(refused.starts_with("namespaces: "), "{refused}");
}

/// A kubeconfig's context is taken apart and nothing of it answered; the audit log knows no secret.
async fn clusters_by_kubeconfig(site: Site) {
    let system = Actor::system();
    site.cluster("simulated").await;
    let (server, ca_pem, token) = site.simulator_access().await;
    let new = |access| NewCluster {
        name: "real".to_owned(),
        access,
        namespaces: vec!["shop-qa".to_owned()],
        ..NewCluster::default()
    };
    let plain = kubeconfig(&server.replace("https", "http"), &ca_pem, &token);
    let refused = problems(site.control.cluster_add(&system, new(plain)).await);
    assert!(refused.starts_with("kubeconfig: Clusters are reached by https only."), "{refused}");
    let access = kubeconfig(&server, &ca_pem, &token);
    let both = NewAccess { server: server.clone(), ..access.clone() };
    let refused = problems(site.control.cluster_add(&system, new(both)).await);
    assert!(refused.starts_with("kubeconfig: A kubeconfig has address"), "{refused}");
    let added = site.control.cluster_add(&system, new(access)).await.unwrap();
    assert_eq!(added.context.as_deref(), Some("here"));
    assert_eq!(added.namespaces, ["shop-qa"]);
    let none = NewAccess { in_cluster: true, ..NewAccess::default() };
    let refused = problems(site.control.cluster_add(&system, new(none)).await);
    assert!(refused.contains("There is a cluster with the name"), "{refused}");
    let page = PageRequest::default();
    let log = site.control.audit_list(&system, &AuditFilter::default(), &page).await.unwrap();
    let log = format!("{:?}{added:?}", log.items);
    assert!(log.contains("shop-qa") && !log.contains(&token), "{log}");

    // The cluster is not used in other namespaces.
    site.app("shop").await;
    site.release("shop", "1.0").await;
    let new = NewEnvironment {
        cluster: "real".to_owned(),
        namespace: "other".to_owned(),
        ..new_environment("qa", "sandbox")
    };
    let refused = problems(site.control.environment_create(&system, new).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @"namespace: Cluster `real` is not used in namespace `other`. Choose one of shop-qa.");
    }
}

/// New credentials count only if they let Landfall in; a check that fails is kept and told.
async fn credentials_are_replaced(site: Site) {
    let system = Actor::system();
    site.cluster("simulated").await;
    let (server, ca_pem, token) = site.simulator_access().await;
    let add = by_address("real", &server, &ca_pem, &token);
    let added = site.control.cluster_add(&system, add).await.unwrap();
    let change = |access| ClusterChange { access, ..ClusterChange::default() };
    let wrong = kubeconfig(&server, &ca_pem, "guessed");
    let refused = site.control.cluster_change(&system, "real", change(wrong)).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    assert!(site.control.cluster_check(&system, "real").await.unwrap().problem.is_none());

    let operations = site.person(Role::Operations).await;
    let right = kubeconfig(&server, &ca_pem, &token);
    let changed = site.control.cluster_change(&operations, "real", change(right)).await.unwrap();
    assert_eq!(changed.context.as_deref(), Some("here"));
    assert!(changed.access_changed_at > added.access_changed_at);
    assert_eq!(changed.admits, added.admits, "what is not given stays");
    let developer = site.person(Role::Developer).await;
    let refused =
        site.control.cluster_change(&developer, "real", change(NewAccess::default())).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    let simulated = kubeconfig(&server, &ca_pem, &token);
    let refused = site.control.cluster_change(&system, "simulated", change(simulated)).await;
    assert!(problems(refused).starts_with("kubeconfig: A simulated cluster"));

    // Once the address leads nowhere, the check says so, and the version that was last told stays.
    let mut strict = site.config.clone();
    strict.outbound = crate::config::OutboundPolicy::default();
    let strict = Control::open(strict).await.unwrap();
    let check = strict.cluster_check(&operations, "real").await.unwrap();
    assert!(check.problem.is_some_and(|problem| problem.contains("loopback")));
    let shown = site.control.cluster_get(&developer, "real").await.unwrap();
    assert!(shown.check.unwrap().problem.is_some());
    assert_eq!(shown.version, added.version);
}

/// The server's own cluster is offered only where its service account is, and reached with what lies there.
#[tokio::test]
async fn in_cluster() {
    let site = Site::sqlite().await;
    let system = Actor::system();
    site.cluster("simulated").await;
    let (server, ca_pem, token) = site.simulator_access().await;
    let here = NewCluster {
        name: "here".to_owned(),
        access: NewAccess { in_cluster: true, ..NewAccess::default() },
        ..NewCluster::default()
    };
    let refused = problems(site.control.cluster_add(&system, here.clone()).await);
    assert!(refused.starts_with("in_cluster: "), "{refused}");
    let folder = tempfile::tempdir().unwrap();
    let mut config = site.config.clone();
    config.in_cluster = Some(InCluster { server, folder: folder.path().to_owned() });
    let pod = Control::open(config).await.unwrap();
    assert!(!pod.runs_in_cluster(), "the files are not there yet");
    std::fs::write(folder.path().join("ca.crt"), ca_pem).unwrap();
    std::fs::write(folder.path().join("token"), token).unwrap();
    assert!(pod.runs_in_cluster());
    let added = pod.cluster_add(&system, here).await.unwrap();
    assert_eq!(added.access, Some(AccessKind::InCluster));
    // From outside it is not reached, and that is said.
    let check = site.control.cluster_check(&system, "here").await.unwrap();
    assert!(check.problem.unwrap().contains("Run Landfall in that cluster"));
}

/// An environment acts as an account of its own namespace, unless Operations say otherwise; a cluster may demand one.
async fn environments_act_as_accounts(site: Site) {
    let (system, developer) = (Actor::system(), site.person(Role::Developer).await);
    site.ground().await;
    let with = |account: &str| NewEnvironment {
        service_account: account.to_owned(),
        ..new_environment("qa", "sandbox")
    };
    let control = &site.control;
    let refused = problems(control.environment_create(&developer, with("kube-system/root")).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @"service_account: `kube-system/root` is an account of another namespace. Name one of the environment's own namespace, or ask Operations.");
    }
    let (made, _) = control.environment_create(&developer, with("deployer")).await.unwrap();
    let account = made.service_account.unwrap().to_string();
    assert_eq!(account, format!("{}/deployer", made.namespace));

    let change = |account: &str| EnvironmentChange { service_account: Some(account.to_owned()) };
    let other =
        control.environment_change(&system, "qa", change("kube-system/root")).await.unwrap();
    assert_eq!(other.service_account.unwrap().to_string(), "kube-system/root");
    let none = control.environment_change(&developer, "qa", change("")).await.unwrap();
    assert_eq!(none.service_account, None);

    let demands = ClusterChange { demands_impersonation: Some(true), ..ClusterChange::default() };
    control.cluster_change(&system, "demo", demands).await.unwrap();
    let refused =
        problems(control.environment_create(&system, new_environment("prod", "sandbox")).await);
    assert!(refused.starts_with("service_account: On cluster `demo`"), "{refused}");
    let row = control.environment_row(&system, "qa").await.unwrap();
    let refused = control.environment_connect(&row).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let filter =
        AuditFilter { action: Some("environment.change".to_owned()), ..AuditFilter::default() };
    let log = control.audit_list(&system, &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(log.items.len(), 2);
}

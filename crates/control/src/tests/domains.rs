//! Custom domains: who has a name, what proves it, what is deployed and what is taken back, on a simulated cluster with a
//! name server whose records the test makes.

use fixture::DnsServer;

use super::on_both;
use super::site::{Site, new_environment, problems};
use super::work::ended;
use crate::actor::Actor;
use crate::app::{DomainSettingsChange, SettingsChange};
use crate::audit::AuditFilter;
use crate::config::Config;
use crate::control::Control;
use crate::deployment::{
    Failure, NewDeployment, NewPreview, NewRollback, RollbackTo, Started, Trigger,
};
use crate::domain::{
    Domain, DomainDeployment, DomainPreview, DomainState, NewAddress, NewCertificate, NewDomain,
    RecordState,
};
use crate::environment::RemoveEnvironment;
use crate::error::Error;
use crate::op::{OpState, StepName, StepState};
use crate::rights::Role;
use crate::store::paging::PageRequest;
use crate::values::ValuesLayer;

on_both!(
    deployed_and_reset,
    the_first_that_proves_it_has_it,
    proof_that_is_gone,
    claims_are_checked,
    uploaded_certificates,
    a_preview_of_another_host,
    rollbacks_keep_the_domain,
    removal_frees_its_domains,
    only_who_may,
);

const INGRESS: (&str, &str) = (
    "templates/ingress.yaml",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {{ .Release.Name }}\n  \
     {{- with .Values.annotations }}\n  annotations: {{ toJson . }}\n  {{- end }}\nspec:\n  \
     {{- with .Values.tlsSecret }}\n  tls: [{hosts: [{{ $.Values.host }}], secretName: {{ . }}}]\n  {{- end }}\n  \
     rules: [{host: {{ .Values.host | default \"chart.example.org\" }}}]\n  defaultBackend: {service: {name: web, port: {number: 80}}}\n",
);

const TEMPLATE: &str = "host: {{ host }}\ntlsSecret: {{ tls_secret }}\nannotations:\n  cert-manager.io/cluster-issuer: {{ issuer }}\n";

fn system() -> Actor {
    Actor::system()
}

/// A Landfall that asks the test's name server, with an App that takes domains.
async fn ground(site: &Site) -> (Control, DnsServer) {
    site.ground_with(&[INGRESS]).await;
    let dns = DnsServer::start().await;
    let config = Config { dns_server: Some(dns.address), ..site.config.clone() };
    let control = Control::open(config).await.unwrap();
    set_up(&control, "letsencrypt").await;
    (control, dns)
}

async fn set_up(control: &Control, issuer: &str) {
    let domains = DomainSettingsChange {
        template: Some(TEMPLATE.to_owned()),
        default_host: Some("{{ environment }}.shops.example.net".to_owned()),
        issuer: Some(issuer.to_owned()),
        ..DomainSettingsChange::default()
    };
    let change = SettingsChange { domains: Some(domains), ..SettingsChange::default() };
    control.app_change_settings(&system(), "shop", change).await.unwrap();
}

async fn environment(control: &Control, name: &str) {
    let new = new_environment(name, "sandbox");
    let (_, started) = control.environment_create(&system(), new).await.unwrap();
    assert_eq!(ended(control, started.op.id).await.state, OpState::Succeeded);
}

async fn add(control: &Control, environment: &str, host: &str) -> Domain {
    let new = NewDomain { host: host.to_owned() };
    control.domain_add(&system(), environment, new).await.unwrap()
}

async fn check(control: &Control, environment: &str, host: &str) -> Domain {
    control.domain_check(&system(), environment, host).await.unwrap()
}

/// Makes the record that proves a domain.
fn make_proof(dns: &DnsServer, domain: &Domain) {
    let proof = &domain.records[0];
    dns.set(&proof.name, "TXT", &[&proof.expected[0]]);
}

async fn proved(control: &Control, dns: &DnsServer, environment: &str, host: &str) -> Domain {
    let domain = add(control, environment, host).await;
    make_proof(dns, &domain);
    let domain = check(control, environment, host).await;
    assert_eq!(domain.state, DomainState::Proved, "{domain:#?}");
    domain
}

async fn deploy(control: &Control, environment: &str, host: &str) -> Started {
    let new = DomainDeployment::default();
    control.domain_deploy(&system(), environment, host, new).await.unwrap()
}

async fn succeeds(control: &Control, started: &Started) {
    let op = ended(control, started.op.id).await;
    let detail = control.deployment_get(&system(), started.deployment.id).await.unwrap();
    assert_eq!(op.state, OpState::Succeeded, "{:?} {:#?}", detail.failure, op.steps);
}

async fn failure(control: &Control, started: &Started) -> Failure {
    assert_eq!(ended(control, started.op.id).await.state, OpState::Failed);
    let detail = control.deployment_get(&system(), started.deployment.id).await.unwrap();
    detail.failure.unwrap()
}

/// Hosts, TLS Secret and issuer of an environment's Ingress, as the cluster has it.
async fn ingress(site: &Site, name: &str) -> (String, Option<String>, Option<String>) {
    let all = site.objects("ingresses.networking.k8s.io").await;
    let found = all.iter().find(|it| it["metadata"]["name"] == name).expect("it has an Ingress");
    let text = |pointer: &str| found.pointer(pointer).and_then(|it| it.as_str()).map(str::to_owned);
    (
        text("/spec/rules/0/host").unwrap(),
        text("/spec/tls/0/secretName"),
        text("/metadata/annotations/cert-manager.io~1cluster-issuer"),
    )
}

fn told(outcome: Result<impl std::fmt::Debug, Error>) -> String {
    match outcome {
        Err(error) => error.to_string(),
        Ok(done) => panic!("accepted: {done:?}"),
    }
}

/// From the claim to the Ingress and back: each with what is missing, who did it, and where the values come from.
async fn deployed_and_reset(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    assert_eq!(ingress(&site, "eu").await, ("eu.shops.example.net".to_owned(), None, None));

    let domain = add(&control, "eu", "Bücher.Example").await;
    assert_eq!(
        (domain.host.as_str(), domain.unicode.as_str()),
        ("xn--bcher-kva.example", "bücher.example")
    );
    assert_eq!(domain.records[0].name, "_landfall-challenge.xn--bcher-kva.example");
    let domain = check(&control, "eu", "bücher.example").await;
    assert_eq!(
        (domain.state, domain.records[0].state),
        (DomainState::Claimed, RecordState::Missing)
    );
    assert!(domain.records[1..].iter().all(|it| it.state == RecordState::Missing && !it.required));
    assert_eq!(
        told(
            control
                .domain_deploy(&system(), "eu", "bücher.example", DomainDeployment::default())
                .await
        ),
        "Nothing shows yet that `xn--bcher-kva.example` is yours. Make its TXT record, then check it."
    );

    make_proof(&dns, &domain);
    for record in &domain.records[1..] {
        let values: Vec<&str> = record.expected.iter().map(String::as_str).collect();
        dns.set(&record.name, record.kind.as_str(), &values);
    }
    let domain = check(&control, "eu", "bücher.example").await;
    assert_eq!(domain.state, DomainState::Proved);
    assert!(
        domain.records.iter().all(|it| it.state == RecordState::Found),
        "{:#?}",
        domain.records
    );

    let host = domain.host.as_str();
    let how = DomainPreview::default();
    let preview = control.domain_preview(&system(), "eu", Some(host), how).await.unwrap();
    assert_eq!((preview.host.as_deref(), preview.changes.change), (Some(host), 1));
    let key = preview.merged.keys.iter().find(|key| key.path == "host").unwrap();
    assert_eq!((key.layer, key.value.as_str()), (ValuesLayer::Domain, "\"xn--bcher-kva.example\""));
    let new = DomainDeployment { preview: Some(preview.id), ..DomainDeployment::default() };
    let started = control.domain_deploy(&system(), "eu", host, new).await.unwrap();
    assert_eq!(started.op.steps[0].name, StepName::ProveDomain);
    succeeds(&control, &started).await;
    let (now, secret, issuer) = ingress(&site, "eu").await;
    assert_eq!((now.as_str(), issuer.as_deref()), (host, Some("letsencrypt")));
    assert!(secret.unwrap().starts_with("eu-"));
    let list = control.domain_list(&system(), "eu").await.unwrap();
    assert_eq!((list.answers_on.as_deref(), list.next.as_deref()), (Some(host), Some(host)));
    let environment = control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.domain.unwrap().host, domain.host);

    // What is deployed by hand later keeps the host.
    let again = control.deployment_create(&system(), "eu", NewDeployment::default()).await.unwrap();
    succeeds(&control, &again).await;
    assert_eq!(ingress(&site, "eu").await.0, host);

    assert!(told(control.domain_remove(&system(), "eu", host).await).contains("answers on"));
    let reset = control.domain_reset(&system(), "eu", DomainDeployment::default()).await.unwrap();
    succeeds(&control, &reset).await;
    assert_eq!(ingress(&site, "eu").await, ("eu.shops.example.net".to_owned(), None, None));
    let deployment =
        control.deployment_get(&system(), reset.deployment.id).await.unwrap().deployment;
    assert_eq!(
        (deployment.trigger, deployment.host.as_deref()),
        (Trigger::DomainReset, Some("eu.shops.example.net"))
    );
    let nothing = control.domain_reset(&system(), "eu", DomainDeployment::default()).await;
    assert_eq!(told(nothing), "eu answers on no custom domain. There is nothing to reset.");
    let left = control.domain_remove(&system(), "eu", host).await.unwrap();
    assert!(left.domains.is_empty());

    let log = control.audit_list(&system(), &AuditFilter::default(), &PageRequest::default()).await;
    let actions: Vec<String> = log.unwrap().items.into_iter().map(|entry| entry.action).collect();
    let of_domains: Vec<&str> =
        actions.iter().rev().map(String::as_str).filter(|it| it.starts_with("domain.")).collect();
    assert_eq!(
        of_domains,
        ["domain.add", "domain.prove", "domain.deploy", "domain.reset", "domain.remove"]
    );
    workers.stop().await;
}

/// Two environments want a name: claims stand in nobody's way, the proof decides, and the database holds it.
async fn the_first_that_proves_it_has_it(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    environment(&control, "us").await;
    let (eu, us) = (
        add(&control, "eu", "shop.example.com").await,
        add(&control, "us", "shop.example.com").await,
    );
    let (a, b) = (&eu.records[0].expected[0], &us.records[0].expected[0]);
    assert_ne!(a, b, "each has a text of its own");
    dns.set("_landfall-challenge.shop.example.com", "TXT", &[a, b]);
    // Both are there at once: one of them is first.
    let (eu, us) = tokio::join!(
        check(&control, "eu", "shop.example.com"),
        check(&control, "us", "shop.example.com")
    );
    let states = [eu.state, us.state];
    assert!(
        states.contains(&DomainState::Proved) && states.contains(&DomainState::Claimed),
        "{states:?}"
    );
    let (winner, loser) = if eu.state == DomainState::Proved { ("eu", "us") } else { ("us", "eu") };
    let told_of = control.domain_get(&system(), loser, "shop.example.com").await.unwrap();
    assert_eq!(told_of.belongs_to.as_deref(), Some(winner));
    assert_eq!(told_of.records[0].state, RecordState::Found);
    assert_eq!(
        told(
            control
                .domain_deploy(&system(), loser, "shop.example.com", DomainDeployment::default())
                .await
        ),
        format!(
            "`shop.example.com` belongs to {winner}. Remove it there first, then check it here."
        )
    );
    control.domain_remove(&system(), winner, "shop.example.com").await.unwrap();
    assert_eq!(check(&control, loser, "shop.example.com").await.state, DomainState::Proved);
    workers.stop().await;
}

/// A proof that is gone when the Op begins ends it before anything is changed; one that nobody can look up does not count
/// as gone.
async fn proof_that_is_gone(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    proved(&control, &dns, "eu", "shop.example.com").await;
    dns.set("_landfall-challenge.shop.example.com", "TXT", &["something else"]);
    let before = site.objects("ingresses.networking.k8s.io").await;
    let started = deploy(&control, "eu", "shop.example.com").await;
    let failure = failure(&control, &started).await;
    assert!(failure.message.starts_with("`shop.example.com` is no longer proved: no TXT record of _landfall-challenge.shop.example.com says `landfall-"), "{}", failure.message);
    assert_eq!(failure.cluster_state, "Nothing was changed in the cluster.");
    assert_eq!(site.objects("ingresses.networking.k8s.io").await, before);
    let domain = control.domain_get(&system(), "eu", "shop.example.com").await.unwrap();
    assert_eq!(domain.state, DomainState::Claimed);

    make_proof(&dns, &domain);
    check(&control, "eu", "shop.example.com").await;
    let started = deploy(&control, "eu", "shop.example.com").await;
    succeeds(&control, &started).await;
    // Once it is deployed it stays the environment's, and the page tells what is missing.
    dns.set("_landfall-challenge.shop.example.com", "TXT", &[]);
    let domain = check(&control, "eu", "shop.example.com").await;
    assert_eq!(
        (domain.state, domain.records[0].state),
        (DomainState::Deployed, RecordState::Missing)
    );
    workers.stop().await;
}

/// What is no host is refused with the reason; so is what the environment has already, or an App that takes none.
async fn claims_are_checked(site: Site) {
    let (control, _dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    let refused = |host: &str| {
        let new = NewDomain { host: host.to_owned() };
        let control = control.clone();
        async move { problems(control.domain_add(&system(), "eu", new).await) }
    };
    assert_eq!(
        refused("*.example.com").await,
        "host: `*.example.com` is not a host name: it is a wildcard, which would stand for hosts of other environments, too. Add each host by its own name."
    );
    assert!(refused("https://shop.example.com/").await.contains("an address, not a host"));
    assert!(refused("eu.shops.example.net").await.contains("is the default host of eu"));
    add(&control, "eu", "shop.example.com").await;
    assert!(
        refused("SHOP.example.com.").await.contains("has the domain `shop.example.com` already")
    );
    let none = SettingsChange {
        domains: Some(DomainSettingsChange {
            template: Some(String::new()),
            ..DomainSettingsChange::default()
        }),
        ..SettingsChange::default()
    };
    control.app_change_settings(&system(), "shop", none).await.unwrap();
    let new = NewDomain { host: "other.example.com".to_owned() };
    assert!(
        told(control.domain_add(&system(), "eu", new).await)
            .starts_with("The App does not say how a host reaches")
    );

    let address = |text: &str| NewAddress { address: text.to_owned() };
    assert!(
        problems(control.domain_set_address(&system(), "eu", address("lb")).await)
            .contains("neither an IP address")
    );
    let set = control.domain_set_address(&system(), "eu", address("lb.example.net")).await.unwrap();
    assert_eq!(set.address.names, ["lb.example.net"]);
    workers.stop().await;
}

/// A certificate with its key is kept sealed, put into a Secret of its own before the Ingress looks for it, and taken away.
async fn uploaded_certificates(site: Site) {
    let (control, dns) = ground(&site).await;
    set_up(&control, "").await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    let domain = proved(&control, &dns, "eu", "shop.example.com").await;
    let without = control
        .domain_deploy(&system(), "eu", "shop.example.com", DomainDeployment::default())
        .await;
    assert!(told(without).contains("the App names no issuer"));

    let chain = super::certificates::Chain::new();
    let leaf = chain.leaf("shop.example.com");
    let new = NewCertificate {
        certificate: format!("{}{}", leaf.pem, chain.intermediate),
        key: leaf.key.clone().into(),
    };
    let uploaded = control.domain_upload(&system(), "eu", "shop.example.com", new).await.unwrap();
    let shown = uploaded.certificate.unwrap();
    assert_eq!((shown.names, shown.chain), (vec!["shop.example.com".to_owned()], 2));
    let started = deploy(&control, "eu", domain.host.as_str()).await;
    succeeds(&control, &started).await;
    let (host, secret, issuer) = ingress(&site, "eu").await;
    assert_eq!((host.as_str(), issuer), ("shop.example.com", None));
    let secret = secret.unwrap();
    let secrets = site.objects("secrets").await;
    let written = secrets.iter().find(|it| it["metadata"]["name"] == secret.as_str()).unwrap();
    assert_eq!(written["type"], "kubernetes.io/tls");
    assert_eq!(written.pointer("/metadata/managedFields/0/manager").unwrap(), "landfall");
    assert!(!site.record("eu", 2).await.manifest.contains("kubernetes.io/tls"));
    let environment = control.environment_get(&system(), "eu").await.unwrap();
    assert!(environment.domain.unwrap().certificate_expires_at.is_some());

    // Whoever deletes the Secret gets it back by the next deployment.
    let again = control.deployment_create(&system(), "eu", NewDeployment::default()).await.unwrap();
    let op = ended(&control, again.op.id).await;
    let step = op.steps.iter().find(|step| step.name == StepName::Certificate).unwrap();
    assert_eq!(
        (step.state, step.note.as_str()),
        (StepState::Done, format!("Secret/{secret}").as_str())
    );
    let reset = control.domain_reset(&system(), "eu", DomainDeployment::default()).await.unwrap();
    succeeds(&control, &reset).await;
    let secrets = site.objects("secrets").await;
    assert!(secrets.iter().all(|it| it["metadata"]["name"] != secret.as_str()));
    workers.stop().await;
}

/// A preview is carried out only while the environment's host is the one it was made with.
async fn a_preview_of_another_host(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    let old = control.deployment_preview(&system(), "eu", NewPreview::default()).await.unwrap();
    proved(&control, &dns, "eu", "shop.example.com").await;
    let started = deploy(&control, "eu", "shop.example.com").await;
    succeeds(&control, &started).await;
    let new = NewDeployment { preview: Some(old.id), ..NewDeployment::default() };
    assert!(
        told(control.deployment_create(&system(), "eu", new).await)
            .contains("has changed since the preview")
    );
    let fresh = control.deployment_preview(&system(), "eu", NewPreview::default()).await.unwrap();
    assert_eq!((fresh.host.as_deref(), fresh.changes.change), (Some("shop.example.com"), 0));
    workers.stop().await;
}

/// A rollback repeats its manifest, host included; the domain stays the environment's, and the next deployment goes by it.
async fn rollbacks_keep_the_domain(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    environment(&control, "us").await;
    proved(&control, &dns, "eu", "shop.example.com").await;
    let started = deploy(&control, "eu", "shop.example.com").await;
    succeeds(&control, &started).await;
    let back = |number: i64| NewRollback {
        to: RollbackTo::Number(number),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    let rolled = control.rollback(&system(), "eu", back(1)).await.unwrap();
    succeeds(&control, &rolled).await;
    assert_eq!(ingress(&site, "eu").await.0, "eu.shops.example.net");
    let list = control.domain_list(&system(), "eu").await.unwrap();
    assert_eq!(list.answers_on.as_deref(), Some("eu.shops.example.net"));
    assert_eq!(list.next.as_deref(), Some("shop.example.com"));
    assert_eq!(list.domains[0].state, DomainState::Deployed);
    let again = control.deployment_create(&system(), "eu", NewDeployment::default()).await.unwrap();
    succeeds(&control, &again).await;
    assert_eq!(ingress(&site, "eu").await.0, "shop.example.com");

    // What answered on a host that is another's by now is not repeated.
    let reset = control.domain_reset(&system(), "eu", DomainDeployment::default()).await.unwrap();
    succeeds(&control, &reset).await;
    control.domain_remove(&system(), "eu", "shop.example.com").await.unwrap();
    proved(&control, &dns, "us", "shop.example.com").await;
    assert_eq!(
        problems(control.rollback(&system(), "eu", back(2)).await),
        "to: Deployment #2 answers on `shop.example.com`, which belongs to us now. Choose another deployment, or deploy its version anew."
    );
    workers.stop().await;
}

/// An environment that is gone has no domains, and no Secret of theirs is left.
async fn removal_frees_its_domains(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    environment(&control, "eu").await;
    environment(&control, "us").await;
    proved(&control, &dns, "eu", "shop.example.com").await;
    let chain = super::certificates::Chain::new();
    let leaf = chain.leaf("shop.example.com");
    let certificate = format!("{}{}", leaf.pem, chain.intermediate);
    let new = NewCertificate { certificate, key: leaf.key.clone().into() };
    control.domain_upload(&system(), "eu", "shop.example.com", new).await.unwrap();
    let started = deploy(&control, "eu", "shop.example.com").await;
    succeeds(&control, &started).await;
    let how = RemoveEnvironment::default();
    let removal = control.environment_remove(&system(), "eu", &how).await.unwrap();
    assert_eq!(ended(&control, removal.id).await.state, OpState::Succeeded);
    let secrets = site.objects("secrets").await;
    assert!(secrets.iter().all(|it| it["type"] != "kubernetes.io/tls"), "{secrets:#?}");
    proved(&control, &dns, "us", "shop.example.com").await;
    workers.stop().await;
}

/// Who may not change the environment may look at its domains at most; QA sees none of production's, not even as owner.
async fn only_who_may(site: Site) {
    let (control, dns) = ground(&site).await;
    let workers = control.start_workers();
    let new = new_environment("eu-prod", "production");
    let (_, started) = control.environment_create(&system(), new).await.unwrap();
    assert_eq!(ended(&control, started.op.id).await.state, OpState::Succeeded);
    environment(&control, "qa").await;
    proved(&control, &dns, "eu-prod", "shop.example.com").await;
    let (developer, qa) = (site.person(Role::Developer).await, site.person(Role::Qa).await);
    let forbidden =
        |outcome: Result<Domain, Error>| matches!(outcome, Err(Error::Forbidden { .. }));
    let missing = |outcome: Result<Domain, Error>| matches!(outcome, Err(Error::NotFound { .. }));
    control.domain_get(&developer, "eu-prod", "shop.example.com").await.unwrap();
    assert!(forbidden(control.domain_check(&developer, "eu-prod", "shop.example.com").await));
    let new = || NewDomain { host: "x.example.com".to_owned() };
    assert!(forbidden(control.domain_add(&developer, "eu-prod", new()).await));
    assert!(missing(control.domain_get(&qa, "eu-prod", "shop.example.com").await));
    assert!(missing(control.domain_add(&qa, "eu-prod", new()).await));
    let deployed = control
        .domain_deploy(&qa, "eu-prod", "shop.example.com", DomainDeployment::default())
        .await;
    assert!(matches!(deployed, Err(Error::NotFound { .. })));
    let claimed = NewDomain { host: "shop.example.com".to_owned() };
    let domain = control.domain_add(&qa, "qa", claimed).await.unwrap();
    dns.set(&domain.records[0].name, "TXT", &[&domain.records[0].expected[0]]);
    let domain = control.domain_check(&qa, "qa", "shop.example.com").await.unwrap();
    assert_eq!(domain.belongs_to.as_deref(), Some("another environment"));
    workers.stop().await;
}

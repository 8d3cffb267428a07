//! The table of rights, walked: every route as every role, with a token and signed out, with things
//! of either kind and of others; what is answered is held against the route's rule.
//!
//! A role that may do something must get past its rights: what is then wrong with the request (an
//! empty body, an Op that has ended) does not matter here. Each asker has a Landfall of their own,
//! since what they may do, they do.

use std::collections::HashMap;

use control::environment::EnvironmentKind;
use control::rights::{self, Access, Role, Subject};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::{Answer, Asking, Site, ended};
use super::values::until;
use crate::routes::{About, Route, Rule, Surface, table};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    SignedOut,
    Session(Role),
    /// A token of an Administrator that has the role QA: it goes no further than QA.
    QaToken,
}

/// What the places in a path, and the body, stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Things {
    Sandbox,
    Production,
    Own,
    OfOthers,
}

/// The names of one set of things.
type Places = HashMap<&'static str, String>;

/// A Landfall with things of every sort in it.
struct World {
    site: Site,
    asking: Asking,
    places: Vec<(Surface, Things, Places)>,
    /// What QA must never read: names and ids of what is in production.
    hidden: Vec<String>,
}

const PASSWORD: &str = "correct horse battery";
const PRODUCTION: &str = "vault-prod";
const SANDBOX: &str = "toy-sandbox";
/// A cluster that admits sandbox environments alone.
const TOYS: &str = "toys";
/// The name of a token that is somebody else's.
const FOREIGN: &str = "olgas-token";

#[tokio::test(flavor = "multi_thread")]
async fn signed_out() {
    walk(Asker::SignedOut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qa() {
    walk(Asker::Session(Role::Qa)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn developer() {
    walk(Asker::Session(Role::Developer)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations() {
    walk(Asker::Session(Role::Operations)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator() {
    walk(Asker::Session(Role::Administrator)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_a_lower_role() {
    walk(Asker::QaToken).await;
}

async fn walk(asker: Asker) {
    let world = World::made(asker).await;
    let mut routes = table();
    if asker == Asker::QaToken {
        routes.retain(|route| route.surface == Surface::Api);
    }
    // What ends something comes last, so that the rest still has it.
    routes.sort_by_key(|route| (ends(route), route.surface == Surface::Api));
    let mut faults = Vec::new();
    for route in &routes {
        for things in things(route.rule) {
            let asking = world.asking(asker, route).await;
            let (answer, sent) = world.ask(&asking, route, things).await;
            let wanted = wanted(asker, route, things);
            if let Some(fault) = compare(wanted, &answer, route) {
                let (method, path) = (&route.method, &route.path);
                faults.push(format!("{asker:?}: {method} {path} ({things:?}): {fault}"));
            }
            faults.extend(world.leaks(asker, route, &answer, &sent));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The sets of things that a rule tells apart.
fn things(rule: Rule) -> Vec<Things> {
    match rule {
        Rule::Sees(About::Environment | About::Adoption)
        | Rule::Changes(About::Environment | About::Adoption) => {
            vec![Things::Sandbox, Things::Production]
        }
        Rule::Sees(About::Production) | Rule::Changes(About::Production) => {
            vec![Things::Production]
        }
        Rule::Sees(About::Own) | Rule::Changes(About::Own) => vec![Things::OfOthers, Things::Own],
        _ => vec![Things::Sandbox],
    }
}

/// How much of an end a route makes: 0 of nothing, 2 of the asker themselves.
fn ends(route: &Route) -> u8 {
    let path = route.path.as_str();
    let own = ["/sign-out", "/sessions/", "/self"];
    let words = ["remove", "archive", "revoke", "withdraw", "role", "state", "sign-in"];
    match route.method {
        Method::GET => 0,
        _ if path.ends_with("/certificate") => 0,
        _ if path.ends_with("/sign-out") => 4,
        _ if path.ends_with("/end-others") => 3,
        _ if own.iter().any(|part| path.contains(part)) => 2,
        Method::DELETE | Method::PATCH => 1,
        _ if words.iter().any(|word| path.contains(word)) => 1,
        _ => 0,
    }
}

/// What an asker is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// To be let past, whatever comes of it.
    Allowed,
    Forbidden,
    Missing,
    /// To be asked to sign in.
    SignIn,
}

fn wanted(asker: Asker, route: &Route, things: Things) -> Wanted {
    let role = match asker {
        _ if route.rule == Rule::Anyone => return Wanted::Allowed,
        Asker::SignedOut => return Wanted::SignIn,
        Asker::Session(role) => role,
        // What one does about oneself is not done with a token.
        Asker::QaToken if in_person(route, things) => return Wanted::Forbidden,
        Asker::QaToken => Role::Qa,
    };
    let (about, access) = match route.rule {
        Rule::Anyone | Rule::SignedIn => return Wanted::Allowed,
        Rule::Sees(about) => (about, Access::Read),
        Rule::Changes(about) => (about, Access::Write),
    };
    let kind = match things {
        Things::Production => EnvironmentKind::Production,
        _ => EnvironmentKind::Sandbox,
    };
    let subject = match about {
        About::Account => Subject::Account,
        About::Infrastructure => Subject::Infrastructure,
        About::Apps => Subject::Apps,
        About::Environment | About::Production => Subject::Environments(kind),
        // The cluster is there for every role; what runs on it is not theirs to take.
        About::Adoption if rights::access(role, Subject::Environments(kind)) < Access::Write => {
            return Wanted::Forbidden;
        }
        About::Adoption => return Wanted::Allowed,
        About::Audit => Subject::Audit,
        About::Own if things == Things::Own => return Wanted::Allowed,
        About::Own if route.path.contains("{session}") => return Wanted::Missing,
        About::Own => Subject::Account,
    };
    match rights::access(role, subject) {
        Access::None => Wanted::Missing,
        has if has >= access => Wanted::Allowed,
        _ => Wanted::Forbidden,
    }
}

/// Calls about one's own account, which take a session.
fn in_person(route: &Route, things: Things) -> bool {
    let path = route.path.trim_start_matches("/api/v1");
    match (route.method.as_str(), path) {
        ("PATCH", "/self")
        | ("PUT", "/self/password")
        | ("POST", "/tokens" | "/sessions/end-others")
        | ("DELETE", "/sessions/{session}") => true,
        ("DELETE", "/tokens/{token}") => things == Things::Own,
        _ => false,
    }
}

fn compare(wanted: Wanted, answer: &Answer, route: &Route) -> Option<String> {
    let status = answer.status;
    let right = match wanted {
        Wanted::Missing => status == StatusCode::NOT_FOUND,
        Wanted::Forbidden => status == StatusCode::FORBIDDEN,
        Wanted::SignIn if route.surface == Surface::Api => status == StatusCode::UNAUTHORIZED,
        Wanted::SignIn => {
            status == StatusCode::SEE_OTHER && answer.location().starts_with("/sign-in")
        }
        // Links and passwords that are none are refused, and not for the lack of a session.
        Wanted::Allowed if route.rule == Rule::Anyone => {
            !status.is_server_error() && !answer.location().starts_with("/sign-in?")
        }
        Wanted::Allowed => {
            let refused = [
                StatusCode::UNAUTHORIZED,
                StatusCode::FORBIDDEN,
                StatusCode::NOT_FOUND,
                StatusCode::METHOD_NOT_ALLOWED,
                StatusCode::BAD_REQUEST,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ];
            // A preview's cluster may be away; anything else of Landfall's own is a fault.
            let failed = status.is_server_error() && status != StatusCode::BAD_GATEWAY;
            !failed && !refused.contains(&status) && !answer.location().starts_with("/sign-in?")
        }
    };
    let text: String = answer.words().chars().take(300).collect();
    (!right).then(|| format!("wanted {wanted:?}, got {status}: {text}"))
}

impl World {
    async fn made(asker: Asker) -> Self {
        let (mut site, ada) = Site::at_work().await;
        site.ground(&ada).await;
        let toys = json!({ "name": TOYS, "admits": "sandbox" });
        ada.post("/api/v1/clusters/simulated", &toys).await.expect(StatusCode::CREATED);
        let asking = match asker {
            Asker::SignedOut => site.nobody(),
            Asker::Session(role) => site.person(role.as_str()).await,
            Asker::QaToken => site.nobody(),
        };
        let domains = json!({ "domains": { "template": "ingress:\n  host: {{ host }}\n" } });
        let settings = "/api/v1/apps/Parcel/settings";
        ada.json(Method::PATCH, settings, &domains).await.expect(StatusCode::OK);
        let mut hidden = Vec::new();
        let mut by_kind = Vec::new();
        let mut batch = String::new();
        for (kind, name) in [("sandbox", SANDBOX), ("production", PRODUCTION)] {
            let places = environment(&site, &ada, kind, name).await;
            if kind == "production" {
                hidden.extend(places.values().filter(|place| place.len() > 5).cloned());
                hidden.push(name.to_owned());
            }
            if kind == "sandbox" {
                // There is nothing of production in it yet, so that everyone sees it.
                let values = json!({ "values": "web:\n  replicas: 3\n" });
                let saved = ada.json(Method::PUT, "/api/v1/apps/Parcel/values", &values).await;
                let saved = saved.expect(StatusCode::OK).json();
                saved["batch"].as_str().unwrap().clone_into(&mut batch);
                let ended = |it: &Value| it["state"] == "ended";
                until(&ada, &format!("/api/v1/batches/{batch}"), ended).await;
            }
            by_kind.push((kind, places));
        }
        let asking = match asker {
            Asker::QaToken => {
                let new = json!({ "name": "qa", "role": "qa" });
                let made = ada.post("/api/v1/tokens", &new).await.expect(StatusCode::CREATED);
                let secret = made.json()["secret"].as_str().unwrap().to_owned();
                site.nobody().with("authorization", &format!("Bearer {secret}"))
            }
            _ => asking,
        };
        // A preview over the fleet covers what its asker sees, and is there for who sees as much.
        let previewing = if asker == Asker::SignedOut { &ada } else { &asking };
        let (fleet_preview, group) = fleet_preview(previewing).await;
        site.rest().await;
        let mut world = Self { site, asking, places: Vec::new(), hidden };
        let fleet =
            HashMap::from([("batch", batch), ("fleet_preview", fleet_preview), ("group", group)]);
        for surface in [Surface::Page, Surface::Api] {
            world.add_things(asker, &ada, surface, &fleet, &by_kind).await;
        }
        world
    }

    /// Things for one surface: what the other ends must still be there.
    async fn add_things(
        &mut self,
        asker: Asker,
        ada: &Asking,
        surface: Surface,
        fleet: &Places,
        by_kind: &[(&'static str, Places)],
    ) {
        let mark = if surface == Surface::Page { "page" } else { "api" };
        let olga = self.site.person_named("developer", &format!("olga-{mark}")).await;
        let signed_in = match asker {
            Asker::SignedOut | Asker::QaToken => ada.clone(),
            Asker::Session(_) => self.asking.clone(),
        };
        let invited = json!({ "email": format!("new-{mark}@example.com"), "role": "qa" });
        let invited = ada.post("/api/v1/invitations", &invited).await.expect(StatusCode::CREATED);
        let mut common: Places = HashMap::from([
            ("app", "Parcel".to_owned()),
            ("tag", "2.4.0".to_owned()),
            ("release", id(&ada.get("/api/v1/releases").await.json()["items"][0])),
            ("cluster", "demo".to_owned()),
            ("name", "style.css".to_owned()),
            ("link", "nonsense".to_owned()),
            ("person", format!("olga-{mark}@example.com")),
            ("invitation", id(&invited.json()["invitation"])),
        ]);
        common.extend(fleet.clone());
        if surface == Surface::Page {
            let people = ada.get(&format!("/api/v1/people/olga-{mark}@example.com")).await;
            common.insert("person", id(&people.json()));
        }
        for (things, whose) in [(Things::Own, &signed_in), (Things::OfOthers, &olga)] {
            let name = if things == Things::Own { "own" } else { FOREIGN };
            let token = whose.post("/api/v1/tokens", &json!({ "name": name })).await;
            let mut places = common.clone();
            places.insert("token", id(&token.expect(StatusCode::CREATED).json()["token"]));
            places.insert("session", session_to_end(&self.site, whose, things).await);
            self.places.push((surface, things, places));
        }
        for (kind, of_kind) in by_kind {
            let mut places = common.clone();
            places.extend(of_kind.clone());
            places.insert("token", "nonsense".to_owned());
            let cluster = if *kind == "production" { "demo" } else { TOYS };
            places.insert("cluster", cluster.to_owned());
            places.insert("kind", (*kind).to_owned());
            places.insert("mark", mark.to_owned());
            let host = format!("{mark}-{kind}.example.com");
            let domains = format!("/api/v1/environments/{}/domains", places["environment_name"]);
            ada.post(&domains, &json!({ "host": host })).await.expect(StatusCode::CREATED);
            places.insert("host", host);
            let backup = places[if mark == "page" { "backup_page" } else { "backup_api" }].clone();
            places.insert("backup", backup);
            if surface == Surface::Page {
                places.insert("environment", places["environment_name"].clone());
            }
            let things = if *kind == "production" { Things::Production } else { Things::Sandbox };
            self.places.push((surface, things, places));
        }
    }

    /// Who asks; anew where the pages have signed them out already.
    async fn asking(&self, asker: Asker, route: &Route) -> Asking {
        match asker {
            Asker::Session(role) if route.path == "/api/v1/sign-out" => {
                self.site.signed_in(&format!("{role}@example.com"), PASSWORD).await
            }
            _ => self.asking.clone(),
        }
    }

    /// What was answered, and all that was said to ask for it.
    async fn ask(&self, asking: &Asking, route: &Route, things: Things) -> (Answer, String) {
        let found = self.places.iter().find(|(s, t, _)| *s == route.surface && *t == things);
        let places = &found.expect("there are such things").2;
        let parts = route.path.split('/').map(|part| {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None => part.to_owned(),
                Some(place) => places
                    .get(if place == "preview" && of_fleet(route) {
                        "fleet_preview"
                    } else {
                        place
                    })
                    .cloned()
                    .unwrap_or_else(|| panic!("{}: say what `{place}` stands for", route.path)),
            }
        });
        let path = parts.collect::<Vec<_>>().join("/");
        if route.method == Method::GET {
            let address = format!("{path}{}", query(&route.path, places));
            return (asking.get(&address).await, address);
        }
        let body = body(route, places);
        let sent = format!("{path} {body}");
        let answer = match route.surface {
            Surface::Api => asking.json(route.method.clone(), &path, &body).await,
            Surface::Page => {
                let fields = body.as_object().cloned().unwrap_or_default();
                let fields: Vec<(String, String)> = fields
                    .into_iter()
                    .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
                    .collect();
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                asking.form(&path, &fields).await
            }
        };
        (answer, sent)
    }

    /// What was answered that must not be read by who asked. A refusal may repeat what was `sent`.
    fn leaks(&self, asker: Asker, route: &Route, answer: &Answer, sent: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let path = format!("{} {}", route.method, route.path);
        if matches!(asker, Asker::SignedOut | Asker::QaToken | Asker::Session(Role::Qa)) {
            let repeated = |hidden: &str| !answer.status.is_success() && sent.contains(hidden);
            let told = format!("{} {}", answer.location(), answer.text);
            let leaked = |hidden: &&String| told.contains(hidden.as_str()) && !repeated(hidden);
            for hidden in self.hidden.iter().filter(leaked) {
                faults.push(format!("{asker:?}: {path} tells of production: {hidden}"));
            }
        }
        let sees_tokens = matches!(asker, Asker::Session(Role::Administrator | Role::Operations));
        if !sees_tokens && answer.text.contains(FOREIGN) {
            faults.push(format!("{asker:?}: {path} tells of another's token"));
        }
        faults
    }
}

/// An environment with a deployment that succeeded, its Op, and a preview; all by id, and by name.
async fn environment(site: &Site, ada: &Asking, kind: &str, name: &str) -> Places {
    let new = json!({ "name": name, "app": "Parcel", "kind": kind, "cluster": "demo" });
    let made = ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED).json();
    ended(site, &made["op"]).await;
    let previews = format!("/api/v1/environments/{name}/previews");
    let preview = ada.post(&previews, &json!({})).await.expect(StatusCode::CREATED).json();
    let mut backups = Vec::new();
    for _ in ["page", "api"] {
        let path = format!("/api/v1/environments/{name}/backups");
        let backup = ada.post(&path, &json!({})).await.expect(StatusCode::CREATED).json();
        ended(site, &backup["op"]).await;
        backups.push(backup["number"].to_string());
    }
    HashMap::from([
        ("backup_api", backups.remove(1)),
        ("backup_page", backups.remove(0)),
        ("environment", id(&made["environment"])),
        ("environment_name", name.to_owned()),
        ("deployment", id(&made["deployment"])),
        ("op", id(&made["op"])),
        ("preview", id(&preview)),
        ("number", "1".to_owned()),
    ])
}

/// A session that may be ended: of one's own not the one that asks.
async fn session_to_end(site: &Site, whose: &Asking, things: Things) -> String {
    let me = whose.get("/api/v1/self").await.json();
    if things == Things::Own {
        let email = me["person"]["email"].as_str().unwrap();
        let form = [("email", email), ("password", PASSWORD)];
        site.nobody().form("/sign-in", &form).await.expect(StatusCode::SEE_OTHER);
    }
    let sessions = whose.get("/api/v1/sessions").await.json();
    let sessions = sessions["items"].as_array().unwrap();
    let one = sessions.iter().find(|one| things != Things::Own || one["current"] == false);
    id(one.expect("there is such a session"))
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing}")).to_owned()
}

/// Whether a route is about a preview over a fleet.
fn of_fleet(route: &Route) -> bool {
    route.path.contains("/fleet-previews/") || route.path.contains("/values/preview/")
}

/// A preview of new App values, and one of its groups.
async fn fleet_preview(asking: &Asking) -> (String, String) {
    let values = json!({ "values": "web:\n  replicas: 4\n" });
    let made = asking.post("/api/v1/apps/Parcel/values/previews", &values).await;
    let preview = id(&made.expect(StatusCode::CREATED).json());
    let path = format!("/api/v1/fleet-previews/{preview}");
    let done = until(asking, &path, |it| it["state"] == "done").await;
    (preview, done["groups"][0]["key"].as_str().unwrap().to_owned())
}

/// What a call of `GET` says besides its path.
fn query(path: &str, places: &Places) -> String {
    match path {
        "/find" => "?q=vault".to_owned(),
        "/environments/{environment}/domain/remove" => format!("?host={}", places["host"]),
        _ => String::new(),
    }
}

/// The body of a call or a form: enough to be read, so that rights are what decides. A new route
/// that takes one needs a line here.
fn body(route: &Route, places: &Places) -> Value {
    let kind = || places["kind"].clone();
    let new_name = || format!("new-{}-{}", places["kind"], places["mark"]);
    let path = route.path.trim_start_matches("/api/v1");
    match (route.method.as_str(), path) {
        ("POST", "/new/environment" | "/environments") => {
            json!({ "name": new_name(), "app": "Parcel", "kind": kind(), "cluster": "demo" })
        }
        ("POST", "/new/adoption" | "/adoptions") => json!({
            "name": new_name(), "app": "Parcel", "kind": kind(), "cluster": places["cluster"],
            "namespace": "nothing", "release": "nothing", "release_name": "nothing",
        }),
        ("POST", "/sign-in") if route.surface == Surface::Api => {
            json!({ "email": "x@example.com", "password": "x", "token": {} })
        }
        ("POST", "/sign-in") => json!({ "email": "x@example.com", "password": "x" }),
        ("POST", "/tokens") => json!({ "name": format!("made by {}", route.surface as u8) }),
        ("POST", "/environments/{environment}/domain" | "/environments/{environment}/domains") => {
            json!({ "host": format!("new-{}-{}.example.com", places["mark"], places["kind"]) })
        }
        ("POST", page) if page.starts_with("/environments/{environment}/domain/") => {
            json!({ "host": places["host"], "name": places["host"] })
        }
        ("PUT", "/environments/{environment}/domains/{host}/certificate") => {
            json!({ "certificate": "none", "key": "none" })
        }
        ("POST", "/environments/{environment}/backups/{backup}/restore") => {
            json!({ "name": places["environment_name"] })
        }
        ("POST", "/environments/{environment}/backups/{backup}/delete") => {
            json!({ "name": places["backup"] })
        }
        ("PUT", "/apps/{app}/backup-methods") => json!({ "methods": [] }),
        ("PUT", "/environments/{environment}/backup-schedule") => json!({ "keep": 3 }),
        ("POST", "/environments/{environment}/backups/schedule") => json!({ "keep": "3" }),
        ("PUT", "/environments/{environment}/domain-address") => json!({ "address": "" }),
        ("PUT", "/environments/{environment}/values") => json!({ "values": "a: 1\n" }),
        ("POST", "/apps/{app}/values/preview" | "/apps/{app}/values/previews") => {
            json!({ "values": "web:\n  replicas: 5\n" })
        }
        ("POST", "/apps/{app}/values") => json!({
            "values": "a: 1\n", "based_on": "0", "sandbox_first": "true", "at_once": "5", "stop_after": "1",
        }),
        ("PUT", "/apps/{app}/values") => json!({ "values": "a: 1\n" }),
        ("POST", "/releases") => json!({ "app": "Parcel", "tag": "9.9.9" }),
        ("PATCH", "/releases/{release}") => json!({ "archived": true }),
        ("POST", "/releases/{app}/{tag}/archive") => json!({ "archived": "true" }),
        ("POST", "/environments/{environment}/rollbacks") => json!({ "to": "#1" }),
        ("POST", "/environments/{environment}/remove") => {
            json!({ "name": places["environment_name"] })
        }
        ("PUT", "/self/password") => json!({ "password": "short" }),
        ("PATCH", "/people/{person}") => json!({ "active": true }),
        ("POST", "/team/{person}/role") => json!({ "role": "developer" }),
        ("POST", "/team/{person}/state") => json!({ "active": "true" }),
        (
            "POST",
            "/set-up"
            | "/sign-in/link/{token}"
            | "/invitation/{link}"
            | "/set-password/{link}"
            | "/sign-out"
            | "/settings/profile"
            | "/settings/password"
            | "/settings/sessions/end-others"
            | "/settings/sessions/{session}/end"
            | "/sessions/end-others"
            | "/tokens/{token}/revoke"
            | "/new/invitation"
            | "/invitations"
            | "/invitations/{invitation}/withdraw"
            | "/people/{person}/password-reset"
            | "/team/{person}/reset-password"
            | "/team/{person}/remove"
            | "/environments/{environment}/deploy"
            | "/environments/{environment}/preview"
            | "/environments/{environment}/previews"
            | "/environments/{environment}/deployments"
            | "/environments/{environment}/drift"
            | "/environments/{environment}/account"
            | "/environments/{environment}/keep"
            | "/environments/{environment}/deployments/{number}/cancel"
            | "/environments/{environment}/deployments/{number}/recover"
            | "/environments/{environment}/deployments/{number}/roll-back"
            | "/ops/{op}/cancel"
            | "/ops/{op}/recover"
            | "/new/release"
            | "/new/app"
            | "/apps"
            | "/apps/{app}/values/preview/{preview}/cancel"
            | "/fleet-previews/{preview}/cancel"
            | "/batches/{batch}/pause"
            | "/batches/{batch}/resume"
            | "/batches/{batch}/drop"
            | "/batches/{batch}/let-go"
            | "/environments/{environment}/values"
            | "/environments/{environment}/domains/{host}/check"
            | "/environments/{environment}/domains/{host}/previews"
            | "/environments/{environment}/domains/{host}/deployments"
            | "/environments/{environment}/domain-reset-previews"
            | "/environments/{environment}/domain-resets"
            | "/apps/{app}/settings"
            | "/apps/{app}/backups"
            | "/environments/{environment}/backups"
            | "/environments/{environment}/backups/{backup}/restorations"
            | "/new/cluster"
            | "/new/kubernetes-cluster"
            | "/clusters"
            | "/clusters/simulated"
            | "/clusters/{cluster}/change"
            | "/clusters/{cluster}/check",
        )
        | (
            "PATCH",
            "/self"
            | "/apps/{app}/settings"
            | "/clusters/{cluster}"
            | "/environments/{environment}",
        )
        | (
            "DELETE",
            "/sessions/{session}"
            | "/tokens/{token}"
            | "/people/{person}"
            | "/invitations/{invitation}"
            | "/environments/{environment}/domains/{host}"
            | "/environments/{environment}/domains/{host}/certificate"
            | "/environments/{environment}/backups/{backup}"
            | "/environments/{environment}",
        ) => json!({}),
        (method, path) => panic!("{method} {path} has no case: say what it is sent"),
    }
}

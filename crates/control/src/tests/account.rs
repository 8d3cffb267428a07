//! People, sessions, tokens, links, set-up.

use secrecy::{ExposeSecret, SecretString};

use super::on_both;
use super::site::{Site, loopback, problems};
use crate::account::{
    Credentials, NewAdministrator, NewPerson, NewSigninLink, NewToken, PersonFilter, Remote,
};
use crate::actor::Actor;
use crate::error::Error;
use crate::rights::Role;
use crate::store::paging::PageRequest;

const PASSWORD: &str = "correct horse battery";

on_both!(
    set_up_once,
    bad_set_up_leaves_nothing,
    sign_in_and_out,
    tokens_are_at_most_their_owner,
    links_are_used_once_and_on_loopback,
    people_are_unique,
    people_are_for_administrators,
);

fn administrator(code: &SecretString) -> NewAdministrator {
    NewAdministrator {
        code: code.expose_secret().to_uppercase(),
        email: "Ops@Example.com".to_owned(),
        name: String::new(),
        password: PASSWORD.into(),
    }
}

/// The printed code makes the first Administrator, in upper or lower case, and only one.
async fn set_up_once(site: Site) {
    assert!(site.control.setup_needed().await.unwrap());
    let old = site.control.setup_code().await.unwrap().unwrap();
    let code = site.control.setup_code().await.unwrap().unwrap();
    let refused = site.control.setup_administrator(administrator(&old), &loopback()).await;
    assert_eq!(
        problems(refused),
        "code: This is not the set-up code. Take the newest one from the server's output."
    );
    let session =
        site.control.setup_administrator(administrator(&code), &loopback()).await.unwrap();
    assert_eq!((session.person.name.as_str(), session.person.role), ("Ops", Role::Administrator));
    assert!(!site.control.setup_needed().await.unwrap());
    assert!(site.control.setup_code().await.unwrap().is_none());
    let again = site.control.setup_administrator(administrator(&code), &loopback()).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

/// All that is wrong is told at once, and the code can still be used.
async fn bad_set_up_leaves_nothing(site: Site) {
    let code = site.control.setup_code().await.unwrap().unwrap();
    let bad = NewAdministrator {
        email: "ops".to_owned(),
        password: "short".into(),
        ..administrator(&code)
    };
    let refused = site.control.setup_administrator(bad, &loopback()).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(problems(refused), @r"
        email: `ops` is not an e-mail address. Write it as name@host.
        password: This password is too short. Use at least 12 characters.
        ");
    }
    assert!(site.control.setup_needed().await.unwrap());
    site.control.setup_administrator(administrator(&code), &loopback()).await.unwrap();
}

/// The right password begins a session; signing out ends it; the reply to a wrong one names nobody.
async fn sign_in_and_out(site: Site) {
    let code = site.control.setup_code().await.unwrap().unwrap();
    site.control.setup_administrator(administrator(&code), &loopback()).await.unwrap();
    let credentials = |email: &str, password: &str| Credentials {
        email: email.to_owned(),
        password: password.into(),
    };
    let mut refusals = Vec::new();
    for (email, password) in
        [("ops@example.com", "wrong horse battery"), ("nobody@example.com", PASSWORD)]
    {
        let refused = site.control.sign_in(credentials(email, password), &loopback()).await;
        refusals.push(refused.unwrap_err().to_string());
    }
    assert_eq!(refusals[0], refusals[1]);

    let session = site
        .control
        .sign_in(credentials(" OPS@example.com ", PASSWORD), &loopback())
        .await
        .unwrap();
    let cookie = session.token.expose_secret();
    let actor = site.control.session_actor(cookie, &loopback()).await.unwrap().unwrap();
    assert_eq!((actor.role(), actor.person()), (Role::Administrator, Some(session.person.id)));
    let sessions = site.control.session_list(&actor).await.unwrap();
    assert_eq!(sessions.iter().filter(|session| session.current).count(), 1);
    site.control.sign_out(&actor).await.unwrap();
    assert!(site.control.session_actor(cookie, &loopback()).await.unwrap().is_none());
    assert!(site.control.session_actor("made-up", &loopback()).await.unwrap().is_none());
}

/// A token has at most its owner's role, cannot make tokens, and ends when it is revoked.
async fn tokens_are_at_most_their_owner(site: Site) {
    let developer = site.person(Role::Developer).await;
    let new = |role: &str| NewToken {
        name: "release-bot".to_owned(),
        role: role.to_owned(),
        expires_in_days: Some(30),
    };
    let refused = site.control.token_create(&developer, new("operations")).await;
    assert_eq!(
        problems(refused),
        "role: Your own role is lower than Operations. Choose at most Developer."
    );
    let made = site.control.token_create(&developer, new("qa")).await.unwrap();
    let secret = made.secret.expose_secret();
    assert!(secret.starts_with("lf_") && secret.starts_with(&made.token.prefix));
    let bot = site.control.token_actor(secret, &loopback()).await.unwrap().unwrap();
    assert_eq!(
        (bot.role(), bot.name(), bot.person()),
        (Role::Qa, "release-bot", developer.person())
    );
    let refused = site.control.token_create(&bot, new("qa")).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");

    let used = site.control.token_list(&developer).await.unwrap();
    assert!(used[0].last_used_at.is_some());
    let operations = site.person(Role::Operations).await;
    let foreign = site.control.token_revoke(&operations, made.token.id).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })), "{foreign:?}");
    site.control.token_revoke(&developer, made.token.id).await.unwrap();
    assert!(site.control.token_actor(secret, &loopback()).await.unwrap().is_none());
    assert!(site.control.token_list(&developer).await.unwrap().is_empty());
}

/// A sign-in link works from this machine, once; looking at it uses nothing up.
async fn links_are_used_once_and_on_loopback(site: Site) {
    let operations = site.person(Role::Operations).await;
    let new = NewSigninLink { person: operations.person().unwrap() };
    let refused = site.control.signin_link_create(&operations, new).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    let link = site.control.signin_link_create(&Actor::system(), new).await.unwrap();
    let token = link.token.expose_secret();
    let elsewhere = Remote { address: Some([203, 0, 113, 7].into()), ..Remote::default() };
    assert!(site.control.signin_link_look(token, &elsewhere).await.is_err());
    assert!(site.control.signin_link_use(token, &elsewhere).await.is_err());
    for _ in 0..2 {
        let person = site.control.signin_link_look(token, &loopback()).await.unwrap();
        assert_eq!(person.role, Role::Operations);
    }
    let session = site.control.signin_link_use(token, &loopback()).await.unwrap();
    let cookie = session.token.expose_secret();
    assert!(site.control.session_actor(cookie, &loopback()).await.unwrap().is_some());
    assert!(site.control.signin_link_use(token, &loopback()).await.is_err());
    assert!(site.control.signin_link_look(token, &loopback()).await.is_err());
}

/// Two people cannot have one address, whatever its case.
async fn people_are_unique(site: Site) {
    site.person(Role::Qa).await;
    let twin = NewPerson {
        email: "QA@Example.COM".to_owned(),
        role: "qa".to_owned(),
        ..NewPerson::default()
    };
    let refused = site.control.person_create(&Actor::system(), twin).await;
    assert_eq!(
        problems(refused),
        "email: There is a person with the address QA@Example.COM already. Use another address."
    );
    let page = PageRequest::default();
    let people =
        site.control.person_list(&Actor::system(), &PersonFilter::default(), &page).await.unwrap();
    assert_eq!(people.items.len(), 1);
}

/// For everyone else the people of the account do not exist.
async fn people_are_for_administrators(site: Site) {
    for role in [Role::Operations, Role::Developer, Role::Qa] {
        let actor = site.person(role).await;
        let listed = site
            .control
            .person_list(&actor, &PersonFilter::default(), &PageRequest::default())
            .await;
        assert!(matches!(listed, Err(Error::NotFound { .. })), "{role}: {listed:?}");
        let own = site.control.person_self(&actor).await.unwrap().unwrap();
        assert_eq!(own.brief.role, role);
    }
}

//! Managing people: invitations, roles, leaving, passwords, and the limits of guessing.

use secrecy::{ExposeSecret as _, SecretString};

use super::on_both;
use super::site::{Site, loopback, problems};
use crate::account::{
    Accepted, Credentials, NewInvitation, NewPassword, NewPerson, NewSession, NewToken,
    PersonChange, PersonFilter, PersonState, Remote, SelfChange,
};
use crate::actor::Actor;
use crate::audit::AuditFilter;
use crate::error::Error;
use crate::rights::Role;
use crate::store::paging::PageRequest;
use crate::store::sql::{now, sql};

const PASSWORD: &str = "correct horse battery";

on_both!(
    an_administrator_stays,
    two_administrators_cannot_both_go,
    links_end_with_the_rights_of_their_maker,
    invitations_and_resets_expire,
    of_two_who_accept_one_comes_first,
    only_administrators_manage_people,
    tokens_do_not_manage_their_owner,
    own_name_and_password,
    people_are_found,
    guessing_shuts_nobody_else_out,
    guessing_at_many_accounts,
    guessing_of_links,
    changes_of_people_are_logged,
);

async fn person(site: &Site, role: Role, name: &str) -> Actor {
    let new = NewPerson {
        email: format!("{name}@example.com"),
        name: name.to_owned(),
        role: role.to_string(),
        password: Some(PASSWORD.into()),
    };
    let person = site.control.person_create(&Actor::system(), new).await.unwrap();
    Actor::on_behalf_of(&person.brief)
}

fn email(actor: &Actor) -> String {
    format!("{}@example.com", actor.name())
}

fn to_role(role: Role) -> PersonChange {
    PersonChange { role: Some(role.to_string()), active: None }
}

fn to_active(active: bool) -> PersonChange {
    PersonChange { role: None, active: Some(active) }
}

fn from(address: [u8; 4]) -> Remote {
    Remote { address: Some(address.into()), user_agent: "test".to_owned() }
}

async fn sign_in(
    site: &Site,
    name: &str,
    password: &str,
    remote: &Remote,
) -> Result<NewSession, Error> {
    let email = format!("{name}@example.com");
    let password = SecretString::from(password);
    site.control.sign_in(Credentials { email, password }, remote).await
}

async fn invite(site: &Site, actor: &Actor, name: &str, role: Role) -> SecretString {
    let new = NewInvitation { email: format!("{name}@example.com"), role: role.to_string() };
    site.control.invitation_create(actor, new).await.unwrap().secret
}

fn accepted() -> Accepted {
    Accepted { name: "Nora".to_owned(), password: PASSWORD.into() }
}

/// The last Administrator can be neither demoted, nor deactivated, nor removed; with another they can.
async fn an_administrator_stays(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    person(&site, Role::Operations, "olga").await;
    let shut_out = person(&site, Role::Administrator, "alan").await;
    site.control.person_change(&ada, &email(&shut_out), &to_active(false)).await.unwrap();
    for change in [to_role(Role::Operations), to_active(false)] {
        let refused = site.control.person_change(&ada, &email(&ada), &change).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    let refused = site.control.person_remove(&ada, &email(&ada)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ada is the last Administrator: nobody could manage people any more. Make someone else an \
         Administrator first."
    );
    let change = to_role(Role::Administrator);
    site.control.person_change(&ada, "olga@example.com", &change).await.unwrap();
    site.control.person_remove(&ada, &email(&ada)).await.unwrap();
}

/// Two Administrators who demote each other at the same time do not both succeed.
async fn two_administrators_cannot_both_go(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let alan = person(&site, Role::Administrator, "alan").await;
    let (to_qa, away) = (to_role(Role::Qa), to_active(false));
    let (first, second) = tokio::join!(
        site.control.person_change(&ada, "alan@example.com", &to_qa),
        site.control.person_change(&alan, "ada@example.com", &away),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
}

/// Who may not invite any more has no links out: those that they made lead nowhere.
async fn links_end_with_the_rights_of_their_maker(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    person(&site, Role::Qa, "quinn").await;
    for (name, role) in [("alan", Some(Role::Operations)), ("alba", None)] {
        let maker = person(&site, Role::Administrator, name).await;
        let invitation = invite(&site, &maker, "nora", Role::Administrator).await;
        let made = site.control.password_reset_create(&maker, "quinn@example.com").await.unwrap();
        match role {
            Some(role) => {
                site.control.person_change(&ada, &email(&maker), &to_role(role)).await.map(drop)
            }
            None => site.control.person_remove(&ada, &email(&maker)).await,
        }
        .unwrap();
        let secret = invitation.expose_secret();
        let refused = site.control.invitation_accept(secret, accepted(), &loopback()).await;
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
        let secret = made.secret.expose_secret();
        let refused = site.control.password_reset_look(secret, &loopback()).await;
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
    }
}

/// Links that have lasted long enough lead nowhere.
async fn invitations_and_resets_expire(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    person(&site, Role::Qa, "quinn").await;
    let invitation = invite(&site, &ada, "nora", Role::Qa).await;
    let reset = site.control.password_reset_create(&ada, "quinn@example.com").await.unwrap();
    for text in
        ["UPDATE invitations SET expires_at = $1", "UPDATE password_resets SET expires_at = $1"]
    {
        let c = site.control.db().write();
        sql(text).bind(now()).run(c, "let links end").await.unwrap();
    }
    let looked = site.control.invitation_look(invitation.expose_secret(), &loopback()).await;
    assert!(matches!(looked, Err(Error::Gone { .. })), "{looked:?}");
    let (secret, password) = (reset.secret.expose_secret(), SecretString::from(PASSWORD));
    let used = site.control.password_reset_use(secret, password, &loopback()).await;
    assert!(matches!(used, Err(Error::Gone { .. })), "{used:?}");
    let page = PageRequest::default();
    let listed = site.control.invitation_list(&ada, &page).await.unwrap();
    assert!(listed.items[0].has_ended());
}

/// An invitation makes one account, however many accept it at once; with the role it was made for.
async fn of_two_who_accept_one_comes_first(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let secret = invite(&site, &ada, "nora", Role::Developer).await;
    let secret = secret.expose_secret();
    let (here, there) = (loopback(), loopback());
    let (first, second) = tokio::join!(
        site.control.invitation_accept(secret, accepted(), &here),
        site.control.invitation_accept(secret, accepted(), &there),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let session = first.or(second).unwrap();
    assert_eq!((session.person.role, session.person.name.as_str()), (Role::Developer, "Nora"));
    let again = NewInvitation { email: "NORA@example.com".to_owned(), role: "qa".to_owned() };
    let refused = site.control.invitation_create(&ada, again).await;
    assert_eq!(
        problems(refused),
        "email: Nora has an account with this address already. Change their role on the page Team."
    );
}

/// For other roles there are no people to manage.
async fn only_administrators_manage_people(site: Site) {
    person(&site, Role::Administrator, "ada").await;
    for role in [Role::Operations, Role::Developer, Role::Qa] {
        let actor = person(&site, role, role.as_str()).await;
        let new = NewInvitation { email: "n@example.com".to_owned(), role: "qa".to_owned() };
        let (control, ada) = (&site.control, "ada@example.com");
        let page = PageRequest::default();
        let refusals = [
            control.invitation_create(&actor, new).await.map(drop),
            control.invitation_list(&actor, &page).await.map(drop),
            control.person_get(&actor, ada).await.map(drop),
            control.person_tokens(&actor, ada).await.map(drop),
            control.person_change(&actor, ada, &to_role(Role::Qa)).await.map(drop),
            control
                .person_change(&actor, &email(&actor), &to_role(Role::Administrator))
                .await
                .map(drop),
            control.person_remove(&actor, ada).await,
            control.password_reset_create(&actor, ada).await.map(drop),
        ];
        for refused in refusals {
            assert!(matches!(refused, Err(Error::NotFound { .. })), "{role}: {refused:?}");
        }
    }
}

/// With a token nobody changes the password, the name, the sessions or the tokens of its owner.
async fn tokens_do_not_manage_their_owner(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let new = NewToken { name: "bot".to_owned(), ..NewToken::default() };
    let made = site.control.token_create(&ada, new.clone()).await.unwrap();
    let secret = made.secret.expose_secret();
    let bot = site.control.token_actor(secret, &loopback()).await.unwrap().unwrap();
    let control = &site.control;
    let password =
        NewPassword { current: Some(PASSWORD.into()), password: "another horse battery".into() };
    let name = SelfChange { name: Some("Eve".to_owned()) };
    let refusals = [
        control.password_change(&bot, password, &loopback()).await,
        control.self_change(&bot, &name).await.map(drop),
        control.sessions_end_others(&bot).await.map(drop),
        control.token_create(&bot, new).await.map(drop),
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
    let own = control.password_reset_create(&bot, "ada@example.com").await;
    assert!(matches!(own, Err(Error::Conflict { .. })), "{own:?}");
    // But it ends itself.
    control.sign_out(&bot).await.unwrap();
    assert!(control.token_actor(secret, &loopback()).await.unwrap().is_none());
}

/// One's own name is found and logged; a new password is a new one and long enough.
async fn own_name_and_password(site: Site) {
    let olga = person(&site, Role::Qa, "olga").await;
    let name = SelfChange { name: Some(" Olga Petrova ".to_owned()) };
    let changed = site.control.self_change(&olga, &name).await.unwrap();
    assert_eq!(changed.brief.name, "Olga Petrova");
    let nameless = SelfChange { name: Some(" ".to_owned()) };
    assert!(site.control.self_change(&olga, &nameless).await.is_err());
    let change = async |current: &str, password: &str| {
        let new = NewPassword { current: Some(current.into()), password: password.into() };
        site.control.password_change(&olga, new, &loopback()).await
    };
    let told = [
        problems(change("wrong", "another horse battery").await),
        problems(change(PASSWORD, "short").await),
        problems(change(PASSWORD, PASSWORD).await),
    ];
    insta::allow_duplicates! {
        insta::assert_snapshot!(told.join("\n"), @r"
        current: This is not your password. Give the one you sign in with.
        password: This password is too short. Use at least 12 characters.
        password: This is your password already. Choose another one.
        ");
    }
    change(PASSWORD, "another horse battery").await.unwrap();
    sign_in(&site, "olga", "another horse battery", &loopback()).await.unwrap();
}

/// People are found by name, address and role; by the name that they have now.
async fn people_are_found(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let olga = person(&site, Role::Qa, "olga").await;
    let found = async |search: &str, role: Option<Role>| {
        let filter = PersonFilter { search: search.to_owned(), role };
        let page = site.control.person_list(&ada, &filter, &PageRequest::default()).await.unwrap();
        let names: Vec<String> = page.items.into_iter().map(|person| person.brief.name).collect();
        names.join(" ")
    };
    assert_eq!(found("", None).await, "ada olga");
    assert_eq!(found("exam", None).await, "ada olga");
    assert_eq!(found("ol", None).await, "olga");
    assert_eq!(found("", Some(Role::Qa)).await, "olga");
    let name = SelfChange { name: Some("Petrova".to_owned()) };
    site.control.self_change(&olga, &name).await.unwrap();
    assert_eq!(found("petr", None).await, "Petrova");
    site.control.person_change(&ada, "olga@example.com", &to_active(false)).await.unwrap();
    let petrova = site.control.person_get(&ada, "OLGA@example.com").await.unwrap();
    assert_eq!(petrova.state(), PersonState::Deactivated);
    site.control.person_remove(&ada, "olga@example.com").await.unwrap();
    assert_eq!(found("petr", None).await, "");
}

/// Guessing at an account from one address is stopped there; the owner signs in elsewhere, and so do
/// others from the guesser's address. Another server counts on.
async fn guessing_shuts_nobody_else_out(site: Site) {
    person(&site, Role::Qa, "olga").await;
    person(&site, Role::Qa, "quinn").await;
    let (guesser, home) = (from([203, 0, 113, 7]), from([198, 51, 100, 9]));
    let mut last = None;
    for n in 0..11 {
        let other = if n % 2 == 0 { site.second_process().await } else { site.control.clone() };
        let password = SecretString::from("wrong");
        let credentials = Credentials { email: "Olga@example.com".to_owned(), password };
        last = other.sign_in(credentials, &guesser).await.err();
    }
    let Some(Error::TooMany { wait, .. }) = last else { panic!("{last:?}") };
    assert!(wait.as_secs() > 14 * 60 && wait.as_secs() <= 15 * 60, "{wait:?}");
    let right = sign_in(&site, "olga", PASSWORD, &guesser).await;
    assert!(matches!(right, Err(Error::TooMany { .. })), "the right one is not looked at either");
    sign_in(&site, "olga", PASSWORD, &home).await.unwrap();
    sign_in(&site, "quinn", PASSWORD, &guesser).await.unwrap();

    // Time lets them in again.
    let long_ago = now() - jiff::SignedDuration::from_mins(16);
    let c = site.control.db().write();
    let text = "UPDATE attempts SET began_at = $1";
    sql(text).bind(long_ago).run(c, "let time pass").await.unwrap();
    sign_in(&site, "olga", PASSWORD, &guesser).await.unwrap();
}

/// From many addresses an account is closed to those that it does not know, not to its owner's; and
/// an address that tried many accounts is still its users'.
async fn guessing_at_many_accounts(site: Site) {
    person(&site, Role::Qa, "olga").await;
    let home = from([198, 51, 100, 9]);
    sign_in(&site, "olga", PASSWORD, &home).await.unwrap();
    // As if that many had failed already.
    let far = "UPDATE attempts SET tries = 1000 WHERE tries > 0";
    let _ = sign_in(&site, "olga", "wrong", &from([203, 0, 113, 7])).await;
    sql(far).run(site.control.db().write(), "count far").await.unwrap();
    let elsewhere = sign_in(&site, "olga", PASSWORD, &from([203, 0, 113, 8])).await;
    assert!(matches!(elsewhere, Err(Error::TooMany { .. })), "{elsewhere:?}");
    sign_in(&site, "olga", PASSWORD, &home).await.unwrap();
    let _ = sign_in(&site, "nobody", "wrong", &home).await;
    sql(far).run(site.control.db().write(), "count far").await.unwrap();
    let stranger = sign_in(&site, "quinn", PASSWORD, &home).await;
    assert!(matches!(stranger, Err(Error::TooMany { .. })), "{stranger:?}");
    sign_in(&site, "olga", PASSWORD, &home).await.unwrap();
}

/// Wrong links are counted by address; right ones are not.
async fn guessing_of_links(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let secret = invite(&site, &ada, "nora", Role::Qa).await;
    let here = from([203, 0, 113, 7]);
    for _ in 0..30 {
        site.control.invitation_look(secret.expose_secret(), &here).await.unwrap();
    }
    for _ in 0..20 {
        let refused = site.control.password_reset_look("wrong", &here).await;
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
    }
    let refused = site.control.invitation_look(secret.expose_secret(), &here).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })), "{refused:?}");
    site.control.invitation_look(secret.expose_secret(), &loopback()).await.unwrap();
}

/// Each change of people is logged, old → new, without a secret.
async fn changes_of_people_are_logged(site: Site) {
    let ada = person(&site, Role::Administrator, "ada").await;
    let secret = invite(&site, &ada, "nora", Role::Qa).await;
    let session = site
        .control
        .invitation_accept(secret.expose_secret(), accepted(), &loopback())
        .await
        .unwrap();
    let cookie = session.token.expose_secret();
    let nora = site.control.session_actor(cookie, &loopback()).await.unwrap().unwrap();
    let token = NewToken { name: "bot".to_owned(), ..NewToken::default() };
    let token = site.control.token_create(&nora, token).await.unwrap();
    let nora_at = "nora@example.com";
    site.control.person_change(&ada, nora_at, &to_role(Role::Developer)).await.unwrap();
    let reset = site.control.password_reset_create(&ada, nora_at).await.unwrap();
    site.control
        .password_reset_use(
            reset.secret.expose_secret(),
            "another horse battery".into(),
            &loopback(),
        )
        .await
        .unwrap();
    site.control.token_revoke(&ada, token.token.id).await.unwrap();
    site.control.person_change(&ada, nora_at, &to_active(false)).await.unwrap();
    site.control.person_remove(&ada, nora_at).await.unwrap();
    let invited = invite(&site, &ada, "noah", Role::Qa).await;
    let withdrawn =
        site.control.invitation_look(invited.expose_secret(), &loopback()).await.unwrap();
    site.control.invitation_withdraw(&ada, withdrawn.id).await.unwrap();

    let page = PageRequest { cursor: None, limit: Some(200) };
    let log = site.control.audit_list(&ada, &AuditFilter::default(), &page).await.unwrap();
    let told: Vec<String> = log
        .items
        .iter()
        .rev()
        .map(|entry| {
            let role = |value: &serde_json::Value| {
                value["role"].as_str().or(value["means"].as_str()).unwrap_or("–").to_owned()
            };
            let (old, new) = (role(&entry.old), role(&entry.new));
            format!("{} {} {}: {old} → {new}", entry.by.name, entry.action, entry.subject_name)
        })
        .collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(told.join("\n"), @r"
        system person.create ada@example.com: – → administrator
        ada invitation.create nora@example.com: – → qa
        Nora invitation.accept nora@example.com: qa → –
        Nora person.create nora@example.com: – → qa
        Nora session.begin Nora: – → invitation
        Nora token.create bot: – → qa
        ada person.change nora@example.com: qa → developer
        ada person.reset_password nora@example.com: – → –
        Nora person.change_password nora@example.com: – → –
        Nora session.begin Nora: – → password link
        ada token.revoke bot: qa → –
        ada person.change nora@example.com: developer → developer
        ada person.remove nora@example.com: developer → –
        ada invitation.create noah@example.com: – → qa
        ada invitation.withdraw noah@example.com: qa → –
        ");
    }
    let whole = format!("{:?}", log.items);
    for secret in [&secret, &reset.secret, &token.secret, &session.token] {
        assert!(!whole.contains(secret.expose_secret()));
    }
    assert!(!whole.contains("horse"));
}

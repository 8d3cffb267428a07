//! The audit log.

use super::on_both;
use super::site::{Site, new_release};
use crate::account::NewToken;
use crate::actor::ActorKind;
use crate::app::NewValues;
use crate::audit::AuditFilter;
use crate::error::Error;
use crate::rights::Role;
use crate::store::paging::PageRequest;

on_both!(changes_are_logged, log_is_for_some);

/// Every change says who made it, on what, from where, and how it was before; no values are in it.
async fn changes_are_logged(site: Site) {
    let operations = site.person(Role::Operations).await;
    site.ground().await;
    let values = |text: &str| NewValues { values: text.to_owned(), ..NewValues::default() };
    let secret = "password: hunter2hunter2";
    site.control.app_update_values(&operations, "shop", values(secret)).await.unwrap();
    let developer = site.person(Role::Developer).await;
    let token = NewToken { name: "bot".to_owned(), ..NewToken::default() };
    site.control.token_create(&developer, token).await.unwrap();
    site.control.release_add(&developer, new_release("shop", "2.0")).await.unwrap();

    let page = PageRequest::default();
    let all = site.control.audit_list(&operations, &AuditFilter::default(), &page).await.unwrap();
    let actions: Vec<String> = all
        .items
        .iter()
        .map(|entry| format!("{} {} {}", entry.by.name, entry.action, entry.subject_name))
        .collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(actions.join("\n"), @r"
        developer release.add 2.0
        developer token.create bot
        system person.create developer@example.com
        operations app.update_values shop
        system cluster.add demo
        system release.add 1.0
        system app.create shop
        system person.create operations@example.com
        ");
    }
    assert!(!format!("{:?}", all.items).contains("hunter2"));
    let changed = &all.items[3];
    assert_eq!(changed.old["values_revision"], 0);
    assert_eq!(changed.new["values_revision"], 1);

    let by = AuditFilter { by: changed.by.id.clone(), ..AuditFilter::default() };
    let own = site.control.audit_list(&operations, &by, &page).await.unwrap();
    assert_eq!(own.items.len(), 1);
    assert_eq!(own.items[0].by.kind, ActorKind::Person);
    let on = AuditFilter { subject: Some(changed.subject_id.clone()), ..AuditFilter::default() };
    assert_eq!(site.control.audit_list(&operations, &on, &page).await.unwrap().items.len(), 2);
}

/// For Developers and QA there is no audit log.
async fn log_is_for_some(site: Site) {
    for (role, may) in [(Role::Operations, true), (Role::Developer, false), (Role::Qa, false)] {
        let actor = site.person(role).await;
        let page = PageRequest::default();
        let listed = site.control.audit_list(&actor, &AuditFilter::default(), &page).await;
        match listed {
            Ok(_) => assert!(may, "{role}"),
            Err(Error::NotFound { .. }) => assert!(!may, "{role}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

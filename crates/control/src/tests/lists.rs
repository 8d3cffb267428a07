//! Lists: paging, filters, counts, and that the database answers them through indexes.

use super::on_both;
use super::site::{Site, new_release};
use crate::actor::Actor;
use crate::audit::{self, AuditEntry, AuditFilter};
use crate::deployment::{DeploymentFilter, DeploymentState, Trigger};
use crate::environment::{
    Environment, EnvironmentFilter, EnvironmentKind, EnvironmentSort, EnvironmentStatus,
};
use crate::error::Error;
use crate::release::ReleaseFilter;
use crate::rights::Role;
use crate::store::ids::{AppId, AuditId, BatchId, ClusterId, EnvironmentId, ReleaseId};
use crate::store::listing::{Listing, Order};
use crate::store::paging::{Count, Direction, Page, PageRequest};
use crate::store::sql::{Row, now, sql};

on_both!(
    pages_forth_and_back,
    pages_by_id_forth_and_back,
    pages_do_not_shift,
    damaged_cursors_are_refused,
    environments_by_filter,
    deployments_by_filter,
    anything_is_found_by_name,
    words_that_much_is_found_by,
    lists_use_indexes,
);

const NAMES: [&str; 7] = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"];

async fn seven(site: &Site) {
    site.ground().await;
    for (n, name) in NAMES.iter().enumerate() {
        site.environment(name, if n % 2 == 0 { "sandbox" } else { "production" }).await;
    }
}

async fn environments(
    site: &Site,
    sort: (EnvironmentSort, Direction),
    cursor: Option<String>,
) -> (Vec<String>, Page<Environment>) {
    let request = PageRequest { cursor, limit: Some(3) };
    let filter = EnvironmentFilter::default();
    let page =
        site.control.environment_list(&Actor::system(), &filter, sort, &request).await.unwrap();
    let names = page.items.iter().map(|environment| environment.name.to_string()).collect();
    (names, page)
}

/// Lists that are sorted by id alone go on and back, too.
async fn pages_by_id_forth_and_back(site: Site) {
    seven(&site).await;
    let list = async |cursor: Option<String>| {
        let (request, filter) =
            (PageRequest { cursor, limit: Some(3) }, DeploymentFilter::default());
        let page = site.control.deployment_list(&Actor::system(), &filter, &request).await.unwrap();
        let names: Vec<String> =
            page.items.iter().map(|deployment| deployment.environment.name.to_string()).collect();
        (names, page.next, page.previous)
    };
    let (first, next, none) = list(None).await;
    let (second, next, _) = list(next).await;
    let (third, end, back) = list(next).await;
    let backwards: Vec<&str> = NAMES.into_iter().rev().collect();
    assert_eq!([first, second.clone(), third].concat(), backwards);
    assert_eq!((none, end), (None, None));
    assert_eq!(list(back).await.0, second);
}

/// Walking forth and back over pages of three gives everything once, in order, both ways.
async fn pages_forth_and_back(site: Site) {
    seven(&site).await;
    let backwards: Vec<&str> = NAMES.into_iter().rev().collect();
    for (sort, wanted) in [
        ((EnvironmentSort::Name, Direction::Ascending), NAMES.to_vec()),
        ((EnvironmentSort::Name, Direction::Descending), backwards.clone()),
        ((EnvironmentSort::LastDeployment, Direction::Descending), backwards),
        ((EnvironmentSort::LastDeployment, Direction::Ascending), NAMES.to_vec()),
    ] {
        let mut cursor = None;
        let mut pages = Vec::new();
        loop {
            let (names, page) = environments(&site, sort, cursor).await;
            assert_eq!(page.count, Count::Exact(7));
            pages.push((names, page.previous));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let all: Vec<&String> = pages.iter().flat_map(|(names, _)| names).collect();
        assert_eq!(all, wanted, "{sort:?}");
        assert_eq!(pages.len(), 3);
        assert!(pages[0].1.is_none());
        for n in (1..pages.len()).rev() {
            let (names, page) = environments(&site, sort, pages[n].1.clone()).await;
            assert_eq!(names, pages[n - 1].0, "{sort:?} back from {n}");
            assert_eq!(page.previous.is_some(), n > 1);
            assert!(page.next.is_some());
        }
    }
}

/// A row that comes in before the page does not push what was seen onto the next page.
async fn pages_do_not_shift(site: Site) {
    seven(&site).await;
    let sort = (EnvironmentSort::Name, Direction::Ascending);
    let (first, page) = environments(&site, sort, None).await;
    assert_eq!(first, ["alpha", "bravo", "charlie"]);
    site.environment("able", "sandbox").await;
    let (second, _) = environments(&site, sort, page.next).await;
    assert_eq!(second, ["delta", "echo", "foxtrot"]);
}

/// A cursor that nobody was given is refused at its field.
async fn damaged_cursors_are_refused(site: Site) {
    let request = PageRequest { cursor: Some("???".to_owned()), limit: None };
    let refused = site.control.app_list(&Actor::system(), "", &request).await;
    let Err(Error::Invalid(invalid)) = refused else { panic!("{refused:?}") };
    assert_eq!(invalid.problems[0].field, "cursor");
}

/// Filters narrow the list; what a role may not see is in neither list, count nor totals.
async fn environments_by_filter(site: Site) {
    seven(&site).await;
    let qa = site.person(Role::Qa).await;
    let shop = site.control.app_get(&Actor::system(), "shop").await.unwrap();
    let list = async |actor: &Actor, filter: EnvironmentFilter| {
        let sort = (EnvironmentSort::Name, Direction::Ascending);
        let page = PageRequest::default();
        let page = site.control.environment_list(actor, &filter, sort, &page).await.unwrap();
        let names: Vec<String> = page.items.iter().map(|e| e.name.to_string()).collect();
        assert_eq!(page.count, Count::Exact(i64::try_from(names.len()).unwrap()));
        names
    };
    let any = EnvironmentFilter::default;
    let system = Actor::system();
    let sandbox = ["alpha", "charlie", "echo", "golf"];
    let production = ["bravo", "delta", "foxtrot"];
    assert_eq!(list(&system, any()).await, NAMES);
    assert_eq!(list(&qa, any()).await, sandbox);
    let kind = |kind| EnvironmentFilter { kind: Some(kind), ..any() };
    assert_eq!(list(&system, kind(EnvironmentKind::Production)).await, production);
    assert!(list(&qa, kind(EnvironmentKind::Production)).await.is_empty());
    assert_eq!(list(&system, EnvironmentFilter { app: Some(shop.id), ..any() }).await, NAMES);
    let other = EnvironmentFilter { app: Some(AppId::generate()), ..any() };
    assert!(list(&system, other).await.is_empty());
    let queued = EnvironmentFilter { status: Some(EnvironmentStatus::Queued), ..any() };
    assert_eq!(list(&system, queued).await, NAMES);
    let search = |text: &str| EnvironmentFilter { search: text.to_owned(), ..any() };
    assert_eq!(list(&system, search("del")).await, ["delta"]);
    assert_eq!(list(&system, search("shop fox")).await, ["foxtrot"]);
    assert_eq!(list(&qa, search("demo")).await, sandbox);
    assert!(list(&qa, search("foxtrot")).await.is_empty());

    let totals = site.control.environment_totals(&qa).await.unwrap();
    assert_eq!((totals.all, totals.queued), (Count::Exact(4), Count::Exact(4)));
    assert_eq!(totals.deploying, Count::Exact(0));
    let missing = site.control.environment_get(&qa, "bravo").await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

/// Deployments over all environments, newest first, as far as the asker may see.
async fn deployments_by_filter(site: Site) {
    seven(&site).await;
    let qa = site.person(Role::Qa).await;
    site.control.release_add(&Actor::system(), new_release("shop", "2.0")).await.unwrap();
    let new = crate::deployment::NewDeployment {
        release: "2.0".to_owned(),
        reason: "try it".to_owned(),
        ..crate::deployment::NewDeployment::default()
    };
    let started = site.control.deployment_create(&qa, "golf", new).await.unwrap();
    let behind = started.op.behind.unwrap();
    assert_eq!((behind.number, behind.trigger), (1, Trigger::EnvironmentCreated));
    let list = async |actor: &Actor, filter: DeploymentFilter| {
        let page = PageRequest::default();
        let page = site.control.deployment_list(actor, &filter, &page).await.unwrap();
        page.items
            .iter()
            .map(|d| format!("{}#{} {}", d.environment.name, d.number, d.release.tag))
            .collect::<Vec<_>>()
    };
    let any = DeploymentFilter::default;
    let all = list(&Actor::system(), any()).await;
    assert_eq!((all.len(), all[0].as_str()), (8, "golf#2 2.0"));
    assert_eq!(list(&qa, any()).await.len(), 5);
    let made_by_hand = || DeploymentFilter { trigger: Some(Trigger::Manual), ..any() };
    assert_eq!(list(&qa, made_by_hand()).await, ["golf#2 2.0"]);
    let created = Some(Trigger::EnvironmentCreated);
    let shop = site.control.app_get(&Actor::system(), "shop").await.unwrap();
    let queued = DeploymentFilter { state: Some(DeploymentState::Queued), ..any() };
    assert_eq!(list(&Actor::system(), queued).await.len(), 8);
    let both = DeploymentFilter { state: Some(DeploymentState::Queued), ..made_by_hand() };
    assert_eq!(list(&Actor::system(), both).await, ["golf#2 2.0"]);
    let none = DeploymentFilter { state: Some(DeploymentState::Failed), ..made_by_hand() };
    assert!(list(&Actor::system(), none).await.is_empty());
    let of_app = DeploymentFilter { app: Some(shop.id), trigger: created, ..any() };
    let all = list(&Actor::system(), of_app.clone()).await;
    assert_eq!((all.len(), all[0].as_str()), (7, "golf#1 1.0"));
    assert_eq!(list(&qa, of_app).await.len(), 4);
    let search = |text: &str| DeploymentFilter { search: text.to_owned(), ..any() };
    assert_eq!(list(&qa, search("golf")).await, ["golf#2 2.0", "golf#1 1.0"]);
    assert_eq!(list(&qa, search("golf#1")).await, ["golf#1 1.0"]);
    assert!(list(&qa, search("bravo#1")).await.is_empty());
    assert!(list(&qa, search("bravo")).await.is_empty());
    assert_eq!(list(&qa, search("!")).await.len(), 5);
    let in_state = |state| DeploymentFilter { state: Some(state), ..search("golf") };
    assert_eq!(list(&qa, in_state(DeploymentState::Queued)).await.len(), 2);
    assert!(list(&qa, in_state(DeploymentState::Failed)).await.is_empty());
    let of_other = DeploymentFilter { app: Some(AppId::generate()), ..search("golf") };
    assert!(list(&qa, of_other).await.is_empty());
    let of_app = DeploymentFilter { app: Some(shop.id), ..search("golf") };
    assert_eq!(list(&qa, of_app).await.len(), 2);
}

/// One search finds environments, releases, Apps, clusters and `env#7`, as far as the asker may see.
async fn anything_is_found_by_name(site: Site) {
    seven(&site).await;
    let qa = site.person(Role::Qa).await;
    let find = async |actor: &Actor, text: &str| {
        let found = site.control.find(actor, text, 5).await.unwrap();
        found.iter().map(|found| format!("{} {}", found.kind, found.name)).collect::<Vec<_>>()
    };
    let system = Actor::system();
    assert_eq!(find(&system, "bra").await, ["environment bravo"]);
    assert!(find(&qa, "bra").await.is_empty());
    assert_eq!(find(&system, "demo fox").await, ["environment foxtrot"]);
    assert_eq!(find(&qa, "1.0").await, ["release 1.0"]);
    assert_eq!(find(&system, "alpha#1").await, ["deployment alpha#1"]);
    assert!(find(&system, "alpha#2").await.is_empty());
    assert!(find(&qa, "bravo#1").await.is_empty());
    let shop = find(&system, "shop").await;
    assert!(shop.contains(&"app shop".to_owned()), "{shop:?}");
    assert!(find(&system, "demo").await.contains(&"cluster demo".to_owned()));
}

/// Entries of the audit log, each found by a word of all and by one of its own; newest last.
async fn entries(site: &Site, many: usize) -> Vec<AuditId> {
    let ids: Vec<AuditId> = (0..many).map(|_| AuditId::generate()).collect();
    let tx = site.control.db().begin().await.unwrap();
    for (chunk, first) in ids.chunks(500).zip((0..).step_by(500)) {
        let rows = chunk.iter().map(|id| {
            format!(
                "('{id}', 0, 'system', NULL, 'Landfall', NULL, 'a', 'b', 'c', 'd', 'null', 'null')"
            )
        });
        let terms = chunk.iter().zip(first..).map(|(id, n): (_, usize)| {
            format!(
                "('audit', 'common', '{id}'), ('audit', 'comet', '{id}'), ('audit', 'own-{n}', '{id}')"
            )
        });
        let terms = terms.chain((first == 0).then(|| format!("('audit', 'rare', '{}')", ids[0])));
        let (rows, terms) = (rows.collect::<Vec<_>>(), terms.collect::<Vec<_>>());
        for text in [
            format!("INSERT INTO audit VALUES {}", rows.join(", ")),
            format!("INSERT INTO search_terms VALUES {}", terms.join(", ")),
        ] {
            sql(text).run(&tx, "write entries").await.unwrap();
        }
    }
    crate::store::commit(tx).await.unwrap();
    // As the database does by itself, in time.
    sql("ANALYZE").run(site.control.db().write(), "look at what there is").await.unwrap();
    ids
}

/// Words that more is found by than is counted: the newest come first and pages go on, whether few search terms begin with
/// the word or as many as there are entries. A second word leaves what both find.
async fn words_that_much_is_found_by(site: Site) {
    let mut ids = entries(&site, 10_050).await;
    ids.reverse();
    let list = async |search: &str, action: Option<&str>, cursor: Option<String>| {
        let filter = AuditFilter {
            search: search.to_owned(),
            action: action.map(str::to_owned),
            ..AuditFilter::default()
        };
        let page = PageRequest { cursor, limit: Some(20) };
        let page = site.control.audit_list(&Actor::system(), &filter, &page).await.unwrap();
        (page.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), page.count, page.next)
    };
    for word in ["common", "com", "own", "common own"] {
        for action in [None, Some("a")] {
            let (first, count, next) = list(word, action, None).await;
            assert_eq!((first.as_slice(), count), (&ids[..20], Count::AtLeast(10_000)), "{word}");
            let (second, ..) = list(word, action, next).await;
            assert_eq!(second, ids[20..40], "{word} {action:?}");
        }
        assert!(list(word, Some("z"), None).await.0.is_empty());
    }
    assert_eq!(list("zzz", None, None).await.1, Count::Exact(0));
    let oldest = &ids[10_049..];
    for word in ["rare", "common rare"] {
        let (found, count, _) = list(word, None, None).await;
        assert_eq!((found.as_slice(), count), (oldest, Count::Exact(1)), "{word}");
    }
    let (found, count, _) = list("common own-10049", None, None).await;
    assert_eq!((found.as_slice(), count), (&ids[..1], Count::Exact(1)));
    // `own-77` begins `own-770` to `own-779` and `own-7700` to `own-7799`, too.
    assert_eq!(list("own-77", None, None).await.1, Count::Exact(111));
    pages_within_times(&site, &ids).await;
}

/// Where words alone say what is listed, and little is: every page of it once, forwards and backwards, and nothing of other times.
async fn pages_within_times(site: &Site, newest_first: &[AuditId]) {
    let numbered = newest_first.iter().zip((0..newest_first.len()).rev());
    let found = numbered.filter(|(_, n)| n.to_string().starts_with("77")).map(|(id, _)| *id);
    let found: Vec<AuditId> = found.collect();
    let page = async |filter: &AuditFilter, cursor: Option<String>| {
        let page = PageRequest { cursor, limit: Some(50) };
        site.control.audit_list(&Actor::system(), filter, &page).await.unwrap()
    };
    let ids = |page: &Page<AuditEntry>| -> Vec<AuditId> {
        page.items.iter().map(|entry| entry.id).collect()
    };
    let ever = || AuditFilter { search: "own-77".to_owned(), ..AuditFilter::default() };
    for filter in [ever(), AuditFilter { until: Some(now()), ..ever() }] {
        let first = page(&filter, None).await;
        let second = page(&filter, first.next.clone()).await;
        let third = page(&filter, second.next.clone()).await;
        let all = [ids(&first), ids(&second), ids(&third)].concat();
        assert_eq!((all, third.next.as_ref()), (found.clone(), None));
        let back = page(&filter, second.previous.clone()).await;
        assert_eq!(ids(&back), ids(&first));
        assert_eq!(third.count, Count::Exact(111));
    }
    for search in ["own-77", "common", "common own"] {
        let search = search.to_owned();
        let later = AuditFilter { search, since: Some(now()), ..AuditFilter::default() };
        let none = page(&later, None).await;
        assert_eq!((none.items.len(), none.count), (0, Count::Exact(0)));
    }
}

/// How the database carries a statement out, in lines.
async fn explain(site: &Site, text: &str, values: Vec<sea_orm::Value>) -> Vec<String> {
    let postgres = site.control.db().postgres().is_some();
    let tx = site.control.db().begin().await.unwrap();
    if postgres {
        // On tables of a few rows the planner would scan and sort whatever indexes there are.
        for switch in ["seqscan", "bitmapscan", "sort", "incremental_sort"] {
            let off = format!("SET LOCAL enable_{switch} = off");
            sql(off).run(&tx, "explain a statement").await.unwrap();
        }
    }
    let (word, column) =
        if postgres { ("EXPLAIN", "QUERY PLAN") } else { ("EXPLAIN QUERY PLAN", "detail") };
    let lines = sql(format!("{word} {text}"))
        .bind_all(values)
        .all(&tx, "explain a statement", |row: &Row<'_>| row.get::<String>(column))
        .await;
    lines.unwrap_or_else(|e| panic!("{text}\n{e:?}"))
}

/// The lines of a plan that look at all rows of a table, or sort them.
fn slow(plan: &[String]) -> Vec<&String> {
    // What a subquery of the statement itself gave is no table.
    let own = |line: &str| {
        let alias = line.trim_start_matches("SCAN ");
        plan.iter().any(|line| {
            line.strip_prefix("CO-ROUTINE ").or(line.strip_prefix("MATERIALIZE ")) == Some(alias)
        })
    };
    plan.iter()
        .filter(|line| {
            line.contains("Seq Scan on")
                || line.contains("Sort ")
                || line.contains("TEMP B-TREE FOR ORDER BY")
                || (line.starts_with("SCAN ") && !line.contains("INDEX") && !own(line))
        })
        .collect()
}

async fn check(site: &Site, what: &str, list: Listing<'_>, order: Order) {
    let [picking, whole, count] = list.texts(order);
    for (part, (text, values)) in [("rows", picking), ("count", count)] {
        let plan = explain(site, &text, values).await;
        assert!(slow(&plan).is_empty(), "{part} of {what}: {:#?}\n{text}\n{plan:#?}", slow(&plan));
    }
    // Of the whole page only the rows that were picked are read and put into order.
    let (text, values) = whole;
    let plan = explain(site, &text, values).await;
    let sorts = |line: &str| line.contains("ORDER BY") || line.contains("Sort ");
    let scans: Vec<&String> = slow(&plan).into_iter().filter(|line| !sorts(line)).collect();
    assert!(scans.is_empty(), "whole {what}: {scans:#?}\n{text}\n{plan:#?}");
}

/// Every filter and sort that is offered is answered through an index: no scan, no sorting.
async fn lists_use_indexes(site: Site) {
    seven(&site).await;
    let (system, qa) = (Actor::system(), Actor::for_test(Role::Qa));
    let view = crate::environment::store::view();
    let any = EnvironmentFilter::default;
    let filters = [
        ("no filter", any()),
        ("kind", EnvironmentFilter { kind: Some(EnvironmentKind::Sandbox), ..any() }),
        ("app", EnvironmentFilter { app: Some(AppId::generate()), ..any() }),
        ("cluster", EnvironmentFilter { cluster: Some(ClusterId::generate()), ..any() }),
        ("release", EnvironmentFilter { release: Some(ReleaseId::generate()), ..any() }),
        ("status", EnvironmentFilter { status: Some(EnvironmentStatus::Failed), ..any() }),
    ];
    for (name, filter) in &filters {
        for sort in [EnvironmentSort::LastDeployment, EnvironmentSort::Name] {
            for (who, actor) in [("system", &system), ("qa", &qa)] {
                let list = crate::environment::matching(&view, actor, filter);
                let order = crate::environment::order(sort, Direction::Descending);
                check(&site, &format!("environments by {name}, {sort:?}, {who}"), list, order)
                    .await;
            }
        }
    }
    let view = crate::deployment::store::view();
    let any = DeploymentFilter::default;
    let (app, kind) = (Some(AppId::generate()), Some(EnvironmentKind::Sandbox));
    let (state, trigger) = (Some(DeploymentState::Failed), Some(Trigger::Rollback));
    let filters = [
        ("no filter", any()),
        ("environment", DeploymentFilter { environment: Some(EnvironmentId::generate()), ..any() }),
        ("app", DeploymentFilter { app: Some(AppId::generate()), ..any() }),
        ("release", DeploymentFilter { release: Some(ReleaseId::generate()), ..any() }),
        ("kind", DeploymentFilter { kind: Some(EnvironmentKind::Sandbox), ..any() }),
        ("state", DeploymentFilter { state: Some(DeploymentState::Failed), ..any() }),
        ("trigger", DeploymentFilter { trigger: Some(Trigger::Rollback), ..any() }),
        ("batch", DeploymentFilter { batch: Some(BatchId::generate()), ..any() }),
        ("app and kind", DeploymentFilter { app, kind, ..any() }),
        ("app and state", DeploymentFilter { app, state, ..any() }),
        ("app and trigger", DeploymentFilter { app, trigger, ..any() }),
        ("kind and trigger", DeploymentFilter { kind, trigger, ..any() }),
        ("state and trigger", DeploymentFilter { state, trigger, ..any() }),
        ("app, kind and trigger", DeploymentFilter { app, kind, trigger, ..any() }),
        ("all four", DeploymentFilter { app, kind, state, trigger, ..any() }),
    ];
    let newest_first = Order { column: "id", direction: Direction::Descending };
    for (name, filter) in &filters {
        for (who, actor) in [("system", &system), ("qa", &qa)] {
            let list = crate::deployment::matching(&view, actor, filter);
            check(&site, &format!("deployments by {name}, {who}"), list, newest_first).await;
        }
    }
    let view = crate::release::store::view(true);
    for app in [None, Some(AppId::generate())] {
        for archived in [false, true] {
            let filter = ReleaseFilter { app, archived, search: String::new() };
            let list = crate::release::matching(&view, &filter);
            check(&site, &format!("releases by {filter:?}"), list, newest_first).await;
        }
    }
    let view = audit::store::view();
    let (any, some) = (AuditFilter::default, || Some("x".to_owned()));
    for filter in [
        any(),
        AuditFilter { by: some(), ..any() },
        AuditFilter { action: some(), ..any() },
        AuditFilter { subject: some(), ..any() },
        AuditFilter { since: Some(now()), ..any() },
        AuditFilter { by: some(), since: Some(now()), until: Some(now()), ..any() },
    ] {
        let list = audit::listing(&view, &filter);
        check(&site, &format!("audit by {filter:?}"), list, newest_first).await;
    }
    let by_name = Order { column: "name_key", direction: Direction::Ascending };
    let view = crate::account::people_view();
    for role in [None, Some(Role::Qa)] {
        let list = view.list().when_some("p.role = ?", role);
        check(&site, &format!("people by {role:?}"), list, by_name).await;
    }
    let view = crate::app::store::view(true);
    check(&site, "apps", view.list(), by_name).await;
    let by_name = Order { column: "name", direction: Direction::Ascending };
    let view = crate::cluster::store::view(true);
    check(&site, "clusters", view.list(), by_name).await;
}

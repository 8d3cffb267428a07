//! Backups: their part of the table, pages and API.

use axum::routing::{delete, get, post, put};
use control::backup::{
    Backup, BackupDetail, BackupMethods, BackupSchedule, ChangeMethods, ChangeSchedule, NewBackup,
    RestoreBackup,
};
use control::deployment::Started;
use http::Method;

use super::Route;
use super::api::{acts, call, reads};
use super::pages::{shows, takes};
use crate::api::backups;
use crate::api::openapi::Doc;
use crate::pages;
use crate::query::PageQuery;

pub(super) fn table() -> Vec<Route> {
    let mut routes = page_table();
    routes.extend(calls());
    routes.extend(settings_calls());
    routes
}

fn page_table() -> Vec<Route> {
    let of = |tail: &str| format!("/environments/{{environment}}{tail}");
    vec![
        shows(&of("/backups"), get(pages::backups::list)),
        takes(&of("/backups"), post(pages::backups::create)).keyed(),
        takes(&of("/backups/schedule"), post(pages::backups::schedule)),
        shows(&of("/backups/{backup}"), get(pages::backup::show)),
        shows(&of("/backups/{backup}/restore"), get(pages::backup_restore::form)),
        takes(&of("/backups/{backup}/restore"), post(pages::backup_restore::submit)).keyed(),
        shows(&of("/backups/{backup}/delete"), get(pages::backup_delete::form)),
        takes(&of("/backups/{backup}/delete"), post(pages::backup_delete::submit)),
        shows("/apps/{app}/backups", get(pages::app_backups::form)),
        takes("/apps/{app}/backups", post(pages::app_backups::submit)),
    ]
}

const ALL: &str = "/environments/{environment}/backups";
const ONE: &str = "/environments/{environment}/backups/{backup}";
const SCHEDULE: &str = "/environments/{environment}/backup-schedule";
const METHODS: &str = "/apps/{app}/backup-methods";

fn doc(id: &'static str, summary: &'static str) -> Doc {
    Doc::new(id, "Backups", summary)
}

fn calls() -> Vec<Route> {
    vec![
        reads(
            ALL,
            get(backups::list),
            doc("backup_list", "The backups of an environment, newest first; of a deleted one by its id.")
                .query::<PageQuery>()
                .answers_page::<Backup>(),
        ),
        acts(
            ALL,
            post(backups::create),
            doc("backup_create", "Queues a backup of what runs: its Release, values and manifest, and the data that the App's methods give, by commands or by snapshots of volumes.")
                .body::<NewBackup>()
                .creates::<Backup>(),
        )
        .keyed(),
        reads(
            ONE,
            get(backups::get),
            doc("backup_get", "A backup, by its number, with what it holds.").answers::<BackupDetail>(),
        ),
        acts(
            &format!("{ONE}/restorations"),
            post(backups::restore),
            doc("backup_restore", "Puts the data of a complete backup back and deploys its Release, to the same environment or to another one of the App, which keeps its own values and domain.")
                .body::<RestoreBackup>()
                .creates::<Started>(),
        )
        .keyed(),
        call(
            Method::DELETE,
            ONE,
            delete(backups::delete),
            doc("backup_delete", "Deletes a backup and its data for good; not while it is made or restored.")
                .answers::<BackupDetail>(),
        ),
    ]
}

fn settings_calls() -> Vec<Route> {
    vec![
        reads(
            SCHEDULE,
            get(backups::schedule),
            doc("backup_schedule", "When an environment is backed up by itself.")
                .answers::<BackupSchedule>(),
        ),
        call(
            Method::PUT,
            SCHEDULE,
            put(backups::change_schedule),
            doc("backup_change_schedule", "Changes when an environment is backed up by itself, and how many of those backups are kept.")
                .body::<ChangeSchedule>()
                .answers::<BackupSchedule>(),
        ),
        reads(
            METHODS,
            get(backups::methods),
            doc("app_backup_methods", "How the data of the App's environments is backed up; the ETag is the revision.")
                .answers::<BackupMethods>(),
        ),
        call(
            Method::PUT,
            METHODS,
            put(backups::change_methods),
            doc("app_change_backup_methods", "Declares all methods anew; with If-Match only over that revision.")
                .body::<ChangeMethods>()
                .answers::<BackupMethods>(),
        ),
    ]
}

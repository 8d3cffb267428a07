//! How the data of an App's environments is backed up: its methods, one after another, and room for one more. Of either kind's
//! fields those of the other kind are hidden where the browser can, and what stands in them is left out when it is sent.

use std::collections::HashMap;

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::app::App;
use control::backup::{BackupMethod, BackupMethods, ChangeMethods, MethodKind};
use control::rights::Subject;
use serde::Deserialize;

use super::app;
use super::form::{Params, PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/app_backups.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    app: App,
    now: BackupMethods,
    /// What the fields hold; the last one may be empty.
    fields: Vec<Fields>,
    based_on: i64,
    saved: bool,
    may_write: bool,
}

/// The fields of one method.
#[derive(Clone, Default, PartialEq, Eq)]
struct Fields {
    /// What the names of its fields begin with: `methods.0.`
    at: String,
    name: String,
    kind: MethodKind,
    selector: String,
    container: String,
    /// One word a line.
    backup: String,
    /// One word a line.
    restore: String,
    snapshot_class: String,
    timeout_seconds: String,
    /// Whether it is one that stands already.
    known: bool,
    /// A method that these fields cannot hold: it is shown, and stays as it stands.
    kept: Option<BackupMethod>,
}

/// What was saved, in the address that a save leads to.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SavedQuery {
    saved: Option<i64>,
}

impl Fields {
    fn of(method: &BackupMethod) -> Self {
        Self {
            at: String::new(),
            name: method.name.clone(),
            kind: method.kind,
            selector: method.selector.clone(),
            container: method.container.clone(),
            backup: method.backup.join("\n"),
            restore: method.restore.join("\n"),
            snapshot_class: method.snapshot_class.clone(),
            timeout_seconds: match method.timeout_seconds {
                0 => String::new(),
                seconds => seconds.to_string(),
            },
            known: true,
            kept: Some(method).filter(|method| !fits(method)).cloned(),
        }
    }

    /// The fields numbered `n` of a form; none where it has no such fields. What fields cannot hold is sent by its name,
    /// and taken from what stands.
    fn sent(form: &HashMap<String, String>, n: usize, now: &BackupMethods) -> Option<Self> {
        if let Some(name) = form.get(&format!("methods.{n}.kept")) {
            let kept = now.methods.iter().find(|method| method.name == *name);
            return Some(kept.map(Self::of).unwrap_or_default());
        }
        let field = |name: &str| form.get(&format!("methods.{n}.{name}")).cloned();
        let or_empty = |name: &str| field(name).unwrap_or_default();
        Some(Self {
            at: String::new(),
            name: field("name")?,
            kind: or_empty("kind").parse().unwrap_or_default(),
            selector: or_empty("selector"),
            container: or_empty("container"),
            backup: or_empty("backup"),
            restore: or_empty("restore"),
            snapshot_class: or_empty("snapshot_class"),
            timeout_seconds: or_empty("timeout_seconds"),
            known: field("known").is_some(),
            kept: None,
        })
    }

    /// A field's name in the form, and in what is told of it.
    fn field(&self, name: &str) -> String {
        format!("{}{name}", self.at)
    }

    fn is_blank(&self) -> bool {
        [&self.name, &self.selector, &self.backup, &self.restore, &self.snapshot_class]
            .iter()
            .all(|text| text.trim().is_empty())
    }

    fn method(&self) -> BackupMethod {
        if let Some(kept) = &self.kept {
            return kept.clone();
        }
        let words = |text: &str| {
            text.lines().map(str::to_owned).filter(|line| !line.trim().is_empty()).collect()
        };
        let volumes = self.kind == MethodKind::Volumes;
        let commands = !volumes;
        let of = |kind: bool, text: &str| if kind { text.to_owned() } else { String::new() };
        BackupMethod {
            name: self.name.clone(),
            kind: self.kind,
            selector: self.selector.clone(),
            container: of(commands, &self.container),
            backup: words(&of(commands, &self.backup)),
            restore: words(&of(commands, &self.restore)),
            snapshot_class: of(volumes, &self.snapshot_class),
            // What is no number is no time that a command may take.
            timeout_seconds: match self.timeout_seconds.trim() {
                "" => 0,
                text => text.parse().unwrap_or(-1),
            },
        }
    }
}

/// Whether every word of its commands is one line of a field, and comes back from there as it is.
fn fits(method: &BackupMethod) -> bool {
    let line = |word: &String| !word.trim().is_empty() && !word.contains(['\n', '\r']);
    method.backup.iter().chain(&method.restore).all(line)
}

/// `GET /apps/{app}/backups`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(query): Params<SavedQuery>,
) -> PageAnswer {
    let now = ctx.control().app_backup_methods(&ctx.actor, &name).await?;
    let mut fields: Vec<Fields> = now.methods.iter().map(Fields::of).collect();
    fields.push(Fields::default());
    let (saved, based_on) = (query.saved == Some(now.revision), now.revision);
    show(&ctx, &name, Told::default(), now, fields, based_on, saved).await
}

/// `POST /apps/{app}/backups`: all methods; those that are ticked to go, and blank ones, are left out.
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(form): Sent<HashMap<String, String>>,
) -> PageAnswer {
    let control = ctx.control();
    let now = control.app_backup_methods(&ctx.actor, &name).await?;
    let goes = |n: usize| form.contains_key(&format!("methods.{n}.remove"));
    let fields: Vec<Fields> = (0..)
        .map_while(|n| Fields::sent(&form, n, &now).map(|fields| (n, fields)))
        .filter(|(n, fields)| !goes(*n) && !fields.is_blank())
        .map(|(_, fields)| fields)
        .collect();
    let based_on = form.get("based_on").and_then(|text| text.parse().ok());
    let change = ChangeMethods { methods: fields.iter().map(Fields::method).collect(), based_on };
    match control.app_change_backup_methods(&ctx.actor, &name, change).await {
        Ok(saved) => {
            let path = format!("{}/backups?saved={}", app::path(&name), saved.revision);
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => {
            let now = control.app_backup_methods(&ctx.actor, &name).await?;
            // What was typed stays; sending it again saves it over what came in between.
            let based_on = if matches!(error, Error::Conflict { .. }) {
                now.revision
            } else {
                based_on.unwrap_or(now.revision)
            };
            let mut fields = fields;
            if fields.iter().all(|it| it.known) {
                fields.push(Fields::default());
            }
            show(&ctx, &name, Told::of(error)?, now, fields, based_on, false).await
        }
    }
}

async fn show(
    ctx: &Ctx,
    name: &str,
    told: Told,
    now: BackupMethods,
    fields: Vec<Fields>,
    based_on: i64,
    saved: bool,
) -> PageAnswer {
    let app = ctx.control().app_get(&ctx.actor, name).await?;
    let status = told.status();
    let at = |(n, it): (usize, Fields)| Fields { at: format!("methods.{n}."), ..it };
    let page = Form {
        chrome: ctx.chrome(Section::Apps, format!("Backups of {}", app.name)).await?,
        told,
        app,
        now,
        fields: fields.into_iter().enumerate().map(at).collect(),
        based_on,
        saved,
        may_write: ctx.may_write(Subject::Infrastructure),
    };
    Ok((status, Html(page.render()?)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str, backup: &[&str], restore: &[&str]) -> BackupMethod {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        BackupMethod {
            name: name.to_owned(),
            selector: "app=db".to_owned(),
            container: "db".to_owned(),
            backup: words(backup),
            restore: words(restore),
            timeout_seconds: 60,
            ..BackupMethod::default()
        }
    }

    /// What the page shows, sent back as a browser sends it, is what stood: words with line breaks, and empty ones, too.
    #[test]
    fn round_trip() {
        let now = BackupMethods {
            revision: 1,
            methods: vec![
                method("plain", &["pg_dump", " --clean ", "shop"], &["psql", "shop"]),
                method("script", &["sh", "-c", "set -e\n\npg_dump shop\n"], &["psql"]),
                method("returns", &["sh", "-c", "a\r\nb"], &["psql"]),
                method("empty", &["tar", "-cf", "-", "."], &["tar", "", "-xf", "-"]),
                method("blank", &["printf", "  "], &["cat"]),
                BackupMethod {
                    name: "volumes".to_owned(),
                    kind: MethodKind::Volumes,
                    selector: "app=db".to_owned(),
                    snapshot_class: "fast".to_owned(),
                    ..BackupMethod::default()
                },
            ],
        };
        let mut form = HashMap::new();
        for (n, it) in now.methods.iter().map(Fields::of).enumerate() {
            let mut put = |field: &str, value: &str| {
                form.insert(format!("methods.{n}.{field}"), value.to_owned());
            };
            if let Some(kept) = &it.kept {
                put("kept", &kept.name);
                continue;
            }
            put("known", "true");
            put("name", &it.name);
            put("kind", it.kind.as_str());
            put("selector", &it.selector);
            put("snapshot_class", &it.snapshot_class);
            put("container", &it.container);
            put("backup", &it.backup);
            put("restore", &it.restore);
            put("timeout_seconds", &it.timeout_seconds);
        }
        let sent = (0..).map_while(|n| Fields::sent(&form, n, &now));
        assert_eq!(sent.map(|it| it.method()).collect::<Vec<_>>(), now.methods);
        // What was typed for the other kind is no part of a method.
        form.insert("methods.0.kind".to_owned(), "volumes".to_owned());
        let turned = Fields::sent(&form, 0, &now).unwrap().method();
        assert_eq!((turned.kind, turned.backup.len()), (MethodKind::Volumes, 0));
        // One that went meanwhile is not made anew.
        let none = BackupMethods { revision: 2, methods: Vec::new() };
        assert!(Fields::sent(&form, 1, &none).unwrap().is_blank());
    }
}

//! The pages: a file per page, its template beside it. A form's handler makes the same call into
//! `control` as the API does.
//!
//! This file holds what all pages share: what a handler is given ([`Ctx`]), the frame ([`Chrome`]),
//! and how a page fails ([`PageError`]).

pub(crate) mod adopt;
pub(crate) mod app;
pub(crate) mod app_backups;
pub(crate) mod app_settings;
pub(crate) mod app_values;
pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod backup_delete;
pub(crate) mod backup_restore;
pub(crate) mod backups;
pub(crate) mod batch;
pub(crate) mod batches;
pub(crate) mod cluster;
pub(crate) mod cluster_form;
pub(crate) mod cluster_rights;
pub(crate) mod clusters;
pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod deploy;
pub(crate) mod deployments;
pub(crate) mod domain;
pub(crate) mod domain_deploy;
pub(crate) mod domain_remove;
pub(crate) mod environment;
pub(crate) mod environment_account;
pub(crate) mod environments;
pub(crate) mod error;
pub(crate) mod find;
pub(crate) mod fleet_group;
mod form;
pub(crate) mod invitation;
pub(crate) mod new_app;
pub(crate) mod new_cluster;
pub(crate) mod new_environment;
pub(crate) mod new_invitation;
pub(crate) mod new_release;
pub(crate) mod op;
mod parts;
pub(crate) mod person;
pub(crate) mod person_remove;
pub(crate) mod release;
pub(crate) mod releases;
pub(crate) mod removal;
pub(crate) mod remove_environment;
pub(crate) mod roll_back;
pub(crate) mod sessions;
pub(crate) mod set_password;
pub(crate) mod set_up;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod sign_in_link;
pub(crate) mod team;
pub(crate) mod tokens;
pub(crate) mod why;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use control::account::Remote;
use control::rights::{Access, Subject};
use control::{Actor, Control};

pub(crate) use error::PageError;

use crate::auth::{Asker, SignedIn, cookie};
use crate::layers::Nonce;
use crate::problem::ProblemDetails;
use crate::state::AppState;
use crate::{assets, live};

/// What pages answer.
pub(crate) type PageAnswer = Result<Response, PageError>;

/// What a signed-in page's handler is given.
#[derive(Clone)]
pub(crate) struct Ctx {
    pub(crate) app: AppState,
    pub(crate) actor: Actor,
    pub(crate) path_and_query: String,
    /// Whether the page's event stream is asked for instead of the page.
    pub(crate) wants_stream: bool,
    /// What a reader who reconnects saw last.
    pub(crate) last_event_id: Option<String>,
    pub(crate) remote: Remote,
    nonce: String,
    session: Option<String>,
}

impl FromRequestParts<AppState> for Ctx {
    type Rejection = ProblemDetails;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ProblemDetails> {
        let SignedIn(actor) = SignedIn::from_request_parts(parts, app).await?;
        let Asker { remote, .. } = Asker::from_request_parts(parts, app).await?;
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            app: app.clone(),
            actor,
            path_and_query: parts
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            wants_stream: header(ACCEPT).is_some_and(|accept| accept.contains("text/event-stream")),
            last_event_id: live::last_event_id(&parts.headers).map(str::to_owned),
            nonce: nonce(parts),
            remote,
            session: cookie::read(&app.config, &parts.headers),
        })
    }
}

/// The random word of this answer.
pub(crate) fn nonce(parts: &Parts) -> String {
    parts.extensions.get::<Nonce>().map_or_else(String::new, |nonce| nonce.0.clone())
}

impl Ctx {
    /// The application.
    pub(crate) fn control(&self) -> &Control {
        &self.app.control
    }

    /// Whether the asker may change `subject`: pages offer only what would be allowed.
    pub(crate) fn may_write(&self, subject: Subject) -> bool {
        self.actor.may_write(subject)
    }

    /// The same, for the asker as they are now; none once the session has ended.
    pub(crate) async fn refreshed(mut self) -> Option<Self> {
        let session = self.session.as_deref()?;
        let actor = self.app.control.session_actor(session, &self.remote).await.ok()??;
        self.actor = actor;
        Some(self)
    }

    /// The frame of a page.
    pub(crate) async fn chrome(
        &self,
        section: Section,
        title: impl Into<String>,
    ) -> Result<Chrome, PageError> {
        let running = self.control().ops_running(&self.actor).await?;
        Ok(Chrome {
            title: title.into(),
            section,
            running,
            user: self.actor.name().to_owned(),
            role: self.actor.role().title(),
            sees_team: self.actor.access(Subject::Account) != Access::None,
            sees_audit: self.actor.access(Subject::Audit) != Access::None,
            nonce: self.nonce.clone(),
            key: crate::layers::random_word(),
            live_url: None,
            live_seen: String::new(),
        })
    }
}

/// Which part of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Environments,
    Releases,
    Deployments,
    Apps,
    Clusters,
    Team,
    Audit,
    Settings,
    /// None: errors, find.
    Other,
}

/// The frame of a page: navigation, title, who is signed in, where its live part comes from.
#[derive(Clone, Debug)]
pub(crate) struct Chrome {
    pub(crate) title: String,
    pub(crate) section: Section,
    /// Ops that run now.
    pub(crate) running: i64,
    pub(crate) user: String,
    pub(crate) role: &'static str,
    /// Whether there is a page Team for who is signed in.
    pub(crate) sees_team: bool,
    /// Whether there is an audit log for them.
    pub(crate) sees_audit: bool,
    pub(crate) nonce: String,
    /// A random word that makes a form's creating call act once.
    pub(crate) key: String,
    pub(crate) live_url: Option<String>,
    pub(crate) live_seen: String,
}

impl Chrome {
    /// The value of `aria-current` for a link of the navigation.
    pub(crate) fn current(&self, section: Section) -> &'static str {
        if self.section == section { r#" aria-current="page""# } else { "" }
    }

    /// The number of running Ops, as it replaces the one in the navigation.
    pub(crate) fn running_out_of_band(&self) -> String {
        format!(
            r#"<span id="running" hx-swap-oob="true"{}"#,
            &self.running_tag()["<span id=\"running\"".len()..]
        )
    }

    /// The number of running Ops in the navigation.
    pub(crate) fn running_tag(&self) -> String {
        match self.running {
            0 => r#"<span id="running"></span>"#.to_owned(),
            n => format!(
                r#"<span id="running" class="state busy small num" aria-label="{n} running">{n}</span>"#
            ),
        }
    }
}

/// Where the bundle is, for templates.
pub(crate) fn asset(entry: &str) -> String {
    assets::path(entry)
}

/// An icon, for templates.
pub(crate) fn icon(name: &str) -> &'static str {
    crate::view::icon::icon(name)
}

/// `GET /`
pub(crate) async fn home() -> Redirect {
    Redirect::to("/environments")
}

/// `GET /favicon.svg`
pub(crate) async fn favicon() -> impl IntoResponse {
    const ICON: &str = include_str!("../icons/favicon.svg");
    ([(CONTENT_TYPE, "image/svg+xml")], ICON)
}

//! How the data of an App's environments is backed up: the methods that the App declares.
//!
//! A method names commands and where they run, or the claims whose volumes are snapshotted; both by labels, since names of
//! objects differ from environment to environment. Whoever may write methods may run commands in every environment of the
//! App, production ones included.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings_store;
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::EnvironmentRow;
use crate::error::{Checks, Error, Problem};
use crate::names::HelmReleaseName;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::wake::Wake;

/// Methods of one App at most.
const METHODS: usize = 10;
/// Words of a command at most.
const WORDS: usize = 64;
/// Characters of one word at most; a script may be one.
const WORD_LONGEST: usize = 8192;
/// What stands for the environment's Helm release in labels.
const RELEASE: &str = "{release}";
/// A method's time, unless it says another one.
const TIMEOUT: i64 = 3600;

closed_set! {
    /// How a method gets at data.
    #[derive(Default)]
    pub enum MethodKind {
        /// Commands in a container write it out and read it in.
        #[default]
        Commands = "commands",
        /// The cluster snapshots the volumes of claims.
        Volumes = "volumes",
    }
}

/// How data is backed up and put back: by commands in a container, or by snapshots of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct BackupMethod {
    /// What it is called: `database`.
    pub name: String,
    /// How it gets at data; left out: by commands.
    pub kind: MethodKind,
    /// Labels as `kubectl -l` takes them, of the pod that commands run in, or of the `PersistentVolumeClaim`s whose volumes
    /// are snapshotted; `{release}` stands for the environment's Helm release.
    pub selector: String,
    /// Commands: the container; empty: the pod's own choice, else its first.
    pub container: String,
    /// Commands: the one whose standard output is the backup, word by word; no shell is between.
    pub backup: Vec<String>,
    /// Commands: the one that is given the backup as standard input. It may be run again after it was broken off.
    pub restore: Vec<String>,
    /// Volumes: the `VolumeSnapshotClass`; empty: the default one of the volumes' driver.
    pub snapshot_class: String,
    /// Seconds after which a command, the snapshots or a volume's way back are given up; 0: an hour.
    pub timeout_seconds: i64,
}

/// The methods of an App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupMethods {
    /// Counts changes, from 0.
    pub revision: i64,
    /// In the order in which they run.
    pub methods: Vec<BackupMethod>,
}

/// What an App's methods become.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ChangeMethods {
    /// All of them, in the order in which they run.
    pub methods: Vec<BackupMethod>,
    /// The revision that was looked at; another one is refused. None: whatever stands there.
    pub based_on: Option<i64>,
}

impl BackupMethod {
    /// The labels of the pod in one environment.
    pub(crate) fn selector_in(&self, environment: &EnvironmentRow) -> String {
        self.selector.replace(RELEASE, environment.release_name.as_str())
    }

    /// The snapshots' class, where one is named.
    pub(crate) fn snapshot_class(&self) -> Option<&str> {
        Some(self.snapshot_class.as_str()).filter(|name| !name.is_empty())
    }

    /// The container, where one is named.
    pub(crate) fn container(&self) -> Option<&str> {
        Some(self.container.as_str()).filter(|name| !name.is_empty())
    }

    /// How long either way may take.
    pub(crate) fn timeout(&self) -> std::time::Duration {
        let seconds = if self.timeout_seconds == 0 { TIMEOUT } else { self.timeout_seconds };
        std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }
}

impl Control {
    /// How the data of an App's environments is backed up.
    pub async fn app_backup_methods(
        &self,
        actor: &Actor,
        app: &str,
    ) -> Result<BackupMethods, Error> {
        let row = self.app_row(actor, app).await?;
        Ok(settings_store::methods(self.db().read(), row.id).await?)
    }

    /// Declares how the data of an App's environments is backed up. Takes the right to change what runs commands in all of
    /// them.
    pub async fn app_change_backup_methods(
        &self,
        actor: &Actor,
        app: &str,
        change: ChangeMethods,
    ) -> Result<BackupMethods, Error> {
        let row = self.app_row(actor, app).await?;
        let missing = || Error::not_found("App", app);
        actor.write(Subject::Infrastructure, "change backup methods of Apps", missing)?;
        let methods = checked(change.methods)?;
        let before = settings_store::methods(self.db().read(), row.id).await?;
        if change.based_on.is_some_and(|based_on| based_on != before.revision) {
            return Err(overtaken());
        }
        if before.methods == methods {
            return Ok(before);
        }
        let tx = self.db().begin().await?;
        if !settings_store::change_methods(&tx, row.id, before.revision, &methods).await? {
            return Err(overtaken());
        }
        audit::write(&tx, actor, act(&row, &before.methods, &methods)).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Apps).await;
        Ok(BackupMethods { revision: before.revision + 1, methods })
    }
}

fn act<'n>(row: &'n AppRow, old: &[BackupMethod], new: &[BackupMethod]) -> Act<'n> {
    Act {
        action: "app.change_backup_methods",
        kind: "app",
        id: row.id.to_string(),
        name: row.name.as_str(),
        old: serde_json::json!({ "methods": old }),
        new: serde_json::json!({ "methods": new }),
    }
}

fn overtaken() -> Error {
    Error::conflict(
        "Someone else has changed the backup methods in the meantime.",
        "Look at what stands there now, then save again.",
    )
}

/// Checks all methods; a problem's field is `methods.N.FIELD`.
fn checked(methods: Vec<BackupMethod>) -> Result<Vec<BackupMethod>, Error> {
    let mut checks = Checks::default();
    if methods.len() > METHODS {
        let message = format!("These are {} methods.", methods.len());
        checks.add(Problem::new("methods", message, format!("Use at most {METHODS}.")));
    }
    let mut trimmed: Vec<BackupMethod> = Vec::with_capacity(methods.len());
    for (n, method) in methods.into_iter().enumerate() {
        let method = BackupMethod {
            name: method.name.trim().to_owned(),
            selector: method.selector.trim().to_owned(),
            container: method.container.trim().to_owned(),
            snapshot_class: method.snapshot_class.trim().to_owned(),
            ..method
        };
        check(&mut checks, &format!("methods.{n}."), &method);
        if trimmed.iter().any(|known| known.name == method.name) {
            let message = format!("There are two methods `{}`.", method.name);
            checks.add(Problem::new(&format!("methods.{n}.name"), message, "Name each otherwise."));
        }
        trimmed.push(method);
    }
    checks.done()?;
    Ok(trimmed)
}

fn check(checks: &mut Checks, at: &str, method: &BackupMethod) {
    let mut problem = |field: &str, message: &str, remedy: &str| {
        checks.add(Problem::new(&format!("{at}{field}"), message, remedy));
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=40).contains(&method.name.len()) || !method.name.chars().all(plain) {
        problem("name", "This is not a method's name.", "Use 1 to 40 of a-z, 0-9 and `-`.");
    }
    check_selector(&mut problem, method);
    match method.kind {
        MethodKind::Commands => check_commands(&mut problem, method),
        MethodKind::Volumes => check_volumes(&mut problem, method),
    }
    if !(0..=86_400).contains(&method.timeout_seconds) {
        let remedy = "Use 1 to 86400 seconds, or 0 for an hour.";
        problem("timeout_seconds", "It cannot take so long.", remedy);
    }
}

fn check_selector(problem: &mut impl FnMut(&str, &str, &str), method: &BackupMethod) {
    let label = |c: char| c.is_ascii_alphanumeric() || "-_./=!,(){} ".contains(c);
    if method.selector.is_empty() {
        let (message, remedy) = match method.kind {
            MethodKind::Commands => (
                "Nothing says where the commands run.",
                "Name labels of the pod, such as app.kubernetes.io/instance={release},app.kubernetes.io/component=db.",
            ),
            MethodKind::Volumes => (
                "Nothing says whose volumes they are.",
                "Name labels of the PersistentVolumeClaims, such as app.kubernetes.io/instance={release}.",
            ),
        };
        problem("selector", message, remedy);
    } else if method.selector.len() > 500 || !method.selector.chars().all(label) {
        problem("selector", "These are not labels.", "Write them as `kubectl -l` takes them.");
    }
}

fn check_commands(problem: &mut impl FnMut(&str, &str, &str), method: &BackupMethod) {
    // A container's name and a release's have the same characters.
    if !method.container.is_empty() && method.container.parse::<HelmReleaseName>().is_err() {
        problem("container", "This is not a container's name.", "Use a-z, 0-9 and `-`.");
    }
    for (field, command) in [("backup", &method.backup), ("restore", &method.restore)] {
        if command.first().is_none_or(String::is_empty) {
            problem(field, "There is no command.", "Write its words, such as pg_dump and shop.");
        } else if command.len() > WORDS
            || command.iter().any(|word| word.len() > WORD_LONGEST || word.contains('\0'))
        {
            let remedy = "Use at most 64 words of at most 8,192 characters.";
            problem(field, "This command is too long.", remedy);
        }
    }
    if !method.snapshot_class.is_empty() {
        let remedy = "Leave it out, or let the kind of the method be volumes.";
        problem("snapshot_class", "Commands make no snapshots.", remedy);
    }
}

fn check_volumes(problem: &mut impl FnMut(&str, &str, &str), method: &BackupMethod) {
    let remedy = "Leave it out, or let the kind of the method be commands.";
    let commands = [
        ("container", method.container.is_empty()),
        ("backup", method.backup.is_empty()),
        ("restore", method.restore.is_empty()),
    ];
    for (field, _) in commands.into_iter().filter(|(_, is_empty)| !is_empty) {
        problem(field, "Volumes are snapshotted by the cluster: no command runs.", remedy);
    }
    let class = &method.snapshot_class;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if class.len() > 253 || !class.chars().all(plain) {
        let remedy = "Name a VolumeSnapshotClass: `kubectl get volumesnapshotclasses` lists them.";
        problem("snapshot_class", "This is not a class's name.", remedy);
    }
}

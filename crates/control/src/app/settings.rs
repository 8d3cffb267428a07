//! What an App decides for its deployments and Releases: masking, how long to wait, which Helm to be
//! like, which signatures its charts need.
//!
//! Settings are kept in numbered revisions of which only the newest stands; what changed is in the
//! audit log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::domains::{self, DomainSettings, DomainSettingsChange};
use super::keyring::{self, TrustedKey};
use super::store::{self, AppRow};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::objects::{Address, ObjectKind};
use crate::rights::Subject;
use crate::store::commit;
use crate::store::wake::Wake;
use crate::values::PathPattern;

/// How long a deployment may be told to wait, in seconds.
const WAIT_SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;
/// Patterns of one App at most, and characters of one.
const PATTERNS: usize = 200;
const PATTERN_LONGEST: usize = 300;

closed_set! {
    /// Which Helm's merging and rendering rules count.
    pub enum HelmMode {
        /// Helm 4.
        V4 = "4",
        /// Helm 3.
        V3 = "3",
    }
}

impl From<HelmMode> for helm::values::HelmMode {
    fn from(mode: HelmMode) -> Self {
        match mode {
            HelmMode::V4 => Self::V4,
            HelmMode::V3 => Self::V3,
        }
    }
}

closed_set! {
    /// Whether the charts of an App's Releases must be signed.
    pub enum ProvenancePolicy {
        /// Signatures are not looked at.
        Off = "off",
        /// Only charts that a key of the App's keyring signed become Releases.
        Required = "required",
    }
}

closed_set! {
    /// What becomes of the definitions of custom resources that charts bring in `crds/`.
    pub enum CrdPolicy {
        /// Nothing: somebody else sees to them.
        Skip = "skip",
        /// Those that do not exist are created; the others stay as they are.
        Create = "create",
        /// Those that exist are brought up to the chart's as well.
        CreateAndUpgrade = "create_and_upgrade",
    }
}

impl From<CrdPolicy> for rollout::crds::CrdPolicy {
    fn from(policy: CrdPolicy) -> Self {
        match policy {
            CrdPolicy::Skip => Self::Skip,
            CrdPolicy::Create => Self::Create,
            CrdPolicy::CreateAndUpgrade => Self::CreateAndUpgrade,
        }
    }
}

/// Settings of an App. Stored as JSON; a missing field has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AppSettings {
    /// Which Helm to be like: what `null` among values takes away differs.
    pub helm_mode: HelmMode,
    /// Paths of values that are masked wherever they are shown, such as `db.password` or
    /// `**.token`; `*` stands for one key, `**` for any number.
    pub masked_values: Vec<String>,
    /// Seconds to wait for objects to become ready.
    pub wait_seconds: u32,
    /// Whether Jobs must have completed, too.
    pub wait_for_jobs: bool,
    /// Whether a deployment has succeeded only when the chart's tests (`helm test`) pass.
    pub run_tests: bool,
    /// What becomes of the definitions of custom resources in charts.
    pub crds: CrdPolicy,
    /// Whether a deployment ends before its time is over if it cannot come up any more, as Helm's `--wait` does not.
    pub end_when_hopeless: bool,
    /// Whether charts must be signed.
    pub provenance: ProvenancePolicy,
    /// The keys of its keyring.
    pub trusted_keys: Vec<TrustedKey>,
    /// How custom domains reach its environments.
    pub domains: DomainSettings,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            helm_mode: HelmMode::V4,
            masked_values: Vec::new(),
            wait_seconds: 300,
            wait_for_jobs: false,
            run_tests: false,
            crds: CrdPolicy::Create,
            end_when_hopeless: false,
            provenance: ProvenancePolicy::Off,
            trusted_keys: Vec::new(),
            domains: DomainSettings::default(),
        }
    }
}

/// An App's settings with the revision that they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingsRevision {
    /// Counts up with every change; 0: they were never changed.
    pub revision: i64,
    /// The settings.
    #[serde(flatten)]
    pub settings: AppSettings,
}

/// What is to change; what is not given stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsChange {
    /// `4` or `3`.
    pub helm_mode: Option<String>,
    /// All patterns of masked values, instead of those there are.
    pub masked_values: Option<Vec<String>>,
    /// 1 to 86400.
    pub wait_seconds: Option<i64>,
    /// Whether Jobs must have completed, too.
    pub wait_for_jobs: Option<bool>,
    /// Whether a deployment has succeeded only when the chart's tests pass.
    pub run_tests: Option<bool>,
    /// `skip`, `create` or `create_and_upgrade`.
    pub crds: Option<String>,
    /// Whether a deployment ends as soon as it cannot come up any more.
    pub end_when_hopeless: Option<bool>,
    /// `off` or `required`.
    pub provenance: Option<String>,
    /// A keyring instead of the one there is: armored as `gpg --armor --export` prints it, or a binary
    /// one in base64. Empty: none.
    pub keyring: Option<String>,
    /// How custom domains reach its environments.
    pub domains: Option<DomainSettingsChange>,
    /// The revision that the form started from: if it is no longer the newest, nothing is saved
    /// (`If-Match`). None: change whatever stands there.
    #[serde(skip)]
    pub based_on: Option<i64>,
}

impl Control {
    /// An App's settings.
    pub async fn app_settings(&self, actor: &Actor, app: &str) -> Result<SettingsRevision, Error> {
        let row = self.app_row(actor, app).await?;
        Ok(SettingsRevision { revision: row.settings_revision, settings: row.settings })
    }

    /// Changes what is given of an App's settings; what changes nothing keeps the revision.
    ///
    /// Which signatures charts need, and what becomes of their definitions of custom resources, is for those who may
    /// change infrastructure.
    pub async fn app_change_settings(
        &self,
        actor: &Actor,
        app: &str,
        change: SettingsChange,
    ) -> Result<SettingsRevision, Error> {
        let row = self.app_row(actor, app).await?;
        let missing = || Error::not_found("App", app);
        actor.write(Subject::Apps, "change the settings of Apps", missing)?;
        if change.based_on.is_some_and(|based_on| based_on != row.settings_revision) {
            return Err(overtaken());
        }
        let changed = changed(&row, &change)?;
        let new_keyring = match changed.keyring {
            NewKeyring::Kept => false,
            NewKeyring::Removed => row.keyring.is_some(),
            NewKeyring::Given(_) => true,
        };
        if new_keyring || changed.settings.provenance != row.settings.provenance {
            actor.write(Subject::Infrastructure, "change which signatures charts need", missing)?;
        }
        if changed.settings.crds != row.settings.crds {
            let what = "change what becomes of custom resource definitions";
            actor.write(Subject::Infrastructure, what, missing)?;
        }
        let keyring = match &changed.keyring {
            NewKeyring::Kept => row.keyring.clone(),
            NewKeyring::Removed => None,
            NewKeyring::Given(bytes) => Some(self.objects().put(ObjectKind::Keyring, bytes).await?),
        };
        if changed.settings == row.settings && keyring == row.keyring {
            return Ok(SettingsRevision {
                revision: row.settings_revision,
                settings: row.settings,
            });
        }
        self.save_settings(actor, &row, changed.settings, keyring.as_ref()).await
    }

    async fn save_settings(
        &self,
        actor: &Actor,
        row: &AppRow,
        settings: AppSettings,
        keyring: Option<&Address>,
    ) -> Result<SettingsRevision, Error> {
        let based_on = row.settings_revision;
        let tx = self.db().begin().await?;
        if !store::change_settings(&tx, row.id, based_on, &settings, keyring).await? {
            return Err(overtaken());
        }
        let (old, new) = differences(row, &settings, keyring)?;
        let act = Act {
            action: "app.change_settings",
            kind: "app",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old,
            new,
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Apps).await;
        Ok(SettingsRevision { revision: based_on + 1, settings })
    }
}

fn overtaken() -> Error {
    Error::conflict(
        "Someone else has changed the settings in the meantime.",
        "Look at what stands there now, then save again.",
    )
}

/// Checks how long a deployment is told to wait.
pub(super) fn check_wait(seconds: i64) -> Result<u32, Problem> {
    let wrong = || {
        let message = "A deployment cannot wait so long.";
        Problem::new("wait_seconds", message, "Use 1 to 86400 seconds.")
    };
    let seconds = Some(seconds).filter(|seconds| WAIT_SECONDS.contains(seconds));
    seconds.and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(wrong)
}

/// What settings become, and the keyring with them.
struct Changed {
    settings: AppSettings,
    keyring: NewKeyring,
}

enum NewKeyring {
    Kept,
    Removed,
    Given(Vec<u8>),
}

/// Lays the chosen word over a setting; `problem` is told where it is none of the setting's words.
pub(super) fn choose<T: std::str::FromStr>(
    checks: &mut Checks,
    setting: &mut T,
    word: &str,
    problem: Problem,
) {
    match word.parse() {
        Ok(chosen) => *setting = chosen,
        Err(_) => checks.add(problem),
    }
}

/// Checks a change field by field and lays it over what stands.
fn changed(row: &AppRow, change: &SettingsChange) -> Result<Changed, Error> {
    let mut checks = Checks::default();
    let mut settings = row.settings.clone();
    let mut keyring = NewKeyring::Kept;
    if let Some(word) = &change.helm_mode {
        let message = format!("There is no Helm `{word}` to be like.");
        let problem = Problem::new("helm_mode", message, "Choose 4 or 3.");
        choose(&mut checks, &mut settings.helm_mode, word, problem);
    }
    if let Some(seconds) = change.wait_seconds {
        match check_wait(seconds) {
            Ok(seconds) => settings.wait_seconds = seconds,
            Err(problem) => checks.add(problem),
        }
    }
    settings.wait_for_jobs = change.wait_for_jobs.unwrap_or(settings.wait_for_jobs);
    settings.run_tests = change.run_tests.unwrap_or(settings.run_tests);
    settings.end_when_hopeless = change.end_when_hopeless.unwrap_or(settings.end_when_hopeless);
    if let Some(texts) = &change.masked_values {
        settings.masked_values =
            checks.take(masked_values(texts))?.unwrap_or(settings.masked_values);
    }
    if let Some(word) = &change.crds {
        let message = format!("`{word}` is not a rule for custom resource definitions.");
        let remedy = "Choose skip, create or create_and_upgrade.";
        let problem = Problem::new("crds", message, remedy);
        choose(&mut checks, &mut settings.crds, word, problem);
    }
    if let Some(word) = &change.provenance {
        let message = format!("`{word}` is not a rule for signatures.");
        let problem = Problem::new("provenance", message, "Choose off or required.");
        choose(&mut checks, &mut settings.provenance, word, problem);
    }
    if let Some(change) = &change.domains {
        domains::change(&mut checks, &mut settings.domains, change)?;
    }
    match change.keyring.as_deref().map(str::trim) {
        None => {}
        Some("") => {
            (settings.trusted_keys, keyring) = (Vec::new(), NewKeyring::Removed);
        }
        Some(text) => {
            if let Some(read) = checks.take(keyring::read(text))? {
                (settings.trusted_keys, keyring) = (read.keys, NewKeyring::Given(read.bytes));
            }
        }
    }
    checks.done()?;
    if settings.provenance == ProvenancePolicy::Required && settings.trusted_keys.is_empty() {
        let message = "Without a keyring no signature can be verified.";
        let remedy = "Give the public keys of those who sign the charts, or turn verification off.";
        return Err(Error::invalid("keyring", message, remedy));
    }
    Ok(Changed { settings, keyring })
}

/// Patterns as typed, blank ones left out and each once.
fn masked_values(texts: &[String]) -> Result<Vec<String>, Error> {
    const FIELD: &str = "masked_values";
    let mut checks = Checks::default();
    let mut patterns: Vec<String> = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if text.chars().count() > PATTERN_LONGEST {
            let short: String = text.chars().take(40).collect();
            let message = format!("The path that begins with `{short}` is too long.");
            let remedy = format!("Use at most {PATTERN_LONGEST} characters.");
            checks.add(Problem::new(FIELD, message, remedy));
        } else if let Err(why) = PathPattern::parse(text) {
            let remedy = "Write keys with dots between them, such as db.password or **.token.";
            let message = format!("`{text}` is not a path of values: {why}.");
            checks.add(Problem::new(FIELD, message, remedy));
        } else if !patterns.iter().any(|known| known == text) {
            patterns.push(text.to_owned());
        }
    }
    if patterns.len() > PATTERNS {
        let message = format!("These are {} paths.", patterns.len());
        let remedy = format!("Use at most {PATTERNS}; `*` and `**` stand for many.");
        checks.add(Problem::new(FIELD, message, remedy));
    }
    checks.done()?;
    Ok(patterns)
}

/// The fields that differ, as they were and as they are; of a keyring its keys.
fn differences(
    row: &AppRow,
    new: &AppSettings,
    keyring: Option<&Address>,
) -> Result<(serde_json::Value, serde_json::Value), Error> {
    let fields = |settings: &AppSettings| match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::internal("write settings as JSON", "they are no object")),
        Err(failed) => Err(Error::internal("write settings as JSON", failed)),
    };
    let (mut before, mut after) = (fields(&row.settings)?, fields(new)?);
    let new_keyring = row.keyring.as_ref() != keyring;
    before.retain(|name, value| {
        let same = after.get(name) == Some(value) && !(new_keyring && name == "trusted_keys");
        if same {
            after.remove(name);
        }
        !same
    });
    Ok((before.into(), after.into()))
}

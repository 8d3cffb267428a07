//! Where Helm keeps things, and which namespace counts: flags first, then Helm's environment
//! variables, then its defaults.

use std::env;
use std::path::{Path, PathBuf};

use goyaml::Value;

use super::flags::GlobalFlags;

/// The places and names one call works with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// repositories.yaml.
    pub(super) repository_config: PathBuf,
    /// The folder of downloaded indexes.
    pub(super) repository_cache: PathBuf,
    /// What `helm registry login` writes.
    pub(super) registry_config: PathBuf,
    /// What `docker login` writes.
    pub(super) docker_config: PathBuf,
}

impl Settings {
    pub(super) fn new(flags: &GlobalFlags) -> Self {
        let config = home("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
        let cache = home("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache");
        let place = |flag: &Option<PathBuf>, variable: &str, default: PathBuf| {
            flag.clone().or_else(|| set(variable).map(PathBuf::from)).unwrap_or(default)
        };
        Self {
            repository_config: place(
                &flags.repository_config,
                "HELM_REPOSITORY_CONFIG",
                config.join("repositories.yaml"),
            ),
            repository_cache: place(
                &flags.repository_cache,
                "HELM_REPOSITORY_CACHE",
                cache.join("repository"),
            ),
            registry_config: place(
                &flags.registry_config,
                "HELM_REGISTRY_CONFIG",
                config.join("registry/config.json"),
            ),
            docker_config: set("DOCKER_CONFIG")
                .map_or_else(
                    || Path::new(&env::var_os("HOME").unwrap_or_default()).join(".docker"),
                    PathBuf::from,
                )
                .join("config.json"),
        }
    }
}

/// The namespace: the flag's, the variable's, that of the current context, or `default`.
pub(super) fn namespace(flags: &GlobalFlags) -> String {
    let given = flags.namespace.clone().filter(|name| !name.is_empty());
    given
        .or_else(|| set("HELM_NAMESPACE"))
        .or_else(|| of_context(flags))
        .unwrap_or_else(|| "default".to_owned())
}

/// The namespace of the current context of the kubeconfig. Of several files the first word counts.
fn of_context(flags: &GlobalFlags) -> Option<String> {
    let files: Vec<PathBuf> = match (&flags.kubeconfig, env::var_os("KUBECONFIG")) {
        (Some(file), _) => vec![file.clone()],
        (None, Some(list)) if !list.is_empty() => env::split_paths(&list).collect(),
        _ => vec![Path::new(&env::var_os("HOME")?).join(".kube/config")],
    };
    let configs: Vec<Value> = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .filter_map(|text| goyaml::parse(&text).ok())
        .collect();
    let wanted = flags
        .kube_context
        .clone()
        .or_else(|| set("HELM_KUBECONTEXT"))
        .or_else(|| configs.iter().find_map(|config| text(config, &["current-context"])))?;
    let contexts = configs
        .iter()
        .filter_map(|config| config.get("contexts").and_then(Value::as_seq))
        .flatten();
    let context = contexts.into_iter().find(|c| text(c, &["name"]).as_ref() == Some(&wanted))?;
    text(context, &["context", "namespace"])
}

fn text(value: &Value, path: &[&str]) -> Option<String> {
    value.get_path(path)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// One of Helm's homes: its own variable, a folder in the desktop's, a folder below the user's.
fn home(variable: &str, desktop: &str, below_home: &str) -> PathBuf {
    if let Some(place) = set(variable) {
        return place.into();
    }
    let base = set(desktop).map_or_else(
        || Path::new(&env::var_os("HOME").unwrap_or_default()).join(below_home),
        PathBuf::from,
    );
    base.join("helm")
}

/// The keyring that GnuPG keeps: of earlier versions where there is one, else the keybox of today.
pub(super) fn gnupg_keyring() -> PathBuf {
    let folder = env::var_os("GNUPGHOME").map_or_else(
        || Path::new(&env::var_os("HOME").unwrap_or_default()).join(".gnupg"),
        PathBuf::from,
    );
    let (old, keybox) = (folder.join("pubring.gpg"), folder.join("pubring.kbx"));
    if !old.exists() && keybox.exists() { keybox } else { old }
}

/// `SOURCE_DATE_EPOCH`: the time files of archives bear, where one is set.
pub(super) fn source_date() -> anyhow::Result<Option<jiff::Timestamp>> {
    let Some(text) = set("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let invalid = |why: String| anyhow::anyhow!("invalid SOURCE_DATE_EPOCH: {why}");
    let seconds: i64 = text
        .parse()
        .map_err(|_| invalid(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?;
    if seconds < 0 {
        return Err(invalid("must not be negative".into()));
    }
    let time = jiff::Timestamp::from_second(seconds);
    time.map(Some).map_err(|error| invalid(error.to_string()))
}

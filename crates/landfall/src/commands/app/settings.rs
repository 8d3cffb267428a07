//! `landfall app settings …`: how Apps are deployed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::OneArgs;
use crate::client::understood;
use crate::input;
use crate::output::{self, Format};

/// What can be done with settings.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show the settings of an App
    Show(OneArgs),
    /// Change settings of an App; what is not named stays
    Set(Box<SetArgs>),
}

/// What changes.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    one: OneArgs,

    /// Which Helm's rules for values count: 4 or 3
    #[arg(long, value_name = "VERSION")]
    helm: Option<String>,

    /// Seconds after which a deployment that does not come up has failed
    #[arg(long, value_name = "SECONDS")]
    wait: Option<i64>,

    /// Whether Jobs must have completed, too
    #[arg(long, value_name = "true|false")]
    wait_for_jobs: Option<bool>,

    /// Whether a deployment has succeeded only when the chart's tests pass
    #[arg(long, value_name = "true|false")]
    run_tests: Option<bool>,

    /// Custom resource definitions in charts: skip, create or `create_and_upgrade`
    #[arg(long, value_name = "RULE")]
    crds: Option<String>,

    /// Whether a deployment ends as soon as it cannot come up any more
    #[arg(long, value_name = "true|false")]
    end_when_hopeless: Option<bool>,

    /// Path of a secret value, such as db.password or **.token; may be repeated, replaces all there are
    #[arg(long, value_name = "PATH", conflicts_with = "mask_none")]
    mask: Vec<String>,

    /// Mask no values any more
    #[arg(long)]
    mask_none: bool,

    /// Whether only signed charts become releases: off or required
    #[arg(long, value_name = "RULE")]
    provenance: Option<String>,

    /// File with the public keys that are trusted, armored or binary
    #[arg(long, value_name = "FILE", conflicts_with = "no_keyring")]
    keyring: Option<PathBuf>,

    /// Trust no keys any more
    #[arg(long)]
    no_keyring: bool,

    /// File with the template of domain values, YAML with `{{ host }}`, `{{ tls_secret }}`, `{{ issuer }}` …; an empty
    /// one: no custom domains
    #[arg(long, value_name = "FILE")]
    domain_template: Option<PathBuf>,

    /// Host of an environment without a custom domain, such as '{{ environment }}.example.com'; empty: the chart's own
    #[arg(long, value_name = "PATTERN")]
    default_host: Option<String>,

    /// Name of cert-manager's issuer of certificates for custom domains; empty: they are uploaded
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,

    /// Its kind: `cluster_issuer` or `issuer`
    #[arg(long, value_name = "KIND")]
    issuer_kind: Option<String>,

    /// Where the ingress of its environments is: a host name or IP addresses; empty: as their Ingress objects say
    #[arg(long, value_name = "ADDRESS")]
    ingress_address: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Settings {
    helm_mode: String,
    wait_seconds: u32,
    wait_for_jobs: bool,
    run_tests: bool,
    crds: String,
    end_when_hopeless: bool,
    masked_values: Vec<String>,
    provenance: String,
    trusted_keys: Vec<Key>,
    #[serde(default)]
    domains: Domains,
}

#[derive(Debug, Default, Deserialize)]
struct Domains {
    template: String,
    default_host: String,
    issuer: String,
    issuer_kind: String,
    address: String,
}

#[derive(Debug, Deserialize)]
struct Key {
    names: Vec<String>,
    fingerprint: String,
}

/// Carries the command out.
pub(super) async fn run(command: SettingsCommand) -> Result<ExitCode> {
    let (args, settings) = match command {
        SettingsCommand::Show(args) => {
            let settings = args.server.client()?.get(&path(&args.app)).await?;
            (args, settings)
        }
        SettingsCommand::Set(args) => {
            let change = change(&args)?;
            let settings = args.one.server.client()?.patch(&path(&args.one.app), &change).await?;
            (args.one, settings)
        }
    };
    print(args.output, &settings)?;
    Ok(ExitCode::SUCCESS)
}

fn path(app: &str) -> String {
    super::path(app, "settings")
}

/// What the arguments change, as the API takes it.
fn change(args: &SetArgs) -> Result<Value> {
    let mut change = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        change.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("helm_mode", args.helm.clone().map(Value::from));
    put("wait_seconds", args.wait.map(Value::from));
    put("wait_for_jobs", args.wait_for_jobs.map(Value::from));
    put("run_tests", args.run_tests.map(Value::from));
    put("crds", args.crds.clone().map(Value::from));
    put("end_when_hopeless", args.end_when_hopeless.map(Value::from));
    put("masked_values", (args.mask_none || !args.mask.is_empty()).then(|| json!(args.mask)));
    put("provenance", args.provenance.clone().map(Value::from));
    let keyring = args.keyring.as_deref().map(input::base64).transpose()?;
    put("keyring", keyring.or(args.no_keyring.then(String::new)).map(Value::from));
    let domains = domains(args)?;
    if !domains.is_empty() {
        change.insert("domains".to_owned(), domains.into());
    }
    if change.is_empty() {
        bail!("nothing to change: name a setting, such as --wait 600");
    }
    Ok(change.into())
}

/// What the arguments change of custom domains.
fn domains(args: &SetArgs) -> Result<Map<String, Value>> {
    let template = args.domain_template.as_deref().map(input::text).transpose()?;
    let given = [
        ("template", template.as_ref()),
        ("default_host", args.default_host.as_ref()),
        ("issuer", args.issuer.as_ref()),
        ("issuer_kind", args.issuer_kind.as_ref()),
        ("address", args.ingress_address.as_ref()),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(given.map(|(name, value)| (name.to_owned(), Value::from(value.clone()))).collect())
}

fn print(format: Format, settings: &Value) -> Result<()> {
    let read: Settings = understood(settings)?;
    output::print(format, settings, &["setting", "value"], |_| {
        let key = |key: Key| format!("{} {}", key.fingerprint, key.names.join(", "));
        let keys: Vec<String> = read.trusted_keys.into_iter().map(key).collect();
        let listed = |all: Vec<String>| {
            if all.is_empty() { "–".to_owned() } else { all.join("\n") }
        };
        let or_dash = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
        let rows = [
            ("helm", read.helm_mode),
            ("wait", format!("{} s", read.wait_seconds)),
            ("wait for jobs", read.wait_for_jobs.to_string()),
            ("run tests", read.run_tests.to_string()),
            ("crds", read.crds),
            ("end when hopeless", read.end_when_hopeless.to_string()),
            ("masked values", listed(read.masked_values)),
            ("provenance", read.provenance),
            ("trusted keys", listed(keys)),
            ("domain template", or_dash(read.domains.template.trim_end())),
            ("default host", or_dash(&read.domains.default_host)),
            ("issuer", or_dash(&read.domains.issuer)),
            ("issuer kind", or_dash(&read.domains.issuer_kind)),
            ("ingress address", or_dash(&read.domains.address)),
        ];
        rows.map(|(name, value)| vec![name.to_owned(), value]).to_vec()
    })
}

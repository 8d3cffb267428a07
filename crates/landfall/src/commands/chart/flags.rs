//! Groups of flags that several commands share, under Helm's names.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use goyaml::Value;
use helm::registry::Credentials;
use helm::values::{HelmMode, Overrides, ValuesFile};

use super::fetch::Fetcher;
use super::settings;
use super::words::go_words;

/// What every command of Helm takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct GlobalFlags {
    /// Namespace of the release
    #[arg(short, long)]
    pub(super) namespace: Option<String>,
    /// Say more
    #[arg(long)]
    pub(super) debug: bool,
    /// File with names and addresses of repositories
    #[arg(long, value_name = "FILE")]
    pub(super) repository_config: Option<PathBuf>,
    /// Folder of downloaded indexes of repositories
    #[arg(long, value_name = "FOLDER")]
    pub(super) repository_cache: Option<PathBuf>,
    /// File with logins to registries, before that of Docker
    #[arg(long, value_name = "FILE")]
    pub(super) registry_config: Option<PathBuf>,
    /// Kubeconfig, of which only the namespace counts here
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Context in it
    #[arg(long, value_name = "NAME")]
    pub(super) kube_context: Option<String>,
    #[command(flatten)]
    without_meaning: WithoutMeaning,
}

/// Flags of Helm that change nothing here, as they are about clusters, or about files that these
/// commands neither read nor write; scripts may give them.
#[derive(Clone, Debug, Default, clap::Args)]
struct WithoutMeaning {
    #[arg(long, hide = true)]
    burst_limit: Option<String>,
    #[arg(long, hide = true)]
    qps: Option<String>,
    #[arg(long, hide = true)]
    content_cache: Option<String>,
    #[arg(long, hide = true, alias = "colour")]
    color: Option<String>,
    #[arg(long, hide = true)]
    kube_apiserver: Option<String>,
    #[arg(long, hide = true)]
    kube_as_group: Vec<String>,
    #[arg(long, hide = true)]
    kube_as_user: Option<String>,
    #[arg(long, hide = true)]
    kube_ca_file: Option<String>,
    #[arg(long, hide = true)]
    kube_insecure_skip_tls_verify: bool,
    #[arg(long, hide = true)]
    kube_tls_server_name: Option<String>,
    #[arg(long, hide = true)]
    kube_token: Option<String>,
}

/// Values for a chart.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ValuesFlags {
    /// Values from a YAML file or an address; `-` reads standard input (may be repeated)
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    values: Vec<String>,
    /// Set values: key1=val1,key2=val2 (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS", allow_hyphen_values = true)]
    set: Vec<String>,
    /// Set values that stay texts (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS", allow_hyphen_values = true)]
    set_string: Vec<String>,
    /// Set values to the contents of files: key1=path1,key2=path2 (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS", allow_hyphen_values = true)]
    set_file: Vec<String>,
    /// Set values from JSON: key1=json1,key2=json2, or an object (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS", allow_hyphen_values = true)]
    set_json: Vec<String>,
    /// Set one value to a literal text (may be repeated)
    #[arg(long, value_name = "ASSIGNMENT", allow_hyphen_values = true)]
    set_literal: Vec<String>,
}

impl ValuesFlags {
    /// Joins everything the flags say.
    pub(super) fn merge(&self) -> Result<Value> {
        let files = self.values.iter().map(|name| read(name)).collect::<Result<_>>()?;
        let overrides = Overrides {
            files,
            set_json: self.set_json.clone(),
            set: self.set.clone(),
            set_string: self.set_string.clone(),
            set_file: self.set_file.clone(),
            set_literal: self.set_literal.clone(),
        };
        let merged = overrides.merge(HelmMode::V4, &mut |path| std::fs::read_to_string(path))?;
        Ok(merged)
    }
}

/// Reads what one `-f` names: a file, standard input (`-`) or an address.
fn read(name: &str) -> Result<ValuesFile> {
    let bytes = if name.trim() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        bytes
    } else if name.starts_with("http://") || name.starts_with("https://") {
        Fetcher::new(&ConnectionFlags::default()).file(name)?
    } else {
        std::fs::read(name).map_err(|error| anyhow!("open {name}: {}", go_words(&error)))?
    };
    Ok(ValuesFile { name: name.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// How repositories and registries are reached.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ConnectionFlags {
    /// User at the repository
    #[arg(long, value_name = "NAME")]
    pub(super) username: Option<String>,
    /// Password at the repository
    #[arg(long, value_name = "PASSWORD")]
    pub(super) password: Option<String>,
    /// Send them to other hosts, too, that the repository names
    #[arg(long)]
    pub(super) pass_credentials: bool,
    /// Trust the authorities in this file alone
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Certificate to sign in with
    #[arg(long, value_name = "FILE")]
    pub(super) cert_file: Option<PathBuf>,
    /// Key of that certificate
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Believe any certificate
    #[arg(long)]
    pub(super) insecure_skip_tls_verify: bool,
    /// Speak to registries without TLS
    #[arg(long)]
    pub(super) plain_http: bool,
}

impl ConnectionFlags {
    /// User and password; as in Helm neither counts without the other.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let given = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
        let (username, password) = (given(&self.username)?, given(&self.password)?);
        Some(Credentials { username, password })
    }
}

/// Whether the signature of an archive is checked, and against whose keys.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct VerifyFlags {
    /// Check the archive's signature before using it
    #[arg(long)]
    pub(super) verify: bool,
    #[command(flatten)]
    pub(super) keyring: KeyringFlag,
}

/// Where OpenPGP keys are.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct KeyringFlag {
    /// File of keys; that of GnuPG without it
    #[arg(long, value_name = "FILE")]
    keyring: Option<String>,
}

impl KeyringFlag {
    /// The file.
    pub(super) fn file(&self) -> PathBuf {
        self.keyring.as_ref().map_or_else(settings::gnupg_keyring, PathBuf::from)
    }
}

/// Which chart is meant, beside its name.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct LocationFlags {
    /// Version of the chart, or a constraint; the newest release without it
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub(super) version: String,
    /// Allow pre-releases where no version is given
    #[arg(long)]
    pub(super) devel: bool,
    /// Address of the repository that has the chart
    #[arg(long, value_name = "URL")]
    pub(super) repo: Option<String>,
    #[command(flatten)]
    pub(super) verify: VerifyFlags,
    #[command(flatten)]
    pub(super) connection: ConnectionFlags,
}

impl LocationFlags {
    /// The repository the chart is in, where one is given.
    pub(super) fn repository(&self) -> Option<&str> {
        self.repo.as_deref().filter(|address| !address.is_empty())
    }

    /// The version that is wanted.
    pub(super) fn wanted(&self) -> &str {
        match self.version.trim() {
            "" if self.devel => ">0.0.0-0",
            version => version,
        }
    }
}

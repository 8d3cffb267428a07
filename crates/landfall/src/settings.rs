//! Settings of a process: where it stores things, which `serve` and `admin` have in common, and the file that flags can be
//! written in.
//!
//! A file gives defaults: an environment variable beats it, and a flag beats both. Its keys are the names of the flags of
//! `serve`; what no flag is called by is refused, with its place and the nearest name.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgAction, Args, Command};
use control::{Config, Database, Limits, ObjectPlace, OutboundPolicy, WorkerSettings};
use secrecy::SecretString;
use toml::de::{DeTable, DeValue};

use crate::commands::serve;

/// Where Landfall keeps what it knows.
#[derive(Debug, clap::Args)]
pub(crate) struct StorageArgs {
    /// File with settings, in TOML: the names of these flags, without the dashes. A flag beats an environment variable, and
    /// that beats the file
    #[arg(long, env = "LANDFALL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Folder for the database, the objects, the key and simulated clusters [default: ~/.local/share/landfall]
    #[arg(long, env = "LANDFALL_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// Address of a PostgreSQL to use instead of a SQLite file, beginning with postgres://
    #[arg(long, env = "LANDFALL_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,

    /// Where objects are kept: a folder, or `s3://BUCKET/PREFIX?endpoint=URL&region=REGION` with credentials from
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` [default: `objects` in the data folder]
    #[arg(long, env = "LANDFALL_OBJECTS", value_name = "PLACE")]
    objects: Option<ObjectPlace>,

    /// File with the key that encrypts what is stored; made on first run [default: `key` in the data folder]
    #[arg(long, env = "LANDFALL_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl StorageArgs {
    /// The data folder.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        match &self.data {
            Some(folder) => Ok(folder.clone()),
            None => default_data(),
        }
    }

    /// Whether the database is PostgreSQL.
    pub(crate) fn on_postgres(&self) -> bool {
        self.database_url.is_some()
    }

    /// The configuration of a process that only stores.
    pub(crate) fn config(&self, data: &Path) -> Config {
        Config {
            database: match &self.database_url {
                Some(url) => Database::Postgres(url.clone()),
                None => Database::Sqlite(data.join("landfall.db")),
            },
            objects: self.objects.clone().unwrap_or_else(|| data.join("objects").into()),
            key_file: self.key_file.clone().unwrap_or_else(|| data.join("key")),
            outbound: OutboundPolicy::default(),
            workers: WorkerSettings::default(),
            limits: Limits::default(),
            simulated: None,
            in_cluster: None,
            dns_server: None,
        }
    }
}

/// Makes the data folder where it is not there: its owner's alone, since the database in it is not encrypted as a whole.
pub(crate) fn make_data_folder(data: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("could not make the data folder {}", data.display()))
}

fn default_data() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    base.map(|base| base.join("landfall"))
        .context("there is no home folder to keep data in; name a folder with --data")
}

/// A setting as the file has it.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    name: String,
    values: Vec<String>,
    line: usize,
}

/// The arguments of this process once more, with what the settings file says for those that neither the command line nor the
/// environment gives. `below` is the command, as words after `landfall`.
pub(crate) fn with_file<T: Args>(
    args: T,
    file: impl Fn(&T) -> Option<&Path>,
    below: &str,
) -> Result<T> {
    let Some(path) = file(&args) else { return Ok(args) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the settings file {}", path.display()))?;
    let settings = read(path, &text)?;
    let words = below.split(' ').count();
    let given = std::env::args_os().skip(1 + words);
    let name = format!("landfall {below}");
    let mut command = T::augment_args(Command::new(name).no_binary_name(true));
    for setting in settings {
        let known = long(&command, &setting.name).map(|arg| arg.get_id().clone());
        // Another command's settings may stand in the same file.
        if let Some(id) = known {
            command = command.mut_arg(id, |arg| arg.default_values(setting.values));
        }
    }
    let matches = command.try_get_matches_from(given).unwrap_or_else(|error| error.exit());
    Ok(T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// Reads a file and holds every setting against the flags of `serve`, which has all of them.
fn read(path: &Path, text: &str) -> Result<Vec<Setting>> {
    let all = serve::Args::augment_args(Command::new("serve").no_binary_name(true));
    let line = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let at = |line: usize| format!("{}:{line}", path.display());
    let table = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or(1, |span| line(span.start));
        anyhow!("{}: {}", at(place), error.message())
    })?;
    let mut settings = Vec::new();
    for (key, value) in table.get_ref() {
        let (name, line) = (key.get_ref().to_string(), line(key.span().start));
        let Some(arg) = long(&all, &name).filter(|_| name != "config") else {
            bail!("{}: there is no setting `{name}`{}", at(line), nearest(&all, &name));
        };
        let Some(values) = values(value.get_ref()) else {
            bail!(
                "{}: `{name}` is neither a text, a number, true or false, nor a list of these",
                at(line)
            );
        };
        if values.len() != 1 && !matches!(arg.get_action(), ArgAction::Append) {
            bail!("{}: `{name}` takes one value, not a list", at(line));
        }
        check(&all, arg, &values).with_context(|| format!("{}: `{name}`", at(line)))?;
        settings.push(Setting { name, values, line });
    }
    settings.sort_by_key(|setting| setting.line);
    Ok(settings)
}

/// The argument of a flag.
fn long<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn nearest(command: &Command, name: &str) -> String {
    let flags = command.get_arguments().filter_map(Arg::get_long).filter(|flag| *flag != "config");
    let near = flags.map(|flag| (strsim::damerau_levenshtein(flag, name), flag)).min();
    match near {
        Some((distance, flag)) if distance <= 3 => format!("; did you mean `{flag}`?"),
        _ => "; `landfall serve --help` lists them".to_owned(),
    }
}

/// A value as texts; none where it is no value of a flag.
fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    };
    match value {
        DeValue::Array(list) => list.iter().map(|value| one(value.get_ref())).collect(),
        other => one(other).map(|value| vec![value]),
    }
}

/// Whether the flag takes these values: clap's own words where it does not.
fn check(command: &Command, arg: &Arg, values: &[String]) -> Result<()> {
    let alone = arg.clone().env(None::<&str>).default_values(values.to_vec());
    let tried = Command::new(command.get_name().to_owned()).no_binary_name(true).arg(alone);
    let Err(error) = tried.try_get_matches_from(std::iter::empty::<&str>()) else { return Ok(()) };
    let words = error.to_string();
    let first = words.lines().next().unwrap_or_default();
    bail!("{}", first.strip_prefix("error: ").unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Setting>> {
        super::read(Path::new("landfall.toml"), text)
    }

    /// Texts, numbers, truths and lists, under the names of flags.
    #[test]
    fn settings() {
        let text = "# Ours\nlisten = \"127.0.0.1:9090\"\nworkers = 4\nplain-http = true\n\
                    trusted-proxy = [\"10.0.0.1\", \"10.0.0.2\"]\n";
        let read: Vec<String> = read(text)
            .unwrap()
            .into_iter()
            .map(|it| format!("{}: {} = {}", it.line, it.name, it.values.join(" ")))
            .collect();
        insta::assert_snapshot!(read.join("\n"), @r"
        2: listen = 127.0.0.1:9090
        3: workers = 4
        4: plain-http = true
        5: trusted-proxy = 10.0.0.1 10.0.0.2
        ");
    }

    /// Each refusal names the place, and what to write where that is near.
    #[test]
    fn refusals() {
        let texts = [
            "lisen = \"127.0.0.1:9090\"\n",
            "\nqueue-colour = \"red\"\n",
            "workers = 4\nlisten = \"here\"\n",
            "listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n",
            "[server]\nlisten = \"127.0.0.1:1\"\n",
            "workers = \n",
            "config = \"other.toml\"\n",
            "role = \"boss\"\n",
        ];
        let refused = texts.map(|text| format!("{:#}", read(text).unwrap_err()));
        insta::assert_snapshot!(refused.join("\n"), @r"
        landfall.toml:1: there is no setting `lisen`; did you mean `listen`?
        landfall.toml:2: there is no setting `queue-colour`; `landfall serve --help` lists them
        landfall.toml:2: `listen`: invalid value 'here' for '--listen <ADDRESS>': invalid socket address syntax
        landfall.toml:1: `listen` takes one value, not a list
        landfall.toml:1: there is no setting `server`; `landfall serve --help` lists them
        landfall.toml:1: string values must be quoted, expected literal string
        landfall.toml:1: there is no setting `config`; `landfall serve --help` lists them
        landfall.toml:1: `role`: invalid value 'boss' for '--role <ROLE>'
        ");
    }

    const PAGE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    const FROM: &str = "cargo test -p landfall --bin landfall settings` -->\n";
    const TO: &str = "<!-- end of settings -->";

    /// All settings as the manual lists them.
    fn table() -> String {
        let mut rows = vec!["| key and flag | variable | default | what |".to_owned()];
        rows.push("| --- | --- | --- | --- |".to_owned());
        let all = serve::Args::augment_args(Command::new("serve"));
        for arg in all.get_arguments().filter(|arg| arg.get_long().is_some()) {
            let flag = arg.get_long().unwrap();
            let variable = arg.get_env().expect("every setting has a variable").to_string_lossy();
            assert_eq!(variable, format!("LANDFALL_{}", flag.to_uppercase().replace('-', "_")));
            let help = arg.get_help().expect("every setting is explained").to_string();
            let (what, told) = match help.split_once(" [default: ") {
                Some((what, default)) => (what, default.trim_end_matches(']').to_owned()),
                None => (help.as_str(), String::new()),
            };
            let switch = matches!(arg.get_action(), ArgAction::SetTrue);
            let given: Vec<String> = arg
                .get_default_values()
                .iter()
                .map(|value| format!("`{}`", value.to_string_lossy()))
                .collect();
            let default = if switch { "`false`".to_owned() } else { given.join(", ") + &told };
            let words: Vec<String> = arg
                .get_possible_values()
                .iter()
                .filter(|_| !switch)
                .map(|value| format!("`{}`", value.get_name()))
                .collect();
            let words =
                if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
            let what = what.replace(['<', '>'], "`");
            rows.push(format!("| `{flag}` | `{variable}` | {default} | {what}{words} |"));
        }
        rows.join("\n") + "\n"
    }

    /// The manual's page lists every setting, with its default, as it is.
    #[test]
    fn manual() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(FROM).expect("the page has a place for settings");
        let (told, after) = rest.split_once(TO).expect("the place has an end");
        if std::env::var_os("LANDFALL_WRITE_MANUAL").is_some() {
            std::fs::write(PAGE, format!("{before}{FROM}{}{TO}{after}", table())).unwrap();
            return;
        }
        assert_eq!(told, table(), "set LANDFALL_WRITE_MANUAL=1 to write the page anew");
    }
}

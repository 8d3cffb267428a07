//! `landfall domain …`: custom domains of App Environments.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, ServerArgs, environment_path, part, understood};
use crate::commands::deploy::{self, OnFailure};
use crate::commands::op::StartArgs;
use crate::commands::preview;
use crate::input;
use crate::output::{self, Format};

/// What can be done with custom domains.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add a domain to an App Environment, and tell which DNS records to make; nothing changes yet
    Add(AddArgs),
    /// Show what an App Environment answers on, and its domains
    Show(ShowArgs),
    /// Look a domain's DNS records up; succeeds only if the one is there that proves it
    Check(OneArgs),
    /// Use a certificate of your own for a domain, from its next deployment on
    Certificate(CertificateArgs),
    /// Make an App Environment answer on a domain that is proved
    Deploy(DeployArgs),
    /// Make an App Environment answer on its default host again
    Reset(ResetArgs),
    /// Take a domain from an App Environment, which must not answer on it
    Remove(OneArgs),
    /// Set where an App Environment's ingress is, for DNS records to point to
    Address(AddressArgs),
}

/// Which domain to add.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    show: ShowArgs,

    /// The host, in any script: shop.example.com
    host: String,
}

/// Whose domains.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Which domain.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    show: ShowArgs,

    /// Its host; may be left out where the environment has one domain
    host: Option<String>,
}

/// Which certificate.
#[derive(Debug, clap::Args)]
pub(crate) struct CertificateArgs {
    #[command(flatten)]
    one: OneArgs,

    /// File with the certificate and those that lead to its authority, in PEM
    #[arg(long, value_name = "FILE", requires = "key", required_unless_present = "issuer")]
    cert: Option<PathBuf>,

    /// File with its private key, in PEM, without a passphrase
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Go back to the App's issuer
    #[arg(long, conflicts_with_all = ["cert", "key"])]
    issuer: bool,
}

const AFTER: &str =
    "With --preview the command succeeds only if the cluster would accept all of it.";

/// How it is deployed.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Show what would change, and change nothing
    #[arg(long)]
    preview: bool,

    /// What happens if it fails [default: leave for sandbox environments, roll-back for production]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,

    /// Take over fields that other managers own: what they set there is overruled
    #[arg(long)]
    force_conflicts: bool,

    #[command(flatten)]
    start: StartArgs,
}

/// Which domain to deploy.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// Its host; may be left out where the environment has one domain
    host: Option<String>,

    #[command(flatten)]
    how: How,
}

/// Which environment to reset.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    #[command(flatten)]
    how: How,
}

/// Where the ingress is.
#[derive(Debug, clap::Args)]
pub(crate) struct AddressArgs {
    #[command(flatten)]
    show: ShowArgs,

    /// A host name, or IP addresses with commas between them; left out: as the App or the cluster says
    #[arg(default_value = "", hide_default_value = true)]
    address: String,
}

#[derive(Debug, Deserialize)]
struct Domains {
    answers_on: Option<String>,
    default_host: Option<String>,
    domains: Vec<Domain>,
}

#[derive(Debug, Deserialize)]
struct Domain {
    host: String,
    unicode: String,
    state: String,
    records: Vec<Record>,
    belongs_to: Option<String>,
    tls: String,
    certificate: Option<Certificate>,
    issuance: Option<Seen>,
}

#[derive(Debug, Deserialize)]
struct Record {
    kind: String,
    name: String,
    expected: Vec<String>,
    found: Vec<String>,
    state: String,
    note: String,
}

#[derive(Debug, Deserialize)]
struct Certificate {
    issuer: String,
    expires_at: jiff::Timestamp,
}

#[derive(Debug, Deserialize)]
struct Seen {
    found: Option<Issuance>,
}

#[derive(Debug, Deserialize)]
struct Issuance {
    ready: Option<bool>,
    message: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Add(args) => add(args).await,
        Command::Show(args) => show(args).await,
        Command::Check(args) => check(args).await,
        Command::Certificate(args) => certificate(args).await,
        Command::Deploy(args) => deploy(args).await,
        Command::Reset(args) => reset(args).await,
        Command::Remove(args) => remove(args).await,
        Command::Address(args) => address(args).await,
    }
}

fn all_path(environment: &str) -> String {
    format!("{}/domains", environment_path(environment))
}

/// The address of a domain: the one that is named, or the only one there is.
async fn one_path(client: &Client, environment: &str, host: Option<&str>) -> Result<String> {
    let all = all_path(environment);
    if let Some(host) = host {
        return Ok(format!("{all}/{}", part(host)));
    }
    let found: Domains = client.get(&all).await?;
    match found.domains.as_slice() {
        [only] => Ok(format!("{all}/{}", part(&only.host))),
        [] => bail!("{environment} has no custom domain; add one with `landfall domain add`"),
        several => {
            let hosts: Vec<&str> = several.iter().map(|domain| domain.host.as_str()).collect();
            bail!("{environment} has several domains; name one of {}", hosts.join(", "))
        }
    }
}

async fn add(args: AddArgs) -> Result<ExitCode> {
    let client = args.show.server.client()?;
    let body = json!({ "host": args.host });
    let added: Value = client.post(&all_path(&args.show.environment), &body).await?;
    print_records(args.show.output, &added)?;
    if args.show.output == Format::Table {
        eprintln!(
            "Make these records where the domain's DNS is kept, then: landfall domain check {}",
            args.show.environment
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(args: ShowArgs) -> Result<ExitCode> {
    let all: Value = args.server.client()?.get(&all_path(&args.environment)).await?;
    print_all(args.output, &all)?;
    Ok(ExitCode::SUCCESS)
}

async fn check(args: OneArgs) -> Result<ExitCode> {
    let client = args.show.server.client()?;
    let path = one_path(&client, &args.show.environment, args.host.as_deref()).await?;
    let checked: Value = client.post(&format!("{path}/check"), &json!({})).await?;
    print_records(args.show.output, &checked)?;
    let domain = read(&checked)?;
    let proof = domain.records.first().is_some_and(|record| record.state == "found");
    let proved = proof && domain.belongs_to.is_none();
    match (&domain.belongs_to, proved) {
        (Some(other), _) => {
            eprintln!("✗ {} belongs to {other}: remove it there first", domain.unicode);
        }
        (None, true) => eprintln!("✓ {} is proved", domain.unicode),
        (None, false) => eprintln!("✗ {} is not proved", domain.unicode),
    }
    Ok(if proved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn certificate(args: CertificateArgs) -> Result<ExitCode> {
    let client = args.one.show.server.client()?;
    let path = one_path(&client, &args.one.show.environment, args.one.host.as_deref()).await?;
    let path = format!("{path}/certificate");
    let changed: Value = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => {
            let body = json!({ "certificate": input::text(cert)?, "key": input::text(key)? });
            client.put(&path, &body).await?
        }
        _ => client.delete(&path).await?,
    };
    let domain = read(&changed)?;
    output::print(args.one.show.output, &changed, &["domain", "certificate"], |_| {
        vec![vec![domain.unicode.clone(), certificate_of(&domain)]]
    })?;
    if args.one.show.output == Format::Table {
        eprintln!(
            "It counts from the domain's next deployment on: landfall domain deploy {}",
            args.one.show.environment
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn deploy(args: DeployArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let path = one_path(&client, &args.environment, args.host.as_deref()).await?;
    begin(&client, &format!("{path}/previews"), &format!("{path}/deployments"), &args.how).await
}

async fn reset(args: ResetArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let path = environment_path(&args.environment);
    let previews = format!("{path}/domain-reset-previews");
    begin(&client, &previews, &format!("{path}/domain-resets"), &args.how).await
}

/// Shows what would change, or changes it.
async fn begin(client: &Client, previews: &str, deploying: &str, how: &How) -> Result<ExitCode> {
    if how.preview {
        let body = json!({ "force_conflicts": how.force_conflicts });
        let shown: Value = client.post(previews, &body).await?;
        return preview::print(how.start.follow.output, &shown);
    }
    let body = json!({
        "on_failure": how.on_failure,
        "force_conflicts": how.force_conflicts,
        "reason": how.start.reason,
    });
    let started: Value = client.post(deploying, &body).await?;
    deploy::tell(client, started, &how.start.follow).await
}

async fn remove(args: OneArgs) -> Result<ExitCode> {
    let client = args.show.server.client()?;
    let path = one_path(&client, &args.show.environment, args.host.as_deref()).await?;
    let left: Value = client.delete(&path).await?;
    print_all(args.show.output, &left)?;
    Ok(ExitCode::SUCCESS)
}

async fn address(args: AddressArgs) -> Result<ExitCode> {
    let client = args.show.server.client()?;
    let path = format!("{}/domain-address", environment_path(&args.show.environment));
    let changed: Value = client.put(&path, &json!({ "address": args.address })).await?;
    let address = &changed["address"];
    output::print(args.show.output, &changed, &["environment", "ingress", "as said by"], |_| {
        let listed = |field: &str| address[field].as_array().cloned().unwrap_or_default();
        let all: Vec<String> = listed("names")
            .iter()
            .chain(&listed("addresses"))
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        let source = address["source"].as_str().unwrap_or_default().to_owned();
        let all = if all.is_empty() { "–".to_owned() } else { all.join(", ") };
        vec![vec![args.show.environment.clone(), all, source]]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn read(domain: &Value) -> Result<Domain> {
    understood(domain)
}

/// A domain's records, one a line.
fn print_records(format: Format, answer: &Value) -> Result<()> {
    let domain = read(answer)?;
    output::print(format, answer, &["type", "name", "value", "state", "found"], |_| {
        let row = |record: &Record| {
            let mut found = record.found.join("\n");
            if !record.note.is_empty() {
                if !found.is_empty() {
                    found.push('\n');
                }
                found.push_str(&record.note);
            }
            vec![
                record.kind.clone(),
                record.name.clone(),
                record.expected.join("\n"),
                record.state.clone(),
                found,
            ]
        };
        domain.records.iter().map(row).collect()
    })
}

fn print_all(format: Format, answer: &Value) -> Result<()> {
    let all: Domains = understood(answer)?;
    output::print(format, answer, &["domain", "state", "certificate"], |_| {
        let row = |domain: &Domain| {
            let state = match &domain.belongs_to {
                Some(other) => format!("belongs to {other}"),
                None => domain.state.clone(),
            };
            let name = if domain.unicode == domain.host {
                domain.host.clone()
            } else {
                format!("{}\n{}", domain.unicode, domain.host)
            };
            vec![name, state, certificate_of(domain)]
        };
        all.domains.iter().map(row).collect()
    })?;
    if format == Format::Table {
        let known =
            |host: &Option<String>| host.clone().unwrap_or_else(|| "as its chart says".to_owned());
        eprintln!("Answers on: {}", known(&all.answers_on));
        eprintln!("Default host: {}", known(&all.default_host));
    }
    Ok(())
}

fn certificate_of(domain: &Domain) -> String {
    if let Some(shown) = &domain.certificate {
        let days = shown.expires_at.duration_since(jiff::Timestamp::now()).as_hours() / 24;
        return format!("uploaded, by {}, {days} days left", shown.issuer);
    }
    let seen = domain.issuance.as_ref().and_then(|seen| seen.found.as_ref());
    match seen {
        Some(Issuance { ready: Some(true), .. }) => "issued".to_owned(),
        Some(Issuance { message, .. }) if !message.is_empty() => message.clone(),
        _ => format!("by {}", domain.tls),
    }
}

//! `landfall chart template`: what `helm template` prints, from Helm's arguments.
//!
//! Nothing is set up that the call does not need: a chart on disk is rendered without a runtime,
//! an HTTP client or a cluster. Charts from a cluster's point of view (`--validate`,
//! `--dry-run=server`) are not rendered here.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use helm::Capabilities;
use helm::capabilities::KubeVersion;
use helm::chart::Chart;
use helm::registry::{Credentials, Repository};
use helm::render::{PreparedChart, PrintedHooks, ReleaseOptions, RenderError, RenderInput};
use helm::values::{HelmMode, Overrides, ValuesFile};

/// Helm's arguments of `template`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a command line")]
pub(crate) struct Args {
    /// Name of the release (may be left out) and the chart: a folder, an archive, an address, or
    /// with --repo a name
    #[arg(value_name = "[NAME] CHART", required = true)]
    names: Vec<String>,
    /// Values from a YAML file; `-` reads standard input (may be repeated)
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    values: Vec<String>,
    /// Set values: key1=val1,key2=val2 (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS")]
    set: Vec<String>,
    /// Set values that stay texts (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS")]
    set_string: Vec<String>,
    /// Set values to the contents of files: key1=path1,key2=path2 (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS")]
    set_file: Vec<String>,
    /// Set values from JSON: key1=json1,key2=json2, or an object (may be repeated)
    #[arg(long, value_name = "ASSIGNMENTS")]
    set_json: Vec<String>,
    /// Set one value to a literal text (may be repeated)
    #[arg(long, value_name = "ASSIGNMENT")]
    set_literal: Vec<String>,
    /// Namespace of the release
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Only show documents from the given template (may be repeated)
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Print the files below crds/ as well
    #[arg(long)]
    include_crds: bool,
    /// API versions the cluster offers beside the usual ones
    #[arg(short, long, value_name = "VERSIONS", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Kubernetes version to render for
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Render as for an upgrade instead of an install
    #[arg(long)]
    is_upgrade: bool,
    /// Do not print hooks
    #[arg(long)]
    no_hooks: bool,
    /// Do not print tests
    #[arg(long)]
    skip_tests: bool,
    /// Do not check values against schemas
    #[arg(long)]
    skip_schema_validation: bool,
    /// Make a name up
    #[arg(short, long)]
    generate_name: bool,
    /// Template that gives the release its name
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// Version of the chart, or a constraint; the newest release without it
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    version: String,
    /// Allow pre-releases where no version is given
    #[arg(long)]
    devel: bool,
    /// Address of the repository that has the chart
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// User at the repository
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Password at the repository
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Print documents that are not valid YAML, too
    #[arg(long)]
    debug: bool,
}

/// Renders, prints, and says how it went.
pub(crate) fn run(args: &Args) -> ExitCode {
    let printed = template(args).and_then(|text| {
        let mut output = std::io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).context("cannot print")
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn template(args: &Args) -> Result<String> {
    let capabilities = capabilities(args)?;
    let (name, chart) = name_and_chart(args)?;
    let located = locate(args, chart)?;
    let values = overrides(args)?.merge(HelmMode::V4, &mut |path| std::fs::read_to_string(path))?;
    let chart = match located {
        Located::Path(path) => Chart::load(path)?,
        Located::Archive(bytes) => Chart::from_archive(&bytes)?,
    };
    if chart.metadata().deprecated {
        eprintln!("level=WARN msg=\"this chart is deprecated\"");
    }
    let prepared = PreparedChart::new(chart)?;
    helm::release::validate_name(&name).context("release name check failed")?;
    let release = ReleaseOptions {
        is_upgrade: args.is_upgrade,
        ..ReleaseOptions::install(name, &args.namespace)
    };
    let input = RenderInput {
        capabilities,
        include_crds: args.include_crds,
        skip_schema: args.skip_schema_validation,
        ..RenderInput::new(values, release)
    };
    let rendered = prepared.render(&input).map_err(|error| hinted(args, error))?;
    let hooks = match (args.no_hooks, args.skip_tests) {
        (true, _) => PrintedHooks::None,
        (false, true) => PrintedHooks::WithoutTests,
        (false, false) => PrintedHooks::All,
    };
    let printed = rendered.to_printed(hooks);
    if args.show_only.is_empty() {
        return Ok(printed);
    }
    Ok(helm::render::show_only(&printed, &args.show_only)?)
}

/// Adds Helm's hint to errors that happen once templates were reached.
fn hinted(args: &Args, error: RenderError) -> anyhow::Error {
    let hint = error.is_after_rendering_started() && !args.debug;
    if args.debug
        && let RenderError::Manifest(manifest) = &error
    {
        print!("---\n# Source: {}\n{}\n", manifest.source_file, manifest.text);
    }
    let error = anyhow::Error::from(error);
    if hint { anyhow!("{error:#}\n\nUse --debug flag to render out invalid YAML") } else { error }
}

fn capabilities(args: &Args) -> Result<Capabilities> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = args.kube_version.as_deref().filter(|version| !version.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(version)
            .with_context(|| format!("invalid kube version '{version}'"))?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}

fn overrides(args: &Args) -> Result<Overrides> {
    let files = args.values.iter().map(|name| values_file(args, name)).collect::<Result<_>>()?;
    Ok(Overrides {
        files,
        set_json: args.set_json.clone(),
        set: args.set.clone(),
        set_string: args.set_string.clone(),
        set_file: args.set_file.clone(),
        set_literal: args.set_literal.clone(),
    })
}

/// Reads what one `-f` names: a file, standard input (`-`) or an address.
fn values_file(args: &Args, name: &str) -> Result<ValuesFile> {
    let bytes = if name.trim() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        bytes
    } else if name.starts_with("http://") || name.starts_with("https://") {
        fetch(args, name, Wanted::File)?
    } else {
        std::fs::read(name).map_err(|error| anyhow!("open {name}: {}", go_words(&error)))?
    };
    Ok(ValuesFile { name: name.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// What the system said, as Go spells it.
fn go_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The release's name and what was given for the chart.
fn name_and_chart(args: &Args) -> Result<(String, &str)> {
    match args.names.as_slice() {
        [chart] => {
            let name = match &args.name_template {
                Some(template) if !template.is_empty() => helm::render::name_from(template)?,
                // Helm's `template` has a name of its own, whether one is to be made up or not.
                _ => "release-name".to_owned(),
            };
            Ok((name, chart))
        }
        [_, _] if args.generate_name => {
            bail!("cannot set --generate-name and also specify a name")
        }
        [_, _] if args.name_template.as_deref().is_some_and(|template| !template.is_empty()) => {
            bail!("cannot set --name-template and also specify a name")
        }
        [name, chart] => Ok((name.clone(), chart)),
        [] => bail!("\"helm template\" requires at least 1 argument"),
        [_, _, rest @ ..] => {
            bail!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))
        }
    }
}

enum Located<'a> {
    Path(&'a str),
    Archive(Vec<u8>),
}

/// Finds the chart: on disk, or fetched from a repository or an address.
fn locate<'a>(args: &'a Args, chart: &'a str) -> Result<Located<'a>> {
    let chart = chart.trim();
    let version = match args.version.trim() {
        "" if args.devel => ">0.0.0-0",
        version => version,
    };
    if let Some(repository) = &args.repo {
        let wanted = Wanted::Chart { name: chart, version };
        return fetch(args, repository, wanted).map(Located::Archive);
    }
    if Path::new(chart).exists() {
        return Ok(Located::Path(chart));
    }
    if Path::new(chart).is_absolute() || chart.starts_with('.') {
        bail!("path {chart:?} not found");
    }
    match chart.split_once("://") {
        Some(("http" | "https", _)) => fetch(args, chart, Wanted::File).map(Located::Archive),
        Some((scheme, _)) => bail!("charts cannot be fetched through {scheme}: here"),
        None => match chart.split_once('/') {
            Some((repository, _)) => bail!("repo {repository} not found"),
            None => bail!(
                "non-absolute URLs should be in form of repo_name/path_to_chart, got: {chart}"
            ),
        },
    }
}

#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// A chart of the repository at the address.
    Chart { name: &'a str, version: &'a str },
    /// What lies at the address itself.
    File,
}

/// Fetches an archive or a file; the only part of the command that needs a runtime.
fn fetch(args: &Args, address: &str, wanted: Wanted<'_>) -> Result<Vec<u8>> {
    // Fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = args.username.clone().map(|username| Credentials {
        username,
        password: args.password.clone().unwrap_or_default(),
    });
    let repository = Repository::new(address, credentials)?;
    let client = reqwest::Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("could not set up an HTTP client")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the asynchronous runtime")?;
    let fetched = runtime.block_on(async {
        match wanted {
            Wanted::File => repository.file_itself(&client).await,
            Wanted::Chart { name, version } => {
                repository.fetch_chart(&client, name, version).await.map(|(_, archive)| archive)
            }
        }
    });
    Ok(fetched?)
}

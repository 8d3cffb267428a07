//! `landfall chart template`: what `helm template` prints, from Helm's arguments.
//!
//! Charts from a cluster's point of view (`--validate`, `--dry-run=server`) are not rendered here.

mod files;

use anyhow::{Result, anyhow, bail};
use helm::Capabilities;
use helm::chart::DependencyError;
use helm::render::{PreparedChart, PrintedHooks, ReleaseOptions, RenderError, RenderInput};
use tracing::Level;

use super::dependency::{Manager, Output};
use super::flags::{GlobalFlags, LocationFlags, ValuesFlags};
use super::locate::{self, Located};
use super::settings::{self, Settings};
use super::words::{Count, check_count, print};
use super::{lint, log};

/// Helm's arguments of `template`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a command line")]
pub(crate) struct Args {
    /// Name of the release (may be left out) and the chart: a folder, an archive, an address,
    /// REPOSITORY/NAME, or with --repo a name
    #[arg(value_name = "[NAME] CHART")]
    names: Vec<String>,
    #[command(flatten)]
    values: ValuesFlags,
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
    /// Let templates ask for addresses of hosts
    #[arg(long)]
    enable_dns: bool,
    /// Make a name up
    #[arg(short, long)]
    generate_name: bool,
    /// Template that gives the release its name
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// Write documents to files below this folder instead
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<String>,
    /// Write them below a folder of the release's name in it
    #[arg(long)]
    release_name: bool,
    /// Fetch what Chart.yaml depends on if it is missing
    #[arg(long)]
    dependency_update: bool,
    #[command(flatten)]
    location: LocationFlags,
    #[command(flatten)]
    global: GlobalFlags,
    #[command(flatten)]
    of_install: OfInstall,
}

/// Flags that `template` has in common with `install`. They change nothing in what is printed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a command line")]
struct OfInstall {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "unset")]
    dry_run: Option<String>,
    #[arg(short, long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "watcher")]
    wait: Option<String>,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, hide = true)]
    force_replace: bool,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true)]
    rollback_on_failure: bool,
    #[arg(long, hide = true)]
    server_side: bool,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    take_ownership: bool,
    /// Plugins post-render, of which there are none here.
    #[arg(long, hide = true)]
    post_renderer: Option<String>,
    #[arg(long, hide = true)]
    post_renderer_args: Vec<String>,
}

/// The `key=value` pairs of one `--labels`: cut at commas if it has more than one `=`.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let several = text.matches('=').count() > 1;
    text.split(move |c| several && c == ',')
}

/// Labels Helm gives its records itself.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

impl OfInstall {
    /// What is wrong with flags by themselves, whatever the chart is.
    fn check(&self) -> Result<()> {
        match self.wait.as_deref() {
            None | Some("watcher" | "hookOnly" | "legacy") => {}
            Some(value @ ("true" | "false")) => {
                let instead = if value == "true" { "watcher" } else { "hookOnly" };
                let message = format!(
                    "--wait={value} is deprecated (boolean value) and can be replaced with \
                     --wait={instead}"
                );
                log::say(Level::WARN, &message, &[]);
            }
            Some(value) => bail!(
                "invalid argument {value:?} for \"--wait\" flag: invalid wait input {value:?}. Valid \
                 inputs are watcher, hookOnly, and legacy"
            ),
        }
        if let Some(name) = self.post_renderer.as_ref().filter(|name| !name.is_empty()) {
            bail!(
                "invalid argument {name:?} for \"--post-renderer\" flag: plugin: {{Name:{name} \
                 Type:postrenderer/v1}} not found"
            );
        }
        let pairs = self.labels.iter().flat_map(|text| pairs(text).map(move |pair| (text, pair)));
        if let Some((text, label)) = pairs.into_iter().find(|(_, pair)| !pair.contains('=')) {
            bail!(
                "invalid argument {text:?} for \"-l, --labels\" flag: {label} must be formatted as \
                 key=value"
            );
        }
        Ok(())
    }

    /// A dry run is all that `template` ever is.
    fn check_dry_run(&self) -> Result<()> {
        match self.dry_run.as_deref() {
            None | Some("client") => Ok(()),
            Some("server") => {
                bail!("--dry-run=server asks a cluster, which this command does not talk to")
            }
            Some("unset") => {
                log::say(
                    Level::WARN,
                    "--dry-run is deprecated and should be replaced with '--dry-run=client'",
                    &[],
                );
                Ok(())
            }
            Some(value @ ("1" | "t" | "T" | "TRUE" | "true" | "True")) => {
                let message = format!(
                    "boolean '--dry-run={value}' flag is deprecated and must be replaced with \
                     '--dry-run=client'"
                );
                log::say(Level::WARN, &message, &[]);
                Ok(())
            }
            Some(value @ ("none" | "0" | "f" | "F" | "FALSE" | "false" | "False")) => {
                bail!("invalid dry-run value ({value:?}). Must be \"server\" or \"client\"")
            }
            Some(value) => bail!(
                "invalid dry-run value ({value:?}). Must be \"none\", \"server\", or \"client\""
            ),
        }
    }

    fn check_labels(&self) -> Result<()> {
        let mut keys = self
            .labels
            .iter()
            .flat_map(|text| pairs(text))
            .filter_map(|pair| pair.split('=').next());
        if keys.any(|key| SYSTEM_LABELS.contains(&key)) {
            bail!(
                "user supplied labels contains system reserved label name. System labels: [{}]",
                SYSTEM_LABELS.join(" ")
            );
        }
        Ok(())
    }
}

pub(super) fn run(args: &Args) -> Result<()> {
    heap::use_large_pages();
    args.of_install.check()?;
    check_count(&args.names, Count::AtLeast(1), "template", "[NAME] [CHART] [flags]")?;
    log::start(args.global.debug);
    let text = template(args)?;
    print(text.as_bytes())
}

fn template(args: &Args) -> Result<String> {
    let capabilities = capabilities(args)?;
    args.of_install.check_dry_run()?;
    let settings = Settings::new(&args.global);
    let (name, chart) = name_and_chart(args)?;
    let located = locate::locate(chart, &args.location, &settings)?;
    let values = args.values.merge()?;
    let prepared = prepare(args, &located, &settings)?;
    helm::release::validate_name(&name).map_err(|error| {
        log::say(Level::ERROR, "release name check failed", &[("error", &error.to_string())]);
        anyhow::Error::from(error).context("release name check failed")
    })?;
    args.of_install.check_labels()?;
    let namespace = settings::namespace(&args.global);
    let release = ReleaseOptions {
        is_upgrade: args.is_upgrade,
        ..ReleaseOptions::install(name.as_str(), namespace)
    };
    let input = RenderInput {
        capabilities,
        include_crds: args.include_crds,
        resolve_hosts: args.enable_dns,
        skip_schema: args.skip_schema_validation,
        ..RenderInput::new(values, release)
    };
    let rendered = prepared.render(&input).map_err(|error| hinted(args, error))?;
    let hooks = match (args.no_hooks, args.skip_tests) {
        (true, _) => PrintedHooks::None,
        (false, true) => PrintedHooks::WithoutTests,
        (false, false) => PrintedHooks::All,
    };
    let printed = match args.output_dir.as_deref().filter(|folder| !folder.is_empty()) {
        None => rendered.to_printed(hooks),
        Some(folder) => {
            let release = args.release_name.then_some(name.as_str());
            files::write(&rendered, hooks, args.include_crds, folder, release)?;
            "\n".to_owned()
        }
    };
    // The process ends with what is printed: taking these trees apart first is a tenth of the whole run.
    std::mem::forget((prepared, input, rendered));
    if args.show_only.is_empty() {
        return Ok(printed);
    }
    Ok(helm::render::show_only(&printed, &args.show_only)?)
}

/// Loads the chart and checks that it can be installed, fetching dependencies if that is wanted.
fn prepare(args: &Args, located: &Located, settings: &Settings) -> Result<PreparedChart> {
    let chart = located.load_to_render()?;
    if chart.metadata().deprecated {
        log::say(Level::WARN, "this chart is deprecated", &[]);
    }
    let missing = match PreparedChart::new(chart) {
        Err(RenderError::Dependencies(DependencyError::Missing { .. }))
            if args.dependency_update =>
        {
            located
        }
        prepared => return Ok(prepared?),
    };
    let Located::Path(path) = missing else {
        bail!("only unpacked charts can be updated");
    };
    let connection = &args.location.connection;
    let stamp = settings::source_date()?;
    Manager::new(path, settings, connection, stamp, Output::Apart).update()?;
    let chart = located.load_to_render().map_err(|error| {
        anyhow::Error::from(error).context("failed reloading chart after repo update")
    })?;
    Ok(PreparedChart::new(chart)?)
}

/// Adds Helm's hint to errors that happen once templates were reached.
fn hinted(args: &Args, error: RenderError) -> anyhow::Error {
    let hint = error.is_after_rendering_started() && !args.global.debug;
    if args.global.debug
        && let RenderError::Manifest(manifest) = &error
    {
        print!("---\n# Source: {}\n{}\n", manifest.source_file, manifest.text);
    }
    if let RenderError::Dependencies(DependencyError::Values { source, .. }) = &error {
        let fields = [("error", &*source.to_string())];
        log::say(Level::ERROR, "chart dependencies processing failed", &fields);
    }
    let error = anyhow::Error::from(error);
    if hint { anyhow!("{error:#}\n\nUse --debug flag to render out invalid YAML") } else { error }
}

fn capabilities(args: &Args) -> Result<Capabilities> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = lint::kube_version(args.kube_version.as_deref())? {
        capabilities.kube_version = version;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}

/// The release's name and what was given for the chart.
fn name_and_chart(args: &Args) -> Result<(String, &str)> {
    let template = args.name_template.as_deref().filter(|template| !template.is_empty());
    match args.names.as_slice() {
        [] => bail!("no chart was named"),
        [chart] => {
            let name = match template {
                Some(template) => helm::render::name_from(template)?,
                // Helm's `template` has a name of its own, whether one is to be made up or not.
                None => "release-name".to_owned(),
            };
            Ok((name, chart))
        }
        [_, _, rest @ ..] if !rest.is_empty() => {
            bail!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))
        }
        [_, _, ..] if args.generate_name => {
            bail!("cannot set --generate-name and also specify a name")
        }
        [_, _, ..] if template.is_some() => {
            bail!("cannot set --name-template and also specify a name")
        }
        [name, chart, ..] => Ok((name.clone(), chart)),
    }
}

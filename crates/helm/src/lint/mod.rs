//! `helm lint`: what is wrong with a chart in a folder, in Helm's words and order.
//!
//! One file for each family of rules. Nothing here prints, and nothing is decided about which
//! severity makes a chart fail.

mod address;
mod chartfile;
mod crds;
mod dependencies;
mod deprecations;
mod names;
mod stream;
mod templates;
mod values;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use goyaml::Value;

use crate::capabilities::KubeVersion;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// Against conventions; will probably work.
    Warning,
    /// Will probably not work.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file or folder it is about, as Helm names it; may be empty.
    pub path: String,
    /// What is wrong, possibly on several lines.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// What a chart is linted with.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The user's values: a mapping or null.
    pub values: &'a Value,
    /// The namespace templates see.
    pub namespace: &'a str,
    /// The Kubernetes version for templates and deprecations; Helm's default without it.
    pub kube_version: Option<KubeVersion>,
    /// Whether values are taken without asking values.schema.json.
    pub skip_schema: bool,
}

/// Everything Helm finds wrong with the chart in `folder`, which has a Chart.yaml.
pub fn lint(folder: &Path, options: &Options<'_>) -> Vec<Finding> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut linter = Linter { folder, findings: Vec::new() };
    chartfile::check(&mut linter);
    values::check(&mut linter, options);
    templates::check(&mut linter, options);
    dependencies::check(&mut linter);
    crds::check(&mut linter);
    linter.findings
}

/// Gathers findings.
struct Linter {
    /// The chart's folder, absolute.
    folder: PathBuf,
    findings: Vec<Finding>,
}

impl Linter {
    /// Notes what a rule found, if anything; whether it found nothing.
    fn rule<E: ToString>(
        &mut self,
        severity: Severity,
        path: &str,
        outcome: Result<(), E>,
    ) -> bool {
        match outcome {
            Ok(()) => true,
            Err(error) => {
                let (path, text) = (path.to_owned(), error.to_string());
                self.findings.push(Finding { severity, path, text });
                false
            }
        }
    }
}

/// An error and what it comes from, as Helm prints them.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// What Go says about a file that cannot be read or looked at.
fn go_words(operation: &str, path: &Path, error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    let text: String = first.into_iter().chain(chars).collect();
    format!("{operation} {}: {text}", path.display())
}

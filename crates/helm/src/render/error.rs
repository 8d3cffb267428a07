//! Why a chart cannot be rendered, in Helm's words and with the place where it is known.

use gotemplate::{Exceeded, ExecError, ParseError};

use super::manifest::ManifestError;
use crate::chart::DependencyError;
use crate::functions::Refusal;
use crate::schema::SchemaError;
use crate::values::CoalesceError;

/// Why a chart cannot be rendered. Joined with `: `, an error and its sources read as Helm prints
/// them.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The chart only lends templates to others.
    #[error("{chart_type} charts are not installable")]
    NotInstallable {
        /// What Chart.yaml says it is.
        chart_type: String,
    },
    /// Dependencies are missing or cannot be worked out.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// Values for a sub-chart are not a table.
    #[error(transparent)]
    Values(#[from] CoalesceError),
    /// The values break a schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The chart asks for another Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// The chart's constraint.
        wanted: String,
        /// The cluster's version.
        found: String,
    },
    /// A template does not parse or failed.
    #[error(transparent)]
    Template(Box<TemplateError>),
    /// What a template produced is not YAML of a Kubernetes object.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl RenderError {
    /// The limit that ended the rendering, if one did.
    pub fn exceeded(&self) -> Option<Exceeded> {
        match self {
            Self::Template(error) => error.exceeded,
            _ => None,
        }
    }

    /// Whether templates had been reached, after which `helm template` adds a hint.
    pub fn is_after_rendering_started(&self) -> bool {
        match self {
            Self::NotInstallable { .. }
            | Self::Dependencies(_)
            | Self::Values(_)
            | Self::Schema(_) => false,
            Self::KubeVersion { .. } | Self::Template(_) | Self::Manifest(_) => true,
        }
    }
}

impl From<TemplateError> for RenderError {
    fn from(error: TemplateError) -> Self {
        Self::Template(Box::new(error))
    }
}

/// A template that does not parse or failed while it was executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TemplateError {
    /// Helm's words, possibly of several lines.
    pub text: String,
    /// The template file, such as `shop/templates/service.yaml`.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The offset in the line in bytes, from 0; unknown for templates that do not parse.
    pub column: Option<usize>,
    /// What the chart itself says is wrong, if it ended the rendering with `fail` or `required`.
    pub refusal: Option<String>,
    /// The limit that ended it.
    pub exceeded: Option<Exceeded>,
}

impl TemplateError {
    /// A file that does not parse: Helm keeps what stands after the last `: `.
    pub(super) fn parse(error: &ParseError) -> Self {
        let message = error.message.rsplit(": ").next().unwrap_or_default();
        Self {
            text: format!("parse error at ({}:{}): {message}", error.name, error.line),
            file: Some(error.name.to_string()),
            line: Some(error.line),
            column: None,
            refusal: None,
            exceeded: None,
        }
    }

    /// A template of file `file` that failed.
    pub(super) fn execute(file: &str, error: &ExecError) -> Self {
        let refusal = error.downcast_ref::<Refusal>().map(|refusal| refusal.message.clone());
        let place = error.place();
        let text = match (&refusal, place) {
            (Some(message), Some(place)) => format!(
                "execution error at ({}:{}:{}): {message}",
                place.file, place.line, place.column
            ),
            _ => layered(error).unwrap_or_else(|| error.to_string()),
        };
        Self {
            text,
            file: Some(place.map_or_else(|| file.to_owned(), |place| place.file.to_string())),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            refusal,
            exceeded: error.exceeded(),
        }
    }
}

/// The chain of includes as one block per level; `None` if it ends in the error of another
/// function, which Helm prints as it is.
fn layered(error: &ExecError) -> Option<String> {
    let mut levels = vec![Level::read(&error.to_string())?];
    let mut current = error;
    while let Some(cause) = current.cause() {
        let level = Level::read(&cause.to_string())?;
        if levels.last() != Some(&level) {
            levels.push(level);
        }
        match cause.exec_error() {
            Some(inner) => current = inner,
            None => break,
        }
    }
    let text: String = levels.iter().map(Level::text).collect();
    Some(text.trim().to_owned())
}

/// One level of a failure, taken from Go's text the way Helm takes it: by what stands where, which
/// shows when a node or message itself contains the separators.
#[derive(PartialEq, Eq)]
struct Level {
    location: String,
    executing: String,
    message: String,
}

impl Level {
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self::new("", "", text));
        }
        if let Some(level) = Self::executing(rest) {
            return Some(level);
        }
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Self::new(location, "", own_message(message)))
    }

    /// `FILE:LINE:COLUMN: executing "TEMPLATE" at <NODE>: MESSAGE`
    fn executing(rest: &str) -> Option<Self> {
        let (location, after) = rest.split_once(": executing ")?;
        let (template, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let executing = format!("executing \"{template}\" at <{node}>:");
        Some(Self::new(location, &executing, own_message(message)))
    }

    fn new(location: &str, executing: &str, message: &str) -> Self {
        Self {
            location: location.to_owned(),
            executing: executing.to_owned(),
            message: message.to_owned(),
        }
    }

    fn text(&self) -> String {
        let part = |text: &str, end: &str| match text {
            "" => String::new(),
            text => format!("{text}\n{end}"),
        };
        part(&self.location, "  ") + &part(&self.executing, "    ") + &part(&self.message, "")
    }
}

/// The message of one level, without that of the next.
fn own_message(message: &str) -> &str {
    message.split_once(" template:").map_or(message, |(own, _)| own)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks are cut where Helm cuts them.
    #[test]
    fn levels() {
        let level = Level::read(
            "template: c/t.txt:2:5: executing \"c/t.txt\" at <include \"x\" .>: error calling \
             include: template: c/_h.tpl:1:2: executing \"x\" at <.a>: boom",
        )
        .unwrap();
        assert_eq!(
            level.text(),
            "c/t.txt:2:5\n  executing \"c/t.txt\" at <include \"x\" .>:\n    error calling include:\n"
        );
        assert!(Level::read("Cannot find first on type string").is_none());
        assert_eq!(
            Level::read("template: no template \"q\" associated with template \"gotpl\"")
                .unwrap()
                .text(),
            "template: no template \"q\" associated with template \"gotpl\"\n"
        );
    }
}

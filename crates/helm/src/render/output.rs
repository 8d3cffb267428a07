//! What `helm template` prints of a render.

use super::{Rendered, split};
use crate::chart::{BadPattern, Pattern};
use crate::release::HookEvent;

/// Which hooks `helm template` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedHooks {
    /// All of them.
    All,
    /// All but tests: `--skip-tests`.
    WithoutTests,
    /// None: `--no-hooks`.
    None,
}

/// A pattern of `--show-only` that leads to no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {pattern} in chart")]
pub struct TemplateNotFound {
    /// The pattern.
    pub pattern: String,
}

impl Rendered {
    /// The text `helm template` prints: the manifest trimmed, then the hooks.
    pub fn to_printed(&self, hooks: PrintedHooks) -> String {
        let mut text = self.manifest.trim().to_owned();
        text.push('\n');
        for hook in &self.hooks {
            let printed = match hooks {
                PrintedHooks::All => true,
                PrintedHooks::WithoutTests => !hook.events.contains(&HookEvent::Test),
                PrintedHooks::None => false,
            };
            if printed {
                for piece in ["---\n# Source: ", &hook.path, "\n", &hook.manifest, "\n"] {
                    text.push_str(piece);
                }
            }
        }
        text
    }
}

/// Of a printed text, the documents whose source below the chart's name fits a pattern
/// (`--show-only`), in the order of the patterns.
pub fn show_only(printed: &str, patterns: &[String]) -> Result<String, TemplateNotFound> {
    let documents: Vec<(&str, Option<&str>)> =
        split(printed).into_iter().map(|document| (document, source_of(document))).collect();
    let mut text = String::new();
    for pattern in patterns {
        // A malformed pattern matches nothing.
        let compiled: Result<Pattern, BadPattern> = Pattern::parse(pattern);
        let before = text.len();
        for (document, source) in &documents {
            let fits = |source: &str| compiled.as_ref().is_ok_and(|p| p.matches(source));
            if source.is_some_and(fits) {
                for piece in ["---\n", document, "\n"] {
                    text.push_str(piece);
                }
            }
        }
        if text.len() == before {
            return Err(TemplateNotFound { pattern: pattern.clone() });
        }
    }
    Ok(text)
}

/// The path in the first `# Source:` line, without the chart's name.
fn source_of(document: &str) -> Option<&str> {
    document.match_indices("# Source: ").find_map(|(at, mark)| {
        let (chart, path) = document[at + mark.len()..].split_once('/')?;
        let path = path.lines().next().unwrap_or_default();
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "---\n# Source: c/templates/b.yaml\nkind: Bar\n\n---\n# Source: \
                           c/templates/a.yaml\nkind: Foo\n";

    /// A document keeps its line breaks and gets one more.
    #[test]
    fn chosen_documents() {
        let shown = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            show_only(PRINTED, &patterns)
        };
        assert_eq!(
            shown(&["templates/b.yaml"]).unwrap(),
            "---\n# Source: c/templates/b.yaml\nkind: Bar\n\n\n"
        );
        assert_eq!(shown(&["templates/a.yaml", "templates/*"]).unwrap().matches("---").count(), 3);
        assert_eq!(
            shown(&["templates/z.yaml"]).unwrap_err().to_string(),
            "could not find template templates/z.yaml in chart"
        );
    }
}

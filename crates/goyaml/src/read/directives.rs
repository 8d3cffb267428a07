//! `%YAML` and `%TAG` lines, and what tags mean under them.

use std::borrow::Cow;

use super::token::{Fault, Mark, TokenKind};

pub(super) const STANDARD: &str = "tag:yaml.org,2002:";

/// The tag handles of a document.
#[derive(Default)]
pub(super) struct Directives<'a> {
    version: bool,
    tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Directives<'a> {
    /// Takes in one directive token.
    pub(super) fn add(&mut self, kind: TokenKind<'a>, mark: Mark) -> Result<(), Fault> {
        match kind {
            TokenKind::Version { .. } if self.version => {
                return Err(Fault::parser("found duplicate %YAML directive", mark));
            }
            TokenKind::Version { major: 1, minor: 1 } => self.version = true,
            TokenKind::Version { .. } => {
                return Err(Fault::parser("found incompatible YAML document", mark));
            }
            TokenKind::TagDirective { handle, prefix } => {
                if self.tags.iter().any(|(known, _)| *known == handle) {
                    return Err(Fault::parser("found duplicate %TAG directive", mark));
                }
                self.tags.push((handle, prefix));
            }
            _ => {}
        }
        Ok(())
    }

    /// The whole tag of a handle and a suffix, if the handle is known.
    pub(super) fn resolve(&self, handle: &str, suffix: Cow<'a, str>) -> Option<Cow<'a, str>> {
        if handle.is_empty() {
            return Some(suffix);
        }
        let prefix = match self.tags.iter().find(|(known, _)| known == handle) {
            Some((_, prefix)) => &**prefix,
            None if handle == "!" => "!",
            None if handle == "!!" => STANDARD,
            None => return None,
        };
        Some(Cow::Owned(format!("{prefix}{suffix}")))
    }
}

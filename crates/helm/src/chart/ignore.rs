//! `.helmignore`: which files of a chart folder are left out.
//!
//! Only the file at the root of a folder counts; archives and sub-charts are not filtered. The
//! rules are Helm's, which are not Git's: a negated rule excludes whatever it does not match.

use super::pattern::{BadPattern, Pattern};

/// The rules of one `.helmignore`, in order, with Helm's own rule for dot files at the end.
#[derive(Clone, Debug)]
pub(super) struct IgnoreRules {
    rules: Vec<Rule>,
}

/// Why a `.helmignore` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// `**` has no meaning here.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A line is not a pattern.
    #[error(transparent)]
    BadPattern(#[from] BadPattern),
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    directories_only: bool,
    /// Whether the whole relative path is compared instead of the base name.
    whole_path: bool,
}

impl IgnoreRules {
    /// Reads the text of a `.helmignore`; without a file, pass an empty text.
    pub(super) fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                rules.push(Rule::parse(line)?);
            }
        }
        rules.push(Rule::parse("templates/.?*")?);
        Ok(Self { rules })
    }

    /// Whether a file or folder, named by its path below the chart, is left out.
    pub(super) fn ignores(&self, path: &str, is_directory: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.rules {
            let applies = !rule.directories_only || is_directory;
            if rule.negated {
                if !applies || !rule.matches(path) {
                    return true;
                }
            } else if applies && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, IgnoreError> {
        if line.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        Pattern::parse(line)?;
        let (negated, rest) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (directories_only, rest) = match rest.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (whole_path, rest) = match rest.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (rest.contains('/'), rest),
        };
        Ok(Self { pattern: Pattern::parse(rest)?, negated, directories_only, whole_path })
    }

    fn matches(&self, path: &str) -> bool {
        if self.whole_path {
            self.pattern.matches(path)
        } else {
            self.pattern.matches(path.rsplit('/').next().unwrap_or(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().ignores(path, path.ends_with("_dir"))
    }

    /// A rule without a slash looks at the base name, one with a slash at the whole path.
    #[test]
    fn base_names_and_paths() {
        assert!(ignored("*.txt", "docs/a.txt"));
        assert!(ignored("/*.txt", "a.txt"));
        assert!(!ignored("/*.txt", "docs/a.txt"));
        assert!(ignored("docs/*.txt", "docs/a.txt"));
        assert!(!ignored("docs/*.txt", "charts/s/docs/a.txt"));
    }

    /// A trailing slash makes a rule about folders.
    #[test]
    fn folders_only() {
        assert!(ignored("some_dir/", "some_dir"));
        assert!(!ignored("a.txt/", "a.txt"));
    }

    /// A negated rule leaves out everything it does not match.
    #[test]
    fn negation_excludes_the_rest() {
        assert!(ignored("!keep.txt", "Chart.yaml"));
        assert!(!ignored("!keep.txt", "keep.txt"));
    }

    /// Dot files directly below templates are never templates; deeper ones are.
    #[test]
    fn built_in_rule() {
        assert!(ignored("", "templates/.swp"));
        assert!(!ignored("", "templates/sub/.swp"));
        assert!(!ignored("", ".helmignore"));
    }

    /// Comments and blank lines say nothing; what Helm refuses is refused.
    #[test]
    fn refusals() {
        assert!(!ignored("# a\n\n  \n", "a"));
        let text = |rules| IgnoreRules::parse(rules).unwrap_err().to_string();
        assert_eq!(text("a/**"), "double-star (**) syntax is not supported");
        assert_eq!(text("[a"), "syntax error in pattern");
    }
}

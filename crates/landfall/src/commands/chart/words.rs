//! Helm's and Go's words for what goes wrong around charts.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use helm::clean_path;

/// What the system said, as Go spells it.
pub(super) fn go_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// An error of a file operation as Go's `os` package prints it.
pub(super) fn file_error(operation: &str, path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("{operation} {}: {}", path.display(), go_words(error))
}

/// Makes a folder and those it lies in. As in Go, an error names the first that cannot be.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if path.exists() {
        bail!("mkdir {}: not a directory", path.display());
    }
    path.parent().map_or(Ok(()), make_folder)?;
    match std::fs::create_dir(path) {
        Err(error) if !path.is_dir() => Err(file_error("mkdir", path, &error)),
        _ => Ok(()),
    }
}

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    AtLeast(usize),
    AtMost(usize),
    Exactly(usize),
}

/// Checks the number of arguments; `usage` is what follows the command's name.
pub(super) fn check_count(
    arguments: &[String],
    count: Count,
    command: &str,
    usage: &str,
) -> Result<()> {
    let (fits, verb, wanted) = match count {
        Count::AtLeast(n) => (arguments.len() >= n, "requires at least ", n),
        Count::AtMost(n) => (arguments.len() <= n, "accepts at most ", n),
        Count::Exactly(n) => (arguments.len() == n, "requires ", n),
    };
    if fits {
        return Ok(());
    }
    let arguments = if wanted == 1 { "argument" } else { "arguments" };
    let command = format!("landfall chart {command}");
    bail!("\"{command}\" {verb}{wanted} {arguments}\n\nUsage:  {command} {usage}");
}

/// Writes to standard output.
pub(super) fn print(bytes: &[u8]) -> Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(bytes).and_then(|()| output.flush()).context("cannot print")
}

/// Go's `filepath.Join` of two parts.
pub(super) fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", "") => String::new(),
        ("", only) | (only, "") => clean_path(only),
        (folder, name) => clean_path(&format!("{folder}/{name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths are joined as Go joins them.
    #[test]
    fn joining() {
        for (folder, name, joined) in [
            (".", "a", "a"),
            ("a/", "../b", "b"),
            ("/", "x", "/x"),
            ("", "a//b", "a/b"),
            ("..", "a", "../a"),
        ] {
            assert_eq!(join(folder, name), joined);
        }
    }

    /// The count of arguments is told as Helm tells it.
    #[test]
    fn counts() {
        let none: [String; 0] = [];
        assert!(check_count(&none, Count::AtMost(1), "x", "").is_ok());
        assert_eq!(
            check_count(&none, Count::Exactly(1), "show all", "[CHART] [flags]")
                .unwrap_err()
                .to_string(),
            "\"landfall chart show all\" requires 1 argument\n\nUsage:  landfall chart show all [CHART] \
             [flags]"
        );
    }
}

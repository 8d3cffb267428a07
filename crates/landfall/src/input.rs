//! What commands read besides their arguments: files, standard input, and what a person types.

use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}

/// The bytes of a file as the API takes them: in base64.
pub(crate) fn base64(file: &Path) -> Result<String> {
    let bytes =
        std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    Ok(STANDARD.encode(bytes))
}

/// Asks a person, and answers the line that was typed.
pub(crate) fn ask(question: &str) -> Result<String> {
    eprint!("{question}");
    std::io::stderr().flush().context("could not write to standard error")?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("could not read from standard input")?;
    Ok(typed.trim().to_owned())
}

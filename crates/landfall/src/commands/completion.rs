//! `landfall completion`: what a shell needs to complete commands and flags.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// bash: put it into ~/.local/share/bash-completion/completions/landfall;
    /// zsh: into a folder of $fpath as _landfall; fish: into ~/.config/fish/completions/landfall.fish
    #[arg(value_enum)]
    shell: Which,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let shell = match args.shell {
        Which::Bash => Shell::Bash,
        Which::Zsh => Shell::Zsh,
        Which::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "landfall", &mut script);
    std::io::stdout().write_all(&script).context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every shell is told of every command, those below others included.
    #[test]
    fn scripts() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "landfall", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["deploy", "reset-password", "adoptable", "trusted-proxy"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}

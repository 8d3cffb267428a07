//! The `landfall` binary: the server, the demo, the simulator, and the client commands, one file each in `commands`.
//!
//! Exit codes: 0 when what was asked for was done (for commands that follow an Op: when it succeeded), 1 when it was not,
//! 2 when the command line itself was wrong (clap's).

mod cli;
mod client;
mod commands;
mod demo;
mod input;
mod lazy;
#[cfg(test)]
mod manual;
mod output;
mod settings;
mod simulated;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // The one place where a failing command is printed: the whole chain, once.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! Reads YAML from standard input and prints it as a Go program would, or says where it is broken.
//!
//! `echo 'b: yes' | cargo run --package goyaml --example normalize`

use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        eprintln!("standard input cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    for document in goyaml::documents(&text) {
        let outcome = document.map_err(|error| error.to_string()).and_then(|document| {
            let value = goyaml::parse(&document.text).map_err(|error| {
                let line = error.line().map(|line| line + document.first_line - 1);
                format!("line {}: {error}", line.unwrap_or(document.first_line))
            })?;
            goyaml::to_string(&value).map_err(|error| error.to_string())
        });
        match outcome {
            Ok(written) => print!("---\n{written}"),
            Err(problem) => {
                eprintln!("{problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

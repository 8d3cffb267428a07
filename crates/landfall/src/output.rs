//! How client commands print: tables for people, JSON or YAML for programs. Data goes to stdout, talk to stderr.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// The form of a command's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// The API's own JSON
    Json,
    /// The same as YAML
    Yaml,
}

/// Prints `data` as JSON or YAML, or as the table that `rows` makes of it.
pub(crate) fn print<T: Serialize>(
    format: Format,
    data: &T,
    header: &[&str],
    rows: impl FnOnce(&T) -> Vec<Vec<String>>,
) -> Result<()> {
    let text = match format {
        Format::Json => format!("{}\n", serde_json::to_string_pretty(data)?),
        Format::Yaml => as_yaml(data)?,
        Format::Table => as_table(header, rows(data)),
    };
    std::io::stdout().write_all(text.as_bytes()).context("could not write to standard output")
}

fn as_yaml<T: Serialize>(data: &T) -> Result<String> {
    let json = serde_json::to_string(data)?;
    // Every JSON text is YAML; going through the reader gives the writer its own tree.
    let read = goyaml::parse(&json).context("could not print the answer as YAML")?;
    goyaml::to_string(&read).context("could not print the answer as YAML")
}

fn as_table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Bytes as the pages write them: `812 B`, `14 kB`, `3.1 MB`.
pub(crate) fn size(bytes: i64) -> String {
    match bytes.unsigned_abs() {
        bytes @ 0..1_000 => format!("{bytes} B"),
        bytes @ 1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        bytes @ 1_000_000..1_000_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
        }
        bytes => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

/// A moment, to the minute: `2026-11-27 17:42 UTC`.
pub(crate) fn minute(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Whether a person watches: bars and colours only then.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes() {
        let told = [0, 999, 1_000, 1_001, 1_000_000, 3_190_000, 2_000_000_000].map(super::size);
        assert_eq!(told, ["0 B", "999 B", "1 kB", "2 kB", "1.0 MB", "3.1 MB", "2.0 GB"]);
    }
}

//! The layout that Helm writes an index in, taken apart by its lines.
//!
//! Nothing is decided here: what is taken apart is parsed and checked piece by piece by the caller,
//! and any doubt ends in `None`, after which the file is parsed as a whole.

use std::collections::HashSet;
use std::ops::Range;

/// An index in lines: the charts, and everything else.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    /// Each chart's name, and where in the text its versions stand.
    pub(super) charts: Vec<(String, Range<usize>)>,
    /// The file without its charts.
    pub(super) rest: String,
}

/// Takes the text apart: `entries:` at the margin, chart names two columns in, everything of a
/// chart below its name. `None` for any other layout.
pub(super) fn sections(text: &str) -> Option<Sections> {
    let mut found = Sections { charts: Vec::new(), rest: String::new() };
    let mut names = HashSet::new();
    let mut inside = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        let indent = content.bytes().take_while(|b| *b == b' ').count();
        match indent {
            0 if content.is_empty() || content.starts_with('#') => {}
            0 => {
                inside = content == "entries:";
                found.rest.push_str(if inside { "entries: {}\n" } else { line });
            }
            _ if !inside => found.rest.push_str(line),
            2 if !content[2..].starts_with(['-', '#']) => {
                let name = content[2..].strip_suffix(':').filter(|name| is_plain(name))?;
                if !names.insert(name) {
                    return None;
                }
                found.charts.push((name.to_owned(), at..at));
            }
            _ => found.charts.last_mut()?.1.end = start + line.len(),
        }
    }
    (!found.charts.is_empty()).then_some(found)
}

/// Whether a key needs no YAML rules to be understood.
fn is_plain(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        )
}

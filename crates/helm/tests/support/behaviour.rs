//! Reads the cases of `tests/behaviour`; `tests/behaviour.rs` describes their format.

use std::path::Path;

use super::{Answer, chart};

/// One case.
pub(crate) struct Behaviour {
    /// What it is about, with the file it stands in.
    pub(crate) heading: String,
    files: Vec<(String, String)>,
    /// The arguments after the chart.
    pub(crate) flags: Vec<String>,
    /// All that is printed, or the error.
    pub(crate) answer: Answer,
    /// The lines of the log, sorted.
    pub(crate) log: Vec<String>,
}

impl Behaviour {
    /// Writes the chart.
    pub(crate) fn chart(&self) -> tempfile::TempDir {
        let files: Vec<(&str, &str)> =
            self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        chart(&files)
    }

    fn new(heading: String, parts: Vec<(String, String)>) -> Self {
        let mut behaviour = Self {
            heading,
            files: Vec::new(),
            flags: Vec::new(),
            answer: Err(String::new()),
            log: Vec::new(),
        };
        // What surrounds the output of a template, and what stands before its further lines.
        let mut indent = "";
        for (label, text) in parts {
            let line = text.trim_end_matches('\n');
            match label.as_str() {
                "flags" => behaviour.flags = line.split(' ').map(str::to_owned).collect(),
                "template" => behaviour.template(format!("x: |\n  {line}\n")),
                "lines" => {
                    indent = "  ";
                    behaviour
                        .template("x: |\n  {{- include \"case\" . | nindent 2 }}\n".to_owned());
                    let case = format!("{{{{ define \"case\" }}}}{line}{{{{ end }}}}");
                    behaviour.files.push(("templates/_case.tpl".to_owned(), case));
                }
                "output" => {
                    let body = line.replace('\n', &format!("\n{indent}"));
                    behaviour.answer =
                        Ok(format!("---\n# Source: c/templates/t.txt\nx: |\n  {body}\n"));
                }
                "stdout" => behaviour.answer = Ok(text),
                "error" => behaviour.answer = Err(line.to_owned()),
                "stderr" => {
                    behaviour.log = line.lines().map(str::to_owned).collect();
                    behaviour.log.sort();
                }
                _ => behaviour.files.push((label, text)),
            }
        }
        behaviour
    }

    fn template(&mut self, text: String) {
        self.files.push(("templates/t.txt".to_owned(), text));
    }
}

/// All cases of a file.
pub(crate) fn read(file: &Path) -> Vec<Behaviour> {
    let text = std::fs::read_to_string(file).expect("a file of cases is UTF-8");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut cases: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("== ") {
            cases.push((format!("{name}: {heading}"), Vec::new()));
            continue;
        }
        let (label, text) = line.split_once('|').expect("every other line has a bar");
        let (label, text) = (label.trim_end(), text.strip_prefix(' ').unwrap_or(text));
        let (_, parts) = cases.last_mut().expect("a heading comes first");
        if !label.is_empty() {
            parts.push((label.to_owned(), String::new()));
        }
        let (_, part) = parts.last_mut().expect("the first line of a text is labelled");
        match text.strip_suffix('∎') {
            Some(text) => part.push_str(text),
            None => part.extend([&*text.replace('␍', "\r"), "\n"]),
        }
    }
    cases.into_iter().map(|(heading, parts)| Behaviour::new(heading, parts)).collect()
}

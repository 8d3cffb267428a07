//! Everything a command line says about values, joined in Helm's order.

use std::io;

use goyaml::{Map, Value};

use super::set::{self, SetError};
use super::{HelmMode, ValuesError, merge_maps, parse_values_as};

/// A values file, read.
#[derive(Clone, Debug)]
pub struct ValuesFile {
    /// How the user named it.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// Values files and flags of the `--set` family.
///
/// They count in the order of the fields, whatever their order on the command line, and within a
/// field in the given order; later ones win.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `-f`.
    pub files: Vec<ValuesFile>,
    /// `--set-json`.
    pub set_json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// `--set-file`.
    pub set_file: Vec<String>,
    /// `--set-literal`.
    pub set_literal: Vec<String>,
}

/// A flag that sets values, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `--set`
    Set,
    /// `--set-string`
    SetString,
    /// `--set-file`
    SetFile,
    /// `--set-literal`
    SetLiteral,
}

impl std::fmt::Display for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Set => "--set",
            Self::SetString => "--set-string",
            Self::SetFile => "--set-file",
            Self::SetLiteral => "--set-literal",
        })
    }
}

/// Which file or flag is at fault. With their sources, joined by `: `, the texts are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// A values file cannot be read as values.
    #[error("failed to parse {name}")]
    File {
        /// The file.
        name: String,
        /// What is wrong with it.
        source: Box<ValuesError>,
    },
    /// A flag does not say what to set. Helm's text quotes the flag and gives no reason; see
    /// `problem` for that.
    #[error("failed parsing --set-json data {text}")]
    Json {
        /// The flag's value.
        text: String,
        /// What is wrong with it.
        problem: SetError,
    },
    /// As [`Json`](Self::Json), for a whole object.
    #[error("failed parsing --set-json data JSON: {text}")]
    JsonObject {
        /// The flag's value.
        text: String,
        /// What is wrong with it.
        problem: SetError,
    },
    /// Another flag does not say what to set.
    #[error("failed parsing {flag} data")]
    Flag {
        /// The flag.
        flag: Flag,
        /// What is wrong with its value.
        source: SetError,
    },
}

impl Overrides {
    /// Joins everything; the result is a mapping. `read` reads the files of `--set-file`.
    pub fn merge(
        &self,
        mode: HelmMode,
        read: &mut dyn FnMut(&str) -> io::Result<String>,
    ) -> Result<Value, OverridesError> {
        let mut values = Map::new();
        for file in &self.files {
            let above = parse_values_as(mode, &file.text).map_err(|source| {
                let (name, source) = (file.name.clone(), Box::new(source));
                OverridesError::File { name, source }
            })?;
            if let Value::Map(above) = above {
                values = merge_maps(&values, &above);
            }
        }
        for text in &self.set_json {
            values = with_json(text, values)?;
        }
        let mut read_file = |path: &str| {
            read(path).map_err(|error| SetError::File(format!("open {path}: {}", go_words(&error))))
        };
        let mut set_file =
            |text: &str, values: &mut Map| set::set_file(text, values, &mut read_file);
        let flags: [(Flag, &[String], &mut Setter<'_>); 4] = [
            (Flag::Set, &self.set, &mut set::set),
            (Flag::SetString, &self.set_string, &mut set::set_string),
            (Flag::SetFile, &self.set_file, &mut set_file),
            (Flag::SetLiteral, &self.set_literal, &mut set::set_literal),
        ];
        for (flag, texts, set) in flags {
            for text in texts {
                set(text, &mut values).map_err(|source| OverridesError::Flag { flag, source })?;
            }
        }
        Ok(Value::Map(values))
    }
}

/// Carries out the assignments of one flag.
type Setter<'a> = dyn FnMut(&str, &mut Map) -> Result<(), SetError> + 'a;

fn with_json(text: &str, mut values: Map) -> Result<Map, OverridesError> {
    match set::json_object(text) {
        Some(Ok(object)) => Ok(merge_maps(&values, &object)),
        Some(Err(problem)) => Err(OverridesError::JsonObject { text: text.into(), problem }),
        None => match set::set_json(text, &mut values) {
            Ok(()) => Ok(values),
            Err(problem) => Err(OverridesError::Json { text: text.into(), problem }),
        },
    }
}

/// What Go says about a file that cannot be opened.
fn go_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

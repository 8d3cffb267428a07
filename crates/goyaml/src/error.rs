//! What can go wrong while reading or writing, in the words of the Go libraries.

/// Why a text is not YAML, or not YAML that JSON can express.
///
/// The displayed text is what `sigs.k8s.io/yaml` reports, including go-yaml's way of counting
/// lines (often one too few, and no line at all for the first). [`line`](Self::line) and
/// [`column`](Self::column) are the true place, for an editor to point at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error converting YAML to JSON: {message}")]
pub struct ParseError {
    message: String,
    place: Option<Place>,
}

/// A place in a text; both counts start at 1, columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl ParseError {
    pub(crate) fn new(message: String, place: Option<Place>) -> Self {
        Self { message, place }
    }

    /// The library's own text, such as `yaml: line 2: did not find expected key`.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the fault, counted from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line)
    }

    /// The column of the fault in characters, counted from 1, where it is known.
    pub fn column(&self) -> Option<usize> {
        self.place.map(|place| place.column)
    }
}

/// Why a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// JSON has no notation for the value: `NaN`, an infinity, or a tree nested without end.
    #[error("error marshaling into JSON: json: unsupported value: {0}")]
    UnsupportedValue(String),
    /// The value is of a kind that cannot be written, such as a function; its Go type.
    #[error("error marshaling into JSON: json: unsupported type: {0}")]
    UnsupportedType(String),
    /// The JSON text in between cannot be read back as YAML, for instance because of a control
    /// character; go-yaml's text.
    #[error("{0}")]
    NotReadableAgain(String),
}

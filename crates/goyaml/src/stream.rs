//! Cutting a YAML stream into documents before parsing, as Kubernetes' line-wise reader does.

use std::borrow::Cow;

/// One document of a stream, not parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// The text with `\n` line ends; a separator at the very start is still there.
    pub text: Cow<'a, str>,
    /// The line of the stream the text starts on, counted from 1.
    pub first_line: usize,
}

/// A line starts like a document separator but goes on with content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid Yaml document separator: {rest}")]
pub struct SeparatorError {
    /// What follows the dashes.
    pub rest: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// Cuts `text` at lines that are `---`, blanks and a comment. Such a line is not part of either
/// document, unless the document before it is empty.
///
/// A last line without its line end gets one.
///
/// ```
/// let documents: Vec<_> = goyaml::documents("a: 1\n--- # two\nb: 2").flatten().collect();
/// assert_eq!(documents[0].text, "a: 1\n");
/// assert_eq!(documents[1].text, "b: 2\n");
/// assert_eq!(documents[1].first_line, 3);
/// ```
pub fn documents(text: &str) -> Documents<'_> {
    Documents { rest: text, line: 1 }
}

/// The documents of a stream; see [`documents`]. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, SeparatorError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let first_line = self.line;
        let all = self.rest;
        let mut length = 0;
        while length < all.len() {
            let line = all[length..].split_inclusive('\n').next().unwrap_or_default();
            self.line += 1;
            if let Some(rest) = line.strip_prefix("---") {
                let rest = rest.trim();
                if !rest.is_empty() && !rest.starts_with('#') {
                    self.rest = "";
                    return Some(Err(SeparatorError { rest: rest.into(), line: self.line - 1 }));
                }
                if length > 0 {
                    self.rest = &all[length + line.len()..];
                    return Some(Ok(Document { text: clean(&all[..length]), first_line }));
                }
            }
            length += line.len();
        }
        self.rest = "";
        Some(Ok(Document { text: clean(all), first_line }))
    }
}

/// Line ends as the reader hands them on: `\r\n` and a missing last one become `\n`.
fn clean(text: &str) -> Cow<'_, str> {
    let ended = text.ends_with('\n');
    if ended && !text.contains("\r\n") {
        return Cow::Borrowed(text);
    }
    let mut clean = text.replace("\r\n", "\n");
    if !ended {
        clean.push('\n');
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::documents;

    fn texts(stream: &str) -> Vec<String> {
        documents(stream).map(|d| d.map_or_else(|e| e.to_string(), |d| d.text.into())).collect()
    }

    /// A separator that opens the stream stays with the first document, where it does no harm.
    #[test]
    fn leading_separator() {
        assert_eq!(texts("---\na: 1\n---\n---\nb: 2\n"), ["---\na: 1\n", "---\nb: 2\n"]);
    }

    /// Content behind the dashes is refused, and nothing after it is read.
    #[test]
    fn content_behind_separator() {
        assert_eq!(
            texts("a: 1\n--- {b: 2}\n---\nc: 3\n"),
            ["invalid Yaml document separator: {b: 2}"]
        );
    }

    /// Line ends are made plain, the last line gets one.
    #[test]
    fn line_ends() {
        assert_eq!(texts("a: 1\r\nb: |\r\n  x"), ["a: 1\nb: |\n  x\n"]);
        assert_eq!(texts(""), [] as [&str; 0]);
    }
}

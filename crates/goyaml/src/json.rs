//! JSON as Go's `encoding/json` writes it: keys sorted by bytes, no blanks, its own escapes.

use crate::{MAX_DEPTH, Node, Shape, WriteError, number};

/// Writes `node` as `json.Marshal` does: `<`, `>` and `&` become `\u003c`, `\u003e`, `\u0026`.
///
/// ```
/// let value = goyaml::parse("{b: <1>, a: [1.0, 1e21, ~]}").unwrap();
/// let text = goyaml::json::to_string(&value).unwrap();
/// assert_eq!(text, r#"{"a":[1,1e+21,null],"b":"\u003c1\u003e"}"#);
/// ```
pub fn to_string<N: Node>(node: &N) -> Result<String, WriteError> {
    write(node, Escapes::Html)
}

/// As [`to_string`], with `<`, `>` and `&` as they are (an encoder with `SetEscapeHTML(false)`).
pub fn to_string_raw<N: Node>(node: &N) -> Result<String, WriteError> {
    write(node, Escapes::Needed)
}

/// As [`to_string`], indented by two blanks (`json.MarshalIndent(v, "", "  ")`).
pub fn to_string_pretty<N: Node>(node: &N) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), escapes: Escapes::Html, pretty: true };
    writer.node(node, 0)?;
    Ok(writer.out)
}

/// Appends `text` as a quoted JSON string. Bytes that are not UTF-8 become U+FFFD, each by itself.
pub fn push_string(out: &mut String, text: &[u8], escape_html: bool) {
    out.push('"');
    // The plain case first: it is quicker than the other, which looks for what is wrong.
    if let Ok(valid) = std::str::from_utf8(text) {
        push_valid(out, valid, escape_html);
    } else {
        for chunk in text.utf8_chunks() {
            push_valid(out, chunk.valid(), escape_html);
            for _ in chunk.invalid() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    out.push('"');
}

#[derive(Clone, Copy, PartialEq)]
enum Escapes {
    Html,
    Needed,
}

fn write<N: Node>(node: &N, escapes: Escapes) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), escapes, pretty: false };
    writer.node(node, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    escapes: Escapes,
    pretty: bool,
}

impl Writer {
    fn node<N: Node>(&mut self, node: &N, depth: usize) -> Result<(), WriteError> {
        match node.shape() {
            Shape::Null => self.out.push_str("null"),
            Shape::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Shape::Int(value) => self.out.push_str(&value.to_string()),
            Shape::Uint(value) => self.out.push_str(&value.to_string()),
            Shape::Float(value) => number::push_json(&mut self.out, value)
                .map_err(|word| WriteError::UnsupportedValue(word.into()))?,
            Shape::Text(text) | Shape::Time(text) => self.text(text.as_ref()),
            Shape::Seq(items) => {
                check_depth(depth, "[]interface {}")?;
                self.list('[', ']', depth, &items, |writer, item| writer.node(item, depth + 1))?;
            }
            Shape::Map(mut entries) => {
                check_depth(depth, "map[string]interface {}")?;
                entries.sort_unstable_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
                self.object(&entries, depth)?;
            }
            Shape::Struct(fields) => {
                check_depth(depth, "struct")?;
                self.object(&fields, depth)?;
            }
            Shape::Unsupported(kind) => return Err(WriteError::UnsupportedType(kind)),
        }
        Ok(())
    }

    fn object<N: Node>(
        &mut self,
        entries: &[(N::Text, N)],
        depth: usize,
    ) -> Result<(), WriteError> {
        self.list('{', '}', depth, entries, |writer, (key, value)| {
            writer.text(key.as_ref());
            writer.out.push_str(if writer.pretty { ": " } else { ":" });
            writer.node(value, depth + 1)
        })
    }

    fn list<T>(
        &mut self,
        open: char,
        close: char,
        depth: usize,
        items: &[T],
        mut each: impl FnMut(&mut Self, &T) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.out.push(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            each(self, item)?;
        }
        if !items.is_empty() {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if self.pretty {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        push_string(&mut self.out, text, self.escapes == Escapes::Html);
    }
}

/// Go gives up on a tree this deep only if it contains itself, which is by far the likeliest
/// reason here too.
pub(crate) fn check_depth(depth: usize, kind: &str) -> Result<(), WriteError> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(WriteError::UnsupportedValue(format!("encountered a cycle via {kind}")))
}

fn push_valid(out: &mut String, text: &str, escape_html: bool) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            8 => "\\b",
            12 => "\\f",
            0..=31 => "\\u00",
            b'<' if escape_html => "\\u003c",
            b'>' if escape_html => "\\u003e",
            b'&' if escape_html => "\\u0026",
            0xE2 if bytes[at..].starts_with("\u{2028}".as_bytes()) => "\\u2028",
            0xE2 if bytes[at..].starts_with("\u{2029}".as_bytes()) => "\\u2029",
            _ => continue,
        };
        out.push_str(&text[done..at]);
        out.push_str(escape);
        if escape == "\\u00" {
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
        done = at + if byte == 0xE2 { 3 } else { 1 };
    }
    out.push_str(&text[done..]);
}

#[cfg(test)]
mod tests {
    use super::push_string;

    /// Go's escapes: short ones, `\u00xx` for other controls, markup and line separators.
    #[test]
    fn strings() {
        for (text, html, plain) in [
            (&b"a\"\\/"[..], r#""a\"\\/""#, r#""a\"\\/""#),
            (
                b"\n\r\t\x08\x0c\x00\x1f\x7f",
                "\"\\n\\r\\t\\b\\f\\u0000\\u001f\x7f\"",
                "\"\\n\\r\\t\\b\\f\\u0000\\u001f\x7f\"",
            ),
            (b"<&>", r#""\u003c\u0026\u003e""#, r#""<&>""#),
            ("\u{2028}\u{2029}é😀".as_bytes(), r#""\u2028\u2029é😀""#, r#""\u2028\u2029é😀""#),
            (b"a\xff\xc3b", "\"a\u{FFFD}\u{FFFD}b\"", "\"a\u{FFFD}\u{FFFD}b\""),
        ] {
            for (escape_html, expected) in [(true, html), (false, plain)] {
                let mut out = String::new();
                push_string(&mut out, text, escape_html);
                assert_eq!(out, expected);
            }
        }
    }
}

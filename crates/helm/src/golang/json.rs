//! Go's `encoding/json`, reading side: any JSON text, with Go's error texts.

use std::collections::BTreeMap;

/// Deepest nesting accepted. Go accepts 10 000; every user of a tree walks it recursively.
const MAX_DEPTH: usize = 500;

/// A JSON value as Go reads it into an `interface {}`: every number is a float, and of equal keys
/// the last one stays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// Why a text is no JSON; prints Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("unexpected end of JSON input")]
    End,
    #[error("invalid character {character} {context}")]
    Character { character: String, context: &'static str },
    #[error("invalid escape sequence {0} in string")]
    Escape(String),
    #[error("exceeded max depth")]
    Depth,
}

/// A well-formed text. Numbers that do not fit a float are read as 0, and the first is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) value: Json,
    pub(crate) bad_number: Option<BadNumber>,
}

/// A number too large for a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadNumber {
    /// As written.
    pub(crate) number: String,
    /// Keys and indexes that lead to it, each after a dot; empty for the value itself.
    pub(crate) path: String,
}

/// Reads one value; only white space may follow it.
pub(crate) fn parse(text: &[u8]) -> Result<Parsed, JsonError> {
    let mut reader = Reader { text, position: 0, path: Vec::new(), bad_number: None };
    let value = reader.value("looking for beginning of value")?;
    reader.skip_space();
    if reader.position < text.len() {
        return Err(reader.unexpected("after top-level value"));
    }
    Ok(Parsed { value, bad_number: reader.bad_number })
}

impl Json {
    /// What Go calls this kind of value in its errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// A step from a collection to one of its members.
enum Step {
    Key(String),
    Index(usize),
}

struct Reader<'t> {
    text: &'t [u8],
    position: usize,
    path: Vec<Step>,
    bad_number: Option<BadNumber>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
    }

    /// The error for the byte at the current position.
    fn unexpected(&self, context: &'static str) -> JsonError {
        let rest = &self.text[self.position..];
        if rest.is_empty() {
            return JsonError::End;
        }
        JsonError::Character { character: quote_character(rest), context }
    }

    fn value(&mut self, context: &'static str) -> Result<Json, JsonError> {
        if self.path.len() > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(Json::Text),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected(context)),
        }
    }

    fn literal(&mut self, word: &'static str, value: Json) -> Result<Json, JsonError> {
        self.position += 1;
        for index in 1..word.len() {
            if self.peek() != Some(word.as_bytes()[index]) {
                return Err(self.unexpected(literal_context(word, index)));
            }
            self.position += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        match self.peek() {
            Some(b'0') => self.position += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.required_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.required_digits()?;
        }
        let text = String::from_utf8_lossy(&self.text[start..self.position]);
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() && self.bad_number.is_none() {
            self.bad_number = Some(BadNumber { number: text.into_owned(), path: self.path_text() });
        }
        Ok(Json::Number(number.unwrap_or_default()))
    }

    fn path_text(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => format!(".{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!(".{index}"),
        };
        self.path.iter().map(step).collect()
    }

    fn required_digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("in numeric literal"));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
    }

    fn list(&mut self) -> Result<Json, JsonError> {
        self.position += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Json::List(items));
        }
        loop {
            self.path.push(Step::Index(items.len()));
            items.push(self.value("looking for beginning of value")?);
            self.path.pop();
            self.skip_space();
            match self.peek() {
                Some(b',') => self.position += 1,
                Some(b']') => {
                    self.position += 1;
                    return Ok(Json::List(items));
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        self.position += 1;
        let mut entries = BTreeMap::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.position += 1;
            self.path.push(Step::Key(key.clone()));
            let value = self.value("looking for beginning of value")?;
            self.path.pop();
            entries.insert(key, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.position += 1,
                Some(b'}') => {
                    self.position += 1;
                    return Ok(Json::Object(entries));
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.position += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(replace_broken(&out));
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(byte) if byte >= b' ' => {
                    out.push(byte);
                    self.position += 1;
                }
                _ => return Err(self.unexpected("in string")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let start = self.position;
        self.position += 1;
        let plain = match self.peek() {
            None => return Err(JsonError::End),
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(out),
            Some(_) => return Err(bad_escape(&self.text[start..start + 2])),
        };
        out.push(plain);
        self.position += 1;
        Ok(())
    }

    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let first = self.code_unit()?;
        let mut character = char::from_u32(first);
        if (0xD800..0xDC00).contains(&first) && self.text[self.position..].starts_with(b"\\u") {
            let before = self.position;
            self.position += 1;
            let second = self.code_unit()?;
            if (0xDC00..0xE000).contains(&second) {
                character = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            } else {
                self.position = before; // a lone half; the next escape stands for itself
            }
        }
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// Reads `uXXXX` after a backslash.
    fn code_unit(&mut self) -> Result<u32, JsonError> {
        let escape = &self.text[self.position - 1..];
        let digits = &escape[2..escape.len().min(6)];
        let mut unit = 0;
        for byte in digits {
            let digit = char::from(*byte).to_digit(16);
            let digit = digit.ok_or_else(|| bad_escape(&escape[..digits.len() + 2]))?;
            unit = unit * 16 + digit;
        }
        if digits.len() < 4 {
            return Err(JsonError::End);
        }
        self.position += 5;
        Ok(unit)
    }
}

/// Names the escape in backquotes, or quoted if these would not show it.
fn bad_escape(escape: &[u8]) -> JsonError {
    let shown = std::str::from_utf8(escape).ok();
    let plain = shown.filter(|text| text.chars().all(|c| c != '`' && (' '..='~').contains(&c)));
    JsonError::Escape(match plain {
        Some(text) => format!("`{text}`"),
        None => gotemplate::print::quote(escape),
    })
}

fn literal_context(word: &str, index: usize) -> &'static str {
    match (word, index) {
        ("true", 1) => "in literal true (expecting 'r')",
        ("true", 2) => "in literal true (expecting 'u')",
        ("true", _) => "in literal true (expecting 'e')",
        ("false", 1) => "in literal false (expecting 'a')",
        ("false", 2) => "in literal false (expecting 'l')",
        ("false", 3) => "in literal false (expecting 's')",
        ("false", _) => "in literal false (expecting 'e')",
        (_, 1) => "in literal null (expecting 'u')",
        _ => "in literal null (expecting 'l')",
    }
}

/// The first character as Go names it: quoted, or its byte if it is not UTF-8.
fn quote_character(text: &[u8]) -> String {
    let first = super::characters::characters(text).next();
    match first {
        Some((char::REPLACEMENT_CHARACTER, [byte])) => format!("'\\x{byte:x}'"),
        Some(('\'', _)) => "'\\''".to_owned(),
        Some(('"', _)) => "'\"'".to_owned(),
        Some((_, bytes)) => {
            let quoted = gotemplate::print::quote(bytes);
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
        None => String::new(),
    }
}

/// Every byte that is not UTF-8 becomes U+FFFD.
fn replace_broken(bytes: &[u8]) -> String {
    super::characters::map_characters(bytes, |c| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    /// Values of every kind.
    #[test]
    fn reading() {
        let text = br#" {"b":[1,2.5e1,-0,"x\u00e9\ud83d\ude00\ud800"],"a":null,"a":true} "#;
        let entries = BTreeMap::from([
            ("a".to_owned(), Json::Bool(true)),
            (
                "b".to_owned(),
                Json::List(vec![
                    Json::Number(1.0),
                    Json::Number(25.0),
                    Json::Number(-0.0),
                    Json::Text("xé😀\u{FFFD}".to_owned()),
                ]),
            ),
        ]);
        let value = Json::Object(entries);
        assert_eq!(parse(text), Ok(Parsed { value, bad_number: None }));
    }

    /// A number too large is told with the way to it; the rest of the text is still checked.
    #[test]
    fn numbers_too_large() {
        let bad = parse(br#"{"a/b~c":[1,{"d":1e400}],"e":1e500}"#).unwrap().bad_number.unwrap();
        assert_eq!((bad.number.as_str(), bad.path.as_str()), ("1e400", ".a~1b~0c.1.d"));
        assert_eq!(error("[1e400"), "unexpected end of JSON input");
    }

    /// What is no JSON is refused in Go's words.
    #[test]
    fn refusals() {
        for (text, reason) in [
            ("", "unexpected end of JSON input"),
            ("[", "unexpected end of JSON input"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("1 x", "invalid character 'x' after top-level value"),
            ("tru", "unexpected end of JSON input"),
            ("nil", "invalid character 'i' in literal null (expecting 'u')"),
            ("01", "invalid character '1' after top-level value"),
            ("1.x", "invalid character 'x' in numeric literal"),
            ("\"\n\"", "invalid character '\\n' in string"),
            ("\"\\x\"", "invalid escape sequence `\\x` in string"),
            ("\"\\u00g0\"", "invalid escape sequence `\\u00g0` in string"),
            ("\"\\é\"", "invalid escape sequence \"\\\\\\xc3\" in string"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
            ("é", "invalid character 'é' looking for beginning of value"),
        ] {
            assert_eq!(error(text), reason, "{text}");
        }
        assert_eq!(parse("[".repeat(100_000).as_bytes()), Err(JsonError::Depth));
    }
}

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
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    Number(String),
    #[error("exceeded max depth")]
    Depth,
}

impl Json {
    /// Reads one value; only white space may follow it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Reader { text, position: 0, bad_number: None };
        let value = reader.value(0, "looking for beginning of value")?;
        reader.skip_space();
        if reader.position < text.len() {
            return Err(reader.unexpected("after top-level value"));
        }
        // The syntax of the whole text comes first, as in Go, which checks it before it converts.
        reader.bad_number.map_or(Ok(value), |number| Err(JsonError::Number(number)))
    }

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

struct Reader<'t> {
    text: &'t [u8],
    position: usize,
    /// The first number too large for a float.
    bad_number: Option<String>,
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
        match self.peek() {
            None => JsonError::End,
            Some(byte) => JsonError::Character { character: quote_byte(byte), context },
        }
    }

    fn value(&mut self, depth: usize, context: &'static str) -> Result<Json, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
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
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.unexpected("after decimal point in numeric literal"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.unexpected("in exponent of numeric literal"));
            }
            self.digits();
        }
        let text = String::from_utf8_lossy(&self.text[start..self.position]);
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        if number.is_infinite() && self.bad_number.is_none() {
            self.bad_number = Some(text.into_owned());
        }
        Ok(Json::Number(number))
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.position += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1, "looking for beginning of value")?);
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

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
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
            let value = self.value(depth + 1, "looking for beginning of value")?;
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
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.position += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(out),
            _ => return Err(self.unexpected("in string escape code")),
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

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Result<u32, JsonError> {
        self.position += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.unexpected("in \\u hexadecimal character escape"))?;
            unit = unit * 16 + digit;
            self.position += 1;
        }
        Ok(unit)
    }
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

/// The byte as Go names it: a quoted Latin-1 character.
fn quote_byte(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let quoted = gotemplate::print::quote(char::from(byte).to_string().as_bytes());
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}

/// Every byte that is not UTF-8 becomes U+FFFD.
fn replace_broken(bytes: &[u8]) -> String {
    super::characters::map_characters(bytes, |c| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of every kind.
    #[test]
    fn reading() {
        let value = Json::parse(br#" {"b":[1,2.5e1,-0,"x\u00e9\ud83d\ude00\ud800"],"a":null,"a":true} "#);
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
        assert_eq!(value, Ok(Json::Object(entries)));
    }

    /// What is no JSON is refused in Go's words.
    #[test]
    fn refusals() {
        for (text, error) in [
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
            ("1.", "unexpected end of JSON input"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
            ("1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"),
        ] {
            assert_eq!(Json::parse(text.as_bytes()).unwrap_err().to_string(), error, "{text}");
        }
        assert_eq!(Json::parse("[".repeat(100_000).as_bytes()), Err(JsonError::Depth));
    }
}

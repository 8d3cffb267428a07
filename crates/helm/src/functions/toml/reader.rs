//! Reads TOML documents.

use super::cursor::{Cursor, Fault, TomlError, shown};
use super::tree::{Node, Tree, name, to_value};
use super::{scalar, strings};
use gotemplate::{Map, Value};

/// Deepest nesting of arrays and inline tables.
const MAX_DEPTH: usize = 200;

/// The document as a map.
pub(super) fn read(text: &[u8]) -> Result<Map, TomlError> {
    let fault = |message: String| TomlError { line: 1, last_key: String::new(), message };
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    if text.iter().take(6).any(|byte| *byte == 0) {
        return Err(fault(
            "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8"
                .to_owned(),
        ));
    }
    let valid = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut reader = Reader {
        cursor: Cursor::new(valid),
        tree: Tree::default(),
        context: Vec::new(),
        key: String::new(),
        depth: 0,
    };
    let mut result = reader.document();
    if let Some(byte) = text.get(valid.len()).filter(|_| reader.cursor.rest().is_empty()) {
        // What was taken for the end is a byte that is not UTF-8.
        let message = format!("invalid UTF-8 byte: 0x{byte:02x}");
        result = Err(Fault { line: reader.cursor.line(), message });
    }
    match result {
        Ok(()) => Ok(reader.tree.into_map()),
        Err(Fault { line, message }) => {
            Err(TomlError { line, last_key: reader.last_key(), message })
        }
    }
}

struct Reader<'t> {
    cursor: Cursor<'t>,
    tree: Tree,
    /// The table being filled, with the tables a dotted key adds.
    context: Vec<String>,
    /// The key whose value is being read, or empty.
    key: String,
    depth: usize,
}

impl Reader<'_> {
    fn last_key(&self) -> String {
        match (self.context.is_empty(), self.key.is_empty()) {
            (_, true) => name(&self.context),
            (true, false) => self.key.clone(),
            (false, false) => format!("{}.{}", name(&self.context), self.key),
        }
    }

    fn document(&mut self) -> Result<(), Fault> {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                None => return Ok(()),
                Some('\n' | '\r') => {
                    self.cursor.next()?;
                    continue;
                }
                Some('#') => {
                    self.comment()?;
                    continue;
                }
                Some('[') => self.header()?,
                Some(_) => {
                    let context = self.context.clone();
                    self.entry(0)?;
                    self.context = context;
                    self.key.clear();
                }
            }
            self.line_end()?;
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        while !matches!(self.cursor.peek(), None | Some('\n' | '\r')) {
            self.cursor.next()?;
        }
        Ok(())
    }

    fn line_end(&mut self) -> Result<(), Fault> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None => Ok(()),
            Some('#') => self.comment(),
            found => {
                self.cursor.next()?;
                if matches!(found, Some('\n' | '\r')) {
                    return Ok(());
                }
                Err(self.cursor.fault(format!(
                    "expected a top-level item to end with a newline, comment, or EOF, but got {} \
                     instead",
                    shown(found)
                )))
            }
        }
    }

    /// `[table]` or `[[table]]`.
    fn header(&mut self) -> Result<(), Fault> {
        self.cursor.next()?;
        let array = self.cursor.accept("[");
        let mut key = Vec::new();
        let mut line = None;
        loop {
            self.cursor.skip_blanks();
            key.push(match self.cursor.peek() {
                None | Some(']') => {
                    let message = "unexpected end of table name (table names cannot be empty)";
                    return Err(self.cursor.fault(message));
                }
                Some('.') => {
                    let message = "unexpected table separator (table names cannot be empty)";
                    return Err(self.cursor.fault(message));
                }
                Some(_) => self.key_part()?,
            });
            line.get_or_insert(self.cursor.line());
            self.cursor.skip_blanks();
            match self.cursor.next()? {
                Some('.') => {}
                Some(']') => break,
                found => {
                    return Err(self.cursor.fault(format!(
                        "expected '.' or ']' to end table name, but got {} instead",
                        shown(found)
                    )));
                }
            }
        }
        if array {
            let found = self.cursor.next()?;
            if found != Some(']') {
                return Err(self.cursor.fault(format!(
                    "expected end of table array name delimiter ']', but got {} instead",
                    shown(found)
                )));
            }
        }
        if let Err(conflict) = self.tree.open(&key, array) {
            if conflict.reached_parent {
                key.pop();
                self.context = key;
            }
            return Err(Fault { line: line.unwrap_or(1), message: conflict.message });
        }
        self.context = key;
        Ok(())
    }

    /// One part of a key: bare or quoted.
    fn key_part(&mut self) -> Result<String, Fault> {
        if matches!(self.cursor.peek(), Some('"' | '\'')) {
            return strings::read_line(&mut self.cursor);
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        Ok(self.cursor.take_while(bare).to_owned())
    }

    /// `key = value`. The tree being filled begins below the first `outer` parts of the context,
    /// which is not 0 in inline tables.
    fn entry(&mut self, outer: usize) -> Result<(), Fault> {
        let line = self.cursor.line();
        let mut parts = self.dotted_key()?;
        self.key = parts.pop().unwrap_or_default();
        for part in parts {
            self.context.push(part);
            if let Err(conflict) = self.tree.open_implicit(&self.context[outer..]) {
                self.context.pop();
                return Err(Fault { line, message: conflict.message });
            }
        }
        let key = self.key.clone();
        let value = self.value()?;
        let defined = self.tree.set(&self.context[outer..], &key, value);
        defined.map_err(|message| Fault { line, message })
    }

    fn dotted_key(&mut self) -> Result<Vec<String>, Fault> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None | Some('=') => {
                return Err(self.cursor.fault("unexpected '=': key name appears blank"));
            }
            Some('.') => {
                return Err(self.cursor.fault("unexpected '.': keys cannot start with a '.'"));
            }
            Some(_) => {}
        }
        let mut parts = vec![self.key_part()?];
        loop {
            self.cursor.skip_blanks();
            match self.cursor.next()? {
                Some('=') => return Ok(parts),
                Some('.') => {}
                None => {
                    let message = "unexpected EOF; expected key separator '='";
                    return Err(self.cursor.fault(message));
                }
                found => {
                    let message = format!("expected '.' or '=', but got {} instead", shown(found));
                    return Err(match found {
                        Some('\n') => self.cursor.fault_before(message),
                        _ => self.cursor.fault(message),
                    });
                }
            }
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                None | Some('=') => return Err(self.cursor.fault("unexpected '='")),
                Some('.') => return Err(self.cursor.fault("unexpected '.'")),
                Some(_) => parts.push(self.key_part()?),
            }
        }
    }

    fn value(&mut self) -> Result<Node, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.cursor.fault("arrays and inline tables are nested too deeply"));
        }
        self.cursor.skip_blanks();
        let value = match self.cursor.peek() {
            Some('"' | '\'') => strings::read(&mut self.cursor)?.into(),
            Some('[') => self.array()?,
            Some('{') => {
                let table = self.inline_table()?;
                self.depth -= 1;
                return Ok(table);
            }
            Some('+' | '-') => scalar::read_signed(&mut self.cursor)?,
            Some(c) if c.is_ascii_digit() => scalar::read_digits(&mut self.cursor)?,
            Some(c) if c.is_alphabetic() => scalar::read_word(&mut self.cursor)?,
            Some('.') => {
                return Err(self.cursor.fault("floats must start with a digit, not '.'"));
            }
            found => {
                self.cursor.next()?;
                let message = strings::no_value(found);
                return Err(match found {
                    Some('\n') => self.cursor.fault_before(message),
                    _ => self.cursor.fault(message),
                });
            }
        };
        self.depth -= 1;
        Ok(Node::Value(value))
    }

    /// Blanks, line breaks and comments, which arrays and inline tables may contain.
    fn skip_lines(&mut self) -> Result<(), Fault> {
        loop {
            match self.cursor.peek() {
                Some(' ' | '\t' | '\n' | '\r') => {
                    self.cursor.next()?;
                }
                Some('#') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn array(&mut self) -> Result<Value, Fault> {
        self.cursor.next()?;
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            if self.cursor.accept("]") {
                return Ok(Value::list(items));
            }
            if self.cursor.peek() == Some(',') {
                return Err(self.cursor.fault("unexpected comma"));
            }
            items.push(to_value(self.value()?));
            self.skip_lines()?;
            if self.cursor.accept("]") {
                return Ok(Value::list(items));
            }
            if !self.cursor.accept(",") {
                let message = format!(
                    "expected a comma (',') or array terminator (']'), but got {}",
                    self.next_or_end()?
                );
                return Err(self.cursor.fault(message));
            }
        }
    }

    fn inline_table(&mut self) -> Result<Node, Fault> {
        self.cursor.next()?;
        let mut full = self.context.clone();
        full.push(std::mem::take(&mut self.key));
        // Errors name keys from the top of the document on, so the context stays whole; the
        // entries go into a tree of their own.
        let outer_context = std::mem::replace(&mut self.context, full.clone());
        let outer_tree = std::mem::replace(&mut self.tree, Tree::within(full.clone()));
        self.inline_entries()?; // after an error the context tells where it was
        let inner = std::mem::replace(&mut self.tree, outer_tree);
        self.key = full.pop().unwrap_or_default();
        self.context = outer_context;
        Ok(Node::Table(inner.into_table()))
    }

    fn inline_entries(&mut self) -> Result<(), Fault> {
        let context = self.context.clone();
        loop {
            self.skip_lines()?;
            if self.cursor.accept("}") {
                return Ok(());
            }
            if self.cursor.peek() == Some(',') {
                return Err(self.cursor.fault("unexpected comma"));
            }
            self.entry(context.len())?;
            self.context.clone_from(&context);
            self.skip_lines()?;
            if self.cursor.accept("}") {
                return Ok(());
            }
            if !self.cursor.accept(",") {
                let message = format!(
                    "expected a comma or an inline table terminator '}}', but got {} instead",
                    self.next_or_end()?
                );
                return Err(self.cursor.fault(message));
            }
        }
    }

    fn next_or_end(&mut self) -> Result<String, Fault> {
        let found = self.cursor.next()?;
        Ok(found.map_or_else(|| "end of file".to_owned(), |c| format!("'{c}'")))
    }
}

//! The tables of a TOML document while it is read: what is defined, and what only exists because
//! something below it does.

use gotemplate::{List, ListType, Map, MapType, Type, Value};
use std::collections::{BTreeMap, HashSet};

/// `[]map[string]interface {}`
static TABLES: ListType = ListType::unnamed("[]map[string]interface {}", Type::Map(MapType::ANY));

pub(super) type Table = BTreeMap<String, Node>;

pub(super) enum Node {
    Value(Value),
    Table(Table),
    /// An array of tables; the last one is being filled.
    Tables(Vec<Table>),
}

/// A document or an inline table.
#[derive(Default)]
pub(super) struct Tree {
    root: Table,
    /// Full names of tables nobody defined so far.
    implicit: HashSet<String>,
    /// Where the tree is within the document; shows in errors.
    prefix: Vec<String>,
}

/// A name that is taken by something else.
pub(super) struct Conflict {
    pub(super) message: String,
    /// Whether everything above the name was found in order.
    pub(super) reached_parent: bool,
}

impl Tree {
    pub(super) fn within(prefix: Vec<String>) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// Opens a table (or with `array` one more table of an array) and everything above it.
    pub(super) fn open(&mut self, key: &[String], array: bool) -> Result<(), Conflict> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        let mut table = &mut self.root;
        for (index, part) in parents.iter().enumerate() {
            if !table.contains_key(part) {
                self.implicit.insert(name(&key[..=index]));
            }
            let node = table.entry(part.clone()).or_insert_with(|| Node::Table(Table::new()));
            let Some(next) = enter(node) else {
                let full = full_name(&self.prefix, &key[..=index]);
                let message = format!("Key '{full}' was already created as a hash.");
                return Err(Conflict { message, reached_parent: false });
            };
            table = next;
        }
        if !array {
            let defined = self.set(parents, last, Node::Table(Table::new()));
            return defined.map_err(|message| Conflict { message, reached_parent: true });
        }
        let node = table.entry(last.clone()).or_insert_with(|| Node::Tables(Vec::new()));
        if let Node::Tables(tables) = node {
            tables.push(Table::new());
            return Ok(());
        }
        let full = full_name(&self.prefix, key);
        let message = format!("Key '{full}' was already created and cannot be used as an array.");
        Err(Conflict { message, reached_parent: true })
    }

    /// Opens a table that a dotted key implies.
    pub(super) fn open_implicit(&mut self, key: &[String]) -> Result<(), Conflict> {
        self.implicit.insert(name(key));
        self.open(key, false)
    }

    /// Defines a key of the table `context`.
    pub(super) fn set(&mut self, context: &[String], key: &str, value: Node) -> Result<(), String> {
        let mut full = context.to_vec();
        let mut table = &mut self.root;
        for (index, part) in context.iter().enumerate() {
            let Some(next) = table.get_mut(part).and_then(enter) else {
                let full = full_name(&self.prefix, &context[..=index]);
                return Err(format!("Key '{full}' has already been defined."));
            };
            table = next;
        }
        full.push(key.to_owned());
        if !table.contains_key(key) {
            table.insert(key.to_owned(), value);
            return Ok(());
        }
        if self.implicit.remove(&name(&full)) {
            return Ok(()); // now it is defined, and has its members already
        }
        Err(format!("Key '{}' has already been defined.", full_name(&self.prefix, &full)))
    }

    pub(super) fn into_map(self) -> Map {
        to_map(self.root)
    }

    pub(super) fn into_table(self) -> Table {
        self.root
    }
}

fn enter(node: &mut Node) -> Option<&mut Table> {
    match node {
        Node::Table(table) => Some(table),
        Node::Tables(tables) => tables.last_mut(),
        Node::Value(_) => None,
    }
}

fn full_name(prefix: &[String], key: &[String]) -> String {
    name(&[prefix, key].concat())
}

/// The parts joined by dots, quoted where they have to be.
pub(super) fn name(key: &[String]) -> String {
    let parts: Vec<String> = key.iter().map(|part| super::writer::quoted_key(part)).collect();
    parts.join(".")
}

fn to_map(table: Table) -> Map {
    let entries = table.into_iter().map(|(key, node)| (key, to_value(node)));
    Map::from_entries(MapType::ANY, entries)
}

pub(super) fn to_value(node: Node) -> Value {
    match node {
        Node::Value(value) => value,
        Node::Table(table) => Value::Map(to_map(table)),
        Node::Tables(tables) => {
            let tables = tables.into_iter().map(|table| Value::Map(to_map(table))).collect();
            Value::List(List::new(&TABLES, tables))
        }
    }
}

//! Parsed templates.
//!
//! All that one parsed text consists of lies in a few vectors, and its parts refer to each other
//! by index: a template may nest without bound, an index needs no recursion to be let go of, and
//! a text of a thousand nodes costs a handful of allocations. Everything here can be shared
//! between threads.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use crate::error::Place;
use crate::func::Function;
use crate::number::Number;
use crate::print::quote;
use crate::stack;
use crate::text::Str;

/// A node, by its index in [`Source`] plus one, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(NonZeroU32);

/// The name of a variable, by its index in [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VarName(u32);

/// A function that a text names, by its index in [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FunctionName(u32);

/// The name of a field in [`Source`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldName {
    start: u32,
    end: u32,
}

/// A run of elements of one of [`Source`]'s vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    start: u32,
    end: u32,
}

impl VarName {
    /// `$`, which every template has.
    pub(crate) const DOLLAR: Self = Self(0);
}

/// A parsed text: one or more templates with their nodes.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name under which it was parsed.
    pub(crate) name: Str,
    pub(crate) text: Str,
    pub(crate) left_delim: String,
    pub(crate) right_delim: String,
    nodes: Vec<Node>,
    /// The nodes of lists, the commands of pipelines, the words of commands.
    children: Vec<Id>,
    fields: Vec<FieldName>,
    /// The names of `fields`, one after the other.
    field_names: String,
    literals: Vec<Literal>,
    numbers: Vec<Number>,
    declarations: Vec<Declaration>,
    variables: Vec<Box<str>>,
    /// Each once, so that naming one again makes nothing.
    functions: Vec<Identifier>,
}

/// A named template of a parsed text.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: Str,
    pub(crate) source: Arc<Source>,
    pub(crate) root: Id,
    /// Nothing but blanks, comments and definitions: never replaces one that is not.
    pub(crate) empty: bool,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// Offset in the text; what errors point at.
    pos: u32,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    /// A run of [`Source::children`].
    List(Run),
    /// From the node's position up to this offset.
    Text(u32),
    Action(Id),
    Break,
    Continue,
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Box<Call>),
    Pipe(Pipe),
    /// A run of [`Source::children`].
    Command(Run),
    Identifier(FunctionName),
    Dot,
    Nil,
    Bool(bool),
    /// An index for [`Source::number`].
    Number(u32),
    /// An index for [`Source::literal`].
    String(u32),
    /// A run of [`Source::fields`].
    Field(Run),
    Variable(Variable),
    Chain(Chain),
}

/// `if`, `with` or `range`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Id,
    pub(crate) list: Id,
    pub(crate) else_list: Option<Id>,
}

/// `template` or `block`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Str,
    pub(crate) pipe: Option<Id>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pipe {
    /// A run of [`Source::children`].
    pub(crate) commands: Run,
    /// The index plus one of its [`Declaration`].
    declaration: Option<NonZeroU32>,
}

/// The variables that a pipeline declares (`:=`) or assigns (`=`).
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<VarName>,
}

/// A function and its name.
#[derive(Debug)]
pub(crate) struct Identifier {
    pub(crate) name: Box<str>,
    pub(crate) function: Arc<Function>,
}

/// A string literal.
#[derive(Debug)]
pub(crate) struct Literal {
    /// As written, with quotes.
    pub(crate) quoted: Range<usize>,
    pub(crate) text: Str,
}

/// `$name.field.field`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: VarName,
    /// A run of [`Source::fields`].
    pub(crate) fields: Run,
}

/// `(pipeline).field.field`, or the same after a function's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    pub(crate) node: Id,
    /// A run of [`Source::fields`].
    pub(crate) fields: Run,
}

impl Run {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// An index or offset in a text that [`Source::new`] let through.
///
/// No vector of a source has more elements than its text has bytes, by far.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Source {
    /// The longest text whose parts can be told by number.
    pub(crate) const MAX_TEXT: usize = (u32::MAX / 4) as usize;

    pub(crate) fn new(name: Str, text: Str, left_delim: &str, right_delim: &str) -> Self {
        // What charts need on average or somewhat more; growing means copying.
        let (nodes, children, fields) = (text.len() / 12, text.len() / 16, text.len() / 64);
        Self {
            name,
            text,
            left_delim: left_delim.to_owned(),
            right_delim: right_delim.to_owned(),
            nodes: Vec::with_capacity(nodes),
            children: Vec::with_capacity(children),
            fields: Vec::with_capacity(fields),
            field_names: String::with_capacity(fields * 8),
            literals: Vec::new(),
            numbers: Vec::new(),
            declarations: Vec::new(),
            variables: vec!["$".into()],
            functions: Vec::new(),
        }
    }

    /// Gives back the room that a parsed text did not need: the next one can have it, and memory that was never touched costs
    /// least.
    pub(crate) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.children.shrink_to_fit();
        self.fields.shrink_to_fit();
        self.field_names.shrink_to_fit();
    }

    pub(crate) fn push(&mut self, pos: usize, kind: NodeKind) -> Id {
        self.nodes.push(Node { pos: index(pos), kind });
        Id(NonZeroU32::new(index(self.nodes.len())).unwrap_or(NonZeroU32::MAX))
    }

    pub(crate) fn push_text(&mut self, pos: usize, len: usize) -> Id {
        self.push(pos, NodeKind::Text(index(pos + len)))
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0.get() as usize - 1]
    }

    /// Offset in the text; what errors point at.
    pub(crate) fn pos(&self, id: Id) -> usize {
        self.node(id).pos as usize
    }

    /// Keeps the children of a node.
    pub(crate) fn add_children(&mut self, children: impl IntoIterator<Item = Id>) -> Run {
        let start = index(self.children.len());
        self.children.extend(children);
        Run { start, end: index(self.children.len()) }
    }

    pub(crate) fn children(&self, run: Run) -> &[Id] {
        &self.children[run.range()]
    }

    pub(crate) fn add_pipe(&mut self, commands: Run, declaration: Option<Declaration>) -> Pipe {
        let declaration = declaration.and_then(|declaration| {
            self.declarations.push(declaration);
            NonZeroU32::new(index(self.declarations.len()))
        });
        Pipe { commands, declaration }
    }

    pub(crate) fn declaration(&self, pipe: Pipe) -> Option<&Declaration> {
        pipe.declaration.map(|at| &self.declarations[at.get() as usize - 1])
    }

    pub(crate) fn no_fields(&self) -> Run {
        let end = index(self.fields.len());
        Run { start: end, end }
    }

    /// Adds a field to the run that was made last.
    pub(crate) fn add_field(&mut self, run: Run, name: &str) -> Run {
        debug_assert_eq!(run.end, index(self.fields.len()), "a run grows at the end of all");
        let start = index(self.field_names.len());
        self.field_names.push_str(name);
        self.fields.push(FieldName { start, end: index(self.field_names.len()) });
        Run { start: run.start, end: index(self.fields.len()) }
    }

    pub(crate) fn fields(&self, run: Run) -> &[FieldName] {
        &self.fields[run.range()]
    }

    pub(crate) fn field_name(&self, field: FieldName) -> &str {
        &self.field_names[field.start as usize..field.end as usize]
    }

    pub(crate) fn add_literal(&mut self, literal: Literal) -> NodeKind {
        self.literals.push(literal);
        NodeKind::String(index(self.literals.len() - 1))
    }

    /// The literal of a [`NodeKind::String`].
    pub(crate) fn literal(&self, at: u32) -> &Literal {
        &self.literals[at as usize]
    }

    pub(crate) fn add_number(&mut self, number: Number) -> NodeKind {
        self.numbers.push(number);
        NodeKind::Number(index(self.numbers.len() - 1))
    }

    /// The number of a [`NodeKind::Number`].
    pub(crate) fn number(&self, at: u32) -> &Number {
        &self.numbers[at as usize]
    }

    /// The bytes of a [`NodeKind::Text`] at `id` that ends at `end`.
    pub(crate) fn text_of(&self, id: Id, end: u32) -> &[u8] {
        &self.text[self.pos(id)..end as usize]
    }

    /// The variable called `name`, known from now on if it was not.
    pub(crate) fn variable(&mut self, name: &str) -> VarName {
        let known = self.variables.iter().position(|known| **known == *name);
        VarName(index(known.unwrap_or_else(|| {
            self.variables.push(name.into());
            self.variables.len() - 1
        })))
    }

    pub(crate) fn variable_name(&self, name: VarName) -> &str {
        &self.variables[name.0 as usize]
    }

    /// Makes a function known that the text names.
    pub(crate) fn add_function(&mut self, name: &str, function: Arc<Function>) -> FunctionName {
        self.functions.push(Identifier { name: name.into(), function });
        FunctionName(index(self.functions.len() - 1))
    }

    pub(crate) fn function(&self, name: FunctionName) -> &Identifier {
        &self.functions[name.0 as usize]
    }

    /// Where a node stands, for errors.
    pub(crate) fn place(&self, id: Id) -> Place {
        let pos = self.pos(id);
        let before = &self.text[..pos];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Place {
            file: self.name.clone(),
            line: line_at(&self.text, pos),
            column: pos - line_start,
            node: self.print(id),
        }
    }

    /// A node the way Go prints it: single blanks, literals as written.
    pub(crate) fn print(&self, id: Id) -> String {
        let mut text = String::new();
        self.print_to(&mut text, id);
        text
    }

    fn print_to(&self, to: &mut String, id: Id) {
        match &self.node(id).kind {
            NodeKind::List(nodes) => {
                self.children(*nodes).iter().for_each(|node| self.print_to(to, *node));
            }
            NodeKind::Text(end) => {
                to.push_str(&String::from_utf8_lossy(self.text_of(id, *end)));
            }
            NodeKind::Action(pipe) => {
                to.push_str(&self.left_delim);
                self.print_to(to, *pipe);
                to.push_str(&self.right_delim);
            }
            NodeKind::Break => self.print_keyword(to, "break"),
            NodeKind::Continue => self.print_keyword(to, "continue"),
            NodeKind::If(branch) => self.print_branch(to, "if", branch),
            NodeKind::With(branch) => self.print_branch(to, "with", branch),
            NodeKind::Range(branch) => self.print_branch(to, "range", branch),
            NodeKind::Template(call) => {
                to.push_str(&self.left_delim);
                to.push_str("template ");
                to.push_str(&quote(&call.name));
                if let Some(pipe) = call.pipe {
                    to.push(' ');
                    self.print_to(to, pipe);
                }
                to.push_str(&self.right_delim);
            }
            NodeKind::Pipe(pipe) => self.print_pipe(to, *pipe),
            NodeKind::Command(args) => {
                for (at, arg) in self.children(*args).iter().enumerate() {
                    if at > 0 {
                        to.push(' ');
                    }
                    self.print_operand(to, *arg);
                }
            }
            NodeKind::Identifier(name) => to.push_str(&self.function(*name).name),
            NodeKind::Dot => to.push('.'),
            NodeKind::Nil => to.push_str("nil"),
            NodeKind::Bool(b) => to.push_str(if *b { "true" } else { "false" }),
            NodeKind::Number(number) => to.push_str(&self.number(*number).text),
            NodeKind::String(literal) => {
                let literal = self.literal(*literal);
                to.push_str(&String::from_utf8_lossy(&self.text[literal.quoted.clone()]));
            }
            NodeKind::Field(fields) => self.print_fields(to, *fields),
            NodeKind::Variable(variable) => {
                to.push_str(self.variable_name(variable.name));
                self.print_fields(to, variable.fields);
            }
            NodeKind::Chain(chain) => {
                self.print_operand(to, chain.node);
                self.print_fields(to, chain.fields);
            }
        }
    }

    /// An operand: pipelines stand in parentheses.
    fn print_operand(&self, to: &mut String, id: Id) {
        if matches!(self.node(id).kind, NodeKind::Pipe(_)) {
            to.push('(');
            stack::grow(|| self.print_to(to, id));
            to.push(')');
        } else {
            self.print_to(to, id);
        }
    }

    fn print_pipe(&self, to: &mut String, pipe: Pipe) {
        if let Some(declaration) = self.declaration(pipe) {
            for (at, name) in declaration.variables.iter().enumerate() {
                if at > 0 {
                    to.push_str(", ");
                }
                to.push_str(self.variable_name(*name));
            }
            to.push_str(if declaration.assigns { " = " } else { " := " });
        }
        for (at, command) in self.children(pipe.commands).iter().enumerate() {
            if at > 0 {
                to.push_str(" | ");
            }
            self.print_to(to, *command);
        }
    }

    fn print_fields(&self, to: &mut String, fields: Run) {
        for field in self.fields(fields) {
            to.push('.');
            to.push_str(self.field_name(*field));
        }
    }

    fn print_keyword(&self, to: &mut String, keyword: &str) {
        to.push_str(&self.left_delim);
        to.push_str(keyword);
        to.push_str(&self.right_delim);
    }

    fn print_branch(&self, to: &mut String, keyword: &str, branch: &Branch) {
        to.push_str(&self.left_delim);
        to.push_str(keyword);
        to.push(' ');
        self.print_to(to, branch.pipe);
        to.push_str(&self.right_delim);
        stack::grow(|| self.print_to(to, branch.list));
        if let Some(else_list) = branch.else_list {
            self.print_keyword(to, "else");
            stack::grow(|| self.print_to(to, else_list));
        }
        self.print_keyword(to, "end");
    }

    /// Whether a list holds nothing but blanks.
    pub(crate) fn is_empty_list(&self, id: Id) -> bool {
        match &self.node(id).kind {
            NodeKind::List(nodes) => {
                self.children(*nodes).iter().all(|node| self.is_empty_list(*node))
            }
            NodeKind::Text(end) => self.text_of(id, *end).utf8_chunks().all(|chunk| {
                chunk.invalid().is_empty() && chunk.valid().chars().all(char::is_whitespace)
            }),
            _ => false,
        }
    }
}

/// The line of an offset in a text, from 1.
pub(crate) fn line_at(text: &[u8], pos: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..pos.min(text.len())]).count()
}

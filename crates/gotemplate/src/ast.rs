//! Parsed templates.
//!
//! The nodes of one parsed text lie in one vector and refer to each other by index: a template
//! may nest without bound, and an index needs no recursion to be let go of. Everything here can
//! be shared between threads.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Place;
use crate::func::Function;
use crate::number::Number;
use crate::print::quote;
use crate::stack;
use crate::text::Str;

/// A node, by its index in [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(usize);

/// The name of a variable, by its index in [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VarName(usize);

/// A function that a text names, by its index in [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FunctionName(usize);

impl VarName {
    /// `$`, which every template has.
    pub(crate) const DOLLAR: Self = Self(0);
}

/// A parsed text: one or more templates with their nodes.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name under which it was parsed.
    pub(crate) name: Str,
    pub(crate) text: Vec<u8>,
    pub(crate) left_delim: String,
    pub(crate) right_delim: String,
    nodes: Vec<Node>,
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
    pub(crate) pos: usize,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    List(Vec<Id>),
    Text(Range<usize>),
    Action(Id),
    Break,
    Continue,
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Box<Call>),
    Pipe(Box<Pipe>),
    Command(Vec<Id>),
    Identifier(FunctionName),
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    String(Box<Literal>),
    Field(Vec<Box<str>>),
    Variable(Variable),
    Chain(Chain),
}

/// `if`, `with` or `range`.
#[derive(Debug)]
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

#[derive(Debug)]
pub(crate) struct Pipe {
    /// Variables are assigned (`=`), not declared.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<VarName>,
    pub(crate) commands: Vec<Id>,
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
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: VarName,
    pub(crate) fields: Vec<Box<str>>,
}

/// `(pipeline).field.field`, or the same after a function's name.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) node: Id,
    pub(crate) fields: Vec<Box<str>>,
}

impl Source {
    pub(crate) fn new(name: Str, text: Vec<u8>, left_delim: &str, right_delim: &str) -> Self {
        Self {
            name,
            text,
            left_delim: left_delim.to_owned(),
            right_delim: right_delim.to_owned(),
            nodes: Vec::new(),
            variables: vec!["$".into()],
            functions: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, pos: usize, kind: NodeKind) -> Id {
        self.nodes.push(Node { pos, kind });
        Id(self.nodes.len() - 1)
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0]
    }

    /// The variable called `name`, known from now on if it was not.
    pub(crate) fn variable(&mut self, name: &str) -> VarName {
        let known = self.variables.iter().position(|known| **known == *name);
        VarName(known.unwrap_or_else(|| {
            self.variables.push(name.into());
            self.variables.len() - 1
        }))
    }

    pub(crate) fn variable_name(&self, name: VarName) -> &str {
        &self.variables[name.0]
    }

    /// Makes a function known that the text names.
    pub(crate) fn add_function(&mut self, name: &str, function: Arc<Function>) -> FunctionName {
        self.functions.push(Identifier { name: name.into(), function });
        FunctionName(self.functions.len() - 1)
    }

    pub(crate) fn function(&self, name: FunctionName) -> &Identifier {
        &self.functions[name.0]
    }

    /// Where a node stands, for errors.
    pub(crate) fn place(&self, id: Id) -> Place {
        let pos = self.node(id).pos;
        let before = &self.text[..pos];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Place {
            file: self.name.clone(),
            line: 1 + crate::lex::count_lines(before),
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
            NodeKind::List(nodes) => nodes.iter().for_each(|node| self.print_to(to, *node)),
            NodeKind::Text(range) => {
                to.push_str(&String::from_utf8_lossy(&self.text[range.clone()]));
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
            NodeKind::Pipe(pipe) => self.print_pipe(to, pipe),
            NodeKind::Command(args) => {
                for (at, arg) in args.iter().enumerate() {
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
            NodeKind::Number(number) => to.push_str(&number.text),
            NodeKind::String(literal) => {
                to.push_str(&String::from_utf8_lossy(&self.text[literal.quoted.clone()]));
            }
            NodeKind::Field(fields) => print_fields(to, fields),
            NodeKind::Variable(variable) => {
                to.push_str(self.variable_name(variable.name));
                print_fields(to, &variable.fields);
            }
            NodeKind::Chain(chain) => {
                self.print_operand(to, chain.node);
                print_fields(to, &chain.fields);
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

    fn print_pipe(&self, to: &mut String, pipe: &Pipe) {
        for (at, name) in pipe.variables.iter().enumerate() {
            if at > 0 {
                to.push_str(", ");
            }
            to.push_str(self.variable_name(*name));
        }
        if !pipe.variables.is_empty() {
            to.push_str(if pipe.assigns { " = " } else { " := " });
        }
        for (at, command) in pipe.commands.iter().enumerate() {
            if at > 0 {
                to.push_str(" | ");
            }
            self.print_to(to, *command);
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
            NodeKind::List(nodes) => nodes.iter().all(|node| self.is_empty_list(*node)),
            NodeKind::Text(range) => {
                let text = &self.text[range.clone()];
                text.utf8_chunks().all(|chunk| {
                    chunk.invalid().is_empty() && chunk.valid().chars().all(char::is_whitespace)
                })
            }
            _ => false,
        }
    }
}

fn print_fields(to: &mut String, fields: &[Box<str>]) {
    for field in fields {
        to.push('.');
        to.push_str(field);
    }
}

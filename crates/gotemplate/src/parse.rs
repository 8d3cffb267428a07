//! Tokens to nodes: the control structures, and the set of templates a text defines. Pipelines
//! and operands are in `pipeline`.
//!
//! As in Go, the parser knows which functions exist, and which variables were declared before a
//! place, and refuses others even where they would never be evaluated.

mod pipeline;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::ast::{self, Branch, Call, FunctionName, Id, NodeKind, Source, Template, VarName};
use crate::builtins;
use crate::error::ParseError;
use crate::func::{FuncMap, Function};
use crate::lex::{Item, Lexer, Token};
use crate::print::quote;
use crate::stack;
use crate::text::Str;
use crate::unquote::unquote;

/// The delimiters of actions.
#[derive(Clone, Debug)]
pub(crate) struct Delims {
    pub(crate) left: Box<str>,
    pub(crate) right: Box<str>,
}

impl Default for Delims {
    fn default() -> Self {
        Self { left: "{{".into(), right: "}}".into() }
    }
}

/// Parses a text that may define several templates; the text itself is the last of them.
pub(crate) fn parse(
    name: Str,
    text: &Str,
    functions: &FuncMap,
    delims: &Delims,
) -> Result<Arc<[Arc<Template>]>, ParseError> {
    if text.len() > Source::MAX_TEXT {
        let message = format!("template is longer than {} bytes", Source::MAX_TEXT);
        return Err(ParseError { name, line: 1, message });
    }
    let source = Source::new(name.clone(), text.clone(), &delims.left, &delims.right);
    let mut parser = Parser {
        lexer: Lexer::new(text, delims.left.as_bytes(), delims.right.as_bytes()),
        functions,
        named: FxHashMap::default(),
        source,
        trees: Vec::new(),
        tree: Tree::default(),
        ahead: Vec::with_capacity(4),
        siblings: Vec::with_capacity(64),
    };
    parser.lexer.break_is_keyword = parser.function("break").is_none();
    parser.lexer.continue_is_keyword = parser.function("continue").is_none();
    let root = parser.text_to_end()?;
    parser.add(name, root)?;
    parser.source.shrink();
    let source = Arc::new(parser.source);
    let template = |(name, root): (Str, Id)| {
        let empty = source.is_empty_list(root);
        Arc::new(Template { name, source: Arc::clone(&source), root, empty })
    };
    Ok(parser.trees.into_iter().map(template).collect())
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    functions: &'t FuncMap,
    /// The functions named so far.
    named: FxHashMap<&'t [u8], FunctionName>,
    source: Source,
    /// The templates complete so far.
    trees: Vec<(Str, Id)>,
    tree: Tree,
    /// Tokens read ahead and put back, the next one last.
    ahead: Vec<Item<'t>>,
    /// The children so far of all nodes that are being parsed, those of the innermost last.
    siblings: Vec<Id>,
}

/// What belongs to the template being parsed, and not to those it stands in.
struct Tree {
    /// The offset of the last token that came from the lexer: where errors are.
    last: usize,
    /// Variables declared at the moment.
    variables: Vec<VarName>,
    /// The offset at which the current action started.
    action: Option<usize>,
    /// How many `range` the current place is in.
    ranges: usize,
    /// How many parentheses the current place is in.
    parens: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self { last: 0, variables: vec![VarName::DOLLAR], action: None, ranges: 0, parens: 0 }
    }
}

/// What ends a list of nodes.
enum Ending {
    End,
    /// With the position of what follows.
    Else(usize),
}

/// One element of a list of nodes, or its end.
enum Element {
    Node(Id),
    Ending(Ending),
}

type Parse<T> = Result<T, ParseError>;

impl<'t> Parser<'t> {
    fn next(&mut self) -> Item<'t> {
        match self.ahead.pop() {
            Some(item) => item,
            None => self.lex(),
        }
    }

    fn lex(&mut self) -> Item<'t> {
        let item = self.lexer.next_item();
        self.tree.last = item.pos;
        item
    }

    fn put_back(&mut self, item: Item<'t>) {
        self.ahead.push(item);
    }

    fn peek(&mut self) -> Item<'t> {
        if let Some(item) = self.ahead.last() {
            return *item;
        }
        let item = self.lex();
        self.ahead.push(item);
        item
    }

    fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'t> {
        let item = self.next_non_space();
        self.put_back(item);
        item
    }

    #[cold]
    fn error<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(ParseError {
            name: self.source.name.clone(),
            line: self.line_at(self.tree.last),
            message: message.into(),
        })
    }

    fn line_at(&self, pos: usize) -> usize {
        ast::line_at(&self.source.text, pos)
    }

    #[cold]
    fn unexpected<T>(&self, item: &Item<'_>, context: &str) -> Parse<T> {
        if item.token != Token::Error {
            return self.error(format!("unexpected {} in {context}", item.describe()));
        }
        let text = self.lexer.message();
        let started = self.tree.action.map(|pos| self.line_at(pos));
        match started.filter(|line| *line != self.line_at(item.pos)) {
            None => self.error(text),
            Some(line) => {
                let action = if text.ends_with(" action") { "" } else { " in action" };
                self.error(format!("{text}{action} started at {}:{line}", self.source.name))
            }
        }
    }

    /// Keeps the children that were met since there were `before` of them.
    fn children_since(&mut self, before: usize) -> ast::Run {
        self.source.add_children(self.siblings.drain(before..))
    }

    fn expect(&mut self, token: Token, context: &str) -> Parse<Item<'t>> {
        let item = self.next_non_space();
        if item.token == token { Ok(item) } else { self.unexpected(&item, context) }
    }

    fn function(&self, name: &str) -> Option<Arc<Function>> {
        self.functions.get(name).or_else(|| builtins::get(name)).cloned()
    }

    /// Adds a complete template, unless it is empty and there is another of the name.
    fn add(&mut self, name: Str, root: Id) -> Parse<()> {
        match self.trees.iter_mut().find(|(known, _)| *known == name) {
            None => self.trees.push((name, root)),
            Some((_, known)) if self.source.is_empty_list(*known) => *known = root,
            Some(_) if self.source.is_empty_list(root) => {}
            Some(_) => {
                let name = quote(&name);
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    /// The whole text; here alone, definitions may stand.
    fn text_to_end(&mut self) -> Parse<Id> {
        let pos = self.peek().pos;
        let before = self.siblings.len();
        while self.peek().token != Token::Eof {
            if self.peek().token == Token::LeftDelim {
                let delim = self.next();
                let item = self.next_non_space();
                if item.token == Token::Define {
                    self.definition()?;
                    continue;
                }
                self.put_back(item);
                self.put_back(delim);
            }
            match self.text_or_action()? {
                Element::Node(id) => self.siblings.push(id),
                Element::Ending(ending) => {
                    let text = self.describe(&ending);
                    return self.error(format!("unexpected {text}"));
                }
            }
        }
        let nodes = self.children_since(before);
        Ok(self.source.push(pos, NodeKind::List(nodes)))
    }

    /// `{{define "name"}} … {{end}}`; the keyword was taken.
    fn definition(&mut self) -> Parse<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::take(&mut self.tree);
        let item = self.next_non_space();
        if !matches!(item.token, Token::String | Token::RawString) {
            return self.unexpected(&item, CONTEXT);
        }
        let name = self.unquote(&item)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        self.body_of(name, CONTEXT)?;
        self.tree = outer;
        Ok(())
    }

    /// The body of a `define` or `block`, in a tree of its own.
    fn body_of(&mut self, name: Str, context: &str) -> Parse<()> {
        let (root, ending) = self.item_list()?;
        if let Ending::Else(_) = ending {
            let text = self.describe(&ending);
            return self.error(format!("unexpected {text} in {context}"));
        }
        self.add(name, root)
    }

    fn unquote(&self, item: &Item<'_>) -> Parse<Str> {
        match unquote(item.text) {
            Ok(text) => Ok(Str::from(text)),
            Err(message) => self.error(message),
        }
    }

    /// Nodes up to an `end` or `else`.
    fn item_list(&mut self) -> Parse<(Id, Ending)> {
        let pos = self.peek_non_space().pos;
        let before = self.siblings.len();
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Element::Node(id) => self.siblings.push(id),
                Element::Ending(ending) => {
                    let nodes = self.children_since(before);
                    return Ok((self.source.push(pos, NodeKind::List(nodes)), ending));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parse<Element> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(Element::Node(self.source.push_text(item.pos, item.text.len()))),
            Token::LeftDelim => {
                self.tree.action = Some(item.pos);
                let element = self.action();
                if element.is_ok() {
                    self.tree.action = None;
                }
                element
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parse<Element> {
        let item = self.next_non_space();
        let pos = item.pos;
        let id = match item.token {
            Token::Block => self.block()?,
            Token::Break => self.jump(pos, "{{break}}", NodeKind::Break)?,
            Token::Continue => self.jump(pos, "{{continue}}", NodeKind::Continue)?,
            Token::Else => return self.else_control().map(Element::Ending),
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Element::Ending(Ending::End));
            }
            Token::If => self.branch("if", NodeKind::If)?,
            Token::Range => self.branch("range", NodeKind::Range)?,
            Token::Template => self.template()?,
            Token::With => self.branch("with", NodeKind::With)?,
            _ => {
                self.put_back(item);
                let pipe = self.pipeline("command", Token::RightDelim)?;
                self.source.push(pos, NodeKind::Action(pipe))
            }
        };
        Ok(Element::Node(id))
    }

    /// `break` or `continue`; the keyword was taken.
    fn jump(&mut self, pos: usize, action: &str, kind: NodeKind) -> Parse<Id> {
        let item = self.next_non_space();
        if item.token != Token::RightDelim {
            return self.unexpected(&item, action);
        }
        if self.tree.ranges == 0 {
            return self.error(format!("{action} outside {{{{range}}}}"));
        }
        Ok(self.source.push(pos, kind))
    }

    fn else_control(&mut self) -> Parse<Ending> {
        let next = self.peek_non_space();
        if matches!(next.token, Token::If | Token::With) {
            return Ok(Ending::Else(next.pos)); // `else if`: the `if` is read by `branch`
        }
        let item = self.expect(Token::RightDelim, "else")?;
        Ok(Ending::Else(item.pos))
    }

    /// `if`, `with` or `range`; the keyword was taken.
    fn branch(&mut self, keyword: &'static str, kind: fn(Branch) -> NodeKind) -> Parse<Id> {
        stack::grow(|| self.branch_body(keyword, kind))
    }

    fn branch_body(&mut self, keyword: &'static str, kind: fn(Branch) -> NodeKind) -> Parse<Id> {
        let variables = self.tree.variables.len();
        let pipe = self.pipeline(keyword, Token::RightDelim)?;
        let in_range = usize::from(keyword == "range");
        self.tree.ranges += in_range;
        let (list, ending) = self.item_list()?;
        self.tree.ranges -= in_range;
        let else_list = match ending {
            Ending::End => None,
            Ending::Else(pos) => Some(self.else_list(keyword, pos)?),
        };
        self.tree.variables.truncate(variables);
        let pos = self.source.pos(pipe);
        Ok(self.source.push(pos, kind(Branch { pipe, list, else_list })))
    }

    /// What follows an `else`: nodes up to the `end`, or, for `else if` and `else with`, a branch
    /// that shares its `end` with this one.
    fn else_list(&mut self, keyword: &str, pos: usize) -> Parse<Id> {
        let next = self.peek().token;
        let chained = match (keyword, next) {
            ("if", Token::If) => {
                self.next();
                self.branch("if", NodeKind::If)?
            }
            ("with", Token::With) => {
                self.next();
                self.branch("with", NodeKind::With)?
            }
            _ => {
                let (list, ending) = self.item_list()?;
                if let Ending::Else(_) = ending {
                    let text = self.describe(&ending);
                    return self.error(format!("expected end; found {text}"));
                }
                return Ok(list);
            }
        };
        let chained = self.source.add_children([chained]);
        Ok(self.source.push(pos, NodeKind::List(chained)))
    }

    /// `{{block "name" pipeline}} … {{end}}`; the keyword was taken.
    fn block(&mut self) -> Parse<Id> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        let outer = std::mem::take(&mut self.tree);
        stack::grow(|| self.body_of(name.clone(), CONTEXT))?;
        self.tree = outer;
        let call = Call { name, pipe: Some(pipe) };
        Ok(self.source.push(item.pos, NodeKind::Template(Box::new(call))))
    }

    /// `{{template "name" pipeline}}`; the keyword was taken.
    fn template(&mut self) -> Parse<Id> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let after = self.next_non_space();
        let pipe = if after.token == Token::RightDelim {
            None
        } else {
            self.put_back(after);
            Some(self.pipeline(CONTEXT, Token::RightDelim)?)
        };
        Ok(self.source.push(item.pos, NodeKind::Template(Box::new(Call { name, pipe }))))
    }

    fn template_name(&mut self, item: &Item<'_>, context: &str) -> Parse<Str> {
        match item.token {
            Token::String | Token::RawString => self.unquote(item),
            _ => self.unexpected(item, context),
        }
    }

    fn describe(&self, ending: &Ending) -> String {
        let keyword = match ending {
            Ending::End => "end",
            Ending::Else(_) => "else",
        };
        format!("{}{keyword}{}", self.source.left_delim, self.source.right_delim)
    }
}

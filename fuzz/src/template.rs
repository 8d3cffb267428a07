//! Templates made from a fuzzer's bytes: they nearly always parse, and call functions mostly with
//! arguments of the types these declare, so that execution gets far.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use gotemplate::{FuncMap, Function, Type};

use crate::data;
use crate::words::{FLOATS, INTEGERS};

/// Functions whose time goes into cryptography by design, and one that only fails.
const LEFT_OUT: [&str; 9] = [
    "bcrypt",
    "derivePassword",
    "genCA",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSignedCert",
    "htpasswd",
    "fail",
    // Calls of it are written with the right names by hand.
    "include",
];

/// Functions that answer differently every time.
const RANDOM: [&str; 9] = ["rand", "uuid", "gen", "now", "ago", "shuffle", "AES", "Cert", "date"];

/// What Go's own functions take: name, number of arguments.
const BUILTINS: [(&str, usize); 20] = [
    ("and", 2),
    ("or", 2),
    ("not", 1),
    ("len", 1),
    ("index", 2),
    ("index", 3),
    ("slice", 3),
    ("print", 2),
    ("printf", 3),
    ("println", 1),
    ("html", 1),
    ("js", 1),
    ("urlquery", 2),
    ("call", 1),
    ("eq", 2),
    ("eq", 3),
    ("ne", 2),
    ("lt", 2),
    ("ge", 2),
    ("gt", 2),
];

/// The functions of a dialect, in an order that does not change.
pub struct Vocabulary {
    functions: Vec<Word>,
    is_helm: bool,
}

struct Word {
    name: String,
    params: Vec<Type>,
    variadic: Option<Type>,
    result: Type,
}

/// Helm's whole library.
pub static HELM: LazyLock<Vocabulary> = LazyLock::new(|| {
    let functions = helm::functions::func_map();
    Vocabulary { functions: words(&functions), is_helm: true }
});

/// Go's own functions alone.
pub static PLAIN: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary { functions: words(&FuncMap::new()), is_helm: false });

fn words(functions: &FuncMap) -> Vec<Word> {
    let of = |name: &str, function: &Function| Word {
        name: name.to_owned(),
        params: function.parameters().to_vec(),
        variadic: function.variadic_parameter(),
        result: function.result_type(),
    };
    let mut words: Vec<Word> = functions
        .names()
        .filter(|name| !LEFT_OUT.contains(name))
        .filter_map(|name| Some(of(name, functions.get(name)?)))
        .collect();
    words.sort_by(|a, b| a.name.cmp(&b.name));
    words.extend(BUILTINS.iter().map(|(name, count)| Word {
        name: (*name).to_owned(),
        params: vec![Type::Any; *count],
        variadic: None,
        result: Type::Any,
    }));
    words
}

/// Whether a template's text names nothing that answers differently every time.
#[must_use]
pub fn is_repeatable(text: &str) -> bool {
    !RANDOM.iter().any(|name| text.contains(name))
}

/// A template text.
pub fn write(input: &mut Unstructured<'_>, vocabulary: &Vocabulary) -> Result<String> {
    let mut writer =
        Writer { input, vocabulary, text: String::new(), variables: 0, loops: 0, steps: 150 };
    for name in 0..writer.input.int_in_range(0..=3_u8)? {
        writer.text.push_str(&["{{ define \"t", &name.to_string(), "\" }}"].concat());
        writer.nodes(3)?;
        writer.text.push_str("{{ end }}");
    }
    writer.nodes(4)?;
    Ok(writer.text)
}

struct Writer<'a, 'u, 'v> {
    input: &'a mut Unstructured<'u>,
    vocabulary: &'v Vocabulary,
    text: String,
    /// Variables `$v0`, `$v1` and so on are in scope.
    variables: u32,
    /// Loops around the place being written.
    loops: u32,
    /// Expressions still to be written at most.
    steps: u32,
}

impl Writer<'_, '_, '_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn nodes(&mut self, depth: u32) -> Result<()> {
        for _ in 0..=self.input.int_in_range(0..=3_u8)? {
            self.node(depth)?;
        }
        Ok(())
    }

    fn node(&mut self, depth: u32) -> Result<()> {
        match self.input.int_in_range(0..=if depth == 0 { 5 } else { 10 })? {
            0 => {
                let text = data::text(self.input)?.replace("{{", "{");
                self.push(&text);
            }
            1..=3 => {
                self.open()?;
                self.pipeline(3)?;
                self.close()?;
            }
            4 => {
                self.open()?;
                let assigned = self.variables > 0 && self.input.arbitrary()?;
                let name =
                    if assigned { self.some_variable()? } else { format!("$v{}", self.variables) };
                self.push(&format!("{name} {} ", if assigned { "=" } else { ":=" }));
                self.pipeline(3)?;
                self.variables += u32::from(!assigned);
                self.close()?;
            }
            5 => {
                let name = self.input.int_in_range(0..=3_u8)?;
                self.push(&format!("{{{{ template \"t{name}\" "));
                self.pipeline(1)?;
                self.push(" }}");
            }
            6 => {
                self.push("{{/* a comment */ -}}");
                if self.loops > 0 {
                    let word = if self.input.arbitrary()? { "break" } else { "continue" };
                    self.push("{{ if ");
                    self.pipeline(1)?;
                    self.push(&format!(" }}}}{{{{ {word} }}}}{{{{ end }}}}"));
                }
            }
            kind => self.control(kind, depth - 1)?,
        }
        Ok(())
    }

    /// `if`, `with` and `range`, with or without their `else`.
    fn control(&mut self, kind: u8, depth: u32) -> Result<()> {
        let before = self.variables;
        self.open()?;
        let (word, alternative) = match kind {
            7 => ("if ", "if "),
            8 => ("with ", "with "),
            _ => ("range ", ""),
        };
        self.push(word);
        let loops = self.loops;
        if kind > 8 {
            self.loops += 1;
            if self.input.arbitrary()? {
                self.push(&format!("$v{}, $v{} := ", self.variables, self.variables + 1));
                self.variables += 2;
            }
        }
        self.pipeline(2)?;
        self.close()?;
        self.nodes(depth)?;
        self.variables = before;
        self.loops = loops;
        if self.input.arbitrary()? {
            self.push("{{ else ");
            if !alternative.is_empty() && self.input.arbitrary()? {
                self.push(alternative);
                self.pipeline(1)?;
            }
            self.push("}}");
            self.nodes(depth)?;
            self.variables = before;
        }
        self.push("{{ end }}");
        Ok(())
    }

    fn open(&mut self) -> Result<()> {
        let trim = self.input.ratio(1, 4)?;
        self.push(if trim { "{{- " } else { "{{ " });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let trim = self.input.ratio(1, 4)?;
        self.push(if trim { " -}}" } else { " }}" });
        Ok(())
    }

    fn some_variable(&mut self) -> Result<String> {
        Ok(format!("$v{}", self.input.int_in_range(0..=self.variables - 1)?))
    }

    /// Commands joined by `|`: the last argument of each comes from the one before.
    fn pipeline(&mut self, depth: u32) -> Result<()> {
        self.expression(Type::Any, depth, false)?;
        for _ in 0..self.input.int_in_range(0..=2_u8)? {
            self.push(" | ");
            self.call(None, depth.min(1), true)?;
        }
        Ok(())
    }

    /// An expression of a type, as an argument if `inside` a call.
    fn expression(&mut self, wanted: Type, depth: u32, inside: bool) -> Result<()> {
        self.steps = self.steps.saturating_sub(1);
        // One in sixteen is of any type, to see what becomes of it.
        let wanted = if self.input.ratio(1, 16)? { Type::Any } else { wanted };
        if depth == 0 || self.steps == 0 || self.input.ratio(1, 3)? {
            return self.leaf(wanted);
        }
        if inside {
            self.push("(");
        }
        self.call(Some(wanted), depth - 1, false)?;
        if inside {
            self.push(")");
            if self.input.ratio(1, 8)? {
                let field = *self.input.choose(&[".a", ".b", ".Name", ".Major", ".AsMap"])?;
                self.push(field);
            }
        }
        Ok(())
    }

    /// A call of a function, without its last argument if that is `piped` in.
    fn call(&mut self, wanted: Option<Type>, depth: u32, piped: bool) -> Result<()> {
        let vocabulary = self.vocabulary;
        if vocabulary.is_helm && self.input.ratio(1, 10)? {
            let name = self.input.int_in_range(0..=3_u8)?;
            self.push(&format!("include \"t{name}\" "));
            return if piped { Ok(()) } else { self.expression(Type::Any, depth.min(1), true) };
        }
        let fits = |word: &&Word| wanted.is_none_or(|wanted| word.result.assignable_to(wanted));
        let all = &vocabulary.functions;
        let start = self.input.int_in_range(0..=all.len() - 1)?;
        let word = all[start..].iter().chain(&all[..start]).find(fits).unwrap_or(&all[start]);
        self.push(&word.name);
        let more = if word.variadic.is_some() { self.input.int_in_range(0..=4_usize)? } else { 0 };
        let given = (word.params.len() + more).saturating_sub(usize::from(piped));
        for index in 0..given {
            let wanted = word.params.get(index).copied().or(word.variadic).unwrap_or(Type::Any);
            self.push(" ");
            self.expression(wanted, depth, true)?;
        }
        Ok(())
    }

    fn leaf(&mut self, wanted: Type) -> Result<()> {
        if self.input.ratio(1, 4)? {
            return self.reference();
        }
        let text = match wanted {
            Type::Bool => {
                ["true", "false"][usize::from(self.input.arbitrary::<bool>()?)].to_owned()
            }
            Type::Int | Type::Int64 => (*self.input.choose(&INTEGERS)?).to_owned(),
            Type::Float64 => (*self.input.choose(&FLOATS)?).to_owned(),
            Type::String => gotemplate::print::quote(&data::text(self.input)?),
            Type::List(_) if self.vocabulary.is_helm => (*self.input.choose(&LISTS)?).to_owned(),
            Type::Map(_) if self.vocabulary.is_helm => (*self.input.choose(&MAPS)?).to_owned(),
            Type::Named(_) if self.vocabulary.is_helm => (*self.input.choose(&OBJECTS)?).to_owned(),
            _ => match self.input.int_in_range(0..=5_u8)? {
                0 => return self.leaf(Type::Bool),
                1 => return self.leaf(Type::Int),
                2 => return self.leaf(Type::Float64),
                3 => return self.leaf(Type::String),
                4 if self.vocabulary.is_helm => (*self.input.choose(&LISTS)?).to_owned(),
                _ if self.vocabulary.is_helm => (*self.input.choose(&MAPS)?).to_owned(),
                _ => return self.reference(),
            },
        };
        self.push(&text);
        Ok(())
    }

    /// A variable, or something of the data.
    fn reference(&mut self) -> Result<()> {
        if self.variables > 0 && self.input.arbitrary()? {
            let name = self.some_variable()?;
            self.push(&name);
            if !self.input.ratio(1, 4)? {
                return Ok(());
            }
        } else {
            let roots: &[&str] = if self.vocabulary.is_helm {
                &[
                    "$.Values",
                    ".Values",
                    "$.Chart",
                    "$.Files",
                    "$.Release.Name",
                    "$.Capabilities.KubeVersion",
                    "$.Subcharts",
                ]
            } else {
                &["$", "$.a", "$.map"]
            };
            let root = self.input.choose(roots)?;
            self.push(root);
        }
        for _ in 0..self.input.int_in_range(0..=2_u8)? {
            let key = data::key(self.input)?;
            if !key.contains('.') {
                self.push(".");
                self.push(key);
            }
        }
        Ok(())
    }
}

const LISTS: [&str; 6] = [
    "(list)",
    "(list 1 \"a\" nil 2.5)",
    "(list \"c\" \"a\" \"b\")",
    "(until 5)",
    "(list (list 1 2) (dict \"a\" 1))",
    "(splitList \",\" \"a,b,c\")",
];

const MAPS: [&str; 5] = [
    "(dict)",
    "(dict \"a\" 1 \"b\" (dict \"c\" nil))",
    "(dict \"b\" (list 1 2) \"a\" \"x\")",
    "(fromYaml \"a: {b: [1, 2]}\\nc: ~\")",
    "(urlParse \"http://u@h:1/p?q#f\")",
];

const OBJECTS: [&str; 4] = [
    "(now)",
    "(semver \"1.2.3-rc.1\")",
    "(toDate \"2006-01-02\" \"2024-02-29\")",
    "(buildCustomCert \"YQ==\" \"YQ==\")",
];

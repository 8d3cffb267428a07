//! Properties that hold for every input.

use gotemplate::{Frozen, FuncMap, MissingKey, TemplateSet, Value, print};
use proptest::prelude::*;

/// Text made of what templates are made of, so that most of it gets past the lexer.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "{{", "}}", "{{-", " -}}", "{{ ", " }}", "/*", "*/", "if", "else", "end", "range", "with",
            "define", "block", "template", "break", "continue", "nil", "true", "$", "$x", ":=", "=",
            "|", "(", ")", ".", ".a", ".b.c", ",", "\"", "`", "'", "\"s\"", "'c'", "1", "1.5", "0x1p4",
            "1i", "1+2i", "-3", "9999999999999999999", " ", "\n", "print", "index", "len", "eq", "and",
            "printf", "slice", "call", "html", "\\", "é", "\u{feff}", "\u{0}",
        ]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// An action that parses, most of the time.
fn action() -> impl Strategy<Value = String> {
    let operand = prop::sample::select(vec![
        ".",
        ".a",
        ".b.c",
        ".list",
        "nil",
        "true",
        "1",
        "2.5",
        "\"s\"",
        "1i",
        "$",
        "(.a)",
        "(index .list 0)",
    ]);
    let function = prop::sample::select(vec![
        "print",
        "printf",
        "println",
        "len",
        "index",
        "slice",
        "eq",
        "ne",
        "lt",
        "le",
        "and",
        "or",
        "not",
        "html",
        "js",
        "urlquery",
        "call",
        "printf \"%d %s %v %x\"",
        "index .list",
        "",
    ]);
    let command = (function, prop::collection::vec(operand, 0..4))
        .prop_map(|(function, operands)| format!("{function} {}", operands.join(" ")));
    prop::collection::vec(command, 1..4)
        .prop_map(|commands| format!("{{{{ {} }}}}", commands.join(" | ")))
}

fn dot() -> Value {
    Frozen::map([
        ("a", Frozen::string("text")),
        ("b", Frozen::map([("c", Frozen::Float64(80.0))])),
        ("list", Frozen::list(vec![Frozen::Int(1), Frozen::Nil, Frozen::string("x")])),
    ])
    .to_value()
}

/// Parses and executes; only the absence of a panic counts.
fn run(text: &str) {
    for missing in [MissingKey::Default, MissingKey::Zero, MissingKey::Error] {
        let mut set = TemplateSet::new("set", FuncMap::new()).missing_key(missing);
        if set.parse("t", text).is_ok()
            && let Err(error) = set.execute("t", dot())
        {
            assert!(error.to_string().starts_with("template: "), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No text makes the parser panic, and what parses does not make the evaluator panic.
    #[test]
    fn any_template_ends(text in template()) {
        run(&text);
    }

    /// Nor does any combination of Go's functions with arguments of all types.
    #[test]
    fn any_action_ends(text in prop::collection::vec(action(), 1..4)) {
        run(&text.concat());
    }

    /// Bytes that are not UTF-8 pass through text unharmed.
    #[test]
    fn text_is_bytes(text in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assume!(!text.windows(2).any(|pair| pair == b"{{"));
        let mut set = TemplateSet::new("set", FuncMap::new());
        set.parse("t", text.as_slice()).expect("no action in it");
        prop_assert_eq!(set.execute("t", Value::Nil).expect("text alone"), text);
    }

    /// A quoted string is a literal of the string it was made from.
    #[test]
    fn quoted_strings_read_back(text in prop::collection::vec(any::<u8>(), 0..32)) {
        let mut set = TemplateSet::new("set", FuncMap::new());
        set.parse("t", format!("{{{{ {} }}}}", print::quote(&text))).expect("a literal");
        prop_assert_eq!(set.execute("t", Value::Nil).expect("a literal"), text);
    }

    /// No format makes printing panic.
    #[test]
    fn any_format_ends(format in "(%[-+# 0]{0,2}(\\*|[0-9]{0,3})(\\.(\\*|[0-9]{0,3}))?(\\[[0-9]?\\])?[a-zA-Z%!]?| ){0,6}", int in any::<i64>(), float in any::<f64>()) {
        let args = [Value::Int(int), Value::Float64(float), Value::from("é"), Value::Nil, dot(), Value::bytes(b"\xff")];
        for count in 0..=args.len() {
            print::sprintf(&format, &args[..count]).expect("neither deep nor long");
        }
    }

    /// The shortest text of a float reads back as the same float, in every notation.
    #[test]
    fn floats_read_back(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for verb in [b'e', b'f', b'g'] {
            let text = print::format_float(float, verb, None, 64);
            prop_assert_eq!(text.parse::<f64>().expect("a number").to_bits(), bits, "{}", text);
        }
    }

    /// The exact notations say the same number as the shortest one: `%x` through the parser.
    #[test]
    fn hexadecimal_floats_read_back(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let mut set = TemplateSet::new("set", FuncMap::new());
        let text = print::format_float(float, b'x', None, 64);
        set.parse("t", format!("{{{{ {text} }}}}")).expect("a number");
        let shortest = print::format_float(float, b'g', None, 64);
        prop_assert_eq!(set.execute("t", Value::Nil).expect("a number"), shortest.as_bytes());
    }

    /// A fixed number of digits is the standard library's rounding, laid out as Go does.
    #[test]
    fn fixed_digits(float in -1e15_f64..1e15, precision in 0_usize..20) {
        prop_assert_eq!(print::format_float(float, b'f', Some(precision), 64), format!("{float:.precision$}"));
    }
}

use super::{Regexp, build, quote_meta};

fn compile(pattern: &str) -> Regexp {
    Regexp::compile(pattern.as_bytes()).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

fn replace(pattern: &str, text: &str, template: &str) -> String {
    String::from_utf8(compile(pattern).replace_all(text.as_bytes(), template.as_bytes())).unwrap()
}

fn split(pattern: &str, text: &str, limit: i64) -> Vec<String> {
    let pieces = compile(pattern).split(text.as_bytes(), limit).into_iter();
    pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect()
}

/// A refused pattern says what Go's compiler says.
#[test]
fn refusals_are_gos() {
    for (pattern, problem) in [
        ("[", "missing closing ]: `[`"),
        ("[a", "missing closing ]: `[a`"),
        ("[]a", "missing closing ]: `[]a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[a--b]", "invalid character class range: `a--`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*+", "invalid nested repetition operator: `*+`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("(*)", "missing argument to repetition operator: `*`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("(a{100}){100}", "invalid repeat count: `{100}`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid named capture: `(?<!a)`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P<n!>a)", "invalid named capture: `(?P<n!>`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("\\8", "invalid escape sequence: `\\8`"),
        ("\\C", "invalid escape sequence: `\\C`"),
        ("\\x{110000}", "invalid escape sequence: `\\x{110000`"),
        ("\\pX", "invalid character class range: `\\pX`"),
        ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ] {
        let error = Regexp::compile(pattern.as_bytes()).expect_err(pattern).to_string();
        assert_eq!(error, format!("error parsing regexp: {problem}"), "{pattern}");
    }
}

/// Patterns mean what they mean to Go, also where the crate behind reads them otherwise.
#[test]
fn syntax_is_gos() {
    for (pattern, text, matched) in [
        ("^a{,2}$", "a{,2}", true),
        ("^\\Qa.b\\E+$", "a.bb", true),
        ("^\\07$", "\u{7}", true),
        ("^\\d$", "٣", false),
        ("^\\w$", "é", false),
        ("^[a&&b]$", "&", true),
        ("^[[a]]$", "a]", true),
        ("^(?i)É$", "é", true),
        ("^(?i:[k])$", "\u{212A}", true),
        ("a$", "a\n", false),
        ("(?m)a$", "a\nb", true),
        ("^.$", "\n", false),
        ("(?s)^.$", "\n", true),
        ("^\\s$", "\u{b}", false),
        ("^[[:space:]]$", "\u{b}", true),
        ("^\\pL\\p{Greek}\\P{Lu}$", "xαa", true),
        ("^\\p{^L}$", "1", true),
        ("^(|a)*$", "aa", true),
        ("^()$", "", true),
        ("(?P<n>a)(?P<n>b)", "ab", true),
        ("^[^\\d\\s]+$", "abc", true),
        ("^[\\x{1F600}-\\x{1F64F}]$", "😀", true),
        ("^x{0}$", "", true),
        ("^(a|b|)c$", "c", true),
        ("\\bfoo\\b", "a foo b", true),
    ] {
        assert_eq!(compile(pattern).is_match(text.as_bytes()), matched, "{pattern} on {text:?}");
    }
}

/// A pattern finds the same in a text of ASCII as in one that is not, where it has other tables.
#[test]
fn ascii_and_other_texts() {
    for pattern in [
        "[^a-z]+",
        ".",
        "(?s).",
        "\\W+",
        "[^\\d]x?",
        "\\pL+",
        "\\PL",
        "[a-é]",
        "(?i)[^k]",
        "(?i)k+",
        "[[:^alpha:]]",
        "é|x",
        "[é]*",
        "^.{2}",
        "\\bx",
        "[\\x{0}-\\x{10FFFF}]",
        "(?i:[a-é])+",
    ] {
        for text in ["", "x", "ab xk KX-7\n", "\u{1}\u{7f}", "aaaa", "z\nx"] {
            let pattern = compile(pattern);
            let found = |text: &[u8]| {
                pattern.regex(text).find_iter(text).map(|m| m.range()).collect::<Vec<_>>()
            };
            let any = build(&pattern.0.any_pattern).unwrap();
            let expected: Vec<_> = any.find_iter(text.as_bytes()).map(|m| m.range()).collect();
            assert_eq!(found(text.as_bytes()), expected, "{pattern:?} in {text:?}");
            let longer = format!("{text}é");
            let expected: Vec<_> = any.find_iter(longer.as_bytes()).map(|m| m.range()).collect();
            assert_eq!(found(longer.as_bytes()), expected, "{pattern:?} in {longer:?}");
        }
    }
}

/// Groups in replacements: the longest name wins, unknown ones are empty, `$$` is a dollar.
#[test]
fn replacement_templates() {
    assert_eq!(replace("(a)", "ba", "$1x"), "b");
    assert_eq!(replace("(a)", "ba", "${1}x"), "bax");
    assert_eq!(replace("(?P<n>a)", "ba", "<$n>"), "b<a>");
    assert_eq!(replace("a", "ba", "$$$"), "b$$");
    assert_eq!(replace("a", "ba", "${"), "b${");
    assert_eq!(replace("a*", "baac", "x"), "xbxcx");
    assert_eq!(replace("", "héy", "-"), "-h-é-y-");
    assert_eq!(replace("(?U)a+", "aaa", "x"), "xxx");
}

/// Splitting keeps Go's treatment of limits, of empty text and of empty matches.
#[test]
fn splitting() {
    assert_eq!(split(",", "a,b,c", -1), ["a", "b", "c"]);
    assert_eq!(split(",", "a,b,c", 2), ["a", "b,c"]);
    assert!(split(",", "a,b", 0).is_empty());
    assert_eq!(split(",", "", -1), [""]);
    assert_eq!(split("", "abc", -1), ["a", "b", "c"]);
    assert_eq!(split("a*", "baac", -1), ["b", "c"]);
    assert_eq!(split(",", "a,", -1), ["a", ""]);
}

/// Quoting touches exactly the characters with a meaning.
#[test]
fn quoting() {
    assert_eq!(quote_meta(b"a.b[c]-d\\"), b"a\\.b\\[c\\]-d\\\\");
}

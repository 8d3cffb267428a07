//! No argument makes a function panic or run without end: whatever Go's types let through ends in
//! a value or an error.

use gotemplate::{TemplateSet, Value};
use helm::functions::func_map;

/// Every name Helm 4.3 offers beyond Go's own, except those that belong to the rendering of a
/// chart (`include`, `tpl`, `lookup`).
const NAMES: &str = "
abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec b64enc
base bcrypt biggest buildCustomCert camelcase cat ceil chunk clean coalesce compact concat contains
date dateInZone dateModify date_in_zone date_modify decryptAES deepCopy deepEqual default
derivePassword dict dig dir div divf duration durationDays durationHours durationMicroseconds
durationMilliseconds durationMinutes durationNanoseconds durationRound durationRoundTo
durationSeconds durationTruncateTo durationWeeks empty encryptAES ext fail first float64 floor
fromJson fromJsonArray fromToml fromYaml fromYamlArray genCA genCAWithKey genPrivateKey
genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get getHostByName has
hasKey hasPrefix hasSuffix hello htmlDate htmlDateInZone htpasswd indent initial initials int int64
isAbs join kebabcase keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf mod
mul mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson mustHas
mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind
mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
mustRest mustReverse mustSlice mustToDate mustToDuration mustToJson mustToPrettyJson mustToRawJson
mustToToml mustToYaml mustUniq mustWithout must_date_modify nindent nospace now omit osBase osClean
osDir osExt osIsAbs pick pluck plural prepend push quote randAlpha randAlphaNum randAscii randBytes
randInt randNumeric regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll
regexReplaceAllLiteral regexSplit repeat replace required rest reverse round semver semverCompare
seq set sha1sum sha256sum sha512sum shuffle slice snakecase sortAlpha split splitList splitn squote
sub subf substr swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson toString
toStrings toToml toYaml toYamlPretty trim trimAll trimPrefix trimSuffix trimall trunc tuple typeIs
typeIsLike typeOf uniq unixEpoch unset until untilStep untitle upper urlJoin urlParse uuidv4 values
without wrap wrapWith
";

/// Functions whose time goes into cryptography; they have tests of their own.
const SLOW: [&str; 12] = [
    "bcrypt",
    "derivePassword",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "buildCustomCert",
    "fail",
];

/// Odd values of every type, as templates write them.
const ODD: [&str; 20] = [
    "nil",
    "true",
    "0",
    "-1",
    "3",
    "-9223372036854775808",
    "9223372036854775807",
    "1.5",
    "1e300",
    r#"(float64 "NaN")"#,
    r#""""#,
    r#""é[\u0000{{""#,
    r#"(b64dec "/8M=")"#,
    r#""2006-01-02T15:04:05.999Z07:00""#,
    r#""999999999999999999999h""#,
    "(list)",
    r#"(list nil 1 "a" (dict))"#,
    r#"(dict "a" nil "b" (list 1))"#,
    "(now)",
    r#"(semver "1.2.3-rc.1+b")"#,
];

/// The functions offered are those Helm offers, no fewer and no more.
#[test]
fn all_functions_are_there() {
    let funcs = func_map();
    let mut offered: Vec<&str> = funcs.names().collect();
    offered.sort_unstable();
    let mut wanted: Vec<&str> = NAMES.split_whitespace().collect();
    wanted.sort_unstable();
    assert_eq!(offered, wanted);
}

/// Every function with up to two odd arguments in all combinations, and with three and four of
/// them in turn.
#[test]
fn odd_arguments_never_panic() {
    let mut answered = 0;
    for name in NAMES.split_whitespace().filter(|name| !SLOW.contains(name)) {
        answered += usize::from(render(&format!("{{{{ {name} }}}}")));
        for (i, a) in ODD.iter().enumerate() {
            answered += usize::from(render(&format!("{{{{ {name} {a} }}}}")));
            for (j, b) in ODD.iter().enumerate() {
                answered += usize::from(render(&format!("{{{{ {name} {a} {b} }}}}")));
                let c = ODD[(i * 7 + j * 3) % ODD.len()];
                let d = ODD[(i * 5 + j * 11) % ODD.len()];
                answered += usize::from(render(&format!("{{{{ {name} {a} {b} {c} }}}}")));
                answered += usize::from(render(&format!("{{{{ {name} {a} {b} {c} {d} }}}}")));
            }
        }
    }
    assert!(answered > 10_000, "only {answered} calls were answered with a value");
}

/// Maps that contain themselves and lists nested without reason end in an error or a value.
#[test]
fn endless_values_end() {
    for name in
        ["deepCopy", "toYaml", "toJson", "toToml", "toPrettyJson", "toYamlPretty", "toString"]
    {
        render(&format!(r#"{{{{ $d := dict }}}}{{{{ $_ := set $d "d" $d }}}}{{{{ {name} $d }}}}"#));
        render(&format!(
            "{{{{ $l := list }}}}{{{{ range until 100000 }}}}{{{{ $l = list $l }}}}{{{{ end }}}}\
             {{{{ {name} $l }}}}"
        ));
    }
    for name in ["merge", "mergeOverwrite", "deepEqual"] {
        render(&format!(
            r#"{{{{ $a := dict }}}}{{{{ $_ := set $a "d" $a }}}}
            {{{{ $b := dict }}}}{{{{ $_ := set $b "d" $b }}}}{{{{ {name} $a $b }}}}"#
        ));
    }
}

/// Whether the template gave a value.
fn render(template: &str) -> bool {
    let mut set = TemplateSet::new("set", func_map_once());
    set.parse("case", template).expect(template);
    set.execute("case", Value::Nil).is_ok()
}

fn func_map_once() -> gotemplate::FuncMap {
    static FUNCS: std::sync::LazyLock<gotemplate::FuncMap> = std::sync::LazyLock::new(func_map);
    FUNCS.clone()
}

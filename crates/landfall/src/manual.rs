//! Tests that keep the manual in `docs/` honest: its links lead somewhere, its commands exist, and the page about the
//! command line says what `--help` says. It does not judge whether what the manual says about the product is true.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::cli::Cli;

/// Set to write the page about the command line instead of comparing it.
const WRITE: &str = "LANDFALL_WRITE_MANUAL";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Every page of the manual with its text, by path below `docs`.
fn pages() -> Vec<(PathBuf, String)> {
    let mut folders = vec![docs()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                pages.push((path, text));
            }
        }
    }
    pages.sort();
    assert!(!pages.is_empty(), "there is no manual in {}", docs().display());
    pages
}

fn name(page: &Path) -> String {
    page.strip_prefix(docs()).unwrap_or(page).display().to_string()
}

/// The text without its fenced blocks, and the blocks with their language.
fn parted(text: &str) -> (String, Vec<(String, String)>) {
    let (mut prose, mut blocks) = (String::new(), Vec::new());
    let mut block: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut block, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => block = Some((language.to_owned(), String::new())),
            (None, None) => prose.extend([line, "\n"]),
            (Some(_), Some(_)) => blocks.extend(block.take()),
            (Some((_, inside)), None) => inside.extend([line, "\n"]),
        }
    }
    assert!(block.is_none(), "a fenced block does not end");
    (prose, blocks)
}

/// What stands in parentheses behind brackets.
fn links(prose: &str) -> Vec<String> {
    let ends = prose.match_indices("](").map(|(at, _)| &prose[at + 2..]);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// Every link to a page, an anchor or a file leads somewhere, and the index leads to every page.
#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut indexed = BTreeSet::new();
    for (page, text) in pages() {
        let (prose, _) = parted(&text);
        for link in links(&prose) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{}: {link} is not there", name(&page)));
                continue;
            };
            if !anchor.is_empty() {
                let (prose, _) = parted(&std::fs::read_to_string(&target).unwrap());
                if !anchors(&prose).contains(anchor) {
                    wrong.push(format!("{}: {link} has no such heading", name(&page)));
                }
            }
            if name(&page) == "README.md" {
                indexed.insert(target);
            }
        }
    }
    for (page, _) in pages() {
        if name(&page) != "README.md" && !indexed.contains(&page.canonicalize().unwrap()) {
            wrong.push(format!("{} is not in the index, docs/README.md", name(&page)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a command line as a shell takes it apart, up to where the next command or a redirection begins.
/// What `$(…)` stands for is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '<' | ';' | '&') => break,
            (None, '#') if word.is_none() => break,
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A call of `landfall` on a page. Those in blocks for shells are whole; one in the text may leave out what must be given.
struct Call {
    line: String,
    whole: bool,
}

fn calls(text: &str) -> Vec<Call> {
    let (prose, blocks) = parted(text);
    let shells = blocks.iter().filter(|(language, _)| language == "sh");
    let lines = shells.flat_map(|(_, block)| {
        let joined = block.replace("\\\n", " ");
        joined.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    });
    let lines = lines.map(|line| Call { line, whole: true });
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    let all = lines.chain(spans.map(|line| Call { line, whole: false }));
    all.filter(|call| call.line.starts_with("landfall ")).collect()
}

impl Call {
    /// Why the command line would not take it.
    fn refused(&self) -> Option<String> {
        let error = Cli::command().try_get_matches_from(words(&self.line)).err()?;
        let may = match error.kind() {
            ErrorKind::DisplayHelp => true,
            ErrorKind::MissingRequiredArgument
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => !self.whole,
            _ => false,
        };
        (!may).then(|| error.to_string().lines().take(3).collect())
    }
}

/// Every call of `landfall` in the manual is one that the command line takes.
#[test]
fn commands_exist() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (page, text) in pages() {
        for call in calls(&text) {
            seen += 1;
            if let Some(why) = call.refused() {
                wrong.push(format!("{}: {}\n    {why}", name(&page), call.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} calls were found");
}

/// The page about states has every word that the API says of them.
#[test]
fn states_page() {
    use control::backup::{BackupCause, BackupState};
    use control::batch::{BatchState, MemberState};
    use control::deployment::{DeploymentState, Trigger};
    use control::environment::{EnvironmentState, EnvironmentStatus};
    use control::op::{OpState, StepName, StepState};
    let page = std::fs::read_to_string(docs().join("reference/states.md")).unwrap();
    let mut missing = BTreeSet::new();
    macro_rules! all_words {
        ($($set:ty),+) => {$(
            for word in <$set>::ALL {
                if !page.contains(&format!("`{word}`")) {
                    missing.insert(format!("{}: {word}", stringify!($set)));
                }
            }
        )+};
    }
    all_words!(Trigger, StepName, StepState, OpState, DeploymentState);
    all_words!(
        EnvironmentState,
        EnvironmentStatus,
        BackupState,
        BackupCause,
        BatchState,
        MemberState
    );
    assert!(missing.is_empty(), "{missing:?}");
}

/// The page about the command line says what `--help` says.
#[test]
fn command_line_page() {
    let file = docs().join("reference/command-line.md");
    let written = command_line();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == written,
        "{} is old; write it: {WRITE}=1 cargo test --package landfall manual",
        file.display()
    );
}

const HEAD: &str = "# Command line

Written from the commands' own `--help`; a test compares them.

Commands that ask a server have these options, too:

| option | what it is |
| --- | --- |
| `--server URL` | address of the Landfall server; else `LANDFALL_SERVER`, else that of the last `landfall login`, else `http://127.0.0.1:8080` |
| `--token TOKEN` | API token; else `LANDFALL_TOKEN`, else that of `landfall login` |
| `-o`, `--output FORMAT` | `table` for people, `json` for the API's own answer, `yaml` for the same as YAML |

Exit codes: 0 when what was asked for was done (for commands that follow an Op: when it succeeded), 1 when it was not, 2 when the
command line was wrong.
";

/// Options that are told once, at the head of the page.
const COMMON: [&str; 5] = ["server", "token", "output", "help", "version"];

fn command_line() -> String {
    let mut command = Cli::command();
    command.build();
    let mut page = HEAD.to_owned();
    for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
        describe(&mut page, below, &format!("landfall {}", below.get_name()));
    }
    page
}

fn describe(page: &mut String, command: &Command, path: &str) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    if path == "landfall chart" {
        let _ =
            writeln!(page, "\n## {path}\n\n{about}; options are Helm's, `--help` lists them.\n");
        let _ = writeln!(page, "| command | what it does |\n| --- | --- |");
        for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(page, "| `{path} {}` | {about} |", below.get_name());
        }
        return;
    }
    if command.has_subcommands() {
        for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
            describe(page, below, &format!("{path} {}", below.get_name()));
        }
        return;
    }
    let common = |argument: &&Arg| !COMMON.contains(&argument.get_id().as_str());
    let places: String = command.get_positionals().map(|it| format!(" {it}")).collect();
    let _ = writeln!(page, "\n## {path}\n\n{about}.\n\n```text\n{path}{places}\n```");
    let rows: Vec<String> = command
        .get_positionals()
        .chain(command.get_opts())
        .chain(command.get_arguments().filter(|it| it.is_flag()))
        .filter(|argument| !argument.is_hide_set())
        .filter(common)
        .map(row)
        .collect();
    if !rows.is_empty() {
        let _ = writeln!(page, "\n| argument or option | what it is |\n| --- | --- |");
        for row in rows {
            page.push_str(&row);
        }
    }
}

/// Whether an argument is an option that takes no value.
trait Flag {
    fn is_flag(&self) -> bool;
}

impl Flag for Arg {
    fn is_flag(&self) -> bool {
        !self.is_positional() && !matches!(self.get_action(), ArgAction::Set | ArgAction::Append)
    }
}

fn row(argument: &Arg) -> String {
    let mut told = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() && !argument.is_flag() {
        let _ = write!(told, " ({})", values.join(", "));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| format!("`{}`", value.display()))
        .collect();
    if !defaults.is_empty() && !argument.is_flag() {
        let _ = write!(told, " [default: {}]", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(told, " [env: `{}`]", variable.display());
    }
    let value = match argument.get_value_names() {
        Some([value]) if !argument.is_flag() => format!(" {value}"),
        _ => String::new(),
    };
    let called = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{value}`"),
        (None, Some(long)) => format!("`--{long}{value}`"),
        (Some(short), None) => format!("`-{short}{value}`"),
        (None, None) => format!("`{argument}`"),
    };
    // A bar would end the table's cell.
    format!("| {} | {} |\n", called.replace('|', "\\|"), told.replace('|', "\\|"))
}

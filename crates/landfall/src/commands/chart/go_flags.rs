//! Flags as Go's `pflag` reads them where that differs from `clap`: switches may say `=false`, and a
//! call that is wrong ends with exit code 1 and Helm's words.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

/// The command with switches that may be given a value.
pub(crate) fn with_go_flags(command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command.mut_args(with_go_switch);
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_go_flags))
}

fn with_go_switch(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg;
    }
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .value_parser(clap::builder::BoolishValueParser::new())
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("true|false")
}

/// Ends a call that cannot be understood.
pub(crate) fn end_wrong_call(error: &clap::Error) -> ! {
    let argument = error.get(ContextKind::InvalidArg).and_then(|value| match value {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    });
    match (error.kind(), argument) {
        (ErrorKind::InvalidValue, Some(argument)) if is_left_open(error) => {
            eprintln!("Error: flag needs an argument: {}", flag_of(&argument));
        }
        (ErrorKind::UnknownArgument, Some(argument)) => eprintln!("Error: {}", unknown(&argument)),
        _ if error.use_stderr() => {
            // `clap` begins its text with `error: `.
            let text = error.to_string();
            eprintln!("Error: {}", text.trim_start_matches("error: ").trim_end());
        }
        _ => error.exit(),
    }
    std::process::exit(1)
}

/// Whether a value is missing, not wrong.
fn is_left_open(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(text)) if text.is_empty())
}

/// `--namespace` of `--namespace <NAMESPACE>`.
fn flag_of(argument: &str) -> &str {
    argument.split(' ').next().unwrap_or(argument)
}

fn unknown(argument: &str) -> String {
    match argument.strip_prefix("--") {
        Some(_) => format!("unknown flag: {}", argument.split('=').next().unwrap_or(argument)),
        None => match argument.strip_prefix('-').and_then(|rest| rest.chars().next()) {
            Some(first) => format!("unknown shorthand flag: '{first}' in {argument}"),
            None => format!("unexpected argument: {argument}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(arguments: &[&str]) -> Result<bool, ErrorKind> {
        let command = Command::new("landfall")
            .arg(Arg::new("quiet").long("quiet").short('q').action(ArgAction::SetTrue))
            .arg(Arg::new("path"));
        let matches = with_go_flags(command)
            .try_get_matches_from([&["landfall"], arguments].concat())
            .map_err(|error| error.kind())?;
        Ok(matches.get_one::<bool>("quiet").copied().unwrap_or_default())
    }

    /// A switch stands alone or takes a value behind `=`, never the next word.
    #[test]
    fn switches() {
        assert_eq!(quiet(&[]), Ok(false));
        assert_eq!(quiet(&["--quiet"]), Ok(true));
        assert_eq!(quiet(&["--quiet=false"]), Ok(false));
        assert_eq!(quiet(&["-q", "false"]), Ok(true));
        assert_eq!(quiet(&["--quiet=perhaps"]), Err(ErrorKind::ValueValidation));
    }

    /// Unknown flags are told as Helm tells them.
    #[test]
    fn unknown_flags() {
        assert_eq!(unknown("--foo=1"), "unknown flag: --foo");
        assert_eq!(unknown("-zx"), "unknown shorthand flag: 'z' in -zx");
    }
}

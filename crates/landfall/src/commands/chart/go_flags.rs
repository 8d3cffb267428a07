//! Flags as Go's `pflag` reads them where that differs from `clap`: switches may say `=false`, and a
//! call that is wrong ends with exit code 1 and Helm's words.

use std::ops::Deref;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::lazy::below_its_about;

/// Arguments of one of Helm's commands: read as `pflag` reads them, and described to `clap` when the command is called.
#[derive(Debug)]
pub(crate) struct GoFlags<T>(Box<T>);

impl<T> Deref for GoFlags<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: FromArgMatches> FromArgMatches for GoFlags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(|args| Self(Box::new(args)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for GoFlags<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| below_its_about(command, T::augment_args).mut_args(with_go_switch))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| {
            below_its_about(command, T::augment_args_for_update).mut_args(with_go_switch)
        })
    }
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

    #[derive(Debug, Args)]
    struct Quiet {
        #[arg(short, long)]
        quiet: bool,
        path: Option<String>,
    }

    fn quiet(arguments: &[&str]) -> Result<bool, ErrorKind> {
        let matches = GoFlags::<Quiet>::augment_args(Command::new("landfall"))
            .try_get_matches_from([&["landfall"], arguments].concat())
            .map_err(|error| error.kind())?;
        let read = GoFlags::<Quiet>::from_arg_matches(&matches);
        read.map(|args| args.quiet).map_err(|error| error.kind())
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

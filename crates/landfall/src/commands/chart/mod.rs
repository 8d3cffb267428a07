//! `landfall chart …`: Helm's commands on charts, with Helm's arguments, output and exit codes.
//!
//! One file per command. What several of them share: the groups of flags (`flags`), the folders
//! and variables Helm looks at (`settings`), finding charts (`locate`), and Helm's log on standard
//! error (`log`). Nothing here talks to a cluster, and nothing is set up that a call does not need:
//! a chart on disk is read without a runtime or an HTTP client.

mod dependency;
mod fetch;
mod flags;
mod go_flags;
mod lint;
mod locate;
mod log;
mod logins;
mod package;
mod pull;
mod push;
mod repositories;
mod settings;
mod show;
mod sign;
mod template;
mod verify;
mod words;

use go_flags::GoFlags;

pub(crate) use go_flags::end_wrong_call;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::lazy::Lazy;

/// What can be done with charts.
#[derive(Debug, Subcommand)]
pub(crate) enum ChartCommand {
    /// Render a chart and print what `helm template` prints
    Template(GoFlags<template::Args>),
    /// Look for mistakes in charts
    Lint(GoFlags<lint::Args>),
    /// Show what a chart says about itself
    #[command(subcommand, visible_alias = "inspect")]
    Show(Lazy<show::Command>),
    /// Pack chart folders into archives
    Package(GoFlags<package::Args>),
    /// Check the signature of an archive
    Verify(GoFlags<verify::Args>),
    /// Fetch a chart from a repository or registry into a file or folder
    #[command(visible_alias = "fetch")]
    Pull(GoFlags<pull::Args>),
    /// Push a chart's archive to a registry
    Push(GoFlags<push::Args>),
    /// Look after the charts a chart depends on
    #[command(subcommand, visible_alias = "dep")]
    Dependency(Lazy<dependency::Command>),
}

/// Carries the command out. Whatever fails ends with Helm's exit code 1 and its text.
pub(crate) fn run(command: &ChartCommand) -> ExitCode {
    let outcome: Result<()> = match command {
        ChartCommand::Template(args) => template::run(args),
        ChartCommand::Lint(args) => lint::run(args),
        ChartCommand::Show(Lazy(command)) => show::run(command),
        ChartCommand::Package(args) => package::run(args),
        ChartCommand::Verify(args) => verify::run(args),
        ChartCommand::Pull(args) => pull::run(args),
        ChartCommand::Push(args) => push::run(args),
        ChartCommand::Dependency(Lazy(command)) => dependency::run(command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

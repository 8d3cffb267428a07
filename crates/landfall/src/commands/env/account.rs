//! `landfall env account`: the service account that an App Environment acts as.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{ServerArgs, environment_path};
use crate::output::{self, Format};

/// Whose, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// The service account, as a name of the environment's namespace or namespace/name
    #[arg(required_unless_present = "none")]
    account: Option<String>,

    /// None: Landfall's own account
    #[arg(long, conflicts_with = "account")]
    none: bool,

    /// How to print the environment
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Sets the account.
pub(super) async fn set(args: AccountArgs) -> Result<ExitCode> {
    let path = environment_path(&args.environment);
    let body = json!({ "service_account": args.account.unwrap_or_default() });
    let changed: Value = args.server.client()?.patch(&path, &body).await?;
    output::print(args.output, &changed, &["environment", "acts as"], |changed| {
        let text = |field: &str| changed[field].as_str().map(str::to_owned);
        let account =
            text("service_account").unwrap_or_else(|| "Landfall's own account".to_owned());
        vec![vec![text("name").unwrap_or_default(), account]]
    })?;
    Ok(ExitCode::SUCCESS)
}

//! The product at the size it is made for: an account of many environments and deployments, on each database; how long its
//! pages and lists take, how much of them is sent, how soon a line of a log is shown, and what a preview over a fleet takes.

mod account;
mod addresses;
mod pages;
mod places;
mod preview;
mod stream;
mod transfer;

use std::path::{Path, PathBuf};

use anyhow::Result;
use control::multiply::Size;

use crate::{memory, print};
use account::{Account, Wanted};

/// What decides everything that is drawn.
const SEED: u64 = 20_261_128;

/// What is measured on.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SizeArgs {
    /// Environments of the account that pages are measured on
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    environments: usize,

    /// Deployments of all of them
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    deployments: usize,

    /// Requests of each page and list
    #[arg(long, default_value_t = 100, value_name = "N")]
    requests: usize,

    /// Measure the account on this database alone
    #[arg(long, value_enum, value_name = "DATABASE")]
    only_database: Option<Database>,

    /// Keep the accounts in this folder (and in the PostgreSQL database that it then names), and measure on those that are
    /// there already
    #[arg(long, value_name = "FOLDER")]
    keep_accounts: Option<PathBuf>,
}

/// What an account is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

/// Measures and prints, on one database after the other.
pub(crate) async fn measure(landfall: &Path, args: &SizeArgs) -> Result<()> {
    for (path, why) in addresses::LEFT_OUT {
        eprintln!("LEFT OUT: {path}, {why}");
    }
    for database in [Database::Sqlite, Database::Postgres] {
        if args.only_database.is_none_or(|only| only == database) {
            on(database, landfall, args).await?;
        }
    }
    Ok(())
}

async fn on(database: Database, landfall: &Path, args: &SizeArgs) -> Result<()> {
    let name = match database {
        Database::Sqlite => "SQLite",
        Database::Postgres => "PostgreSQL",
    };
    let size = Size { environments: args.environments, deployments: args.deployments, seed: SEED };
    let keep = args.keep_accounts.as_ref().map(|folder| folder.join(name));
    let wanted = Wanted { landfall, postgres: database == Database::Postgres, size, keep };
    let account = Account::make(&wanted).await?;
    let on =
        format!("{} environments, {} deployments, {name}", args.environments, args.deployments);
    let started = memory::settled(account.server.pid()).await?;
    print(
        &format!("a preview of new App values over a fleet; {on}"),
        &preview::HEADER,
        preview::measure(&account).await?,
    );
    let asked = places::read(&account).await?;
    let measured = pages::measure(&account, &asked, args.requests).await?;
    print(
        &format!(
            "pages and lists, from the request to the last byte of the answer, one client on loopback; {on}"
        ),
        &pages::HEADER,
        measured,
    );
    print(
        &format!("what a browser is sent until a page is usable; {on}"),
        &transfer::HEADER,
        transfer::measure(&account, &asked).await?,
    );
    print(
        &format!("a line of an Op's log, from when it is said until a follower has it; {on}"),
        &stream::HEADER,
        stream::measure(&account).await?,
    );
    let idle = memory::settled(account.server.pid()).await?;
    let rows = vec![
        vec!["after the start".to_owned(), format!("{started:.1}")],
        vec!["after all of the above".to_owned(), format!("{idle:.1}")],
    ];
    print(&format!("memory of an idle server; {on}"), &memory::HEADER, rows);
    account.stop().await;
    Ok(())
}

/// Bytes as thousands of them, with one digit behind.
fn kilobytes(bytes: usize) -> String {
    let tenths = bytes.div_ceil(100);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The value that `hundredths` of a hundred of them do not exceed.
fn percentile(values: &mut [f64], hundredths: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * hundredths).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or(f64::NAN)
}

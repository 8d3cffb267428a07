//! `landfall team …`: people and invitations, for Administrators.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{ServerArgs, part};
use crate::output::{self, Format, minute};

/// What can be done with people.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List people, and who is invited
    List(ListArgs),
    /// Invite someone: prints a link to hand on, which works once within 7 days
    Invite(InviteArgs),
    /// Withdraw an invitation: its link leads nowhere from now on
    Withdraw(WithdrawArgs),
    /// Change someone's role
    Role(RoleArgs),
    /// Shut someone out: their sessions and tokens end
    Deactivate(OneArgs),
    /// Let someone in again
    Reactivate(OneArgs),
    /// Remove someone for good; what they did keeps their name
    Remove(RemoveArgs),
    /// Make a link by which someone sets a new password; it works once within 24 hours
    ResetPassword(OneArgs),
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Only those whose name or address has a part that begins so
    #[arg(long, value_name = "TEXT", default_value = "")]
    search: String,

    /// Only those of this role: administrator, operations, developer or qa
    #[arg(long, value_name = "ROLE", default_value = "")]
    role: String,

    /// How many at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Whom to invite.
#[derive(Debug, clap::Args)]
pub(crate) struct InviteArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Their e-mail address; nothing is sent to it
    email: String,

    /// Their role: administrator, operations, developer or qa
    #[arg(long, value_name = "ROLE")]
    role: String,

    /// How to print the invitation
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Whose invitation.
#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The invited address, or the invitation's id
    invitation: String,
}

/// Whose role.
#[derive(Debug, clap::Args)]
pub(crate) struct RoleArgs {
    #[command(flatten)]
    one: OneArgs,

    /// The new role: administrator, operations, developer or qa
    role: String,
}

/// Who.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The person, by e-mail address or id
    person: String,

    /// How to print the answer
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Whom to remove.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The person, by e-mail address or id
    person: String,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: String,
    email: String,
    role: String,
    #[serde(default)]
    last_seen_at: Option<Timestamp>,
    #[serde(default)]
    disabled_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Invitation {
    id: String,
    email: String,
    role: String,
    expires_at: Timestamp,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Invite(args) => invite(args).await,
        Command::Withdraw(args) => withdraw(args).await,
        Command::Role(args) => change(args.one, &json!({ "role": args.role })).await,
        Command::Deactivate(args) => change(args, &json!({ "active": false })).await,
        Command::Reactivate(args) => change(args, &json!({ "active": true })).await,
        Command::Remove(args) => {
            args.server.client()?.delete::<Value>(&path(&args.person)).await?;
            eprintln!("✓ {} is removed", args.person);
            Ok(ExitCode::SUCCESS)
        }
        Command::ResetPassword(args) => {
            let at = format!("{}/password-reset", path(&args.person));
            let made: Value = args.server.client()?.post(&at, &json!({})).await?;
            link(args.output, &made, "for 24 hours")
        }
    }
}

fn path(person: &str) -> String {
    format!("/api/v1/people/{}", part(person))
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let (search, role) = (part(&args.search), part(&args.role));
    let query = format!("limit={}&search={search}&role={role}", args.limit);
    let mut page: Value = client.get(&format!("/api/v1/people?{query}")).await?;
    let people: Vec<Person> = items(&page)?;
    // Who is looked for by name or role is not among those who have neither yet.
    let invited: Vec<Invitation> = if args.search.is_empty() && args.role.is_empty() {
        let invitations: Value = client.get("/api/v1/invitations?limit=200").await?;
        let invited = items(&invitations)?;
        page["invitations"] = invitations["items"].clone();
        invited
    } else {
        Vec::new()
    };
    output::print(args.output, &page, &["name", "address", "role", "state", "last seen"], |_| {
        let person = |person: Person| {
            let state = if person.disabled_at.is_none() { "active" } else { "deactivated" };
            let seen = person.last_seen_at.map_or_else(|| "never".to_owned(), minute);
            vec![person.name, person.email, person.role, state.to_owned(), seen]
        };
        let invitation = |invitation: Invitation| {
            let state = format!("invited until {}", minute(invitation.expires_at));
            vec!["–".to_owned(), invitation.email, invitation.role, state, "never".to_owned()]
        };
        people.into_iter().map(person).chain(invited.into_iter().map(invitation)).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn items<T: serde::de::DeserializeOwned>(page: &Value) -> Result<Vec<T>> {
    Ok(serde_json::from_value(page.get("items").cloned().unwrap_or_default())?)
}

async fn invite(args: InviteArgs) -> Result<ExitCode> {
    let body = json!({ "email": args.email, "role": args.role });
    let made: Value = args.server.client()?.post("/api/v1/invitations", &body).await?;
    link(args.output, &made, "for 7 days")
}

/// Prints a link that is shown once: alone on standard output, so that it can be passed on.
fn link(format: Format, made: &Value, lasts: &str) -> Result<ExitCode> {
    if format != Format::Table {
        output::print(format, made, &[], |_| Vec::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", made["url"].as_str().unwrap_or_default());
    eprintln!(
        "It works once, {lasts}, and is not shown again. Whoever has it can take the account."
    );
    Ok(ExitCode::SUCCESS)
}

async fn withdraw(args: WithdrawArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let id = if args.invitation.contains('@') {
        let page: Value = client.get("/api/v1/invitations?limit=200").await?;
        let same = |one: &Invitation| one.email.eq_ignore_ascii_case(&args.invitation);
        let found = items::<Invitation>(&page)?.into_iter().find(same);
        match found {
            Some(found) => found.id,
            None => anyhow::bail!("nobody with the address {} is invited", args.invitation),
        }
    } else {
        args.invitation.clone()
    };
    client.delete::<Value>(&format!("/api/v1/invitations/{}", part(&id))).await?;
    eprintln!("✓ the invitation of {} is withdrawn", args.invitation);
    Ok(ExitCode::SUCCESS)
}

async fn change(args: OneArgs, change: &Value) -> Result<ExitCode> {
    let changed: Value = args.server.client()?.patch(&path(&args.person), change).await?;
    let person: Person = serde_json::from_value(changed.clone())?;
    output::print(args.output, &changed, &["name", "address", "role", "state"], |_| {
        let state = if person.disabled_at.is_none() { "active" } else { "deactivated" };
        vec![vec![person.name, person.email, person.role, state.to_owned()]]
    })?;
    Ok(ExitCode::SUCCESS)
}

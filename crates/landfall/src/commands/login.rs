//! `landfall login` and `landfall logout`: a token for this terminal, kept in the user's configuration.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::client::logins::Logins;
use crate::client::{Client, DEFAULT_SERVER, sign_in};

/// Where to log in, and as whom; what is left out is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// Address of the Landfall server
    #[arg(long, env = "LANDFALL_SERVER", value_name = "URL")]
    server: Option<Url>,

    /// E-mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "token_stdin")]
    email: Option<String>,

    /// Read the password from standard input instead of asking for it
    #[arg(long, conflicts_with = "token_stdin")]
    password_stdin: bool,

    /// Read an API token from standard input instead of making one by password
    #[arg(long)]
    token_stdin: bool,

    /// Role of the token that is made: administrator, operations, developer or qa [default: your own]
    #[arg(long, default_value = "", value_name = "ROLE", conflicts_with = "token_stdin")]
    role: String,

    /// Days until the token that is made ends
    #[arg(long, default_value_t = 90, value_name = "DAYS", conflicts_with = "token_stdin")]
    expires_in_days: u32,

    /// Send password and token although nothing encrypts them on the way
    #[arg(long)]
    plain_http: bool,
}

/// Where to log out.
#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {
    /// Address of the Landfall server [default: the one that was logged in to last]
    #[arg(long, env = "LANDFALL_SERVER", value_name = "URL")]
    server: Option<Url>,

    /// Forget the token even if the server cannot be told that it ends
    #[arg(long)]
    forget: bool,
}

#[derive(Deserialize)]
struct Made {
    secret: SecretString,
}

/// Makes or takes a token, checks it, and keeps it.
pub(crate) async fn login(args: LoginArgs) -> Result<ExitCode> {
    let mut logins = Logins::read()?;
    let server = match args.server.clone() {
        Some(server) => server,
        None => ask_server(&logins)?,
    };
    refuse_plain_http(&server, args.plain_http)?;
    let token = if args.token_stdin {
        let token = read_line("token")?;
        if !token.starts_with("lf_") {
            bail!("this is not an API token of Landfall: those begin with lf_");
        }
        SecretString::from(token)
    } else {
        make_token(&server, &args).await?
    };
    let client = Client::new(server.clone(), token.clone())?;
    let me: Value = client.get("/api/v1/self").await.context("the token does not work")?;
    logins.remember(&server, &token)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    eprintln!(
        "✓ logged in to {} as {} ({}); the token is in {}",
        server.as_str().trim_end_matches('/'),
        text(&me["person"]["email"]),
        text(&me["role"]),
        logins.path().display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Ends the token that is kept, and forgets it.
pub(crate) async fn logout(args: LogoutArgs) -> Result<ExitCode> {
    let mut logins = Logins::read()?;
    let Some(server) = args.server.or_else(|| logins.current()) else {
        bail!("you are not logged in anywhere");
    };
    let at = server.as_str().trim_end_matches('/').to_owned();
    let Some(token) = logins.token(&server) else { bail!("you are not logged in to {at}") };
    let client = Client::new(server.clone(), token)?;
    match client.post::<Value>("/api/v1/sign-out", &json!({})).await {
        Ok(_) => {}
        Err(error) if args.forget => eprintln!("! the token was not ended: {error:#}"),
        Err(error) if crate::client::is_signed_out(&error) => {}
        Err(error) => {
            return Err(error.context(
                "the token was not ended, so it is kept; --forget forgets it all the same",
            ));
        }
    }
    logins.forget(&server)?;
    eprintln!("✓ logged out of {at}");
    Ok(ExitCode::SUCCESS)
}

async fn make_token(server: &Url, args: &LoginArgs) -> Result<SecretString> {
    let email = match &args.email {
        Some(email) => email.clone(),
        None if args.password_stdin => bail!("--password-stdin needs --email"),
        None => ask("E-mail address", None)?,
    };
    let password = if args.password_stdin {
        read_line("password")?
    } else {
        eprint!("Password: ");
        console::Term::stderr()
            .read_secure_line()
            .context("could not read the password; without a terminal use --password-stdin")?
    };
    let body = json!({
        "email": email,
        "password": password,
        "token": {
            "name": token_name(),
            "role": args.role,
            "expires_in_days": args.expires_in_days,
        },
    });
    let made: Made = sign_in(server, &body).await?;
    Ok(made.secret)
}

/// What the list of tokens shows: where it is used.
fn token_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_default();
    let host: String = host.trim().chars().filter(char::is_ascii_graphic).take(40).collect();
    if host.is_empty() { "command line".to_owned() } else { format!("command line on {host}") }
}

/// Passwords and tokens must not cross a network in the clear unless someone says so.
fn refuse_plain_http(server: &Url, allowed: bool) -> Result<()> {
    let local = match server.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if server.scheme() == "https" || local || allowed {
        return Ok(());
    }
    bail!(
        "nothing encrypts what is sent to {}; use its https address, or say --plain-http",
        server.as_str().trim_end_matches('/')
    )
}

fn ask_server(logins: &Logins) -> Result<Url> {
    let usual = logins.current().map_or_else(
        || DEFAULT_SERVER.to_owned(),
        |server| server.as_str().trim_end_matches('/').to_owned(),
    );
    if !std::io::stdin().is_terminal() {
        return usual.parse().context("the server that was logged in to last has no address");
    }
    let typed = ask("Server", Some(&usual))?;
    typed.parse().with_context(|| format!("`{typed}` is not an address such as {DEFAULT_SERVER}"))
}

/// Asks on the terminal; an empty answer is the usual one.
fn ask(what: &str, usual: Option<&str>) -> Result<String> {
    match usual {
        Some(usual) => eprint!("{what} [{usual}]: "),
        None => eprint!("{what}: "),
    }
    std::io::stderr().flush().context("could not write to standard error")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("could not read standard input")?;
    match (line.trim(), usual) {
        ("", Some(usual)) => Ok(usual.to_owned()),
        ("", None) => bail!("no {} was given", what.to_lowercase()),
        (text, _) => Ok(text.to_owned()),
    }
}

/// The first line of standard input.
fn read_line(what: &str) -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("could not read standard input")?;
    let line = line.trim_end_matches(['\r', '\n']).to_owned();
    if line.is_empty() {
        bail!("standard input holds no {what}");
    }
    Ok(line)
}

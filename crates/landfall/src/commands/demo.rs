//! `landfall demo`: the main job with nothing but the binary.
//!
//! It starts a server on a temporary folder, a simulated cluster and a chart repository, and then does, through the
//! API, what a user would: App, releases, environments, a deployment with its live log. It stays up to be looked at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use control::account::{NewPerson, NewSigninLink, NewToken, PersonFilter, Remote};
use control::store::paging::PageRequest;
use control::{Actor, Config, Control, Database, Limits, OutboundPolicy, WorkerSettings};
use secrecy::{ExposeSecret, SecretString};
use server::{ChartRepository, ServerConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::client::Client;
use crate::commands::{asked_to_stop, serve::LogFormat, serve::log_to_stderr};
use crate::demo::{Product, story};
use crate::settings::make_data_folder;
use crate::simulated::{self, InProcess, Pace};

/// What to try Landfall with.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End with the deployment, with the exit code of its Op
    #[arg(long)]
    once: bool,

    /// Any chart instead of the sample product: a folder, a .tgz file, or the URL of one
    #[arg(long, value_name = "PATH_OR_URL")]
    chart: Option<String>,

    /// Address to listen on; a free port is taken if this one is not free
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// Folder to keep everything in; without it all is gone at the end
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// How fast the simulated cluster is
    #[arg(long, value_enum, default_value_t = Pace::Believable)]
    pace: Pace,
}

/// Runs the demo.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    log_to_stderr("error", LogFormat::Text);
    // Gone at the end, whichever way the command ends.
    let temporary = tempfile::tempdir().context("could not make a temporary folder")?;
    let data = args.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    make_data_folder(&data)?;

    let product = match &args.chart {
        Some(chart) => Product::from_chart(chart).await?,
        None => Product::sample()?,
    };
    let stop = CancellationToken::new();
    let repository = serve_charts(product.archives.clone(), stop.clone()).await?;
    let control =
        Control::open(config(&data, args.pace)).await.context("could not open Landfall's data")?;
    let workers = control.start_workers();
    let listener = listen(args.listen).await?;
    let server = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let serving = tokio::spawn(server::serve(
        listener,
        control.clone(),
        ServerConfig::default(),
        stop.clone(),
    ));

    let access = Access::prepare(&control, &server).await?;
    let told = tokio::select! {
        told = story::tell(&access.client, &product, &repository) => told,
        () = asked_to_stop() => Ok(ExitCode::FAILURE),
    };
    if let (Ok(_), false) = (&told, args.once) {
        access.invite(&server);
        asked_to_stop().await;
    }
    stop.cancel();
    workers.stop().await;
    serving.await.context("the server did not end")?.context("the server failed")?;
    told
}

fn config(data: &std::path::Path, pace: Pace) -> Config {
    Config {
        database: Database::Sqlite(data.join("landfall.db")),
        objects: data.join("objects").into(),
        key_file: data.join("key"),
        // The sample's chart repository listens on loopback.
        outbound: OutboundPolicy {
            allowed_networks: ["127.0.0.0/8", "::1/128"]
                .into_iter()
                .filter_map(|net| net.parse().ok())
                .collect(),
        },
        workers: WorkerSettings::default(),
        limits: Limits::default(),
        in_cluster: None,
        dns_server: None,
        simulated: Some(Arc::new(InProcess::new(
            simulated::folder(data),
            pace.timing(),
            Vec::new(),
        ))),
    }
}

/// The wanted address, or a free port where something else is there already.
async fn listen(wanted: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(wanted).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(SocketAddr::new(wanted.ip(), 0))
            .await
            .with_context(|| format!("could not listen on {}", wanted.ip())),
    }
}

async fn serve_charts(archives: Vec<Vec<u8>>, stop: CancellationToken) -> Result<Url> {
    let repository =
        ChartRepository::new(archives).context("the product's chart cannot be served")?;
    let listener =
        TcpListener::bind("127.0.0.1:0").await.context("could not listen on loopback")?;
    let address = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    tokio::spawn(repository.serve(listener, stop));
    Ok(address)
}

/// How the demo and its user get in.
struct Access {
    client: Client,
    token: SecretString,
    link: SecretString,
}

impl Access {
    /// Makes an Administrator without a password, a token for the demo itself, and a sign-in link for the user.
    async fn prepare(control: &Control, server: &Url) -> Result<Self> {
        let system = Actor::system();
        let person = NewPerson {
            email: "demo@example.com".to_owned(),
            name: "Demo".to_owned(),
            role: "administrator".to_owned(),
            password: None,
        };
        let person = match control.person_create(&system, person).await {
            Ok(person) => person.brief.id,
            // A folder that is kept has the person already.
            Err(_) => known_person(control, &system).await?,
        };
        let own = control.signin_link_create(&system, NewSigninLink { person }).await?;
        let here = Remote {
            address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
            user_agent: "landfall demo".to_owned(),
        };
        let session = control.signin_link_use(own.token.expose_secret(), &here).await?;
        let actor = control
            .session_actor(session.token.expose_secret(), &here)
            .await?
            .context("the demo's own session did not last")?;
        let token = NewToken {
            name: "landfall demo".to_owned(),
            role: "administrator".to_owned(),
            expires_in_days: Some(1),
        };
        let token = control.token_create(&actor, token).await?.secret;
        control.sign_out(&actor).await?;
        let link = control.signin_link_create(&system, NewSigninLink { person }).await?.token;
        Ok(Self { client: Client::new(server.clone(), token.clone())?, token, link })
    }

    /// Tells the user where to go on.
    fn invite(&self, server: &Url) {
        let address = server.as_str().trim_end_matches('/');
        println!();
        println!("Landfall is at {address}; its cluster is simulated: no containers run.");
        println!(
            "Sign in once, within 10 minutes: {address}/sign-in/link/{}",
            self.link.expose_secret()
        );
        println!();
        println!("From another terminal:");
        println!(
            "  export LANDFALL_SERVER={address} LANDFALL_TOKEN={}",
            self.token.expose_secret()
        );
        println!("  landfall env list");
        println!();
        println!("Ctrl-C ends it.");
    }
}

async fn known_person(control: &Control, system: &Actor) -> Result<control::store::ids::PersonId> {
    let people =
        control.person_list(system, &PersonFilter::default(), &PageRequest::default()).await?;
    people.items.first().map(|person| person.brief.id).context(
        "the folder's data has no person to sign in as; choose an empty folder with --data",
    )
}

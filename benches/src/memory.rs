//! Memory of a server that does nothing, after it has answered a few pages.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::Server;

pub(crate) const HEADER: [&str; 2] = ["when", "resident MB"];

/// Long enough for caches and buffers of the start to be given back.
const SETTLING: Duration = Duration::from_secs(3);

pub(crate) async fn measure(landfall: &Path) -> Result<Vec<Vec<String>>> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(landfall, folder.path(), &[]).await;
    let started = settled(server.pid()).await?;
    let api = server.set_up().await;
    for path in ["/apps", "/releases", "/environments", "/deployments", "/clusters"] {
        api.get(path).await;
    }
    let answered = settled(server.pid()).await?;
    Ok(vec![
        vec!["after the start".to_owned(), format!("{started:.1}")],
        vec!["after a sign-in and five lists".to_owned(), format!("{answered:.1}")],
    ])
}

/// Resident memory of a process that was left alone for a while, in megabytes.
pub(crate) async fn settled(pid: u32) -> Result<f64> {
    tokio::time::sleep(SETTLING).await;
    resident(pid)
}

/// Resident memory of a process in megabytes.
fn resident(pid: u32) -> Result<f64> {
    megabytes(pid, "VmRSS:")
}

/// One of the sizes Linux keeps of a process, in megabytes: `VmRSS:` is what is resident, `VmHWM:` the most that
/// ever was.
pub(crate) fn megabytes(pid: u32, field: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .context("only Linux tells a process's memory")?;
    let kilobytes: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .with_context(|| format!("the kernel does not tell {field}"))?;
    Ok(kilobytes * 1024.0 / 1e6)
}

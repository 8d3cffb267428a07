//! `--output-dir`: every document into the file of its template.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use helm::release::HookEvent;
use helm::render::{PrintedHooks, Rendered};

use super::super::words::{file_error, join};

/// Writes CRDs, documents and hooks below `folder`, all but CRDs below a folder of the release's
/// name in it if there is one, and says so.
pub(super) fn write(
    rendered: &Rendered,
    hooks: PrintedHooks,
    include_crds: bool,
    folder: &str,
    release: Option<&str>,
) -> Result<()> {
    let below = release.map_or_else(|| folder.to_owned(), |release| join(folder, release));
    let crds = if include_crds { rendered.chart.crds() } else { Vec::new() };
    let mut written = HashSet::new();
    for crd in &crds {
        let append = !written.insert(crd.path.as_str());
        document(folder, &crd.path, &crd.file.text(), append)?;
    }
    for found in &rendered.documents {
        let append = !written.insert(found.source.as_str());
        document(&below, &found.source, &found.text, append)?;
    }
    for hook in &rendered.hooks {
        let wanted = match hooks {
            PrintedHooks::All => true,
            PrintedHooks::WithoutTests => !hook.events.contains(&HookEvent::Test),
            PrintedHooks::None => false,
        };
        if wanted {
            // Helm adds hooks to whatever lies there, from an earlier run as well.
            let append = Path::new(&join(&below, &hook.path)).exists();
            document(&below, &hook.path, &hook.manifest, append)?;
        }
    }
    Ok(())
}

fn document(folder: &str, name: &str, text: &str, append: bool) -> Result<()> {
    let path = format!("{folder}/{name}");
    let path = Path::new(&path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, &error))?;
    }
    let mut options = OpenOptions::new();
    if append {
        options.append(true)
    } else {
        options.write(true).create(true).truncate(true)
    };
    options
        .open(path)
        .and_then(|mut file| write!(file, "---\n# Source: {name}\n{text}\n"))
        .map_err(|error| file_error("open", path, &error))?;
    println!("wrote {}", path.display());
    Ok(())
}

//! Signing archives that were packed: `<archive>.prov` beside them, as `helm package --sign` writes it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use console::Term;
use helm::chart::Chart;
use helm::provenance;
use secrecy::{ExposeSecret as _, SecretString};

use super::fetch::now;
use super::flags::KeyringFlag;
use super::words::file_error;

/// Helm's flags about signing.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct SignFlags {
    /// Sign the archive
    #[arg(long)]
    sign: bool,
    /// Name of the key to sign with, or a part of it that no other key has
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    key: String,
    /// File whose first line is the key's passphrase; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    passphrase_file: String,
    #[command(flatten)]
    pub(super) keyring: KeyringFlag,
}

/// Signs the archives of one call.
pub(super) struct Signing<'f> {
    flags: &'f SignFlags,
    /// Read once, as standard input gives it once.
    passphrase: Option<SecretString>,
}

impl SignFlags {
    /// How archives are signed, if they are.
    pub(super) fn signing(&self) -> Result<Option<Signing<'_>>> {
        if !self.sign {
            return Ok(None);
        }
        if self.key.is_empty() {
            bail!("--key is required for signing a package");
        }
        if self.keyring.file().as_os_str().is_empty() {
            bail!("--keyring is required for signing a package");
        }
        Ok(Some(Signing { flags: self, passphrase: None }))
    }
}

impl Signing<'_> {
    /// Signs the archive at a path.
    pub(super) fn sign(&mut self, path: &str) -> Result<()> {
        let keyring = provenance::read_keyring(&self.flags.keyring.file())?;
        if self.passphrase.is_none() && !self.flags.passphrase_file.is_empty() {
            self.passphrase = Some(first_line(&self.flags.passphrase_file)?);
        }
        let signer = keyring.signer(&self.flags.key, |key| match &self.passphrase {
            Some(passphrase) => Ok(passphrase.expose_secret().as_bytes().to_vec()),
            None => ask(key),
        });
        let signer = signer?;
        let archive = std::fs::read(path)
            .map_err(|error| file_error("open", Path::new(path), &error))
            .context("failed to read chart archive")?;
        let chart = Chart::from_archive(&archive).context("failed to load chart for signing")?;
        let name = path.rsplit('/').next().unwrap_or_default();
        let metadata = chart.metadata().to_yaml();
        let signed = provenance::sign(&archive, name, &metadata, &signer, now())?;
        let path = format!("{path}.prov");
        std::fs::write(&path, signed).map_err(|error| file_error("open", Path::new(&path), &error))
    }
}

/// The first line of a passphrase file.
fn first_line(name: &str) -> Result<SecretString> {
    let file = if name == "-" {
        let input = std::fs::metadata("/dev/stdin").map(|about| about.file_type());
        if !input.is_ok_and(|kind| kind.is_fifo()) {
            bail!("specified reading passphrase from stdin, without input on stdin");
        }
        File::open("/dev/stdin")
    } else {
        File::open(name)
    };
    let path = Path::new(name);
    let file = file.map_err(|error| file_error("open", path, &error))?;
    let mut line = Vec::new();
    // No passphrase is as long as this, whatever the file is.
    BufReader::new(file.take(4096))
        .read_until(b'\n', &mut line)
        .map_err(|error| file_error("read", path, &error))?;
    if line.is_empty() {
        bail!("EOF");
    }
    let text = String::from_utf8(line).map_err(|_| anyhow!("{name} is no text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).into())
}

/// Asks for a passphrase on the terminal.
fn ask(key: &str) -> Result<Vec<u8>> {
    print!("Password for key {} >  ", gotemplate::print::quote(key));
    std::io::Write::flush(&mut std::io::stdout())?;
    let terminal = Term::stdout();
    let typed = if terminal.is_term() {
        terminal.read_secure_line().map_err(anyhow::Error::from)
    } else {
        println!();
        Err(anyhow!("inappropriate ioctl for device"))
    };
    Ok(typed?.into_bytes())
}

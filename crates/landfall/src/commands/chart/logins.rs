//! How registries are signed in to: what `helm registry login` and `docker login` left behind, in files
//! or with the credential helpers that the files name.
//!
//! Helm's own file comes first, Docker's when that one knows nothing. Both are only read. Helpers that
//! a file does not name are not looked for.

use std::collections::HashMap;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::registry::{Credentials, RegistryToken};
use serde::Deserialize;

use super::settings::Settings;

/// How to sign in to one registry.
#[derive(Default)]
pub(super) struct Login {
    pub(super) credentials: Option<Credentials>,
    pub(super) token: Option<RegistryToken>,
}

impl Login {
    fn is_empty(&self) -> bool {
        self.credentials.is_none() && self.token.is_none()
    }
}

/// A file of logins.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    auths: Option<HashMap<String, Entry>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// Base64 of `user:password`, which counts before the two.
    auth: String,
    username: String,
    password: String,
    #[serde(rename = "identitytoken")]
    identity_token: String,
    #[serde(rename = "registrytoken")]
    registry_token: String,
}

/// What a credential helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// How to sign in to the registry at `host`; empty where nobody has.
pub(super) fn of(host: &str, settings: &Settings) -> Result<Login> {
    let server = match host {
        "docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        host => host,
    };
    for file in [&settings.registry_config, &settings.docker_config] {
        let login = read(file)?.login(server)?;
        if !login.is_empty() {
            return Ok(login);
        }
    }
    Ok(Login::default())
}

fn read(path: &Path) -> Result<Config> {
    let shown = path.display();
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
            format!("failed to decode config file at {shown}: invalid config format")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(error).with_context(|| format!("failed to open config file at {shown}")),
    }
}

impl Config {
    fn login(&self, server: &str) -> Result<Login> {
        let own = self.helpers.as_ref().and_then(|helpers| helpers.get(server));
        if let Some(helper) = own.or(self.store.as_ref()).filter(|helper| !helper.is_empty()) {
            return ask(helper, server);
        }
        // Docker once wrote addresses where hosts stand now.
        let entry = self.auths.as_ref().and_then(|auths| {
            let named = |(key, _): &(&String, &Entry)| host_of(key) == server;
            auths.get(server).or_else(|| auths.iter().find(named).map(|(_, entry)| entry))
        });
        entry.map_or_else(|| Ok(Login::default()), Entry::login)
    }
}

impl Entry {
    fn login(&self) -> Result<Login> {
        let (mut username, mut password) = (self.username.clone(), self.password.clone());
        if !self.auth.is_empty() {
            let bytes = STANDARD.decode(&self.auth).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text =
                text.ok_or_else(|| anyhow!("failed to decode auth field: it is no base64"))?;
            let Some((user, secret)) = text.split_once(':') else {
                bail!(
                    "invalid config format: auth does not conform the base64(username:password) format"
                );
            };
            (username, password) = (user.to_owned(), secret.trim_matches('\0').to_owned());
        }
        let given = |token: &String| Some(token.clone()).filter(|token| !token.is_empty());
        let access = given(&self.registry_token).map(RegistryToken::Access);
        let token = access.or_else(|| given(&self.identity_token).map(RegistryToken::Identity));
        let named = !username.is_empty() || !password.is_empty();
        Ok(Login { credentials: named.then_some(Credentials { username, password }), token })
    }
}

/// `registry.test` of `https://registry.test/v1/`.
fn host_of(address: &str) -> &str {
    let place = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    place.unwrap_or(address).split('/').next().unwrap_or_default()
}

/// Asks a credential helper.
fn ask(helper: &str, server: &str) -> Result<Login> {
    let program = format!("docker-credential-{helper}");
    let failed = || format!("failed to execute {program}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read what it is asked says so by its exit code.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.wait_with_output().with_context(failed)?;
    if !output.status.success() {
        return match String::from_utf8_lossy(&output.stdout).trim() {
            "credentials not found in native keychain" => Ok(Login::default()),
            "" => Err(anyhow!("{}: {}", failed(), output.status)),
            told => Err(anyhow!("{told}")),
        };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{program} did not answer with JSON"))?;
    if answer.username == "<token>" {
        return Ok(Login {
            credentials: None,
            token: Some(RegistryToken::Identity(answer.secret)),
        });
    }
    let credentials = Credentials { username: answer.username, password: answer.secret };
    Ok(Login { credentials: Some(credentials), token: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts are found under the names that either program gives them, and only a whole login is one.
    #[test]
    fn logins_in_a_file() {
        let text = r#"{"auths": {
            "a.test:5000": {"auth": "YW5hOnNlY3JldA=="},
            "https://b.test/v1/": {"username": "bo", "password": "x"},
            "c.test": {"identitytoken": "i"},
            "d.test": {"registrytoken": "r", "identitytoken": "i"},
            "e.test": {"auth": "bm9uZQ=="},
            "f.test": {}
        }, "credsStore": "", "credHelpers": null, "other": 1}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let login = |host: &str| {
            config.login(host).map(|login| {
                let named = login.credentials.map(|c| format!("{}:{}", c.username, c.password));
                (named, login.token)
            })
        };
        assert_eq!(login("a.test:5000").unwrap(), (Some("ana:secret".into()), None));
        assert_eq!(login("b.test").unwrap(), (Some("bo:x".into()), None));
        let identity = RegistryToken::Identity("i".into());
        assert_eq!(login("c.test").unwrap(), (None, Some(identity)));
        let access = RegistryToken::Access("r".into());
        assert_eq!(login("d.test").unwrap(), (None, Some(access)));
        assert!(login("e.test").is_err());
        assert_eq!(login("f.test").unwrap(), (None, None));
        assert_eq!(login("a.test").unwrap(), (None, None));
    }
}

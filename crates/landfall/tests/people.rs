//! Logging in and managing people from the command line, as users type it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use harness::Server;
use tokio::io::AsyncWriteExt as _;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// A terminal's user with a configuration folder of their own.
struct User<'a> {
    home: &'a Path,
    server: &'a str,
}

impl User<'_> {
    /// Runs a command with text on its standard input; its exit code, output and messages.
    async fn run(&self, args: &[&str], input: &str) -> (Option<i32>, String, String) {
        let mut child = tokio::process::Command::new(binary())
            .args(args)
            .env("HOME", self.home)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("LANDFALL_TOKEN")
            .env_remove("LANDFALL_SERVER")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Runs a command that must succeed.
    async fn ok(&self, args: &[&str], input: &str) -> (String, String) {
        let (code, out, err) = self.run(args, input).await;
        assert_eq!(code, Some(0), "{args:?}: {out}{err}");
        (out, err)
    }

    async fn log_in(&self, email: &str, password: &str) -> (Option<i32>, String, String) {
        let args = ["login", "--server", self.server, "--email", email, "--password-stdin"];
        self.run(&args, &format!("{password}\n")).await
    }
}

/// From the first login to a team: invited, given a role, shut out, removed; the token ends with the logout.
#[tokio::test(flavor = "multi_thread")]
async fn a_team() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    let home = tempfile::tempdir().unwrap();
    let ada = User { home: home.path(), server: &api.url };

    let (code, _, err) = ada.run(&["team", "list"], "").await;
    assert!(code == Some(1) && err.contains("landfall login"), "{err}");
    let email = api.get("/self").await["person"]["email"].as_str().unwrap().to_owned();
    let (code, _, err) = ada.log_in(&email, "wrong").await;
    assert!(code == Some(1) && err.contains("has this password"), "{err}");
    let token = &api.token;
    let args = ["login", "--server", &api.url, "--token-stdin"];
    let (_, err) = ada.ok(&args, &format!("{token}\n")).await;
    assert!(err.contains(&format!("as {email} (administrator)")), "{err}");
    let file = home.path().join(".config/landfall/logins.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");

    let args = ["team", "invite", "olga@example.com", "--role", "developer"];
    let (link, err) = ada.ok(&args, "").await;
    assert!(link.starts_with(&format!("{}/invitation/", api.url)), "{link}{err}");
    let (list, _) = ada.ok(&["team", "list"], "").await;
    let words = list.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("olga@example.com developer invited until"), "{list}");
    let form = [("name", "Olga"), ("password", "correct horse battery")];
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let joined = http.unwrap().post(link.trim()).form(&form).send().await.unwrap();
    assert_eq!(joined.status(), 303);

    let olgas = tempfile::tempdir().unwrap();
    let olga = User { home: olgas.path(), server: &api.url };
    let (code, _, err) = olga.log_in("olga@example.com", "correct horse battery").await;
    assert_eq!(code, Some(0), "{err}");
    let (code, _, err) = olga.run(&["team", "list"], "").await;
    assert!(code == Some(1) && err.contains("There is no page"), "{err}");
    olga.ok(&["env", "list", "-o", "json"], "").await;

    let args = ["team", "role", "olga@example.com", "qa", "-o", "yaml"];
    assert!(ada.ok(&args, "").await.0.contains("role: qa"));
    let (link, _) = ada.ok(&["team", "reset-password", "olga@example.com"], "").await;
    assert!(link.contains("/set-password/"), "{link}");
    olga.ok(&["logout"], "").await;
    let (code, _, _) = olga.run(&["env", "list"], "").await;
    assert_eq!(code, Some(1));
    assert_eq!(api.get("/people/olga@example.com/tokens").await["items"], serde_json::json!([]));

    ada.ok(&["team", "deactivate", "olga@example.com"], "").await;
    let (code, _, _) = olga.log_in("olga@example.com", "correct horse battery").await;
    assert_eq!(code, Some(1));
    ada.ok(&["team", "reactivate", "olga@example.com"], "").await;
    ada.ok(&["team", "remove", "olga@example.com"], "").await;
    let (code, _, err) = ada.run(&["team", "remove", &email], "").await;
    assert!(code == Some(1) && err.contains("last Administrator"), "{err}");
}

/// Secrets are not sent to another machine in the clear unless that is said.
#[tokio::test]
async fn in_the_clear() {
    let home = tempfile::tempdir().unwrap();
    let user = User { home: home.path(), server: "http://landfall.example.com" };
    let (code, _, err) = user.log_in("ada@example.com", "x").await;
    assert!(code == Some(1) && err.contains("nothing encrypts"), "{err}");
}

/// Shells are told how to complete.
#[tokio::test]
async fn completion() {
    let home = tempfile::tempdir().unwrap();
    let user = User { home: home.path(), server: "" };
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = user.ok(&["completion", shell], "").await;
        assert!(script.contains("rollback"), "{script}");
    }
}

//! Kubeconfigs taken apart: of one context the address, the authority and what to sign in with.
//!
//! Only what stands in the text itself is taken. What names a file of this machine, runs a program or leads through a
//! proxy is refused where the chosen context uses it: whoever pastes a kubeconfig is not to read or run anything here.
//! Contexts that are not chosen are neither looked at nor kept. Messages never quote the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goyaml::Value;

use crate::error::{Error, Problem};

/// Longest kubeconfig, in bytes.
const LONGEST: usize = 1024 * 1024;
/// Contexts that a message names.
const NAMED: usize = 20;
const FIELD: &str = "kubeconfig";
const FLATTEN: &str = "Give what `kubectl config view --raw --minify --flatten` prints.";
const TOKEN: &str =
    "Use a token or a client certificate: `landfall cluster rbac` makes an account with one.";

/// What a context says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) name: String,
    pub(super) server: String,
    pub(super) ca_pem: String,
    pub(super) tls_server_name: Option<String>,
    pub(super) sign_in: SignIn,
}

/// What to sign in with.
#[derive(PartialEq, Eq)]
pub(super) enum SignIn {
    Token(String),
    Certificate { certificate_pem: String, key_pem: String },
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "a token",
            Self::Certificate { .. } => "a client certificate",
        })
    }
}

/// Takes the context that is named, else the current or only one.
pub(super) fn read(text: &str, context: &str) -> Result<Context, Error> {
    if text.len() > LONGEST {
        return Err(wrong("This kubeconfig is larger than 1 MiB.", FLATTEN));
    }
    let file = goyaml::parse(text).map_err(|error| {
        let line = error.line().map_or(String::new(), |line| format!(" (line {line})"));
        wrong(format!("This is not YAML{line}."), FLATTEN)
    })?;
    if file.as_map().is_none() {
        return Err(wrong("This is not a kubeconfig.", FLATTEN));
    }
    let (name, chosen) = choose(&file, context)?;
    let of = |field: &str, what: &str| {
        text_at(chosen, field)
            .ok_or_else(|| wrong(format!("The context `{name}` names no {what}."), FLATTEN))
    };
    let (cluster, user) = (of("cluster", "cluster")?, of("user", "user")?);
    let part = |list: &str, name: &str, entry: &str| {
        named(&file, list, name).and_then(|found| found.get(entry)).ok_or_else(|| {
            wrong(
                format!("The kubeconfig has no {entry} `{name}`, which its context names."),
                FLATTEN,
            )
        })
    };
    let cluster = part("clusters", &cluster, "cluster")?;
    let sign_in = sign_in(part("users", &user, "user")?)?;
    Ok(Context { name: name.clone(), sign_in, ..reached(cluster)? })
}

/// The context by its name, the current one, or the only one.
fn choose<'a>(file: &'a Value, wanted: &str) -> Result<(String, &'a Value), Error> {
    let all: Vec<&Value> =
        file.get("contexts").and_then(Value::as_seq).into_iter().flatten().collect();
    let names: Vec<String> = all.iter().filter_map(|it| text_at(it, "name")).collect();
    let current = text_at(file, "current-context");
    let name = match (wanted, current, names.as_slice()) {
        ("", Some(current), _) => current,
        ("", None, [only]) => only.clone(),
        ("", None, []) => return Err(wrong("This kubeconfig has no context.", FLATTEN)),
        ("", None, several) => {
            let message =
                "This kubeconfig has several contexts and says of none that it is the current one.";
            return Err(context_problem(message.to_owned(), several));
        }
        (wanted, ..) => wanted.to_owned(),
    };
    let found = all.into_iter().find(|it| text_at(it, "name").as_deref() == Some(&name));
    match found.and_then(|found| found.get("context")) {
        Some(context) => Ok((name, context)),
        None => Err(context_problem(format!("There is no context `{name}`."), &names)),
    }
}

fn context_problem(message: String, names: &[String]) -> Error {
    let more = names.len().saturating_sub(NAMED);
    let mut listed = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 {
        listed = format!("{listed} and {more} more");
    }
    let remedy =
        if listed.is_empty() { FLATTEN.to_owned() } else { format!("Choose one of {listed}.") };
    Error::invalid("context", message, remedy)
}

/// Address and authority.
fn reached(cluster: &Value) -> Result<Context, Error> {
    if cluster.get("insecure-skip-tls-verify").and_then(Value::as_bool) == Some(true) {
        let remedy = "Give the cluster's authority as certificate-authority-data: whoever stood between would get its credentials.";
        return Err(wrong("This kubeconfig does not check the cluster's certificate.", remedy));
    }
    if text_at(cluster, "proxy-url").is_some() {
        let remedy = "Give an address that is reached from here without one.";
        return Err(wrong("This kubeconfig goes through a proxy (proxy-url).", remedy));
    }
    refuse_file(cluster, "certificate-authority")?;
    let server = text_at(cluster, "server")
        .ok_or_else(|| wrong("The kubeconfig's cluster has no server.", FLATTEN))?;
    Ok(Context {
        name: String::new(),
        server,
        ca_pem: decoded(cluster, "certificate-authority-data")?.unwrap_or_default(),
        tls_server_name: text_at(cluster, "tls-server-name"),
        sign_in: SignIn::Token(String::new()),
    })
}

fn sign_in(user: &Value) -> Result<SignIn, Error> {
    if user.get("exec").is_some_and(|exec| !exec.is_null()) {
        let message = "This kubeconfig runs a program to sign in (exec), which Landfall does not.";
        return Err(wrong(message, TOKEN));
    }
    if user.get("auth-provider").is_some_and(|provider| !provider.is_null()) {
        let message =
            "This kubeconfig signs in by a plug-in (auth-provider), which Landfall has not.";
        return Err(wrong(message, TOKEN));
    }
    if text_at(user, "username").is_some() || text_at(user, "password").is_some() {
        let message =
            "This kubeconfig signs in by user name and password, which Kubernetes no longer does.";
        return Err(wrong(message, TOKEN));
    }
    for field in ["as", "as-uid", "as-groups", "as-user-extra"] {
        if user.get(field).is_some_and(|value| !value.is_null()) {
            let message = format!("This kubeconfig acts as somebody else (`{field}`).");
            let remedy =
                "Leave that out: an environment names the service account that it acts as.";
            return Err(wrong(message, remedy));
        }
    }
    for field in ["tokenFile", "client-certificate", "client-key"] {
        refuse_file(user, field)?;
    }
    let certificate = decoded(user, "client-certificate-data")?;
    let key = decoded(user, "client-key-data")?;
    match (certificate, key, text_at(user, "token")) {
        (Some(certificate_pem), Some(key_pem), _) => {
            Ok(SignIn::Certificate { certificate_pem, key_pem })
        }
        (None, None, Some(token)) => Ok(SignIn::Token(token)),
        (Some(_), None, _) => Err(wrong("The client certificate has no key.", FLATTEN)),
        (None, Some(_), _) => Err(wrong("The client key has no certificate.", FLATTEN)),
        (None, None, None) => Err(wrong(
            "This kubeconfig has nothing to sign in with: no token, no client certificate.",
            TOKEN,
        )),
    }
}

fn refuse_file(entry: &Value, field: &str) -> Result<(), Error> {
    match text_at(entry, field) {
        Some(_) => {
            let message = format!("This kubeconfig names a file (`{field}`), which is not here.");
            Err(wrong(message, FLATTEN))
        }
        None => Ok(()),
    }
}

/// The entry of a list that has this name.
fn named<'a>(file: &'a Value, list: &str, name: &str) -> Option<&'a Value> {
    let entries = file.get(list).and_then(Value::as_seq)?;
    entries.iter().find(|entry| text_at(entry, "name").as_deref() == Some(name))
}

/// A text that is not empty.
fn text_at(value: &Value, field: &str) -> Option<String> {
    let text = value.get(field)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// PEM in base64.
fn decoded(entry: &Value, field: &str) -> Result<Option<String>, Error> {
    let Some(text) = text_at(entry, field) else { return Ok(None) };
    let plain: String = text.split_whitespace().collect();
    let pem = STANDARD.decode(plain).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match pem.filter(|pem| pem.contains("-----BEGIN ")) {
        Some(pem) => Ok(Some(pem)),
        None => Err(wrong(format!("`{field}` is not PEM in base64."), FLATTEN)),
    }
}

fn wrong(message: impl Into<String>, remedy: &str) -> Error {
    Error::Invalid(crate::error::Invalid { problems: vec![Problem::new(FIELD, message, remedy)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kubeconfig with a context `prod`, whose cluster and user have these fields, and one that is not looked at.
    fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts:\n\
             - {{name: prod, context: {{cluster: c, user: u, namespace: x}}}}\n\
             - {{name: other, context: {{cluster: c, user: by-exec}}}}\n\
             clusters:\n- name: c\n  cluster: {cluster}\n\
             users:\n- name: u\n  user: {user}\n\
             - name: by-exec\n  user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh}}}}\n"
        )
    }

    fn pem(kind: &str) -> String {
        STANDARD.encode(format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"))
    }

    fn told(text: &str, context: &str) -> String {
        match read(text, context) {
            Ok(read) => format!("{read:?}"),
            Err(Error::Invalid(invalid)) => {
                format!("{}: {invalid}", invalid.problems[0].field)
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The current context's address, authority, TLS name and token or certificate are taken.
    #[test]
    fn contexts() {
        let ca = pem("CERTIFICATE");
        let cluster = format!(
            "{{server: 'https://10.0.0.1:6443', certificate-authority-data: {ca}, tls-server-name: api.internal}}"
        );
        let read_ = read(&kubeconfig(&cluster, "{token: s3cret}"), "").unwrap();
        assert_eq!(read_.server, "https://10.0.0.1:6443");
        assert!(read_.ca_pem.starts_with("-----BEGIN CERTIFICATE"));
        assert_eq!(read_.tls_server_name.as_deref(), Some("api.internal"));
        assert_eq!(read_.sign_in, SignIn::Token("s3cret".to_owned()));
        assert!(!format!("{read_:?}").contains("s3cret"), "it does not print");
        let (certificate, key) = (pem("CERTIFICATE"), pem("EC PRIVATE KEY"));
        let user = format!("{{client-certificate-data: {certificate}, client-key-data: {key}}}");
        let read_ = read(&kubeconfig(&cluster, &user), "prod").unwrap();
        assert!(matches!(read_.sign_in, SignIn::Certificate { .. }));
    }

    /// What would read a file, run a program or trust anyone is refused with what to give instead.
    #[test]
    fn refused() {
        let fine = "{server: 'https://10.0.0.1:6443'}";
        let token = "{token: s3cret}";
        let cases = [
            (kubeconfig(fine, token), "other"),
            (kubeconfig(fine, token), "none"),
            (kubeconfig(fine, token).replace("current-context: prod\n", ""), ""),
            (kubeconfig("{server: 'https://a', insecure-skip-tls-verify: true}", token), ""),
            (kubeconfig("{server: 'https://a', proxy-url: 'http://p'}", token), ""),
            (kubeconfig("{server: 'https://a', certificate-authority: /etc/ca}", token), ""),
            (kubeconfig("{server: 'https://a', certificate-authority-data: '%%'}", token), ""),
            (kubeconfig("{}", token), ""),
            (kubeconfig(fine, "{auth-provider: {name: gcp}}"), ""),
            (kubeconfig(fine, "{tokenFile: /etc/passwd}"), ""),
            (kubeconfig(fine, "{client-certificate: a, client-key: b}"), ""),
            (kubeconfig(fine, "{username: a, password: s3cret}"), ""),
            (kubeconfig(fine, "{token: s3cret, as: admin}"), ""),
            (kubeconfig(fine, "{}"), ""),
            ("token: [s3cret".to_owned(), ""),
            ("s3cret".to_owned(), ""),
            (String::new(), ""),
        ];
        let all: Vec<String> = cases.iter().map(|(text, context)| told(text, context)).collect();
        let all = all.join("\n");
        assert!(!all.contains("s3cret"), "{all}");
        insta::assert_snapshot!(all);
    }
}

//! A gate before a registry: it lets pass who has a token, and gives one to who knows the password or another token.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const REALM: &str =
    r#"Bearer realm="http://HOST/token",service="charts",scope="repository:charts/shop:pull""#;

/// Starts a gate before the registry at `behind`; host and port of the gate.
pub(crate) fn start(behind: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (own, behind) = (host.clone(), behind.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (own, behind) = (own.clone(), behind.clone());
            // A client that goes away early is no matter.
            std::thread::spawn(move || answer(stream, &own, &behind));
        }
    });
    host
}

fn answer(mut stream: TcpStream, own: &str, behind: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let header = |wanted: &str| {
        let mut headers = head.iter().filter_map(|line| line.split_once(": "));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let authorization = header("authorization").unwrap_or_default();
    if target.starts_with("/token") {
        return give_token(&mut stream, target, authorization, &String::from_utf8_lossy(&body));
    }
    if authorization != "Bearer sesame" {
        let realm = REALM.replace("HOST", own);
        return reply(
            &mut stream,
            "401 Unauthorized",
            &format!("www-authenticate: {realm}\r\n"),
            "{}",
        );
    }
    let mut registry = TcpStream::connect(behind)?;
    for line in head.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        registry.write_all(format!("{line}\r\n").as_bytes())?;
    }
    registry.write_all(b"connection: close\r\n\r\n")?;
    registry.write_all(&body)?;
    std::io::copy(&mut registry, &mut stream).map(drop)
}

fn give_token(
    stream: &mut TcpStream,
    target: &str,
    authorization: &str,
    body: &str,
) -> std::io::Result<()> {
    let asked = target.contains("service=charts") && target.contains("charts%2Fshop%3Apull");
    // `ana:secret`
    let known = asked && authorization == "Basic YW5hOnNlY3JldA==";
    let refreshed = body.contains("grant_type=refresh_token")
        && body.contains("refresh_token=identity")
        && body.contains("service=charts");
    if known || refreshed {
        reply(stream, "200 OK", "", r#"{"token": "sesame", "access_token": "sesame"}"#)
    } else {
        reply(
            stream,
            "401 Unauthorized",
            "",
            r#"{"errors": [{"code": "DENIED", "message": "who?"}]}"#,
        )
    }
}

fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes())
}

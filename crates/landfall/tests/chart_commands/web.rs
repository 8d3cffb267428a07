//! A folder served over HTTP, to everyone or to whoever knows the password.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

/// Serves for as long as the test runs.
pub(crate) struct Web {
    /// `http://127.0.0.1:…`
    pub(crate) address: String,
    /// What is served.
    pub(crate) folder: Arc<TempDir>,
}

impl Web {
    /// Serves a folder; `authorization` is the header that is wanted, if one is.
    pub(crate) fn start(authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let served = Arc::clone(&folder);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                // A client that goes away early is no matter.
                std::thread::spawn(move || answer(stream, served.path(), authorization));
            }
        });
        Self { address, folder }
    }
}

fn answer(
    mut stream: TcpStream,
    folder: &Path,
    authorization: Option<&str>,
) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/");
    let path = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let given = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then_some(value)
    });
    let (status, body) = match std::fs::read(folder.join(path)) {
        _ if authorization.is_some() && given != authorization => ("401 Unauthorized", Vec::new()),
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

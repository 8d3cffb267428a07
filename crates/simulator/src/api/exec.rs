//! `…/pods/NAME/exec` over a WebSocket: a program of whoever started the cluster stands in for the command.
//!
//! Kubernetes' channel protocol: the first byte of each message says what it is; the last message tells how the command
//! ended. Terminals are not offered.

use std::process::{ExitStatus, Stdio};

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Api, Body, call, pod_log};
use crate::{
    object,
    programs::{Program, name_of},
    status::StatusError,
};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// Says of the channel that follows that it has ended; version 5 of the protocol.
const CLOSE: u8 = 255;

/// The protocols that are spoken, the better one first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// What is read of an output at a time.
const PIECE: usize = 32 * 1024;
/// Pieces on their way to the client.
const UNDER_WAY: usize = 8;

/// Whether a request asks for it.
pub(super) fn is_asked(parts: &Parts) -> bool {
    let header = parts.headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    parts.uri.path().ends_with("/exec")
        && header.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Answers with the change of protocols; what follows is the work of a task.
pub(super) fn answer(api: &Api, parts: Parts) -> Result<Response<Body>, StatusError> {
    let call = call::Call::new(&parts, Bytes::new());
    let call::Route::Resource(resource) = call::route(&call, &api.cluster.kinds())? else {
        return Err(StatusError::no_such_path());
    };
    if resource.kind.storage != "pods" || resource.subresource.as_deref() != Some("exec") {
        return Err(StatusError::no_such_path());
    }
    let pod = api.cluster.get("pods", resource.namespace(), resource.name())?.value();
    let container = pod_log::container(&pod, call.query("container"))?;
    refuse_unless_running(&pod, &container)?;
    let program = program(api, &pod, call.query("command"))?;
    let header =
        |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let offered = header(header::SEC_WEBSOCKET_PROTOCOL);
    let spoken = PROTOCOLS.iter().find(|it| offered.split(',').any(|word| word.trim() == **it));
    let Some(spoken) = spoken else {
        return Err(StatusError::bad_request(format!(
            "unable to upgrade: unable to negotiate protocol: client supports [{offered}], server accepts [{}]",
            PROTOCOLS.join(" ")
        )));
    };
    let accept = derive_accept_key(header(header::SEC_WEBSOCKET_KEY).as_bytes());
    let with_input = call.flag("stdin");
    let upgrade = hyper::upgrade::on(Request::from_parts(parts, ()));
    let stop = api.stop.clone();
    api.tasks.spawn(async move {
        let running = async {
            match upgrade.await {
                Ok(upgraded) => {
                    let socket = TokioIo::new(upgraded);
                    let socket = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
                    run(socket, program, with_input).await;
                }
                Err(error) => tracing::debug!(%error, "a client broke off before an exec began"),
            }
        };
        stop.run_until_cancelled(running).await;
    });
    let mut response = Response::new(Empty::new().boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(spoken));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

fn refuse_unless_running(pod: &Value, container: &str) -> Result<(), StatusError> {
    let statuses = object::list(pod, &["status", "containerStatuses"]);
    let runs = statuses
        .iter()
        .any(|status| status["name"] == container && status.pointer("/state/running").is_some());
    if runs {
        return Ok(());
    }
    Err(StatusError::internal(format!(
        "unable to upgrade connection: container not found ({container:?})"
    )))
}

fn program(api: &Api, pod: &Value, command: &str) -> Result<Program, StatusError> {
    let name = name_of(pod, command);
    name.and_then(|name| api.programs.get(name)).cloned().ok_or_else(|| {
        let pod = object::name(pod);
        StatusError::bad_request(match name {
            Some(name) => format!(
                "no container runs in a simulated cluster: pod {pod} names program {name} for {command}, and the cluster was started without one of that name"
            ),
            None => format!(
                "no container runs in a simulated cluster: pod {pod} names no program for {command} (annotation simulator.landfall.dev/exec)"
            ),
        })
    })
}

async fn run<S>(socket: S, program: Program, with_input: bool)
where
    S: Sink<Message, Error = Error> + Stream<Item = Result<Message, Error>> + Unpin,
{
    let (mut sink, incoming) = socket.split();
    let child = Command::new(&program.path)
        .args(&program.arguments)
        .stdin(if with_input { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let message = format!("could not start {}: {error}", program.path.display());
            let _ = sink.send(failure(&message, None)).await;
            let _ = sink.close().await;
            return;
        }
    };
    let feeding = feed(incoming, child.stdin.take());
    let telling = async {
        let (pieces, mut under_way) = mpsc::channel(UNDER_WAY);
        let output = pump(child.stdout.take(), STDOUT, pieces.clone());
        let errors = pump(child.stderr.take(), STDERR, pieces);
        let sending = async {
            while let Some(piece) = under_way.recv().await {
                if sink.send(piece).await.is_err() {
                    return;
                }
            }
        };
        tokio::join!(output, errors, sending);
        let ended = match child.wait().await {
            Ok(status) => ended(status),
            Err(error) => failure(&error.to_string(), None),
        };
        let _ = sink.send(ended).await;
        let _ = sink.close().await;
    };
    // A client that is gone takes its command along.
    tokio::select! {
        () = telling => {}
        () = feeding => {}
    }
}

/// Gives the command what the client sends, until the client is gone.
async fn feed(
    mut incoming: impl Stream<Item = Result<Message, Error>> + Unpin,
    mut input: Option<ChildStdin>,
) {
    while let Some(Ok(message)) = incoming.next().await {
        let Message::Binary(bytes) = message else { continue };
        match bytes.as_ref() {
            [STDIN, data @ ..] => {
                if let Some(open) = &mut input
                    && open.write_all(data).await.is_err()
                {
                    // It reads no more: how it ends is told all the same.
                    input = None;
                }
            }
            [CLOSE, STDIN] => input = None,
            _ => {}
        }
    }
}

async fn pump(output: Option<impl AsyncRead + Unpin>, channel: u8, pieces: mpsc::Sender<Message>) {
    let Some(mut output) = output else { return };
    let mut buffer = vec![0; PIECE];
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        let mut piece = Vec::with_capacity(read + 1);
        piece.push(channel);
        piece.extend_from_slice(&buffer[..read]);
        if pieces.send(Message::binary(piece)).await.is_err() {
            return;
        }
    }
}

fn ended(status: ExitStatus) -> Message {
    if status.success() {
        return told(&json!({ "metadata": {}, "status": "Success" }));
    }
    // A command that a signal ended has no code; shells say 137 of those that were killed.
    let code = status.code().unwrap_or(137);
    let message = format!("command terminated with non-zero exit code: exit status {code}");
    failure(&message, Some(code))
}

fn failure(message: &str, code: Option<i32>) -> Message {
    let mut status = json!({
        "metadata": {}, "status": "Failure", "message": message,
        "reason": "InternalError", "code": 500,
    });
    if let Some(code) = code {
        status["reason"] = json!("NonZeroExitCode");
        status["details"] =
            json!({ "causes": [{ "reason": "ExitCode", "message": code.to_string() }] });
    }
    told(&status)
}

fn told(status: &Value) -> Message {
    let mut bytes = vec![STATUS];
    bytes.extend_from_slice(status.to_string().as_bytes());
    Message::binary(bytes)
}

//! A server on loopback that answers as a test says, and tells what it was asked: registries and repositories that lead
//! astray.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::http::header::AUTHORIZATION;
use tokio::net::TcpListener;

/// An answer: status, headers, body.
pub type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A path that was asked for, and what came as `Authorization`.
pub type Heard = (String, Option<String>);

/// A redirect to another address.
pub fn redirect(to: &str) -> Reply {
    (307, vec![("location", to.to_owned())], Vec::new())
}

/// A server whose answers are a function of the path and of what it is signed in with.
pub struct Scripted {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Scripted {
    /// Starts it on a free port.
    pub async fn start(
        reply: impl Fn(&str, Option<&str>) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noted = heard.clone();
        let router = Router::new().fallback(async move |request: Request| {
            let path = request.uri().path().to_owned();
            let given = request.headers().get(AUTHORIZATION);
            let given = given.map(|value| value.to_str().unwrap().to_owned());
            noted.lock().unwrap().push((path.clone(), given.clone()));
            let (status, headers, body) = reply(&path, given.as_deref());
            let answer = Response::builder().status(status);
            let answer = headers.iter().fold(answer, |it, (name, value)| it.header(*name, value));
            answer.body(Body::from(body)).unwrap()
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, heard }
    }

    /// All that it was asked for.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

//! The binary as a child process whose output can be waited for.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::PATIENCE;

/// A running child; it is killed when this is dropped.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the binary. What it logs goes to the caller's own output.
    pub fn start(binary: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(binary)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for a line of standard output with this text.
    pub async fn line_with(&mut self, text: &str) -> String {
        let waiting = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the process ended before it printed `{text}`");
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the process prints in time")
    }

    /// The next line if it comes soon and has this text: something that is printed only sometimes.
    pub async fn next_line_with(&mut self, text: &str) -> Option<String> {
        let line = tokio::time::timeout(Duration::from_millis(500), self.lines.next_line()).await;
        line.ok()?.ok()?.filter(|line| line.contains(text))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the child has not been waited for")
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

//! How a cluster is reached, as arguments: secrets come from files, or from standard input as `-`.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::input;

/// How a cluster is reached.
#[derive(Debug, clap::Args)]
pub(super) struct AccessArgs {
    /// Kubeconfig with token or client certificate in it; `-` reads it from standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "in_cluster"])]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,

    /// Address of the API server, beginning with https://
    #[arg(long, value_name = "URL", requires = "token_file")]
    address: Option<String>,

    /// File with the certificate authority, in PEM [default: those the server trusts]
    #[arg(long, value_name = "FILE", requires = "address")]
    ca_file: Option<PathBuf>,

    /// File with the bearer token; `-` reads it from standard input
    #[arg(long, value_name = "FILE", requires = "address")]
    token_file: Option<PathBuf>,

    /// The cluster that the server runs in, as the service account of its pod
    #[arg(long, conflicts_with = "address")]
    in_cluster: bool,
}

impl AccessArgs {
    /// The API's fields of what is given.
    pub(super) fn fields(&self) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        for (name, file) in [
            ("kubeconfig", &self.kubeconfig),
            ("ca_pem", &self.ca_file),
            ("token", &self.token_file),
        ] {
            if let Some(file) = file {
                fields.insert(name.to_owned(), json!(input::text(file)?));
            }
        }
        for (name, text) in [("context", &self.context), ("server", &self.address)] {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if self.in_cluster {
            fields.insert("in_cluster".to_owned(), json!(true));
        }
        Ok(fields)
    }
}

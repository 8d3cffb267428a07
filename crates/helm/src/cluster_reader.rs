//! What templates may ask of a cluster while they are rendered.

/// Answers the template function `lookup`.
///
/// Rendering is synchronous; whoever implements this bridges to an asynchronous client and sees to
/// limits of time and number of calls.
pub trait ClusterReader {
    /// The object `name` of a kind, or with an empty name a list object (`items`). An empty
    /// namespace asks for all namespaces or a cluster-wide object. `None` means not found, also
    /// for a kind unknown in a known group and version.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, LookupError>;
}

/// Why a cluster did not answer `lookup`; the text becomes part of the template's error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LookupError {
    /// What happened, as Helm would say it.
    pub message: String,
}

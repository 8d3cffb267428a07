//! What can be wrong with keys and signatures, in the words of the library that Helm uses.

/// Why a key, a keyring or a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenPgpError {
    /// Bytes that are no OpenPGP.
    #[error("openpgp: invalid data: {0}")]
    Invalid(String),
    /// OpenPGP that is not read here.
    #[error("openpgp: unsupported feature: {0}")]
    Unsupported(String),
    /// A wrong argument, such as a block of another type.
    #[error("openpgp: invalid argument: {0}")]
    Argument(String),
    /// The signature does not fit what is signed.
    #[error("openpgp: invalid signature: {0}")]
    Signature(String),
    /// No key of the keyring made the signature.
    #[error("openpgp: signature made by unknown entity")]
    UnknownSigner,
    /// The signer's key has expired.
    #[error("openpgp: key expired")]
    KeyExpired,
    /// The signature has expired.
    #[error("openpgp: signature expired")]
    SignatureExpired,
    /// The signer's key was revoked.
    #[error("openpgp: signature made by revoked key")]
    Revoked,
    /// The bytes end too early.
    #[error("unexpected EOF")]
    Truncated,
    /// Armor that is no base64.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// No key has the name that was asked for.
    #[error("private key not found")]
    NoKey,
    /// The key's secret part is not there.
    #[error("provided key is not a private key. Try providing a keyring with secret keys")]
    NotPrivate,
    /// The name fits several keys.
    #[error("more than one key contain the id {}", gotemplate::print::quote(.0))]
    Vague(String),
    /// The secret part lies elsewhere, for instance on a card.
    #[error("openpgp: s2k GNU dummy key: {0}")]
    Dummy(&'static str),
}

impl OpenPgpError {
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

//! Who signed the chart of a Release: its provenance is verified where the App asks for that.

use helm::provenance::{Keyring, OpenPgpError, ProvenanceError, verify};

use crate::app::store::AppRow;
use crate::app::{ProvenancePolicy, TrustedKey};
use crate::control::Control;
use crate::error::Error;
use crate::store::sql::now;

/// The keys that an App's charts must be signed with.
pub(super) struct Trusted {
    keyring: Vec<u8>,
    /// As people read them.
    names: Vec<String>,
}

/// An archive with what is needed to tell who signed it.
pub(super) struct Signed<'a> {
    pub(super) archive: &'a [u8],
    /// The name that the signature knows it by.
    pub(super) file_name: &'a str,
    pub(super) provenance: &'a [u8],
}

impl Control {
    /// The keys that must have signed a chart of this App; none where signatures do not matter.
    pub(super) async fn trusted_keys(&self, app: &AppRow) -> Result<Option<Trusted>, Error> {
        match (app.settings.provenance, &app.keyring) {
            (ProvenancePolicy::Off, _) => Ok(None),
            (ProvenancePolicy::Required, None) => {
                Err(Error::internal("verify a signature", "the App has no keyring"))
            }
            (ProvenancePolicy::Required, Some(address)) => {
                let keys = &app.settings.trusted_keys;
                let names = keys.iter().map(|key| match key.names.first() {
                    Some(name) => name.clone(),
                    None => key.fingerprint.clone(),
                });
                let keyring = self.objects().get(address).await?;
                Ok(Some(Trusted { keyring, names: names.collect() }))
            }
        }
    }
}

/// Tells which of the trusted keys signed an archive; that none did is told at `field`.
pub(super) fn signer(
    trusted: &Trusted,
    signed: &Signed<'_>,
    field: &str,
) -> Result<TrustedKey, Error> {
    let keyring = Keyring::read(&trusted.keyring)
        .map_err(|failed| Error::internal("read a stored keyring", failed))?;
    let seconds = u64::try_from(now().as_second()).unwrap_or(0);
    match verify(signed.archive, signed.file_name, signed.provenance, &keyring, seconds) {
        Ok(found) => Ok(TrustedKey { names: found.signed_by, fingerprint: found.fingerprint }),
        Err(why) => {
            let message = format!("The signature of {} does not hold: {why}.", signed.file_name);
            Err(Error::invalid(field, message, remedy(&why, trusted)))
        }
    }
}

/// There is no signature to look at.
pub(super) fn unsigned(field: &str, what: &str) -> Error {
    let remedy = "Sign it with `helm package --sign` and publish the .prov file with it, or turn \
                  verification off in the App's settings.";
    Error::invalid(field, format!("{what}, and this App takes signed charts only."), remedy)
}

fn remedy(why: &ProvenanceError, trusted: &Trusted) -> String {
    match why {
        ProvenanceError::OpenPgp(OpenPgpError::UnknownSigner) => format!(
            "Have it signed by {}, or add the signer's key in the App's settings.",
            trusted.names.join(" or ")
        ),
        ProvenanceError::OpenPgp(
            OpenPgpError::KeyExpired | OpenPgpError::SignatureExpired | OpenPgpError::Revoked,
        ) => "Have it signed again by a key that is still good.".to_owned(),
        ProvenanceError::Mismatch { .. } | ProvenanceError::NotListed(_) => {
            "This archive is not the one that was signed: package, sign and publish it again."
                .to_owned()
        }
        _ => "Sign it again with `helm package --sign`, and publish the .prov file as it is."
            .to_owned(),
    }
}

//! Signed charts: who signed is verified when a Release is added, and kept with it.

use helm::provenance::{Keyring, OpenPgpError, sign};

use super::gpg::Keys;
use super::on_both;
use super::site::{Site, chart, new_release, problems};
use crate::actor::Actor;
use crate::app::SettingsChange;
use crate::release::NewRelease;

on_both!(signed_charts_only);

/// The provenance of an archive of version 1.0.0, signed by the key of this name.
fn provenance(keys: &Keys, name: &str, archive: &[u8]) -> String {
    let keyring = Keyring::read(&keys.secret()).unwrap();
    let open = |_: &str| Ok::<_, OpenPgpError>(Vec::new());
    let signer = keyring.signer(name, open).unwrap();
    let metadata = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
    let seconds = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    sign(archive, "shop-1.0.0.tgz", metadata, &signer, seconds).unwrap()
}

/// An App that asks for signatures takes what a trusted key signed, and says who that was; all else is
/// refused with what is missing or wrong, and what to do.
async fn signed_charts_only(site: Site) {
    let system = Actor::system();
    site.app("shop").await;
    let (trusted, other) = (Keys::new(&["ann", "bob"]), Keys::new(&["eve"]));
    let change = SettingsChange {
        provenance: Some("required".to_owned()),
        keyring: Some(trusted.armored()),
        ..SettingsChange::default()
    };
    let settings =
        site.control.app_change_settings(&system, "shop", change).await.unwrap().settings;
    let archive = chart("1.0.0");
    let add = async |tag: &str, provenance: Option<String>| {
        let new =
            NewRelease { archive: Some(archive.clone()), provenance, ..new_release("shop", tag) };
        site.control.release_add(&system, new).await
    };
    let another = chart("1.0.0-other");
    let refused = [
        problems(add("1", None).await),
        problems(add("1", Some("signed, honestly".to_owned())).await),
        problems(add("1", Some(provenance(&other, "eve", &archive))).await),
        problems(add("1", Some(provenance(&trusted, "ann", &another))).await),
    ];
    let refused = refused.join("\n");
    // Two digests, which depend on when the archives were made.
    let (start, rest) = refused.split_once("tgz: \"sha256:").unwrap();
    let end = rest.split_once("\". ").unwrap().1;
    insta::allow_duplicates! {
        insta::assert_snapshot!(format!("{start}tgz: …. {end}"), @r"
        provenance: No provenance was uploaded, and this App takes signed charts only. Sign it with `helm package --sign` and publish the .prov file with it, or turn verification off in the App's settings.
        archive: The signature of shop-1.0.0.tgz does not hold: signature block not found. Sign it again with `helm package --sign`, and publish the .prov file as it is.
        archive: The signature of shop-1.0.0.tgz does not hold: openpgp: signature made by unknown entity. Have it signed by ann <ann@example.com> or bob <bob@example.com>, or add the signer's key in the App's settings.
        archive: The signature of shop-1.0.0.tgz does not hold: sha256 sum does not match for shop-1.0.0.tgz: …. This archive is not the one that was signed: package, sign and publish it again.
        ");
    }
    let added = add("1", Some(provenance(&trusted, "bob", &archive))).await.unwrap();
    assert_eq!(added.chart.signed_by.as_ref(), Some(&settings.trusted_keys[1]));
    let found = site.control.release_find(&system, "shop", "1").await.unwrap();
    assert_eq!(found.chart.signed_by, added.chart.signed_by);

    let off = SettingsChange { provenance: Some("off".to_owned()), ..SettingsChange::default() };
    site.control.app_change_settings(&system, "shop", off).await.unwrap();
    assert_eq!(add("2", None).await.unwrap().chart.signed_by, None);
}

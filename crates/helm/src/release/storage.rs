//! Where Helm's Secret driver keeps records: names, labels, selectors and type.
//!
//! Pure functions; reading and writing Secrets is done by crate `rollout`.

use std::collections::BTreeMap;

use super::record::{Release, Status};

/// `type` of the Secrets that hold releases.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The one data key of such a Secret.
pub const DATA_KEY: &str = "release";

/// Labels Helm sets by itself; a user's labels must not use these names.
pub const SYSTEM_LABELS: [&str; 6] =
    ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// The Secret's name for one revision of a release.
pub fn secret_name(release: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// Whether a record is being created or replaced; each leaves its own time label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The Secret is new: label `createdAt`.
    Create,
    /// The Secret is replaced, its label set included: label `modifiedAt`.
    Update,
}

/// The whole label set of a record's Secret. `now` is in seconds since 1970.
///
/// Of `user_labels`, names that Helm reserves are left out, as Helm does.
pub fn labels(
    release: &Release,
    user_labels: &BTreeMap<String, String>,
    write: Write,
    now: i64,
) -> BTreeMap<String, String> {
    let time = match write {
        Write::Create => "createdAt",
        Write::Update => "modifiedAt",
    };
    let mut labels = user_labels_only(user_labels);
    labels.extend([
        (time.to_owned(), now.to_string()),
        ("name".to_owned(), release.name.clone()),
        ("owner".to_owned(), "helm".to_owned()),
        ("status".to_owned(), release.info.status.to_string()),
        ("version".to_owned(), release.version.to_string()),
    ]);
    labels
}

/// The labels of a Secret that do not come from Helm itself.
pub fn user_labels_only(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(name, _)| !SYSTEM_LABELS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The label selector of all revisions of a release, or of those in one state.
pub fn selector(release: &str, status: Option<Status>) -> String {
    match status {
        Some(status) => format!("name={release},owner=helm,status={status}"),
        None => format!("name={release},owner=helm"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels are Helm's own plus the user's, and a user cannot displace Helm's.
    #[test]
    fn labels_of_a_new_record() {
        let release = Release::from_json(
            br#"{"name":"shop","info":{"status":"pending-install"},"version":4}"#,
        )
        .unwrap();
        let user = BTreeMap::from([
            ("team".to_owned(), "x".to_owned()),
            ("owner".to_owned(), "me".to_owned()),
            ("modifiedAt".to_owned(), "1".to_owned()),
        ]);
        let labels = labels(&release, &user, Write::Create, 1_795_389_570);
        let text: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            text.join(","),
            "createdAt=1795389570,name=shop,owner=helm,status=pending-install,team=x,version=4"
        );
        assert_eq!(secret_name("shop", 4), "sh.helm.release.v1.shop.v4");
    }

    /// History asks for all revisions, the deployed one by its state.
    #[test]
    fn selectors() {
        assert_eq!(selector("shop", None), "name=shop,owner=helm");
        assert_eq!(
            selector("shop", Some(Status::Deployed)),
            "name=shop,owner=helm,status=deployed"
        );
    }
}

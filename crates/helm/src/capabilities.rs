//! What templates are told about the cluster: `.Capabilities`.
//!
//! The numbers of a real cluster are gathered by whoever talks to it; the defaults here are those
//! of Helm without a cluster.

/// Kubernetes version, API versions and Helm version as templates see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of the cluster.
    pub kube_version: KubeVersion,
    /// Group/versions such as `apps/v1`; from a real cluster also `apps/v1/Deployment`.
    pub api_versions: Vec<String>,
}

/// The version of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// With a leading `v`, suffixes included, such as `v1.29.3-gke.100`.
    pub version: String,
    /// The numbers alone, such as `v1.29.3`; empty for the version of a real cluster.
    pub normalized: String,
    /// The major number as the cluster spells it.
    pub major: String,
    /// The minor number as the cluster spells it, such as `29+`.
    pub minor: String,
}

/// Why a Kubernetes version given by a person cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    /// It is not a version.
    #[error("could not parse {0:?} as version")]
    Unparsable(String),
    /// It needs at least a major and a minor number.
    #[error("illegal version string {0:?}")]
    Incomplete(String),
}

impl KubeVersion {
    /// The version as a person gives it (`--kube-version`): major and minor at least.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let unparsable = || KubeVersionError::Unparsable(text.to_owned());
        let plain = text.trim();
        let plain = plain.strip_prefix('v').unwrap_or(plain);
        let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let (numbers, rest) = plain.split_at(end);
        let parts: Vec<&str> = numbers.split('.').collect();
        if numbers.is_empty() || parts.iter().any(|part| part.parse::<u64>().is_err()) {
            return Err(unparsable());
        }
        if parts.len() < 2 {
            return Err(KubeVersionError::Incomplete(text.to_owned()));
        }
        if !rest.is_empty() && !rest.starts_with(['-', '+']) {
            return Err(unparsable());
        }
        Ok(Self {
            version: format!("v{plain}"),
            normalized: format!("v{numbers}"),
            major: parts[0].to_owned(),
            minor: parts[1].to_owned(),
        })
    }

    /// The version a cluster reports at `/version`.
    pub fn from_cluster(git_version: &str, major: &str, minor: &str) -> Self {
        Self {
            version: git_version.to_owned(),
            normalized: String::new(),
            major: major.to_owned(),
            minor: minor.to_owned(),
        }
    }

    /// What Go's `String` method gives: the normalised form where there is one.
    pub fn as_text(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
    }
}

impl Default for KubeVersion {
    /// The version Helm 4.3 assumes without a cluster.
    fn default() -> Self {
        Self {
            version: "v1.37.0".to_owned(),
            normalized: "v1.37.0".to_owned(),
            major: "1".to_owned(),
            minor: "37".to_owned(),
        }
    }
}

impl Default for Capabilities {
    /// What Helm 4.3 assumes without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion::default(),
            api_versions: DEFAULT_API_VERSIONS
                .iter()
                .flat_map(|(group, versions)| {
                    versions.iter().map(move |version| match *group {
                        "" => (*version).to_owned(),
                        group => format!("{group}/{version}"),
                    })
                })
                .collect(),
        }
    }
}

/// The Helm version templates are told: `.Capabilities.HelmVersion`.
pub mod helm_version {
    /// `Version`.
    pub const VERSION: &str = "v4.3.1";
    /// `GitCommit`.
    pub const GIT_COMMIT: &str = "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff";
    /// `GitTreeState`.
    pub const GIT_TREE_STATE: &str = "clean";
    /// `GoVersion`.
    pub const GO_VERSION: &str = "go1.27.2";
    /// `KubeClientVersion`.
    pub const KUBE_CLIENT_VERSION: &str = "v1.37";
}

/// Groups and versions in Helm's order: those its Kubernetes library was built with.
const DEFAULT_API_VERSIONS: [(&str, &[&str]); 24] = [
    ("", &["v1"]),
    ("admissionregistration.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("internal.apiserver.k8s.io", &["v1alpha1"]),
    ("apps", &["v1", "v1beta1", "v1beta2"]),
    ("authentication.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("authorization.k8s.io", &["v1", "v1beta1"]),
    ("autoscaling", &["v1", "v2"]),
    ("batch", &["v1", "v1beta1"]),
    ("certificates.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    ("coordination.k8s.io", &["v1alpha2", "v1beta1", "v1"]),
    ("discovery.k8s.io", &["v1", "v1beta1"]),
    ("events.k8s.io", &["v1", "v1beta1"]),
    ("extensions", &["v1beta1"]),
    ("flowcontrol.apiserver.k8s.io", &["v1", "v1beta1", "v1beta2", "v1beta3"]),
    ("lifecycle.k8s.io", &["v1alpha1"]),
    ("networking.k8s.io", &["v1", "v1beta1"]),
    ("node.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("policy", &["v1", "v1beta1"]),
    ("rbac.authorization.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    ("resource.k8s.io", &["v1", "v1beta2", "v1beta1", "v1alpha3"]),
    ("scheduling.k8s.io", &["v1alpha3", "v1beta1", "v1"]),
    ("storage.k8s.io", &["v1beta1", "v1", "v1alpha1"]),
    ("storagemigration.k8s.io", &["v1", "v1beta1"]),
    ("apiextensions.k8s.io", &["v1beta1", "v1"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The suffix of a given version stays in `Version` alone.
    #[test]
    fn suffix_is_dropped_from_the_normalised_form() {
        let version = KubeVersion::parse("1.29.3-gke.100").unwrap();
        assert_eq!(version.version, "v1.29.3-gke.100");
        assert_eq!(version.as_text(), "v1.29.3");
        assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "29"));
        assert_eq!(KubeVersion::parse("v1.29").unwrap().as_text(), "v1.29");
    }

    /// What is no version is refused in Helm's words.
    #[test]
    fn nonsense_is_refused() {
        let text = |input| KubeVersion::parse(input).unwrap_err().to_string();
        assert_eq!(text("abc"), "could not parse \"abc\" as version");
        assert_eq!(text("1"), "illegal version string \"1\"");
    }

    /// Without a cluster Helm 4.3 offers 57 group/versions.
    #[test]
    fn default_api_versions() {
        let known = Capabilities::default().api_versions;
        assert_eq!(known.len(), 57);
        assert_eq!(known[1], "admissionregistration.k8s.io/v1");
        assert_eq!(known[56], "apiextensions.k8s.io/v1");
    }
}

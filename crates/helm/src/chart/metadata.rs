//! Chart.yaml and Chart.lock as data, and their form inside release records.
//!
//! Reading the YAML, with Helm's coercions, is in `chartfile`; the rules are in `validate`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::null_as_default;

/// What Chart.yaml says about a chart.
///
/// Serialised, it has Helm's field order and leaves out what is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The chart's name, or its alias once dependencies were processed.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// Home page.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub home: String,
    /// Addresses of source code.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The chart's version, in the spelling of Chart.yaml.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    /// One sentence about the chart.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// Words to find it by.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// People who keep it.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// Address of an icon.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub icon: String,
    /// `v1` or `v2`.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub api_version: String,
    /// A condition of the chart itself; Helm carries it and never reads it.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    /// Tags of the chart itself; Helm carries them and never reads them.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub tags: String,
    /// The version of the application inside.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub app_version: String,
    /// Whether the chart should no longer be used.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Anything else; `None` where Chart.yaml has no such field.
    #[serde(default, skip_serializing_if = "is_none_or_empty")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The Kubernetes versions the chart works with, as a constraint.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub kube_version: String,
    /// The charts it is made of. `None` (no such field) and an empty list differ: only a list
    /// makes Helm look at conditions and tags below this chart.
    #[serde(default, skip_serializing_if = "is_none_or_empty_list")]
    pub dependencies: Option<Vec<Dependency>>,
    /// `application`, `library` or empty.
    #[serde(
        default,
        rename = "type",
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub chart_type: String,
}

impl Metadata {
    /// Whether the chart only lends its named templates to others.
    pub fn is_library(&self) -> bool {
        self.chart_type.eq_ignore_ascii_case("library")
    }

    /// Chart.yaml as Helm writes it: keys in order, nothing empty.
    pub fn to_yaml(&self) -> String {
        crate::json::to_yaml(self)
    }

    /// The declared dependencies, none where there is no list.
    pub fn declared(&self) -> &[Dependency] {
        self.dependencies.as_deref().unwrap_or_default()
    }
}

/// A person who keeps a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintainer {
    /// Name of a person or group.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// Mail address.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub email: String,
    /// Home page.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub url: String,
}

/// A chart that another chart is made of, as Chart.yaml declares it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dependency {
    /// The chart's name; its alias once dependencies were processed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The versions that fit, as a constraint.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    /// Where the chart comes from.
    #[serde(default, deserialize_with = "null_as_default")]
    pub repository: String,
    /// Paths in the values, separated by commas; the first that holds a boolean decides.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    /// Names under `tags` in the values; any true one switches the chart on.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Set by dependency processing.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "is_false")]
    pub enabled: bool,
    /// Tables of the child's defaults to copy into the parent's: names under `exports`, or maps
    /// with `child` and `parent`.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// The name it is rendered under.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub alias: String,
}

/// Chart.lock: the dependency versions that were found last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// When it was written, as the file spells it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub generated: String,
    /// Digest of what was declared and found.
    #[serde(default, deserialize_with = "null_as_default")]
    pub digest: String,
    /// The versions found.
    #[serde(default)]
    pub dependencies: Option<Vec<Dependency>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn is_none_or_empty(map: &Option<BTreeMap<String, String>>) -> bool {
    map.as_ref().is_none_or(BTreeMap::is_empty)
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn is_none_or_empty_list(list: &Option<Vec<Dependency>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

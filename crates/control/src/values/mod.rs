//! What a deployment is rendered with: five layers merged as Helm merges several `-f` files, with
//! the layer that each key comes from.

mod check;
mod merging;
mod pattern;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closed::closed_set;

pub(crate) use check::{check_values, not_values};
pub(crate) use merging::{MergeError, MergedLayers, leaves, masked, merge_layers, places, said_at};
pub(crate) use pattern::{PathPattern, fitting, patterns};

closed_set! {
    /// The layers, lowest first.
    pub enum ValuesLayer {
        /// The chart's own `values.yaml`.
        Chart = "chart",
        /// The App's Helm values.
        App = "app",
        /// The Release's values.
        Release = "release",
        /// What the App's domain template makes of the environment's domain.
        Domain = "domain",
        /// The Deployment values.
        Deployment = "deployment",
    }
}

impl ValuesLayer {
    /// The layer as people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chart => "chart's own values",
            Self::App => "App values",
            Self::Release => "Release values",
            Self::Domain => "domain values",
            Self::Deployment => "deployment values",
        }
    }
}

/// Merged values with their origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergedValues {
    /// As YAML, as Helm prints `helm get values --all`. Masked where the App says so.
    pub yaml: String,
    /// Every leaf, in the order of the YAML.
    pub keys: Vec<MergedKey>,
}

/// What one layer sets a value to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LayerValue {
    /// The layer.
    pub layer: ValuesLayer,
    /// The value as one line of JSON; masked where the App says so.
    pub value: String,
}

/// One leaf of merged values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergedKey {
    /// The path, such as `api.resources.limits.memory`; a key with a dot in it is quoted.
    pub path: String,
    /// The value as one line of YAML or JSON; masked where the App says so.
    pub value: String,
    /// The layer that set it.
    pub layer: ValuesLayer,
    /// What each layer set it to that sets it at all, lowest first: the last is what holds.
    #[serde(default)]
    pub chain: Vec<LayerValue>,
    /// The line of `yaml` it stands in, from 1.
    pub line: u32,
}

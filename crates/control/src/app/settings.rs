//! What an App decides for its deployments: masking, how long to wait, which Helm to be like.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closed::closed_set;

closed_set! {
    /// Which Helm's merging and rendering rules count.
    pub enum HelmMode {
        /// Helm 4.
        V4 = "4",
        /// Helm 3.
        V3 = "3",
    }
}

impl From<HelmMode> for helm::values::HelmMode {
    fn from(mode: HelmMode) -> Self {
        match mode {
            HelmMode::V4 => Self::V4,
            HelmMode::V3 => Self::V3,
        }
    }
}

/// Settings of an App. Stored as JSON; a missing field has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AppSettings {
    /// Which Helm to be like.
    pub helm_mode: HelmMode,
    /// Paths of values that are masked wherever they are shown, such as `db.password` or
    /// `*.token`; `*` stands for one key.
    pub masked_values: Vec<String>,
    /// Seconds to wait for objects to become ready.
    pub wait_seconds: u32,
    /// Whether Jobs must have completed, too.
    pub wait_for_jobs: bool,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            helm_mode: HelmMode::V4,
            masked_values: Vec::new(),
            wait_seconds: 300,
            wait_for_jobs: false,
        }
    }
}

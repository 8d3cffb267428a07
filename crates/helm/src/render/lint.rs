//! Rendering for a linter: as much as possible in spite of missing values, and no more than the
//! files' texts.

use std::collections::BTreeMap;

use goyaml::Value;

use super::engine::Engine;
use super::frozen::FrozenDefaults;
use super::{Purpose, ReleaseOptions, RenderError, RenderInput};
use crate::Capabilities;
use crate::chart::{self, Chart};
use crate::{schema, values};

/// The name linted releases have.
const RELEASE_NAME: &str = "test-release";

/// Every rendered file of a chart by its full name; `None` where dependencies and values cannot be
/// brought together, of which `helm lint` says nothing.
///
/// Templates see a release of revision 0 that is neither an install nor an upgrade; `fail` and
/// `required` only log.
pub(crate) fn rendered_for_lint(
    chart: &Chart,
    user_values: &Value,
    namespace: &str,
    capabilities: Capabilities,
    skip_schema: bool,
) -> Result<Option<BTreeMap<String, String>>, RenderError> {
    let Ok(chart) = chart::process_dependencies_for_lint(chart, user_values) else {
        return Ok(None);
    };
    let Ok(coalesced) = values::coalesce(&chart, user_values) else { return Ok(None) };
    // Helm coalesces what it has coalesced, which matters to nulls and to warnings.
    let values = values::coalesce(&chart, &coalesced)?;
    if !skip_schema {
        schema::validate(&chart, &values)?;
    }
    let release =
        ReleaseOptions { revision: 0, ..ReleaseOptions::install(RELEASE_NAME, namespace) };
    let input = RenderInput { capabilities, ..RenderInput::new(Value::Null, release) };
    let defaults = FrozenDefaults::new(&chart);
    Engine::default().render(&chart, &values, &defaults, &input, Purpose::Lint).map(Some)
}

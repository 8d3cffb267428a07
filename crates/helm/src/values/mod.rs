//! Values: read, laid over one another, set from flags, and joined with a chart's defaults.
//!
//! - [`parse_values`] reads the text of a values file; its errors point at a line.
//! - [`merge`] lays values files over one another as several `-f` flags do, and [`Origins`] tells
//!   which of them a value comes from.
//! - [`set`] takes the `--set` family of flags; [`Overrides`] joins files and flags in Helm's
//!   order.
//! - [`coalesce`] joins what the user supplied with the defaults of a chart and its sub-charts.
//!
//! Trees are shared, never copied whole: a result holds on to the parts of its inputs that did not
//! change. Checking values against a schema is done in [`crate::schema`].
//!
//! `null` is what makes values more than a merge: laid over a value it stays as `null`, and when
//! joined with a chart it takes the chart's default away (see [`coalesce`]).

mod coalesce;
mod merge;
mod origins;
mod overrides;
mod parse;
mod print;
pub mod set;

pub(crate) use coalesce::without_nulls;
pub use coalesce::{
    CoalesceError, coalesce, coalesce_as, coalesce_tables, merge_defaults, merge_tables,
};
pub use merge::{Layer, Merged, merge, merge_maps};
pub use origins::{Origin, Origins};
pub use overrides::{Flag, Overrides, OverridesError, ValuesFile};
pub use parse::{NotAMap, ValuesError, parse_values, parse_values_as};

/// Which Helm's rules count where Helm 3 and Helm 4 differ.
///
/// For values that is: Helm 3 reads only the first document of a values file, and lets a `null`
/// among a chart's defaults stand, where it takes away what a sub-chart has of its own. All else, templates and
/// the layout of what is printed included, is Helm 4's in both modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HelmMode {
    /// Helm 3, as of 3.18.
    V3,
    /// Helm 4.
    #[default]
    V4,
}

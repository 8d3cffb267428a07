//! Time zones: UTC, named ones, and bare offsets.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where a time is shown.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    Utc,
    /// A zone with rules, such as `Europe/Berlin`, or the local one.
    Ruled(TimeZone),
    /// An offset in seconds east of UTC, with a name or without.
    Fixed {
        name: String,
        offset: i64,
    },
}

impl Zone {
    /// The zone of this machine; UTC if it has none.
    pub(crate) fn local() -> Self {
        TimeZone::try_system().map_or(Self::Utc, Self::Ruled)
    }

    /// Go's `LoadLocation`: `""` and `UTC`, `Local`, or an IANA name in its exact spelling.
    pub(crate) fn load(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::local()),
            _ => {
                let zone = TimeZone::get(name).ok()?;
                (zone.iana_name() == Some(name)).then_some(Self::Ruled(zone))
            }
        }
    }

    /// Abbreviation and offset (seconds east) in force at a Unix time.
    pub(super) fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Utc => ("UTC".to_owned(), 0),
            Self::Fixed { name, offset } => (name.clone(), *offset),
            Self::Ruled(zone) => {
                let bound = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let timestamp = Timestamp::from_second(seconds.clamp(bound.0, bound.1))
                    .unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(timestamp);
                (info.abbreviation().to_owned(), i64::from(info.offset().seconds()))
            }
        }
    }

    /// The Unix time of a local one; where the clock was set back the earlier reading counts, as
    /// in Go.
    pub(super) fn to_unix(&self, local_seconds: i64) -> i64 {
        let (_, guess) = self.at(local_seconds);
        let (_, offset) = self.at(local_seconds - guess);
        local_seconds - offset
    }

    /// The offset the zone uses under an abbreviation around a Unix time.
    pub(super) fn offset_named(&self, abbreviation: &str, seconds: i64) -> Option<i64> {
        const HALF_YEAR: i64 = 182 * 86_400;
        [seconds, seconds + HALF_YEAR, seconds - HALF_YEAR].into_iter().find_map(|seconds| {
            let (name, offset) = self.at(seconds);
            (name == abbreviation).then_some(offset)
        })
    }
}

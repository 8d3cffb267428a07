//! Times and durations in the words of the pages.
//!
//! `web/src/time-words.ts` writes the same words again while a page is open, in the reader's zone;
//! what is written here is what stands without JavaScript, in UTC.

use std::fmt;

use askama::FastWritable;
use jiff::Timestamp;

/// A moment, written relative to now, exact on hover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Timestamp);

/// A time span that still grows: written by the server once, then counted on in the browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running(Timestamp);

/// A moment for templates, which pass references.
pub(crate) fn ago(at: &Timestamp) -> Moment {
    Moment(*at)
}

/// A running time for templates.
pub(crate) fn since(at: &Timestamp) -> Running {
    Running(*at)
}

/// A time that is left, counted down in the browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left(Timestamp);

/// A time that is left, for templates.
pub(crate) fn until(at: &Timestamp) -> Left {
    Left(*at)
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = Timestamp::now();
        let words = running(self.0.as_second() - now.as_second());
        let until = self.0.as_millisecond();
        let now = now.as_millisecond();
        write!(f, r#"<span class="num" data-until="{until}" data-now="{now}">{words}</span>"#)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0.round(jiff::Unit::Second).unwrap_or(self.0);
        let exact = at.strftime("%A, %-d %B %Y at %H:%M:%S UTC");
        let words = relative(self.0, Timestamp::now());
        write!(f, r#"<time datetime="{at}" title="{exact}" data-relative>{words}</time>"#)
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = Timestamp::now();
        let words = running(now.as_second() - self.0.as_second());
        let since = self.0.as_millisecond();
        let now = now.as_millisecond();
        write!(f, r#"<span class="num" data-since="{since}" data-now="{now}">{words}</span>"#)
    }
}

macro_rules! markup {
    ($($name:ident),+) => {$(
        impl FastWritable for $name {
            fn write_into(
                &self,
                dest: &mut dyn fmt::Write,
                _: &dyn askama::Values,
            ) -> askama::Result<()> {
                Ok(write!(dest, "{self}")?)
            }
        }
        // Made of numbers and fixed words only: nothing in it needs escaping.
        impl askama::filters::HtmlSafe for $name {}
    )+};
}
markup!(Moment, Running, Left);

/// `48 s ago`, `23 min ago`, `2 h ago`, `3 days ago`, `12 Oct 2026`.
pub(crate) fn relative(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        172_800..604_800 => format!("{} days ago", seconds / 86_400),
        _ => then.strftime("%-d %b %Y").to_string(),
    }
}

/// `0.6 s`, `35 s`, `1 m 12 s`, `1 h 4 m`, of milliseconds.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match ms {
        ..100 => "0 s".to_owned(),
        100..10_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// An estimate, of seconds: without tenths, which would promise too much.
pub(crate) fn about(seconds: i64) -> String {
    if seconds < 10 { format!("{} s", seconds.max(1)) } else { duration(seconds * 1_000) }
}

/// A span that still grows or shrinks, of seconds: whole ones.
fn running(seconds: i64) -> String {
    if seconds < 60 { format!("{} s", seconds.max(0)) } else { duration(seconds * 1_000) }
}

/// The time between two moments, in words.
pub(crate) fn between(start: Timestamp, end: Timestamp) -> String {
    duration((end.as_millisecond() - start.as_millisecond()).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps from seconds to dates.
    #[test]
    fn relative_times() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let ago = |seconds: i64| {
            relative(Timestamp::from_second(now.as_second() - seconds).unwrap(), now)
        };
        let words = [0, 48, 23 * 60, 2 * 3_600, 90_000, 3 * 86_400, 30 * 86_400].map(ago);
        insta::assert_snapshot!(
            words.join(" | "),
            @"just now | 48 s ago | 23 min ago | 2 h ago | 1 day ago | 3 days ago | 24 Oct 2026"
        );
    }

    /// Tenths below ten seconds, then whole units, two at most.
    #[test]
    fn durations() {
        let words = [0, 120, 9_960, 35_400, 72_000, 3_840_000].map(duration);
        insta::assert_snapshot!(words.join(" | "), @"0 s | 0.1 s | 9.9 s | 35 s | 1 m 12 s | 1 h 4 m");
    }
}

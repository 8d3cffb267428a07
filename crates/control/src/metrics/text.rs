//! Numbers in Prometheus' text format (version 0.0.4), and the series that grow while a process runs.
//!
//! Labels are of closed sets: routes, states, steps. Nothing that users name is one, so that there are never many series.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A label's name and value.
pub type Label<'a> = (&'a str, &'a str);

/// A text that numbers are written to.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// The text so far.
    pub fn finish(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        self.0.push_str(name);
        if !labels.is_empty() {
            let written =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
            let _ = write!(self.0, "{{{}}}", written.collect::<Vec<_>>().join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// Numbers that go up and down.
    pub fn gauge<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<Label<'a>>, f64)>,
    ) {
        self.head(name, "gauge", help);
        for (labels, value) in samples {
            self.sample(name, &labels, value);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A number that only grows, for each set of labels.
#[derive(Debug)]
pub struct Counter {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    series: Mutex<BTreeMap<Vec<String>, u64>>,
}

impl Counter {
    /// A counter with these labels.
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self { name, help, labels, series: Mutex::new(BTreeMap::new()) }
    }

    /// Counts one; a value for each label.
    pub fn count(&self, values: &[&str]) {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let key = values.iter().map(|value| (*value).to_owned()).collect();
        *series.entry(key).or_default() += 1;
    }

    /// Writes all series.
    #[expect(clippy::cast_precision_loss, reason = "exact to 2^53")]
    pub fn write(&self, text: &mut Text) {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        text.head(self.name, "counter", self.help);
        for (values, count) in &*series {
            text.sample(self.name, &labelled(self.labels, values), *count as f64);
        }
    }
}

/// How long things took, for each set of labels.
#[derive(Debug)]
pub struct Histogram {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    /// Upper bounds in seconds, growing.
    bounds: &'static [f64],
    series: Mutex<BTreeMap<Vec<String>, Series>>,
}

#[derive(Clone, Debug, Default)]
struct Series {
    /// How many were within each bound and not within the one before.
    within: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    /// A histogram with these labels and bounds.
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
    ) -> Self {
        Self { name, help, labels, bounds, series: Mutex::new(BTreeMap::new()) }
    }

    /// Notes that something took so long; a value for each label.
    pub fn took(&self, values: &[&str], time: Duration) {
        let seconds = time.as_secs_f64();
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let key = values.iter().map(|value| (*value).to_owned()).collect();
        let series = all.entry(key).or_default();
        series.within.resize(self.bounds.len(), 0);
        if let Some(at) = self.bounds.iter().position(|bound| seconds <= *bound) {
            series.within[at] += 1;
        }
        series.count += 1;
        series.sum += seconds;
    }

    /// Writes all series.
    #[expect(clippy::cast_precision_loss, reason = "exact to 2^53")]
    pub fn write(&self, text: &mut Text) {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        text.head(self.name, "histogram", self.help);
        let (bucket, sum, count) = (
            format!("{}_bucket", self.name),
            format!("{}_sum", self.name),
            format!("{}_count", self.name),
        );
        for (values, series) in &*all {
            let labels = labelled(self.labels, values);
            let mut within = 0;
            for (bound, more) in self.bounds.iter().zip(&series.within) {
                within += more;
                let bound = bound.to_string();
                text.sample(&bucket, &[&labels[..], &[("le", &bound)]].concat(), within as f64);
            }
            text.sample(&bucket, &[&labels[..], &[("le", "+Inf")]].concat(), series.count as f64);
            text.sample(&sum, &labels, series.sum);
            text.sample(&count, &labels, series.count as f64);
        }
    }
}

fn labelled<'a>(names: &[&'a str], values: &'a [String]) -> Vec<Label<'a>> {
    names.iter().copied().zip(values.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The format as Prometheus reads it: cumulated buckets, sums, counts, escaped labels.
    #[test]
    fn format() {
        let steps = Histogram::new("steps_seconds", "How long steps took.", &["step"], &[0.5, 2.0]);
        for millis in [100, 400, 1_000, 9_000] {
            steps.took(&["apply"], Duration::from_millis(millis));
        }
        let requests = Counter::new("requests_total", "Requests.", &["route", "status"]);
        requests.count(&["/a\"b\\", "200"]);
        requests.count(&["/a\"b\\", "200"]);
        let mut text = Text::default();
        steps.write(&mut text);
        requests.write(&mut text);
        text.gauge("queue", "What waits.", [(vec![("state", "queued")], 3.0)]);
        insta::assert_snapshot!(text.finish(), @r#"
        # HELP steps_seconds How long steps took.
        # TYPE steps_seconds histogram
        steps_seconds_bucket{step="apply",le="0.5"} 2
        steps_seconds_bucket{step="apply",le="2"} 3
        steps_seconds_bucket{step="apply",le="+Inf"} 4
        steps_seconds_sum{step="apply"} 10.5
        steps_seconds_count{step="apply"} 4
        # HELP requests_total Requests.
        # TYPE requests_total counter
        requests_total{route="/a\"b\\",status="200"} 2
        # HELP queue What waits.
        # TYPE queue gauge
        queue{state="queued"} 3
        "#);
    }
}

//! Helm's log on standard error: one line per message, as Go's `slog` writes text without times.

use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Prints what the engine says from now on. A second call changes nothing.
pub(super) fn start(debug: bool) {
    // Fails only if there is a subscriber already.
    let _ = tracing::subscriber::set_global_default(Log { debug });
}

/// Prints one message that does not come from the engine.
pub(super) fn say(level: Level, message: &str, fields: &[(&str, &str)]) {
    let mut line = Line::new(level);
    message.clone_into(&mut line.message);
    for (name, value) in fields {
        line.add(name, value);
    }
    eprintln!("{line}");
}

struct Log {
    debug: bool,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = if self.debug { Level::DEBUG } else { Level::INFO };
        metadata.is_event() && *metadata.level() <= most && metadata.target().starts_with("helm")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::new(*event.metadata().level());
        event.record(&mut line);
        eprintln!("{line}");
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line {
    level: Level,
    message: String,
    fields: String,
}

impl Line {
    fn new(level: Level) -> Self {
        Self { level, message: String::new(), fields: String::new() }
    }

    fn add(&mut self, name: &str, value: &str) {
        match name {
            "message" => value.clone_into(&mut self.message),
            // `message` has another meaning to `tracing`, so the engine calls Helm's field so.
            "said" => self.push("message", value),
            name => self.push(name, value),
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.fields, " {name}={}", quoted(value));
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level={} msg={}{}", self.level, quoted(&self.message), self.fields)
    }
}

/// A value as `slog` writes it: in quotes where it could be misread.
fn quoted(text: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    gotemplate::print::quote(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values are quoted where a reader could be misled, and only there.
    #[test]
    fn lines() {
        let mut line = Line::new(Level::WARN);
        line.add("message", "returned non-bool value");
        line.add("path", "s.enabled");
        line.add("said", "a=\"b\"\n");
        assert_eq!(
            line.to_string(),
            "level=WARN msg=\"returned non-bool value\" path=s.enabled message=\"a=\\\"b\\\"\\n\""
        );
    }
}

//! What Landfall answers when it does not do what was asked.
//!
//! Texts are for the person who must act. [`Error::Internal`] prints a fixed phrase; its cause is
//! for the server's own log only, which the caller writes in one place.

use crate::names::InvalidName;

/// Boxed cause of an [`Error`].
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an act was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing, or none that the asker may see (404).
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// The kind of thing, such as `environment`.
        what: &'static str,
        /// How it was asked for.
        name: String,
    },
    /// Nobody is signed in, or the credentials are wrong or ended (401).
    #[error("{reason}")]
    SignedOut {
        /// What to do, as a sentence.
        reason: &'static str,
    },
    /// The asker may see the thing but not do this to it (403).
    #[error("your role {role} does not allow you to {act}. {remedy}")]
    Forbidden {
        /// The asker's role.
        role: crate::rights::Role,
        /// The act, as a verb phrase.
        act: String,
        /// Who can do it instead, as a sentence.
        remedy: String,
    },
    /// The act does not fit the present state (409).
    #[error("{what} {remedy}")]
    Conflict {
        /// What stands against it, as a sentence.
        what: String,
        /// What to do, as a sentence.
        remedy: String,
    },
    /// What a link led to was there once (410).
    #[error("{what} {remedy}")]
    Gone {
        /// What became of it, as a sentence.
        what: &'static str,
        /// What to do, as a sentence.
        remedy: &'static str,
    },
    /// Too many tries at a secret failed (429).
    #[error(
        "Too many tries have failed, so none is looked at until {}. Try again then, in {}. {remedy}",
        clock(*until),
        minutes(*wait)
    )]
    TooMany {
        /// When tries are looked at again.
        until: jiff::Timestamp,
        /// How long that is from now.
        wait: jiff::SignedDuration,
        /// What else can be done, as a sentence.
        remedy: &'static str,
    },
    /// What was given is not acceptable, field by field (422).
    #[error("{0}")]
    Invalid(Invalid),
    /// Something outside, a registry or a cluster, did not answer as it should (502).
    #[error("{what} {remedy}")]
    Unreachable {
        /// What was tried and how it failed, as a sentence.
        what: String,
        /// What to do, as a sentence.
        remedy: String,
        /// The failure itself, where there is one.
        source: Option<Cause>,
    },
    /// A fault of Landfall or of what it stores in (500).
    #[error("Landfall could not {doing}. The server's log has the cause.")]
    Internal {
        /// What was attempted, as a verb phrase.
        doing: &'static str,
        /// The fault.
        source: Cause,
    },
}

/// What is wrong with what was given. At least one problem.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Invalid {
    /// In the order of the form.
    pub problems: Vec<Problem>,
}

/// What is wrong with one field.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Problem {
    /// The field's name, as in JSON and forms, such as `release_tag` or `values`; empty: the whole.
    pub field: String,
    /// What is wrong, as a sentence. May have several lines (Helm's words on a template).
    pub message: String,
    /// What to do, as a sentence; empty where the message says it.
    pub remedy: String,
    /// Place in a text field, where known.
    pub place: Option<Place>,
}

/// A place in a text, for editors.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters; 1 where only the line is known.
    pub column: u32,
    /// The line itself.
    pub excerpt: String,
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            write!(f, "{gap}{}", problem.message)?;
            if !problem.remedy.is_empty() {
                write!(f, " {}", problem.remedy)?;
            }
        }
        Ok(())
    }
}

impl Problem {
    /// A problem with `field`, without a place.
    pub fn new(field: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
            place: None,
        }
    }
}

impl Error {
    /// One field is wrong.
    pub fn invalid(field: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid(Invalid { problems: vec![Problem::new(field, message, remedy)] })
    }

    pub(crate) fn not_found(what: &'static str, name: impl std::fmt::Display) -> Self {
        Self::NotFound { what, name: format!("{name}") }
    }

    pub(crate) fn conflict(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Conflict { what: what.into(), remedy: remedy.into() }
    }

    /// Whether storage could not be reached: the same may succeed in a moment, with nobody changing anything.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Internal { .. }) && crate::store::outage::is_outage(self)
    }

    pub(crate) fn internal(doing: &'static str, source: impl Into<Cause>) -> Self {
        Self::Internal { doing, source: source.into() }
    }
}

/// `17:42 UTC`, rounded up so that it is not too early.
fn clock(at: jiff::Timestamp) -> String {
    let up = at.round(
        jiff::TimestampRound::new().smallest(jiff::Unit::Minute).mode(jiff::RoundMode::Ceil),
    );
    up.unwrap_or(at).strftime("%H:%M UTC").to_string()
}

/// `1 minute`, `12 minutes`, rounded up.
fn minutes(wait: jiff::SignedDuration) -> String {
    match (wait.as_secs().max(1) + 59) / 60 {
        1 => "1 minute".to_owned(),
        n => format!("{n} minutes"),
    }
}

/// Errors begin in lower case, as links of a chain; people read sentences.
pub fn sentence(text: &str) -> String {
    let mut characters = text.trim_end().chars();
    let mut out: String =
        characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '?']) {
        out.push('.');
    }
    out
}

/// Collects what is wrong with a form, so that all of it is told at once.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    problems: Vec<Problem>,
}

impl Checks {
    /// Notes a problem.
    pub(crate) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reads a name; a problem is noted at `field`.
    pub(crate) fn name<T>(&mut self, field: &str, input: &str) -> Option<T>
    where
        T: TryFrom<String, Error = InvalidName>,
    {
        match T::try_from(input.to_owned()) {
            Ok(name) => Some(name),
            Err(refused) => {
                let mut rule = refused.rule.to_owned();
                if let Some(first) = rule.get_mut(0..1) {
                    first.make_ascii_uppercase();
                }
                let message = if input.is_empty() {
                    format!("This is empty; it must be {}.", refused.what)
                } else {
                    format!("`{input}` is not {}.", refused.what)
                };
                self.add(Problem::new(field, message, format!("{rule}.")));
                None
            }
        }
    }

    /// Adds what `outcome` found invalid to what is known; other errors end the matter at once.
    pub(crate) fn take<T>(&mut self, outcome: Result<T, Error>) -> Result<Option<T>, Error> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(invalid)) => {
                self.problems.extend(invalid.problems);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// `Err(Invalid)` if anything was noted.
    pub(crate) fn done(self) -> Result<(), Error> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(Invalid { problems: self.problems }))
        }
    }
}

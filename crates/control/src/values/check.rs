//! Values as people type them: checked where they enter, with the place of what is wrong.

use helm::values::ValuesError;

use crate::error::{Error, Invalid, Place, Problem};

/// Longest text of values, in bytes: what a Helm release record has room for.
const LONGEST: usize = 1024 * 1024;

/// Fails with the place, at `field`, unless `text` is Helm values.
pub(crate) fn check_values(field: &str, text: &str) -> Result<(), Error> {
    if text.len() > LONGEST {
        let remedy = "Use at most 1 MiB: Helm's release record has no room for more.";
        return Err(Error::invalid(field, "These values are too long.", remedy));
    }
    match helm::values::parse_values(text) {
        Ok(_) => Ok(()),
        Err(refused) => {
            Err(Error::Invalid(Invalid { problems: vec![not_values(field, &refused)] }))
        }
    }
}

/// What is wrong with a text of values, with its place: in plain words, because Helm's name a line that is off.
pub(crate) fn not_values(field: &str, refused: &ValuesError) -> Problem {
    let why = match refused {
        ValuesError::Syntax { source, .. } => {
            let text = source.message();
            let text = text.strip_prefix("yaml: ").unwrap_or(text);
            let counted = text.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
            format!("This is not valid YAML: {}", counted.map_or(text, |(_, text)| text))
        }
        ValuesError::NotAMap { source, .. } => {
            let found = match source.found() {
                "array" => "a list",
                "string" => "a text",
                "bool" => "true or false",
                other => other,
            };
            format!("Values are keys with values below each other, not {found}")
        }
        ValuesError::Separator { source, .. } => source.to_string(),
    };
    let at = match (refused.line(), refused.column()) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        (Some(line), None) => format!(" (line {line})"),
        (None, _) => String::new(),
    };
    let remedy = match refused {
        ValuesError::NotAMap { .. } => "Write them as `key: value`.",
        ValuesError::Syntax { .. } | ValuesError::Separator { .. } => "Correct the YAML.",
    };
    Problem { place: place(refused), ..Problem::new(field, format!("{why}{at}."), remedy) }
}

/// Where values are wrong, for editors.
fn place(refused: &ValuesError) -> Option<Place> {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Some(Place {
        line: number(refused.line()?),
        column: number(refused.column().unwrap_or(1)),
        excerpt: refused.excerpt().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no YAML is told with line, column and the line itself; blank text is fine.
    #[test]
    fn the_place_is_told() {
        check_values("values", "").unwrap();
        check_values("values", "# only a comment\n").unwrap();
        check_values("values", "replicas: 3\n").unwrap();
        let Err(Error::Invalid(invalid)) = check_values("values", "a: 1\nb: [1\nc: 2\n") else {
            panic!("accepted");
        };
        let problem = &invalid.problems[0];
        assert_eq!(problem.field, "values");
        let place = problem.place.as_ref().unwrap();
        assert!(place.line > 1 && !place.excerpt.is_empty(), "{place:?}");
    }

    /// A list is no values.
    #[test]
    fn only_maps_are_values() {
        assert!(check_values("values", "- a\n- b\n").is_err());
    }
}

//! Values as people type them: checked where they enter, with the place of what is wrong.

use crate::deployment::prepare::{place, whole_text};
use crate::error::{Error, Invalid, Problem};

/// Longest text of values, in bytes: what a Helm release record has room for.
const LONGEST: usize = 1024 * 1024;

/// Fails with the place, at `field`, unless `text` is Helm values.
pub(crate) fn check_values(field: &str, text: &str) -> Result<(), Error> {
    if text.len() > LONGEST {
        let remedy = "Use at most 1 MiB: Helm's release record has no room for more.";
        return Err(Error::invalid(field, "These values are too long.", remedy));
    }
    let Err(refused) = helm::values::parse_values(text) else { return Ok(()) };
    let message = format!("This is not valid: {}.", whole_text(&refused));
    let mut problem = Problem::new(field, message, "Correct the YAML.");
    problem.place = place(&refused);
    Err(Error::Invalid(Invalid { problems: vec![problem] }))
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

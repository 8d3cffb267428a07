//! The order of versions: `v2`, `v1`, `v1beta2`, `v1alpha1`, then names of another form.

use std::cmp::{Ordering, Reverse};

/// Orders version names as discovery lists them, the best first.
pub(crate) fn by_priority(a: &str, b: &str) -> Ordering {
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => Reverse(a).cmp(&Reverse(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Stability, major and minor number of a name such as `v1beta2`.
fn rank(name: &str) -> Option<(u8, u64, u64)> {
    let rest = name.strip_prefix('v')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at(digits);
    let major = major.parse().ok().filter(|it| *it > 0)?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, minor) = match rest.strip_prefix("beta") {
        Some(minor) => (1, minor),
        None => (0, rest.strip_prefix("alpha")?),
    };
    Some((stability, major, minor.parse().ok().filter(|it| *it > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Kubernetes' documentation.
    #[test]
    fn order() {
        let wanted = [
            "v10",
            "v2",
            "v1",
            "v11beta2",
            "v10beta3",
            "v3beta1",
            "v12alpha1",
            "v11alpha2",
            "foo1",
            "foo10",
        ];
        let mut names = wanted;
        names.reverse();
        names.sort_by(|a, b| by_priority(a, b));
        assert_eq!(names, wanted);
    }
}

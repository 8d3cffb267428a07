//! Helm's rules for chart metadata, checked when a chart is loaded.

use std::collections::HashSet;

use super::chartfile::NullItems;
use super::metadata::Metadata;
use crate::semver::Version;

/// The first rule a chart's metadata breaks; the texts are Helm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct ValidationError(String);

/// Cleans the texts of `metadata` and checks it.
pub(crate) fn validate(metadata: &mut Metadata, nulls: NullItems) -> Result<(), ValidationError> {
    sanitize(metadata);
    check_itself(metadata).and_then(|()| check_items(metadata, nulls)).map_err(ValidationError)
}

fn check_itself(metadata: &Metadata) -> Result<(), String> {
    let Metadata { api_version, name, version, chart_type, .. } = metadata;
    if api_version.is_empty() {
        return Err("chart.metadata.apiVersion is required".to_owned());
    }
    if name.is_empty() {
        return Err("chart.metadata.name is required".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!("chart.metadata.name {name:?} is not allowed"));
    }
    if name.contains('/') {
        return Err(format!("chart.metadata.name {name:?} is invalid"));
    }
    if version.is_empty() {
        return Err("chart.metadata.version is required".to_owned());
    }
    if Version::parse(version).is_err() {
        return Err(format!("chart.metadata.version {version:?} is invalid"));
    }
    if !matches!(chart_type.as_str(), "" | "application" | "library") {
        return Err("chart.metadata.type must be application or library".to_owned());
    }
    Ok(())
}

fn check_items(metadata: &mut Metadata, nulls: NullItems) -> Result<(), String> {
    if nulls.maintainer {
        return Err("maintainers must not contain empty or null nodes".to_owned());
    }
    let mut seen = HashSet::new();
    for (at, dependency) in metadata.dependencies.iter().flatten().enumerate() {
        if nulls.dependency == Some(at) {
            return Err("dependencies must not contain empty or null nodes".to_owned());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !dependency.alias.chars().all(plain) {
            let name = &dependency.name;
            return Err(format!("dependency {name:?} has disallowed characters in the alias"));
        }
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if !seen.insert(key.clone()) {
            return Err(format!("more than one dependency with name or alias {key:?}"));
        }
    }
    Ok(())
}

/// Turns every blank into a plain one and drops what cannot be printed.
fn sanitize(metadata: &mut Metadata) {
    let Metadata {
        name, description, home, icon, condition, tags, app_version, kube_version, ..
    } = metadata;
    for text in [name, description, home, icon, condition, tags, app_version, kube_version] {
        clean(text);
    }
    metadata.sources.iter_mut().for_each(clean);
    metadata.keywords.iter_mut().for_each(clean);
    for maintainer in &mut metadata.maintainers {
        [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url]
            .into_iter()
            .for_each(clean);
    }
    for dependency in metadata.dependencies.iter_mut().flatten() {
        let texts = [
            &mut dependency.name,
            &mut dependency.version,
            &mut dependency.repository,
            &mut dependency.condition,
        ];
        texts.into_iter().for_each(clean);
        dependency.tags.iter_mut().for_each(clean);
    }
}

fn clean(text: &mut String) {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if is_printable(c) => Some(c),
            _ => None,
        })
        .collect();
}

/// Go's `unicode.IsPrint`, as far as the standard library's escaping tells it. A letter goes
/// before, because combining marks are only left alone behind one.
fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\') || format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Metadata)) -> String {
        let mut metadata = Metadata {
            name: "c".to_owned(),
            version: "1".to_owned(),
            api_version: "v2".to_owned(),
            ..Metadata::default()
        };
        change(&mut metadata);
        match validate(&mut metadata, NullItems::default()) {
            Ok(()) => metadata.description,
            Err(error) => error.to_string(),
        }
    }

    /// Each broken rule is named in Helm's words.
    #[test]
    fn rules() {
        assert_eq!(check(|m| m.name.clear()), "validation: chart.metadata.name is required");
        assert_eq!(
            check(|m| m.name = "../x".to_owned()),
            "validation: chart.metadata.name \"../x\" is invalid"
        );
        assert_eq!(
            check(|m| m.name = "..".to_owned()),
            "validation: chart.metadata.name \"..\" is not allowed"
        );
        assert_eq!(
            check(|m| m.version = "abc".to_owned()),
            "validation: chart.metadata.version \"abc\" is invalid"
        );
        assert_eq!(
            check(|m| m.chart_type = "thing".to_owned()),
            "validation: chart.metadata.type must be application or library"
        );
        let twice =
            super::super::metadata::Dependency { name: "s".to_owned(), ..Default::default() };
        assert_eq!(
            check(|m| m.dependencies = Some(vec![twice.clone(), twice.clone()])),
            "validation: more than one dependency with name or alias \"s\""
        );
        assert_eq!(
            check(|m| m.dependencies =
                Some(vec![super::super::metadata::Dependency { alias: "a.b".into(), ..twice }])),
            "validation: dependency \"s\" has disallowed characters in the alias"
        );
    }

    /// Texts lose what cannot be printed, and every blank becomes a plain one.
    #[test]
    fn texts_are_cleaned() {
        assert_eq!(check(|m| m.description = "a\u{a0}b\tc\u{200b}\u{7}é".to_owned()), "a b cé");
    }
}

//! The values of fields of the built-in kinds that take few: what `kubectl explain` lists.
//!
//! `enums.txt` holds them, by the names of `schema.txt`.

use std::{collections::HashMap, sync::LazyLock};

/// Values by the names of type and field.
type Enums = HashMap<(&'static str, &'static str), Vec<&'static str>>;

static ENUMS: LazyLock<Enums> = LazyLock::new(|| {
    let lines = include_str!("enums.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (of, rest) = line.split_once(' ')?;
            let (field, values) = rest.split_once(' ')?;
            Some(((of, field), values.split(',').collect()))
        })
        .collect()
});

/// The values of a field of a type in the table, if there are few.
pub(crate) fn of_field(of: &'static str, field: &'static str) -> Option<&'static [&'static str]> {
    ENUMS.get(&(of, field)).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::schema::{Schema, Shape};

    /// A field with few values has them, another has none.
    #[test]
    fn values() {
        let protocol = of_field("core.v1.ContainerPort", "protocol");
        assert_eq!(protocol, Some(["SCTP", "TCP", "UDP"].as_slice()));
        assert_eq!(of_field("core.v1.ContainerPort", "hostIP"), None);
    }

    /// Every field with values is one of the table.
    #[test]
    fn belong_to_fields() {
        let schema = Schema::builtin();
        for (of, field) in ENUMS.keys() {
            let Some(Shape::Struct(index)) = schema.named(of) else { panic!("{of}") };
            assert!(schema.get(index).fields.iter().any(|(name, _)| name == field), "{of} {field}");
        }
    }
}

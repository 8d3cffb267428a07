//! The label and annotations by which Helm knows its objects, and the resource policy.

use serde_json::{Map, Value, json};

use crate::ObjectKey;

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// What Helm writes on every object of a release just before sending it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks<'a> {
    pub(crate) release: &'a str,
    pub(crate) namespace: &'a str,
}

impl Marks<'_> {
    /// The object as it is sent: marked, and in the namespace it was located in.
    pub(crate) fn marked(&self, object: &Value, key: &ObjectKey) -> Value {
        let mut object = in_namespace(object, key);
        let Value::Object(fields) = &mut object else { return object };
        let metadata = object_field(fields, "metadata");
        object_field(metadata, "labels").insert(MANAGED_BY.to_owned(), json!("Helm"));
        let annotations = object_field(metadata, "annotations");
        annotations.insert(RELEASE_NAME.to_owned(), json!(self.release));
        annotations.insert(RELEASE_NAMESPACE.to_owned(), json!(self.namespace));
        object
    }

    /// Why the live object does not belong to the release, in Helm's words; nothing if it does.
    pub(crate) fn foreign(&self, live: &Value) -> Option<String> {
        let problems: Vec<String> = [
            ("label", "labels", MANAGED_BY, "Helm"),
            ("annotation", "annotations", RELEASE_NAME, self.release),
            ("annotation", "annotations", RELEASE_NAMESPACE, self.namespace),
        ]
        .into_iter()
        .filter_map(|(what, field, key, wanted)| {
            let problem = match live["metadata"][field][key].as_str() {
                Some(found) if found == wanted => return None,
                Some(found) => {
                    format!("key \"{key}\" must equal \"{wanted}\": current value is \"{found}\"")
                }
                None => format!("missing key \"{key}\": must be set to \"{wanted}\""),
            };
            Some(format!("{what} validation error: {problem}"))
        })
        .collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

/// The object with the namespace it was located in.
pub(crate) fn in_namespace(object: &Value, key: &ObjectKey) -> Value {
    let mut object = object.clone();
    if let (Value::Object(fields), Some(namespace)) = (&mut object, &key.namespace) {
        object_field(fields, "metadata").insert("namespace".to_owned(), json!(namespace));
    }
    object
}

/// The Helm release that an object's marks name, and its namespace.
pub(crate) fn release_of(object: &Value) -> Option<(String, String)> {
    let annotation = |name| object["metadata"]["annotations"][name].as_str().map(str::to_owned);
    Some((annotation(RELEASE_NAME)?, annotation(RELEASE_NAMESPACE)?))
}

/// The value of `helm.sh/resource-policy` on an object.
pub(crate) fn resource_policy(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][RESOURCE_POLICY].as_str()
}

/// The map under `name`, made (or made a map) where there is none.
fn object_field<'a>(fields: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let field = fields.entry(name).or_insert_with(|| json!({}));
    if !field.is_object() {
        *field = json!({});
    }
    field.as_object_mut().expect("it was made a map just above")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks<'_> = Marks { release: "shop", namespace: "prod" };

    fn key(namespace: Option<&str>) -> ObjectKey {
        ObjectKey {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "a".to_owned(),
        }
    }

    /// A chart's own values of the marks are overwritten; null maps are no obstacle.
    #[test]
    fn marked_objects_belong() {
        let object = json!({
            "metadata": { "name": "a", "labels": { MANAGED_BY: "Me" }, "annotations": null },
        });
        let marked = MARKS.marked(&object, &key(Some("prod")));
        assert_eq!(MARKS.foreign(&marked), None);
        assert_eq!(marked["metadata"]["namespace"], "prod");
    }

    /// Helm's words for an object of nobody and for one of another release.
    #[test]
    fn foreign_objects() {
        let nobodys = json!({ "metadata": { "name": "a" } });
        insta::assert_snapshot!(MARKS.foreign(&nobodys).unwrap(), @r#"label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: missing key "meta.helm.sh/release-name": must be set to "shop"; annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "prod""#);
        let others = Marks { release: "other", ..MARKS }.marked(&nobodys, &key(None));
        insta::assert_snapshot!(MARKS.foreign(&others).unwrap(), @r#"annotation validation error: key "meta.helm.sh/release-name" must equal "shop": current value is "other""#);
    }
}

//! OpenAPI v2 as far as clients ask for it: which query parameters the patches of a kind take.
//!
//! kubectl and helm look into OpenAPI v3 first, and here for what v3 does not know, such as a `List`. They read it as
//! protobuf alone; field numbers come from gnostic's `OpenAPIv2.proto`.

use crate::kinds::Kinds;

/// The content type that clients ask for.
pub(in crate::api) const CONTENT_TYPE: &str =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The parameters of every patch.
const PARAMETERS: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];

/// The document.
pub(in crate::api) fn document(kinds: &Kinds) -> Vec<u8> {
    let mut paths = Vec::new();
    for kind in kinds.served() {
        let (group, version) = (&kind.group, &kind.version);
        let root = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let name = format!("{root}{scope}/{}/{{name}}", kind.plural);
        let kind = format!("group: {group:?}\nversion: {version}\nkind: {}\n", kind.kind);
        message(&mut paths, 2, &[text(1, &name), part(2, &part(8, &patch(&kind)))].concat());
    }
    let info = [text(1, "Kubernetes"), text(2, crate::api::discovery::GIT_VERSION)].concat();
    [text(1, "2.0"), part(2, &info), part(8, &paths)].concat()
}

/// An Operation: its parameters, and the kind it is about as an extension.
fn patch(kind: &str) -> Vec<u8> {
    let mut operation = Vec::new();
    for name in PARAMETERS {
        let query = [text(2, "query"), text(4, name), text(6, "string")].concat();
        // ParametersItem, Parameter, NonBodyParameter, QueryParameterSubSchema.
        message(&mut operation, 8, &part(1, &part(2, &part(3, &query))));
    }
    let extension = [text(1, "x-kubernetes-group-version-kind"), part(2, &text(2, kind))].concat();
    message(&mut operation, 13, &extension);
    operation
}

fn text(number: u8, text: &str) -> Vec<u8> {
    part(number, text.as_bytes())
}

fn part(number: u8, content: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(content.len() + 4);
    message(&mut whole, number, content);
    whole
}

/// A field of the wire type "length-delimited": below 16, a number and the type share a byte.
fn message(to: &mut Vec<u8>, number: u8, content: &[u8]) {
    to.push(number << 3 | 2);
    let mut length = content.len();
    while length >= 0x80 {
        to.push(low_bits(length) | 0x80);
        length >>= 7;
    }
    to.push(low_bits(length));
    to.extend_from_slice(content);
}

/// The lowest seven bits.
fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

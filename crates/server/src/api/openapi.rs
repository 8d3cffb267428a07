//! The API's description, OpenAPI 3.1, written from the table of routes.
//!
//! A route says what it takes and answers in a [`Doc`] beside its handler; paths, methods, rights to
//! be signed in and keys come from the route itself, so they cannot say something else.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder,
};
use utoipa::{IntoParams, ToSchema};

use crate::problem::ProblemDetails;
use crate::routes::{Route, Rule, Surface};

type Schemas = Vec<(String, RefOr<Schema>)>;
type Describe = fn(&mut Schemas) -> RefOr<Schema>;

/// What the description says of one call.
pub(crate) struct Doc {
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    query: Vec<Parameter>,
    body: Option<Describe>,
    status: StatusCode,
    content_type: &'static str,
    answer: Option<Describe>,
}

impl Doc {
    /// A call by its name in clients, its group, and a sentence on it.
    pub(crate) fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            query: Vec::new(),
            body: None,
            status: StatusCode::OK,
            content_type: "application/json",
            answer: None,
        }
    }

    /// It takes a query.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        self.query.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// It takes a JSON body.
    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(describe::<T>);
        self
    }

    /// It answers 200 with this.
    pub(crate) fn answers<T: ToSchema>(mut self) -> Self {
        self.answer = Some(describe::<T>);
        self
    }

    /// It answers 200 with a page of these.
    pub(crate) fn answers_page<T: ToSchema>(mut self) -> Self {
        self.answer = Some(describe_page::<T>);
        self
    }

    /// It answers 201 with this and its address.
    pub(crate) fn creates<T: ToSchema>(self) -> Self {
        Self { status: StatusCode::CREATED, ..self.answers::<T>() }
    }

    /// It answers 204.
    pub(crate) fn answers_nothing(self) -> Self {
        Self { status: StatusCode::NO_CONTENT, ..self }
    }

    /// It answers with something else than JSON of ours.
    pub(crate) fn answers_type(self, content_type: &'static str) -> Self {
        Self { content_type, answer: Some(|_| ObjectBuilder::new().into()), ..self }
    }
}

fn describe<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let name = T::name().into_owned();
    schemas.push((name.clone(), T::schema()));
    T::schemas(schemas);
    RefOr::Ref(Ref::from_schema_name(name))
}

fn describe_page<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(describe::<T>(schemas));
    let cursor = |text: &str| {
        ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some(text))
    };
    let number = |name: &str, text: &str| {
        ObjectBuilder::new()
            .property(name, ObjectBuilder::new().schema_type(Type::Integer).description(Some(text)))
            .required(name)
    };
    let count = utoipa::openapi::schema::OneOfBuilder::new()
        .item(number("exact", "The filter matches this many."))
        .item(number("at_least", "It matches this many or more: counting stopped here."));
    ObjectBuilder::new()
        .property("items", items)
        .required("items")
        .property("next", cursor("Cursor of the page after this one."))
        .property("previous", cursor("Cursor of the page before this one."))
        .property("count", count)
        .required("count")
        .into()
}

/// `GET /api/v1/openapi.json`
pub(crate) async fn show() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(document);
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// The description as JSON.
pub(crate) fn document() -> String {
    let mut schemas = Schemas::new();
    let problem = describe::<ProblemDetails>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for route in crate::routes::table().iter().filter(|route| route.surface == Surface::Api) {
        if let (Some(doc), Some(method)) = (&route.doc, http_method(&route.method)) {
            let operation = operation(route, doc, &problem, &mut schemas);
            paths = paths.path(route.path.clone(), PathItem::new(method, operation));
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("lf_…")
        .description(Some("A token from the page API tokens."))
        .build();
    let mut components =
        ComponentsBuilder::new().security_scheme("token", SecurityScheme::Http(bearer));
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let info = InfoBuilder::new()
        .title("Landfall")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Releases a product, packaged as a Helm chart, into every environment it runs in. Errors are \
             problem details (RFC 9457). Lists are paged by cursor. Values are YAML text.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let api = OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(components.build()))
        .build();
    api.to_pretty_json().expect("a description of plain texts and schemas is always JSON")
}

fn operation(
    route: &Route,
    doc: &Doc,
    problem: &RefOr<Schema>,
    schemas: &mut Schemas,
) -> OperationBuilder {
    let mut operation =
        OperationBuilder::new().operation_id(Some(doc.id)).tag(doc.tag).summary(Some(doc.summary));
    for name in places(&route.path) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        );
    }
    for parameter in &doc.query {
        operation = operation.parameter(parameter.clone());
    }
    if route.keyed {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "A repeated call with the same key and body, within 24 hours, acts once.",
                ))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        );
    }
    if let Some(describe) = doc.body {
        let content = ContentBuilder::new().schema(Some(describe(schemas))).build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    let mut answer =
        ResponseBuilder::new().description(doc.status.canonical_reason().unwrap_or("Done"));
    if let Some(describe) = doc.answer {
        let content = ContentBuilder::new().schema(Some(describe(schemas))).build();
        answer = answer.content(doc.content_type, content);
    }
    operation = operation.response(doc.status.as_str(), answer.build());
    operation = operation.description(Some(route.rule.words()));
    if route.rule != Rule::Anyone {
        operation = operation.security(SecurityRequirement::new("token", Vec::<String>::new()));
    }
    let content = ContentBuilder::new().schema(Some(problem.clone())).build();
    let failure = ResponseBuilder::new()
        .description("Not done; the body says why and what to do.")
        .content("application/problem+json", content);
    operation.response("default", failure.build())
}

/// The names between braces in a path.
fn places(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every call of the API is described, under an id of its own, in OpenAPI 3.1.
    #[test]
    fn every_call_is_described() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = std::collections::BTreeSet::new();
        for route in crate::routes::table() {
            if route.surface != Surface::Api {
                continue;
            }
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][&route.path][&method];
            let id = operation["operationId"].as_str();
            assert!(
                ids.insert(id.unwrap_or_default().to_owned()),
                "{} {}",
                route.method,
                route.path
            );
            assert!(id.is_some_and(|id| !id.is_empty()), "{} {}", route.method, route.path);
        }
    }

    /// Every reference leads to a schema.
    #[test]
    fn references_resolve() {
        let text = document();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "no schema {name}");
        }
    }
}

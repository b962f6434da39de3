//! Pages for people: the OpenAPI document and the two user interfaces over it.

use poem::http::header;
use poem::middleware::Compression;
use poem::{Endpoint, EndpointExt as _, Response, Route, endpoint::make_sync};

use crate::api::edge::operation::{Access, Operation};
use catalogue::endpoints;

/// The records of the pages.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::HOME, Access::Public),
    Operation::new(endpoints::SWAGGER, Access::Public),
    Operation::new(endpoints::REDOC, Access::Public),
    Operation::new(endpoints::OPENAPI_JSON, Access::Public),
    Operation::new(endpoints::OPENAPI_YAML, Access::Public),
];

/// The interfaces have inline scripts and talk to this host alone.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' blob:; \
     style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; connect-src 'self'; \
     worker-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The document in its forms.
pub struct Pages {
    /// JSON.
    pub json: String,
    /// YAML.
    pub yaml: String,
    /// Swagger UI with the document in it.
    pub docs: String,
    /// Redoc with the document in it.
    pub redoc: String,
}

/// Adds the pages to the API's routes, apart from [`home`].
pub fn mount(route: Route, pages: Pages) -> Route {
    [
        (endpoints::SWAGGER, "text/html; charset=utf-8", pages.docs),
        (endpoints::REDOC, "text/html; charset=utf-8", pages.redoc),
        (endpoints::OPENAPI_JSON, "application/json", pages.json),
        (endpoints::OPENAPI_YAML, "application/yaml", pages.yaml),
    ]
    .into_iter()
    .fold(route, |route, (endpoint, content_type, body)| {
        route.at(endpoint.template, page(content_type, body))
    })
}

/// The start page, with links to the others.
pub fn home() -> impl Endpoint<Output = Response> {
    page("text/html; charset=utf-8", HOME.to_owned())
}

fn page(content_type: &'static str, body: String) -> impl Endpoint<Output = Response> {
    let body = bytes::Bytes::from(body);
    let endpoint = make_sync(move |_| {
        Response::builder()
            .content_type(content_type)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::REFERRER_POLICY, "no-referrer")
            .body(body.clone())
    });
    poem::get(endpoint)
        .with(Compression::new())
        .map_to_response()
}

const HOME: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rbac-sentinel</title>
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #1c2733; }
a { color: #0b5cad; } dt { font-weight: 600; } dd { margin: 0 0 1rem; }
</style>
</head>
<body>
<h1>rbac-sentinel</h1>
<p>Authentication and role-based access control that shows what it is doing.</p>
<dl>
<dt><a href="/docs">/docs</a></dt><dd>Try every operation: Authorize logs in.</dd>
<dt><a href="/redoc">/redoc</a></dt><dd>The same as a document to read.</dd>
<dt><a href="/openapi.json">/openapi.json</a>, <a href="/openapi.yaml">/openapi.yaml</a></dt><dd>The same for programs.</dd>
<dt><a href="/.well-known/jwks.json">/.well-known/jwks.json</a></dt><dd>The keys that verify access tokens.</dd>
<dt><a href="/health">/health</a></dt><dd>Whether the service works.</dd>
</dl>
</body>
</html>
"#;

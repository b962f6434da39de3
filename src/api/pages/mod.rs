//! Pages for people: the OpenAPI document, the two user interfaces over it, and the catalogue of
//! problems.

mod asset;
mod policy;
mod problems;
pub mod swagger;

use std::sync::Arc;

use poem::endpoint::make;
use poem::{EndpointExt as _, Request, Response, Route};

use self::asset::Asset;
use crate::api::edge::operation::{Access, Operation, RateLimit};
use crate::api::problem::ProblemKind;
use crate::error::Result;
use crate::metrics::Limiter;
use catalogue::endpoints::{self, Endpoint};

/// The records of the pages that are always served: the start page, and what problem types link to.
pub const ALWAYS: &[Operation] = &[
    Operation::new(endpoints::HOME, Access::Public).any_query(),
    page_operation(endpoints::PROBLEMS),
    page_operation(endpoints::PROBLEM),
];

/// The records of the documentation's pages.
pub const OPERATIONS: &[Operation] = &[
    page_operation(endpoints::SWAGGER),
    page_operation(endpoints::REDOC),
    page_operation(endpoints::OPENAPI_JSON).open(),
    page_operation(endpoints::OPENAPI_YAML).open(),
];

const fn page_operation(endpoint: Endpoint) -> Operation {
    Operation::new(endpoint, Access::Public)
        .rate_limit(RateLimit::BySource(Limiter::Pages))
        .any_query()
}

/// The documentation: the OpenAPI document in its forms.
pub struct Documentation {
    pages: Vec<(Endpoint, Arc<Asset>)>,
}

impl Documentation {
    /// The document as JSON and YAML, and in the two user interfaces.
    ///
    /// # Errors
    /// When a policy is not a valid header value: a defect.
    pub fn new(json: String, yaml: String, docs: String, redoc: String) -> Result<Self> {
        let document = policy::of_document();
        let interface = |endpoint, html: String| {
            let policy = policy::of_interface(&html);
            Asset::new(HTML, &policy, html).map(|asset| (endpoint, Arc::new(asset)))
        };
        let text = |endpoint, content_type, text| {
            Asset::new(content_type, &document, text).map(|asset| (endpoint, Arc::new(asset)))
        };
        Ok(Self {
            pages: vec![
                interface(endpoints::SWAGGER, docs)?,
                interface(endpoints::REDOC, redoc)?,
                text(endpoints::OPENAPI_JSON, "application/json", json)?,
                text(endpoints::OPENAPI_YAML, "application/yaml", yaml)?,
            ],
        })
    }

    /// Adds it to the routes of a listener.
    pub fn mount(self, route: Route) -> Route {
        self.pages
            .into_iter()
            .fold(route, |route, (endpoint, asset)| {
                route.at(endpoint.template, page(asset))
            })
    }
}

/// The start page, with links to the documentation where it is served beside it.
///
/// # Errors
/// When its policy is not a valid header value: a defect.
pub fn home(documented: bool) -> Result<impl poem::Endpoint<Output = Response>> {
    let links = if documented { LINKS } else { "" };
    let html = simple("rbac-sentinel", &HOME.replace("{links}", links));
    let policy = policy::of_page(&html);
    Ok(page(Arc::new(Asset::new(HTML, &policy, html)?)))
}

/// Adds the catalogue of problems to the routes of a listener.
///
/// # Errors
/// When a policy is not a valid header value: a defect.
pub fn problems(route: Route) -> Result<Route> {
    let asset = |html: String| Asset::new(HTML, &policy::of_page(&html), html).map(Arc::new);
    let all = page(asset(problems::list())?);
    let mut route = route.at(endpoints::PROBLEMS.template, all);
    for kind in ProblemKind::ALL {
        route = route.at(kind.path(), page(asset(problems::of(*kind))?));
    }
    Ok(route)
}

/// A simple page with the style of all.
fn simple(title: &str, body: &str) -> String {
    SIMPLE.replace("{title}", title).replace("{body}", body)
}

fn page(asset: Arc<Asset>) -> impl poem::Endpoint<Output = Response> {
    let endpoint = make(move |request: Request| {
        let asset = Arc::clone(&asset);
        async move { asset.answer(request.headers()).await }
    });
    poem::get(endpoint).map_to_response()
}

const HTML: &str = "text/html; charset=utf-8";

/// Light or dark as the reader's system is; the contrast of every text is at least 7 to 1.
const SIMPLE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #1c2733; background: #fff; }
a { color: #0a4c91; } dt { font-weight: 600; } dd { margin: 0 0 1rem; }
@media (prefers-color-scheme: dark) { body { color: #e3e8ee; background: #14191f; } a { color: #8cc4ff; } }
</style>
</head>
<body>
{body}</body>
</html>
"#;

const HOME: &str = r#"<h1>rbac-sentinel</h1>
<p>Authentication and role-based access control with built-in observability.</p>
<dl>
{links}<dt><a href="problems">/problems</a></dt><dd>What each error means and what to do.</dd>
<dt><a href=".well-known/jwks.json">/.well-known/jwks.json</a></dt><dd>The keys that verify access tokens.</dd>
<dt><a href="health">/health</a></dt><dd>Whether the service works.</dd>
</dl>
"#;

const LINKS: &str = r#"<dt><a href="docs">/docs</a></dt><dd>Try every operation: Authorize logs in.</dd>
<dt><a href="redoc">/redoc</a></dt><dd>The same as a document to read.</dd>
<dt><a href="openapi.json">/openapi.json</a>, <a href="openapi.yaml">/openapi.yaml</a></dt><dd>The same for programs.</dd>
"#;

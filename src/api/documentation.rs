//! The OpenAPI document, and the pages over it.

use std::collections::HashMap;

use poem::endpoint::BoxEndpoint;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService};
use serde_json::Value;

use super::document::{self, Documented, InOrder};
use super::pages::{self, Documentation};
use super::{Apis, guard, operations};
use crate::error::{Error, Result};

/// The operations' descriptions without their handlers: the document needs no service.
struct Described;

impl OpenApi for Described {
    fn meta() -> Vec<MetaApi> {
        Apis::meta()
    }

    fn register(registry: &mut Registry) {
        Apis::register(registry);
    }

    fn add_routes(
        self,
        _: &mut HashMap<String, HashMap<poem::http::Method, BoxEndpoint<'static>>>,
    ) {
    }
}

pub(super) fn service<A: OpenApi>(apis: A) -> OpenApiService<A, ()> {
    OpenApiService::new(apis, "rbac-sentinel", env!("CARGO_PKG_VERSION"))
        .description(include_str!("document/introduction.md"))
        .contact(ContactObject::new().name("rbac-sentinel contributors"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
}

/// The OpenAPI document as JSON, pretty-printed.
///
/// # Errors
/// When the document cannot be put together: a defect.
pub fn document() -> Result<String> {
    let (document, _) = complete_own_document()?;
    let mut text = serde_json::to_string_pretty(&InOrder(&document)).map_err(Error::internal)?;
    text.push('\n');
    Ok(text)
}

pub(super) fn complete_own_document() -> Result<(Value, Vec<Documented>)> {
    complete_document(&service(Described).spec())
}

pub(super) fn complete_document(derived: &str) -> Result<(Value, Vec<Documented>)> {
    let derived = serde_json::from_str(derived).map_err(Error::internal)?;
    document::complete(derived, operations::all())
}

/// The pages over the OpenAPI document of the API at `server`.
///
/// # Errors
/// When the document cannot be put together: a defect.
pub fn documentation(server: &str) -> Result<Documentation> {
    let service = service(Described);
    let derived = service.spec();
    let (mut document, _) = complete_document(&derived)?;
    document["servers"][0]["url"] = server.into();
    guard::at_server(&mut document["components"]["securitySchemes"], server);
    let json = serde_json::to_string(&InOrder(&document)).map_err(Error::internal)?;
    let yaml = yaml_serde::to_string(&InOrder(&document)).map_err(Error::internal)?;

    // Replaces the framework's document, which the interfaces embed, by the completed one. Between the
    // title and it are megabytes of scripts: each is looked for from its own end of the page.
    let embed = |html: String, title: &str, head: &str| {
        let (before, after) = html
            .rsplit_once(&derived)
            .ok_or_else(|| Error::internal("a page does not embed its document"))?;
        let before = before.replacen(title, head, 1);
        Ok::<_, Error>([&before, json.as_str(), after].concat())
    };
    let swagger = pages::swagger::with_options(&service.swagger_ui_html())?;
    let docs = embed(swagger, "<title>Swagger UI</title>", pages::swagger::HEAD)?;
    let title = "<title>rbac-sentinel API</title>";
    let redoc = embed(service.redoc_html(), "<title>Redoc</title>", title)?;
    // It would load fonts from another host.
    let redoc = without_line(redoc, "fonts.googleapis.com");
    Documentation::new(json, yaml, docs, redoc)
}

/// The text without the first line that contains this.
fn without_line(mut text: String, part: &str) -> String {
    if let Some(at) = text.find(part) {
        let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        text.replace_range(begin..end, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_left_out_and_nothing_else() {
        for (text, left) in [
            ("a\nb x c\nd", "a\nd"),
            ("x\nb", "b"),
            ("a\nb x", "a\n"),
            ("a\nx\nx\n", "a\nx\n"),
            ("a\n", "a\n"),
        ] {
            assert_eq!(without_line(text.to_owned(), "x"), left);
        }
    }
}

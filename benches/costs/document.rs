//! The OpenAPI document as the list of operations, with an example body of each.

use catalogue::endpoints::Endpoint;
use rbac_sentinel::testing::api::{PAGES, PAGES_ALWAYS, RateLimit, operations};
use serde_json::Value;

use crate::common::Result;

/// One documented operation.
pub struct Operation {
    pub id: String,
    /// Such as `GET`.
    pub method: String,
    /// The path with its parameters in braces.
    pub template: String,
    /// The body, if it takes one.
    pub body: Option<Body>,
    /// Whether it takes an access token.
    pub guarded: bool,
    /// Its limits beside the general one.
    pub limit: String,
}

/// The body of an operation.
pub struct Body {
    pub media: String,
    pub example: Value,
}

/// Every operation of the document.
pub fn operations_of_the_document() -> Result<Vec<Operation>> {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json"))?;
    let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for (template, item) in entries(&document["paths"]) {
        for (method, value) in entries(&item) {
            let id = value["operationId"].as_str().ok_or("no operationId")?;
            found.push(Operation {
                id: id.to_owned(),
                method: method.to_uppercase(),
                template: template.clone(),
                body: body(&document, &value["requestBody"]["content"])?,
                guarded: value["security"]
                    .as_array()
                    .is_some_and(|list| !list.is_empty()),
                limit: limit(id)?,
            });
        }
    }
    Ok(found)
}

fn body(document: &Value, content: &Value) -> Result<Option<Body>> {
    let Some((media, content)) = content
        .as_object()
        .and_then(|content| content.iter().next())
    else {
        return Ok(None);
    };
    let reference = content["schema"]["$ref"].as_str().ok_or("no schema")?;
    let schema = reference.rsplit('/').next().unwrap_or_default();
    let example = &document["components"]["schemas"][schema]["examples"][0];
    if example.is_null() {
        return Err(format!("{schema} has no example in the document").into());
    }
    Ok(Some(Body {
        media: media.split(';').next().unwrap_or_default().to_owned(),
        example: example.clone(),
    }))
}

fn limit(id: &str) -> Result<String> {
    let mut records = operations::all();
    let record = records.find(|record| record.endpoint.id == id);
    let record = record.ok_or("an operation without a record")?;
    Ok(in_words(record.rate_limit))
}

/// The limits of a page, as of an operation.
pub fn limit_of_page(page: Endpoint) -> String {
    let mut records = PAGES.iter().chain(PAGES_ALWAYS);
    let record = records.find(|record| record.endpoint == page);
    // The others are those of the operational listener.
    in_words(record.map_or(RateLimit::Exempt, |record| record.rate_limit))
}

fn in_words(limit: RateLimit) -> String {
    match limit {
        RateLimit::Exempt => "none".to_owned(),
        RateLimit::General => "general".to_owned(),
        own => format!("{own:?}").to_lowercase(),
    }
}

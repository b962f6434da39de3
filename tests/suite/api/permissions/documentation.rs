//! The OpenAPI document describes every operation completely.

use rbac_sentinel::testing::api::RateLimit;
use serde_json::Value;

use super::{Access, Faults};
use crate::document::{Operation, operations};

fn missing_words(operation: &Operation) -> Option<String> {
    let said = |name: &str| {
        operation.value[name]
            .as_str()
            .is_some_and(|text| !text.trim().is_empty())
    };
    let missing: Vec<&str> = ["operationId", "summary", "description"]
        .into_iter()
        .filter(|name| !said(name))
        .chain((operation.value["tags"].as_array().map(Vec::len) != Some(1)).then_some("tag"))
        .collect();
    (!missing.is_empty()).then(|| format!("lacks {}", missing.join(", ")))
}

#[test]
fn openapi_gives_every_operation_id_tag_summary_and_description() {
    let mut faults = Faults::default();
    for operation in operations() {
        faults.note(&operation, "the document", missing_words(&operation));
    }
}

#[test]
fn openapi_documents_every_error_with_media_type_and_schema() {
    let mut faults = Faults::default();
    for operation in operations() {
        let (media, schema) = if operation.oauth() {
            ("application/json", "OAuthError")
        } else {
            ("application/problem+json", "Problem")
        };
        let reference = format!("#/components/schemas/{schema}");
        for (status, response) in operation.responses() {
            let content = response["content"].as_object().cloned().unwrap_or_default();
            let sound = status.starts_with('2')
                || (content.len() == 1
                    && content.contains_key(media)
                    && content[media]["schema"]["$ref"] == reference.as_str());
            let fault = (!sound).then(|| format!("{status} is not {media}: {response}"));
            faults.note(&operation, "the document", fault);
            let described = response["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
            let named = response["headers"]["X-Request-Id"].is_object();
            let fault = (!described || !named)
                .then(|| format!("{status} lacks a description or X-Request-Id: {response}"));
            faults.note(&operation, "the document", fault);
        }
    }
}

#[test]
fn openapi_documents_every_status_that_applies() {
    let mut faults = Faults::default();
    for operation in operations() {
        let documented = operation.responses();
        let has_body = operation.value["requestBody"].is_object();
        let access = operation.access();
        let guarded = access != Access::Public;
        let privileged = matches!(access, Access::Needs(name) if name != "authenticated");
        let expected = [
            ("400", true),
            ("401", guarded),
            ("403", guarded || operation.record().refresh_cookie),
            ("408", has_body),
            ("413", has_body),
            ("415", has_body && operation.wrong_media_type() == 415),
            ("429", operation.record().rate_limit != RateLimit::Exempt),
            ("500", true),
            ("503", true),
        ];
        for (status, wanted) in expected {
            let fault = (documented.contains_key(status) != wanted)
                .then(|| format!("{status} must be documented: {wanted}"));
            faults.note(&operation, "the document", fault);
        }
        for status in ["401", "403"].into_iter().filter(|_| privileged) {
            let header = &documented[status]["headers"]["WWW-Authenticate"];
            let fault = (*header == Value::Null).then(|| format!("{status} lacks its challenge"));
            faults.note(&operation, "the document", fault);
        }
        let succeeds = documented.keys().any(|status| status.starts_with('2'));
        let fault = (!succeeds).then(|| "documents no success".to_owned());
        faults.note(&operation, "the document", fault);
    }
}

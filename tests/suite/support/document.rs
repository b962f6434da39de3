//! The OpenAPI document as the list of its operations. It is read from the file: that a server publishes
//! the same is tested in `repository/generated_files.rs`.

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::harness::Client;

/// Pages that are served beside the documented operations.
pub const PAGES: [&str; 7] = [
    "/",
    "/problems",
    "/problems/not-found",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/openapi.yaml",
];

/// One documented operation.
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// The path with its parameters in braces.
    pub template: String,
    /// Its part of the document.
    pub value: Value,
}

/// Every operation of the document.
pub fn operations() -> Vec<Operation> {
    let document: Value =
        serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
    let entries =
        |value: &Value| -> Map<String, Value> { value.as_object().cloned().unwrap_or_default() };
    let mut found = Vec::new();
    for (template, item) in entries(&document["paths"]) {
        for (method, mut value) in entries(&item) {
            let shared = &document["components"];
            resolve(&mut value["responses"], &shared["responses"]);
            let responses = value["responses"].as_object_mut().into_iter().flatten();
            for (_, response) in responses {
                resolve(&mut response["headers"], &shared["headers"]);
            }
            let method = method.to_uppercase();
            let id = value["operationId"].as_str().map(str::to_owned);
            found.push(Operation {
                id: id.unwrap_or_else(|| panic!("{method} {template} has no operationId")),
                method: Method::from_bytes(method.as_bytes()).expect("a method"),
                template: template.clone(),
                value,
            });
        }
    }
    assert!(!found.is_empty(), "the document has no operations");
    found
}

/// Replaces references to shared responses or headers by those.
fn resolve(members: &mut Value, shared: &Value) {
    for (_, member) in members.as_object_mut().expect("an object") {
        if let Some(reference) = member["$ref"].as_str() {
            let name = reference.rsplit('/').next().expect("a name");
            let whole = shared[name].clone();
            assert!(whole.is_object(), "{name}");
            *member = whole;
        }
    }
}

impl Operation {
    /// Its path for an account or session that nobody has.
    pub fn path(&self) -> String {
        self.path_with(&Uuid::now_v7().to_string(), "user")
    }

    /// Its path with these values for the parameters.
    pub fn path_with(&self, id: &str, role: &str) -> String {
        let path = self.template.replace("{id}", id).replace("{role}", role);
        let of_permission = path.starts_with("/admin/permissions/");
        let name = if of_permission { "users:read" } else { role };
        let path = path.replace("{name}", name).replace("{type}", role);
        let path = path.replace("{entity}", role);
        assert!(
            !path.contains('{'),
            "{} has a path parameter that these tests do not know: fill it in here",
            self.template
        );
        path
    }

    /// Its request, with an empty object where it takes JSON.
    pub fn request(&self, client: &Client) -> RequestBuilder {
        let request = client.request(self.method.clone(), &self.path());
        if self.takes_json() {
            request.json(&Value::Object(Map::new()))
        } else {
            request
        }
    }

    /// Whether the request has a JSON body.
    pub fn takes_json(&self) -> bool {
        self.value["requestBody"]["content"]["application/json"].is_object()
    }

    /// Its record in the service.
    pub fn record(&self) -> &'static rbac_sentinel::testing::api::Operation {
        let mut records = rbac_sentinel::testing::api::operations::all();
        let record = records.find(|record| record.endpoint.id == self.id);
        record.unwrap_or_else(|| panic!("{} has no record", self.id))
    }

    /// The status for a body of another media type; 0 if it takes no body.
    pub fn wrong_media_type(&self) -> u16 {
        let policy = self.record().body;
        policy.map_or(0, |policy| policy.wrong_media_type.status().as_u16())
    }

    /// Whether it refuses fields that are not documented.
    pub fn refuses_unknown_fields(&self) -> bool {
        let policy = self.record().body;
        policy.is_some_and(|policy| policy.refuses_unknown_fields)
    }

    /// Whether its errors are those of RFC 6749.
    pub fn oauth(&self) -> bool {
        self.record().oauth_errors
    }

    /// The documented responses by status.
    pub fn responses(&self) -> Map<String, Value> {
        self.value["responses"]
            .as_object()
            .cloned()
            .expect("responses")
    }
}

//! The order of a document: operations in the order of a client's journey, which is that of their records.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use crate::api::operations;

/// The members of a document, in the order in which people read them.
const MEMBERS: [&str; 6] = ["openapi", "info", "servers", "tags", "paths", "components"];
/// The methods of a path: what reads comes first.
const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];

/// A complete document, written in the order of its operations' records.
pub struct InOrder<'a>(pub &'a Value);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in MEMBERS {
            match (name, &self.0[name]) {
                (_, Value::Null) => {}
                ("paths", paths) => map.serialize_entry(name, &Paths(paths))?,
                (_, member) => map.serialize_entry(name, member)?,
            }
        }
        map.end()
    }
}

struct Paths<'a>(&'a Value);

impl Serialize for Paths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut written: Vec<&str> = Vec::new();
        for record in operations::all() {
            let path = record.endpoint.template;
            if !written.contains(&path) && self.0.get(path).is_some() {
                written.push(path);
                map.serialize_entry(path, &Item(&self.0[path]))?;
            }
        }
        map.end()
    }
}

struct Item<'a>(&'a Value);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for method in METHODS {
            if let Some(operation) = self.0.get(method) {
                map.serialize_entry(method, operation)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_the_journey_begins_with_registration() {
        let (document, _) = crate::api::documentation::complete_own_document().expect("complete");
        let written = serde_json::to_string(&InOrder(&document)).expect("written");
        let read: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read, document);
        let places = [
            "\"/register\":",
            "\"/oauth/token\":",
            "\"/users/me\":",
            "\"/admin/users\":",
        ];
        let places = places.map(|path| written.find(path).expect("there"));
        assert!(places.is_sorted(), "{places:?}");
    }
}

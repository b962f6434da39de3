//! What registered subjects and resources may look like.

use serde_json::{Map, Value};

/// Longest id, in characters.
pub const LONGEST_ID: usize = 256;
/// Largest object of properties, in bytes of JSON.
pub const LARGEST_PROPERTIES: usize = 8 * 1024;
/// Most objects and lists within one another.
pub const DEEPEST_PROPERTIES: usize = 8;

/// The rule that an id breaks.
#[must_use]
pub fn fault_of_id(id: &str) -> Option<&'static str> {
    if !(1..=LONGEST_ID).contains(&id.chars().count()) {
        Some("must have 1 to 256 characters")
    } else if id.chars().any(char::is_control) {
        Some("must not have control characters")
    } else {
        None
    }
}

/// The rule that properties break.
#[must_use]
pub fn fault_of_properties(properties: &Map<String, Value>) -> Option<&'static str> {
    let size = serde_json::to_string(properties).map_or(usize::MAX, |text| text.len());
    if properties
        .values()
        .any(|value| depth(value) >= DEEPEST_PROPERTIES)
    {
        Some("must have at most 8 objects and lists within one another")
    } else if size > LARGEST_PROPERTIES {
        Some("must have at most 8192 bytes as JSON")
    } else {
        None
    }
}

fn depth(value: &Value) -> usize {
    let within = match value {
        Value::Object(members) => members.values().map(depth).max(),
        Value::Array(members) => members.iter().map(depth).max(),
        _ => return 0,
    };
    1 + within.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_have_bounds() {
        let longest = "\u{e4}".repeat(256);
        for good in ["a", "a/b c", "\u{1f980}", &longest] {
            assert_eq!(fault_of_id(good), None, "{good}");
        }
        let longer = "a".repeat(257);
        for bad in ["", "a\0", "a\n", "\u{85}", &longer] {
            assert!(fault_of_id(bad).is_some(), "{bad:?}");
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn properties_have_bounds() {
        let nested = |depth| (1..depth).fold(json!({}), |inner, _| json!({ "a": inner }));
        let lists = |depth| json!({ "a": (1..depth).fold(json!(1), |inner, _| json!([inner])) });
        let text = |size: usize| json!({ "a": "b".repeat(size - r#"{"a":""}"#.len()) });
        for good in [json!({}), nested(8), lists(8), text(8192)] {
            assert_eq!(fault_of_properties(&object(good)), None);
        }
        for bad in [nested(9), lists(9), text(8193)] {
            assert!(fault_of_properties(&object(bad)).is_some());
        }
    }
}

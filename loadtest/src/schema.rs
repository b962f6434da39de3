//! The form of `result.json` as JSON Schema, from the types that it is written with.

use serde_json::{Value, json};
use testkit::machine::Machine;

use crate::result::{RunResult, VERSION};

/// The schema in the repository.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/result.schema.json");
/// Writes it anew.
const WRITE: &str = "WRITE_RESULT_SCHEMA";

fn schema() -> Value {
    let mut schema = schemars::schema_for!(RunResult).to_value();
    schema["title"] = json!("result.json of the load lab");
    schema["properties"]["version"] = json!({
        "description": "The version of this form.",
        "type": "integer",
        "const": VERSION,
    });
    schema
}

#[test]
fn schema_in_the_repository_is_that_of_the_types() {
    let schema = schema();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(FILE, format!("{schema:#}\n")).expect("written");
    }
    let text = std::fs::read_to_string(FILE).unwrap_or_default();
    let shipped: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(
        shipped == schema,
        "loadtest/result.schema.json is not the form of results: raise VERSION if a reader of the old form would \
         misread the new one, and write it with `{WRITE}=1 cargo test --workspace --lib schema`"
    );
}

#[test]
fn machine_has_the_form_that_the_schema_says() {
    let machine = serde_json::to_value(Machine::default()).expect("JSON");
    let form = &schema()["$defs"]["Machine"];
    let names = |value: &Value| -> Vec<String> {
        let fields = value.as_object().expect("an object");
        fields.keys().cloned().collect()
    };
    assert_eq!(names(&machine), names(&form["properties"]));
}

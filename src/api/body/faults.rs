//! Every field of a JSON object that is missing, unknown, given twice or of the wrong type.
//!
//! The parser stops at the first. So the object is parsed again, with stand-ins for its values, and
//! what the parser refuses is repaired until it refuses nothing: the repairs are the faults.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{MISSING, TWICE, UNKNOWN, WHOLE, broken_field, shown};
use crate::api::problem::{FieldError, MAX_FIELDS_NAMED, Problem};

/// The refusal of an object whose first fault is known.
pub fn all<T: DeserializeOwned>(bytes: &[u8], first: FieldError) -> Problem {
    let mut found = Vec::new();
    if first.field != WHOLE
        && let Ok(Outline { mut fields, twice }) = serde_json::from_slice(bytes)
    {
        found.extend(twice.iter().map(|name| FieldError::new(shown(name), TWICE)));
        while found.len() < MAX_FIELDS_NAMED {
            let Some(fault) = fault::<T>(&fields) else {
                break;
            };
            let repaired = repair::<T>(&mut fields, &fault);
            found.push(fault);
            if !repaired {
                break;
            }
        }
    }
    // Stand-ins do not show every fault of a value, and the first is certain.
    if !found.iter().any(|fault| fault.field == first.field) {
        found.insert(0, first);
    }
    found.truncate(MAX_FIELDS_NAMED);
    let mut problem = Problem::malformed();
    problem.more.errors = found;
    problem
}

/// The first fault of an object.
fn fault<T: DeserializeOwned>(fields: &Map<String, Value>) -> Option<FieldError> {
    let object = Value::Object(fields.clone());
    let error = serde_path_to_error::deserialize::<_, T>(object).err()?;
    let path = error.path().to_string();
    broken_field(&path, &error.into_inner()).ok()
}

/// Removes an unknown field, or gives a field a value that the parser takes. Whether it was possible.
fn repair<T: DeserializeOwned>(fields: &mut Map<String, Value>, fault: &FieldError) -> bool {
    let refused = |fields: &Map<String, Value>| {
        let next = self::fault::<T>(fields);
        next.is_some_and(|next| next.field == fault.field)
    };
    if fault.rule == UNKNOWN {
        // The message ends at the first of these.
        let is_it = |name: &str| shown(name.split('`').next().unwrap_or_default()) == fault.field;
        let before = fields.len();
        fields.retain(|name, _| !is_it(name));
        return fields.len() < before;
    }
    if fault.rule != MISSING && !fields.contains_key(&fault.field) {
        return false;
    }
    [json!(""), json!(false), json!(0), json!([]), json!({})]
        .into_iter()
        .any(|stand_in| {
            fields.insert(fault.field.clone(), stand_in);
            !refused(fields)
        })
}

/// The fields of an object with stand-ins of the same types for their values, which may be secrets.
struct Outline {
    fields: Map<String, Value>,
    twice: Vec<String>,
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OutlineVisitor)
    }
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let (mut fields, mut twice) = (Map::new(), Vec::new());
        while let Some((name, StandIn(value))) = map.next_entry::<String, StandIn>()? {
            if fields.insert(name.clone(), value).is_some() && !twice.contains(&name) {
                twice.push(name);
            }
        }
        Ok(Outline { fields, twice })
    }
}

struct StandIn(Value);

impl<'de> Deserialize<'de> for StandIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StandInVisitor).map(Self)
    }
}

struct StandInVisitor;

impl<'de> Visitor<'de> for StandInVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(json!(false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(json!(0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(json!(0))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(json!(0.5))
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(json!(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(json!([]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(json!({}))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::parse;
    use super::*;
    use crate::api::fields::present;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Example {
        username: String,
        password: String,
        size: u8,
        #[serde(default, deserialize_with = "present")]
        disabled: Option<bool>,
    }

    fn faults(text: &str) -> Vec<String> {
        let problem = parse::<Example>(text.as_bytes()).expect_err("refused");
        let everything = format!("{problem:?}");
        assert!(!everything.contains("s3cret"), "{everything}");
        let errors = problem.more.errors.iter();
        let mut faults: Vec<_> = errors
            .map(|error| format!("{} {}", error.field, error.rule))
            .collect();
        faults.sort();
        faults
    }

    #[test]
    fn every_fault_is_named() {
        let missing = [
            "password is missing",
            "size is missing",
            "username is missing",
        ];
        assert_eq!(faults("{}"), missing);
        assert_eq!(
            faults(
                r#"{"password": ["s3cret"], "x": "s3cret", "y": 1, "disabled": null, "size": "s3cret"}"#
            ),
            [
                "disabled must be a boolean",
                "password must be a string",
                "size must be u8",
                "username is missing",
                "x is unknown",
                "y is unknown",
            ]
        );
        // A fault of the value, which no stand-in has, beside one that has no value.
        assert_eq!(
            faults(r#"{"size": 300, "username": "s3cret"}"#),
            ["password is missing", "size must be u8"]
        );
        assert_eq!(
            faults(r#"{"username": "s3cret", "username": "s3cret", "size": 1}"#),
            ["password is missing", "username is given twice"]
        );
        assert_eq!(
            faults(r#"{"username": {"password": "s3cret"}, "password": "s3cret", "size": 1}"#),
            ["username must be a string"]
        );
    }

    #[test]
    fn values_that_the_parser_takes_are_no_faults() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only parsed")]
        struct Every {
            yes: bool,
            below: i64,
            share: f64,
            named: Map<String, Value>,
            listed: Vec<String>,
            nothing: (),
            missing: String,
        }
        let text = r#"{"yes": true, "below": -1, "share": 0.1, "named": {"a": 1}, "listed": ["a"], "nothing": null}"#;
        let problem = parse::<Every>(text.as_bytes()).expect_err("refused");
        let fields: Vec<_> = problem.more.errors.iter().map(|e| &e.field).collect();
        assert_eq!(fields, ["missing"]);
    }

    #[test]
    fn each_field_that_is_given_twice_is_named_once() {
        let twice = r#"{"username": "s3cret", "username": "", "username": "", "password": "", "password": "", "size": 1}"#;
        assert_eq!(
            faults(twice),
            ["password is given twice", "username is given twice"]
        );
    }

    #[test]
    fn first_fault_is_named_beside_more_than_twenty_others() {
        let fields: Vec<_> = (0..MAX_FIELDS_NAMED)
            .map(|n| format!("\"f{n}\": 1"))
            .collect();
        let faults = faults(&format!(r#"{{"z": 1, {}}}"#, fields.join(",")));
        assert_eq!(faults.len(), MAX_FIELDS_NAMED);
        assert!(faults.contains(&"z is unknown".to_owned()), "{faults:?}");
    }

    #[test]
    fn field_that_is_not_there_cannot_be_removed() {
        let unknown = FieldError::new("x", UNKNOWN);
        let mut fields = Map::from_iter([("x".to_owned(), json!(0)), ("y".to_owned(), json!(0))]);
        assert!(repair::<Example>(&mut fields, &unknown));
        assert!(!repair::<Example>(&mut fields, &unknown));
        assert_eq!(fields.len(), 1);
    }

    #[test]
    fn names_of_fields_cannot_confuse_it() {
        let long = "n".repeat(100);
        let text = format!(r#"{{"a`b": 1, "missing field `x`": 1, "{long}1": 1, "{long}2": 1}}"#);
        let faults = faults(&text);
        assert!(faults.contains(&"a is unknown".to_owned()), "{faults:?}");
        assert!(faults.contains(&"size is missing".to_owned()), "{faults:?}");
        assert!(faults.iter().all(|fault| fault.len() < 80), "{faults:?}");
    }

    #[test]
    fn at_most_twenty_are_named() {
        let fields: Vec<_> = (0..2000).map(|n| format!("\"f{n}\": 1")).collect();
        let text = format!("{{{}}}", fields.join(","));
        assert_eq!(faults(&text).len(), MAX_FIELDS_NAMED);
    }
}

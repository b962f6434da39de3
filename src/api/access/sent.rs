//! The bodies of questions: JSON objects. What is at fault with a field is found when the field is read, for
//! the item of a list may be at fault without the list being so.

use std::fmt;
use std::marker::PhantomData;

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::api::body::{JSON, WHOLE, documented, expect_media_type, parse, read};
use crate::api::problem::Problem;

/// The most objects and lists within each other.
const DEEPEST: usize = 32;

/// A JSON object that is documented as `T`.
pub struct Sent<T> {
    /// Its fields, those that nobody knows too.
    pub fields: Map<String, Value>,
    documented: PhantomData<fn() -> T>,
}

impl<'a, T: Type> ApiExtractor<'a> for Sent<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(documented([(JSON, T::schema_ref())], true))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body).await?;
        expect_media_type(request, &[JSON])?;
        Ok(Self {
            fields: fields(&bytes)?,
            documented: PhantomData,
        })
    }
}

/// The fields of a body.
fn fields(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let Object(fields) = parse(bytes)?;
    if fields.values().any(|value| depth(value) >= DEEPEST) {
        let rule = format!("must have at most {DEEPEST} objects and lists within each other");
        return Err(Problem::malformed().field(WHOLE, rule));
    }
    Ok(fields)
}

/// How many objects and lists are within each other. The parser has bounded it.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or_default()
}

/// An object in which no name is given twice: another reader of the same body could take the other value.
#[derive(Debug)]
struct Object(Map<String, Value>);

/// A value whose objects are such.
struct Node(Value);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Self)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            match fields.entry(name) {
                Entry::Vacant(new) => {
                    let Node(value) = map.next_value()?;
                    new.insert(value);
                }
                // In the parser's own words, by which the refusal names the field.
                Entry::Occupied(known) => {
                    let name = known.key();
                    return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                }
            }
        }
        Ok(fields)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Node(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        ObjectVisitor.visit_map(map).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> Vec<String> {
        let problem = fields(text.as_bytes()).expect_err("refused");
        let errors = problem.more.errors.iter();
        errors
            .map(|error| format!("{} {}", error.field, error.rule))
            .collect()
    }

    #[test]
    fn body_is_read_as_it_is() {
        let text = r#"{"a": [1, -2, 0.5, "x", true, null, {"b": {}}], "c": "\u00e4\n", "d": 1e3, "e": ""}"#;
        let read = fields(text.as_bytes()).expect("sound");
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(Value::Object(read), expected);
    }

    #[test]
    fn name_that_is_given_twice_is_refused_at_every_level() {
        for text in [
            r#"{"x": 1, "x": 2}"#,
            r#"{"a": {"x": 1, "x": 1}}"#,
            r#"{"a": [{"x": 1, "\u0078": {}}]}"#,
        ] {
            assert_eq!(refused(text), ["x is given twice"], "{text}");
        }
    }

    #[test]
    fn objects_within_each_other_are_bounded() {
        let nested = |levels: usize| {
            let inner = (2..levels).fold(json!({}), |inner, _| json!([inner]));
            json!({ "a": inner }).to_string()
        };
        assert!(fields(nested(DEEPEST).as_bytes()).is_ok());
        for levels in [DEEPEST + 1, 100] {
            let rule = "body must have at most 32 objects and lists within each other";
            assert_eq!(refused(&nested(levels)), [rule]);
        }
        // The parser does not even go there.
        let deep = format!("{{\"a\": {}", "[".repeat(10_000));
        assert_eq!(refused(&deep), [""; 0]);
    }

    #[test]
    fn body_must_be_an_object() {
        for text in ["null", "1", "\"x\"", "[]", " [{}]"] {
            assert_eq!(refused(text), ["body must be a JSON object"], "{text}");
        }
    }
}

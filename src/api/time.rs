//! Points in time in answers.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use poem_openapi::registry::MetaSchemaRef;
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Serialize, Serializer};

/// A point in time, in UTC and with `Z`: many validators refuse `+00:00`, which the framework writes.
#[derive(Clone, Copy, Debug)]
pub struct Time(DateTime<Utc>);

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl Time {
    fn text(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl Type for Time {
    const IS_REQUIRED: bool = true;
    type RawValueType = DateTime<Utc>;
    type RawElementValueType = DateTime<Utc>;

    fn name() -> Cow<'static, str> {
        DateTime::<Utc>::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        DateTime::<Utc>::schema_ref()
    }

    fn as_raw_value(&self) -> Option<&DateTime<Utc>> {
        Some(&self.0)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a DateTime<Utc>> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

// The framework wants both.
impl ParseFromJSON for Time {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        let time = DateTime::<Utc>::parse_from_json(value);
        time.map(Self).map_err(ParseError::propagate)
    }
}

impl ToJSON for Time {
    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.text().into())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

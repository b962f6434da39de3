//! Types of fields in request bodies.

use std::borrow::Cow;
use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::accounts::validation::{EMAIL_MAX, EMAIL_PATTERN, USERNAME_PATTERN};
use crate::hashing::Password;

/// For optional fields: absent is fine, `null` is not.
///
/// # Errors
/// The field's own.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Declares a field whose value is a text, with its schema in the OpenAPI document.
macro_rules! text_field {
    ($(#[$meta:meta])* $name:ident($text:ty), $type_name:literal, $schema:expr) => {
        $(#[$meta])*
        #[derive(Clone, Deserialize)]
        #[serde(transparent)]
        pub struct $name($text);

        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = String;
            type RawElementValueType = String;

            fn name() -> Cow<'static, str> {
                $type_name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&String> {
                Some(&self.0)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a String> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }

        // Bodies are parsed by `Body`; the framework wants both.
        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
                match value {
                    Some(serde_json::Value::String(text)) => Ok(Self(text.into())),
                    _ => Err(ParseError::expected_input()),
                }
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<serde_json::Value> {
                None
            }
        }
    };
}

text_field! {
    /// A username. The schema states its rule; accounts check it.
    #[derive(Debug)]
    Username(String), "string(username)", MetaSchema {
        pattern: Some(USERNAME_PATTERN.to_owned()),
        ..MetaSchema::new("string")
    }
}

text_field! {
    /// An e-mail address. The schema states its rule; accounts check it.
    #[derive(Debug)]
    Email(String), "string(email-address)", MetaSchema {
        max_length: Some(EMAIL_MAX),
        pattern: Some(EMAIL_PATTERN.to_owned()),
        ..MetaSchema::new("string")
    }
}

text_field! {
    /// A password or token: not printed, wiped from memory when dropped, documented as write-only.
    SecretText(Zeroizing<String>), "string(password)", MetaSchema {
        write_only: true,
        ..MetaSchema::new_with_format("string", "password")
    }
}

impl From<Username> for String {
    fn from(username: Username) -> Self {
        username.0
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl From<String> for SecretText {
    fn from(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }
}

impl SecretText {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret as a password.
    #[must_use]
    pub fn into_password(self) -> Password {
        Password::from(self.0)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

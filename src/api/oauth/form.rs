//! Forms of the OAuth endpoints (RFC 6749 sections 3.2 and 5.2).
//!
//! A parameter without a value counts as omitted, parameters that the standard does not define are
//! ignored, and those that it defines may not be repeated.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::api::body::{MISSING, TWICE, documented, expect_media_type, expect_utf8_form, read};
use crate::api::edge::query;
use crate::api::fields::SecretText;
use crate::api::problem::Problem;

/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// The maximum number of fields of a form; OAuth 2.0 and its extensions define two dozen.
const MAX_FIELDS: usize = 64;

/// The parameters of the forms, which must not be in the query; others there are ignored.
const OF_THE_BODY: [&str; 9] = [
    "grant_type",
    "username",
    "password",
    "refresh_token",
    "token",
    "token_type_hint",
    "scope",
    "client_id",
    "client_secret",
];

/// The fields of a form that has been read. `T` documents them.
pub struct Form<T> {
    fields: Result<Fields, Problem>,
    documented: PhantomData<fn() -> T>,
}

impl<T> Form<T> {
    /// The fields.
    ///
    /// # Errors
    /// When the body is not a form. A handler gets it as an argument, to count it.
    pub fn fields(self) -> Result<Fields, Problem> {
        self.fields
    }
}

impl<'a, T: Type> ApiExtractor<'a> for Form<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(documented([(FORM, T::schema_ref())], true))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body).await?;
        let fields = query::refuse(request, &OF_THE_BODY)
            .and_then(|()| expect_media_type(request, &[FORM]))
            .and_then(|_| Fields::parse(&bytes));
        Ok(Self {
            fields,
            documented: PhantomData,
        })
    }
}

/// The fields of a form. Their values may be secrets, and are wiped.
pub struct Fields(Vec<(String, SecretText)>);

impl Fields {
    /// Parses a form.
    ///
    /// # Errors
    /// When it is not one, or has more fields than anybody needs.
    pub fn parse(bytes: &Bytes) -> Result<Self, Problem> {
        // Decoding thousands of fields would cost more than the rest of the request.
        let mut fields = bytes.split(|byte| *byte == b'&');
        if fields.nth(MAX_FIELDS).is_some() {
            let detail = format!("the form has more than {MAX_FIELDS} fields");
            return Err(Problem::malformed().detail(detail));
        }
        expect_utf8_form(bytes)?;
        // The parser's messages never repeat values.
        let fields = serde_urlencoded::from_bytes(bytes)
            .map_err(|error| Problem::malformed().detail(error.to_string()))?;
        Ok(Self(fields))
    }

    /// The value of a parameter, if it has one.
    ///
    /// # Errors
    /// When it is given twice.
    pub fn take(&mut self, name: &str) -> Result<Option<SecretText>, Problem> {
        let is_it = |(given, _): &mut (String, SecretText)| given == name;
        let mut given = self.0.extract_if(.., is_it).map(|(_, value)| value);
        let (value, another) = (given.next(), given.next());
        if another.is_some() {
            return Err(Problem::malformed().field(name, TWICE));
        }
        Ok(value.filter(|value| !value.expose().is_empty()))
    }

    /// The value of a parameter that is no secret, if it has one.
    ///
    /// # Errors
    /// When it is given twice.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let value = self.take(name)?;
        Ok(value.map(|value| value.expose().to_owned()))
    }

    /// The value of a required parameter.
    ///
    /// # Errors
    /// When it is missing or given twice.
    pub fn required(&mut self, name: &str) -> Result<SecretText, Problem> {
        self.take(name)?.ok_or_else(|| missing(name))
    }
}

/// A required parameter is missing.
pub fn missing(name: &str) -> Problem {
    Problem::malformed().field(name, MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(form: &'static str) -> Fields {
        Fields::parse(&Bytes::from_static(form.as_bytes())).expect("a form")
    }

    fn exposed(value: Result<Option<SecretText>, Problem>) -> Option<String> {
        value
            .expect("given once")
            .map(|value| value.expose().to_owned())
    }

    #[test]
    fn parameter_without_a_value_counts_as_omitted() {
        for form in ["", "scope=", "scope", "other=1&scope="] {
            assert_eq!(exposed(parse(form).take("scope")), None, "{form}");
            let problem = parse(form).required("scope").expect_err("missing");
            assert_eq!(problem.more.errors[0].field, "scope");
            assert_eq!(problem.more.errors[0].rule, "is missing");
        }
        let mut fields = parse("a=1&scope=b+c%26d&a=2");
        assert_eq!(exposed(fields.take("scope")).as_deref(), Some("b c&d"));
    }

    #[test]
    fn parameter_that_is_given_twice_is_refused_by_name() {
        for form in ["scope=a&scope=b", "scope=&scope=a", "scope&x=1&scope"] {
            let problem = parse(form).take("scope").expect_err("twice");
            assert_eq!(problem.more.errors[0].field, "scope", "{form}");
            assert_eq!(problem.more.errors[0].rule, "is given twice");
        }
    }
}

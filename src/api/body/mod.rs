//! Request bodies. A refusal names all fields at fault and their rules, never a value.

mod faults;

use bytes::Bytes;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::edge::operation::Operation;
use super::problem::{FieldError, Problem};
use crate::error::Error;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";
/// The field and the rule of a refusal that concerns the whole body.
pub(super) const WHOLE: &str = "body";
const NO_OBJECT: &str = "must be a JSON object";
pub(super) const MISSING: &str = "is missing";
pub(super) const TWICE: &str = "is given twice";
const UNKNOWN: &str = "is unknown";
const NO_UTF8: &str = "must be UTF-8";

/// A JSON body. The framework's own extractor does not name fields, and repeats values. A body that is
/// not `REQUIRED` may be absent, which equals an empty object.
pub struct Body<T, const REQUIRED: bool = true>(pub T);

impl<'a, T: DeserializeOwned + Type, const REQUIRED: bool> ApiExtractor<'a> for Body<T, REQUIRED> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(documented([(JSON, T::schema_ref())], REQUIRED))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body).await?;
        if !REQUIRED && bytes.is_empty() {
            return Ok(Self(parse(b"{}")?));
        }
        expect_media_type(request, &[JSON])?;
        Ok(Self(parse(&bytes)?))
    }
}

/// A body in the OpenAPI document: its media types with their schemas.
pub(super) fn documented<const N: usize>(
    content: [(&'static str, MetaSchemaRef); N],
    required: bool,
) -> MetaRequest {
    let media = content.map(|(content_type, schema)| MetaMediaType {
        content_type,
        schema,
    });
    MetaRequest {
        description: None,
        content: media.into(),
        required,
    }
}

/// Parses a JSON object.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if str::from_utf8(bytes).is_err() {
        return Err(Problem::malformed().field(WHOLE, NO_UTF8));
    }
    // The parser would accept an array as an object, with its fields by position.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::malformed().field(WHOLE, NO_OBJECT));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        match broken_field(&path, &error.into_inner()) {
            Ok(first) => faults::all::<T>(bytes, first),
            Err(problem) => problem,
        }
    })?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

/// Refuses a form whose bytes, percent-encoded ones included, are not UTF-8: the parser would replace
/// them and so change the password.
pub(super) fn expect_utf8_form(form: &[u8]) -> Result<(), Problem> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (mut decoded, mut rest) = (Zeroizing::new(Vec::with_capacity(form.len())), form);
    while let [byte, after @ ..] = rest {
        rest = after;
        let encoded = match after {
            [high, low, after @ ..] if *byte == b'%' => digit(*high)
                .zip(digit(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        match encoded.and_then(|(value, after)| Some((u8::try_from(value).ok()?, after))) {
            Some((value, after)) => {
                decoded.push(value);
                rest = after;
            }
            None => decoded.push(*byte),
        }
    }
    match str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::malformed().field(WHOLE, NO_UTF8)),
    }
}

/// The whole body, whose size the edge has limited. Not a copy: the edge wipes these bytes.
pub(super) async fn read(request: &Request, body: &mut RequestBody) -> poem::Result<Bytes> {
    <Bytes as FromRequest>::from_request(request, body).await
}

/// Which of these media types the body has. Others are refused with the answer that the operation's
/// record gives. Parameters such as `charset` are ignored.
pub(super) fn expect_media_type(
    request: &Request,
    wanted: &[&'static str],
) -> Result<&'static str, Problem> {
    let given = request.content_type().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let mut known = wanted.iter();
    if let Some(found) = known.find(|name| essence.eq_ignore_ascii_case(name)) {
        return Ok(found);
    }
    let record = request.data::<&Operation>();
    let policy = record.and_then(|operation| operation.body);
    let policy = policy.ok_or_else(|| Error::internal("the operation's record has no body"))?;
    let wanted = wanted.join(" or ");
    Err(Problem::new(policy.wrong_media_type).detail(format!("the Content-Type must be {wanted}")))
}

/// Turns serde's message into field and rule. Its messages repeat values, so only the parts that
/// are ours (field names, expectations) are taken.
///
/// # Errors
/// What is not JSON has no fields.
fn broken_field(path: &str, error: &serde_json::Error) -> Result<FieldError, Problem> {
    let message = error.to_string();
    // Only at the beginning: a value further on may contain the same words.
    let quoted = |before: &str| {
        let rest = message.strip_prefix(before)?;
        Some(rest.split('`').next().unwrap_or_default())
    };
    let known = [
        ("missing field `", MISSING),
        ("duplicate field `", TWICE),
        ("unknown field `", UNKNOWN),
    ];
    for (before, rule) in known {
        if let Some(field) = quoted(before) {
            return Ok(FieldError::new(shown(field), rule));
        }
    }
    if !error.is_data() {
        return Err(no_json(error));
    }
    if path == "." || path.is_empty() {
        return Ok(FieldError::new(WHOLE, NO_OBJECT));
    }
    let expected = message
        .rsplit_once("expected ")
        .map_or("something else", |(_, rest)| {
            rest.split(" at line").next().unwrap_or(rest)
        });
    Ok(FieldError::new(path, format!("must be {expected}")))
}

/// As much of a field's name as is repeated.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

fn no_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::malformed().detail(format!(
        "the body is not JSON: line {line}, column {column}"
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::api::fields::present;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Example {
        password: String,
        #[serde(default, deserialize_with = "present")]
        role: Option<String>,
    }

    fn parse(text: &str) -> Problem {
        super::parse::<Example>(text.as_bytes()).expect_err("refused")
    }

    #[test]
    fn a_refusal_names_field_and_rule_and_never_the_value() {
        for (text, field, rule) in [
            ("{}", "password", "is missing"),
            (r#"{"password": 12345678}"#, "password", "must be a string"),
            (r#"{"password": null}"#, "password", "must be a string"),
            (
                r#"{"password": ["hunter2hunter2"]}"#,
                "password",
                "must be a string",
            ),
            (
                r#"{"password": "a", "password": "b"}"#,
                "password",
                "is given twice",
            ),
            (
                r#"{"password": "a", "is_admin": true}"#,
                "is_admin",
                "is unknown",
            ),
            (
                r#"{"password": "a", "role": null}"#,
                "role",
                "must be a string",
            ),
            (r#""hunter2""#, "body", "must be a JSON object"),
        ] {
            let problem = parse(text);
            assert_eq!(problem.more.errors.len(), 1, "{text}: {problem:?}");
            assert_eq!(problem.more.errors[0].field, field, "{text}");
            assert_eq!(problem.more.errors[0].rule, rule, "{text}");
            let everything = format!("{problem:?}");
            assert!(
                !everything.contains("12345678") && !everything.contains("hunter2"),
                "{everything}"
            );
        }
    }

    #[test]
    fn form_must_be_utf8_in_every_spelling() {
        for (form, sound) in [
            (&b"username=a&password=caf%C3%A9"[..], true),
            ("username=a&password=caf\u{e9}".as_bytes(), true),
            // Half of it spelled out.
            (b"password=\xc3%a9", true),
            (b"password=100%&x=%zz%4", true),
            (b"password=caf%E9", false),
            (b"password=caf\xe9", false),
            // A surrogate, and more bytes than needed.
            (b"password=%ED%A0%80", false),
            (b"password=%C0%AF", false),
            (b"password=ok&other=%FF", false),
            // Halves of two fields make no character.
            (b"a=%C3&b=%A9", false),
        ] {
            assert_eq!(expect_utf8_form(form).is_ok(), sound, "{form:?}");
        }
    }

    #[test]
    fn what_is_not_json_is_placed() {
        let problem = parse("{\"password\": hunter2");
        assert!(
            problem
                .more
                .detail
                .as_deref()
                .is_some_and(|d| d.contains("line 1, column 14")),
            "{problem:?}"
        );
    }
}

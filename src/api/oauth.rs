//! OAuth 2.0 (RFC 6749): the login form, the token response, the error codes.

use poem::{Request, RequestBody};
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, Object};
use serde::Deserialize;

use super::body::{expect_media_type, expect_utf8_form, read};
use super::fields::SecretText;
use super::problem::{Problem, ProblemKind};
use crate::auth::login;
use crate::sessions::TokenPair;

const FORM: &str = "application/x-www-form-urlencoded";
/// The maximum number of fields of a form; OAuth 2.0 and its extensions define two dozen.
const MAX_FIELDS: usize = 64;

/// The form of a login (RFC 6749 section 4.3.2).
pub struct Form(pub LoginForm);

impl<'a> ApiExtractor<'a> for Form {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        LoginForm::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: FORM,
                schema: LoginForm::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let form = parse(request, body).await;
        if form.is_err() {
            login::malformed();
        }
        form.map(Self)
    }
}

async fn parse(request: &Request, body: &mut RequestBody) -> poem::Result<LoginForm> {
    expect_media_type(request, FORM)?;
    let bytes = read(request, body).await?;
    // Decoding thousands of fields would cost more than the rest of the request.
    let mut fields = bytes.split(|byte| *byte == b'&');
    if fields.nth(MAX_FIELDS).is_some() {
        let detail = format!("the form has more than {MAX_FIELDS} fields");
        return Err(Problem::malformed().detail(detail).into());
    }
    expect_utf8_form(&bytes)?;
    // The parser's messages name fields and never repeat values.
    let form: LoginForm = serde_urlencoded::from_bytes(&bytes)
        .map_err(|error| Problem::malformed().detail(error.to_string()))?;
    // A parameter without a value counts as omitted (RFC 6749 section 3.2).
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    Ok(LoginForm {
        grant_type: given(form.grant_type),
        // Phone keyboards add a space after a completed word.
        username: form.username.trim().to_owned(),
        scope: given(form.scope),
        ..form
    })
}

/// A login (RFC 6749 section 4.3.2). Unknown fields are ignored, as the standard requires.
#[derive(Object, Deserialize)]
pub struct LoginForm {
    /// `password`, the default.
    pub grant_type: Option<String>,
    /// Username or e-mail address. Leading and trailing spaces are ignored.
    #[oai(validator(min_length = 1))]
    pub username: String,
    /// The password.
    pub password: SecretText,
    /// Permissions, separated by spaces. Limits the session to those that the account also holds.
    /// Default: all permissions of the account. Unknown permissions and those that the account does not
    /// hold are ignored; `scope` in the response lists what was granted.
    pub scope: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_id: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_secret: Option<SecretText>,
}

/// The response to a login or refresh (RFC 6749 section 5.1).
#[derive(Debug, Object)]
pub struct Tokens {
    /// A signed JWT (RFC 9068). Send it as `Authorization: Bearer`.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// The lifetime of the access token, in seconds.
    expires_in: i64,
    /// Send it to `/refresh`, once, for the next pair of tokens.
    refresh_token: String,
    /// The permissions of the session, if a scope limits it. Empty: it may only read its own account
    /// and log out. `password:change`: the password is an initial one and must be changed first.
    #[oai(skip_serializing_if_is_none)]
    scope: Option<String>,
}

impl Tokens {
    /// A pair.
    #[must_use]
    pub fn new(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token,
            token_type: "bearer".to_owned(),
            expires_in: pair.expires_in,
            refresh_token: pair.refresh_token,
            scope: pair.scope,
        }
    }
}

#[derive(ApiResponse)]
pub enum Issued {
    /// A pair of tokens.
    #[oai(status = 200)]
    Ok(Json<Tokens>),
}

#[derive(ApiResponse)]
pub enum LoginIssued {
    /// A pair of tokens, and the device cookie.
    #[oai(status = 200)]
    Ok(
        Json<Tokens>,
        /// The device cookie, for 180 days: `HttpOnly`, `SameSite=Strict`, and `Secure` with HTTPS.
        #[oai(header = "Set-Cookie")]
        String,
    ),
}

/// An error with one of the codes of RFC 6749 section 5.2.
pub fn refusal(code: &'static str, description: &str) -> Problem {
    Problem::new(ProblemKind::InvalidGrant)
        .detail(description)
        .oauth(code)
}

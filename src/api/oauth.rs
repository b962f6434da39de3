//! The words of OAuth 2.0 (RFC 6749): forms, tokens, refusals.

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
/// How many fields a form may have: OAuth 2.0 and its extensions know two dozen.
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
    // Decoding thousands of fields costs more than all the rest of a refusal.
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
        // Keyboards of phones put a blank behind what they complete.
        username: form.username.trim().to_owned(),
        scope: given(form.scope),
        ..form
    })
}

/// A login (RFC 6749 section 4.3.2). Fields that are not known are ignored, as the standard asks.
#[derive(Object, Deserialize)]
pub struct LoginForm {
    /// `password`, which is also what its absence means.
    pub grant_type: Option<String>,
    /// Username or e-mail address. Blanks around it are ignored.
    #[oai(validator(min_length = 1))]
    pub username: String,
    /// The password.
    pub password: SecretText,
    /// Permissions, separated by spaces: the session can do those of them that the account may, and
    /// nothing else. Without it, everything that the account may. What is not known or not held is left
    /// out, and the answer's `scope` says what was granted.
    pub scope: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_id: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_secret: Option<SecretText>,
}

/// What a login or a refresh gives (RFC 6749 section 5.1).
#[derive(Debug, Object)]
pub struct Tokens {
    /// The signed JWT (RFC 9068) to send as `Authorization: Bearer`.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// How long the access token lives, in seconds.
    expires_in: i64,
    /// Gets the next pair, once.
    refresh_token: String,
    /// What the access token allows, when the session was narrowed; empty when nothing is left but to
    /// read one's own account and to log out. `password:change` when the password is an initial one,
    /// which has to be changed before anything else.
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

/// A refusal with one of the standard's codes (RFC 6749 section 5.2).
pub fn refusal(code: &'static str, description: &str) -> Problem {
    Problem::new(ProblemKind::InvalidGrant)
        .detail(description)
        .oauth(code)
}

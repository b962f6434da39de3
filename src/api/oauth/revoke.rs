//! Revocation of tokens (RFC 7009).

use poem::Request;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::form::{Form, missing};
use crate::api::Tag;
use crate::api::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use crate::api::edge::rate_limits::source_of;
use crate::api::failure::OAuthFailure;
use crate::api::fields::SecretText;
use crate::api::refresh_cookie::{Place, RefreshCookie};
use crate::auth::Revoke;
use crate::metrics::Limiter;
use catalogue::endpoints;

/// Revocation.
pub struct RevokeApi {
    /// The flow.
    pub revoke: Revoke,
    /// The cookie of refresh tokens.
    pub refresh_cookie: RefreshCookie,
}

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(endpoints::REVOKE, Access::Public)
    .body(BodyPolicy::LENIENT)
    .any_query()
    .rate_limit(RateLimit::BySource(Limiter::Revoke))
    .oauth_errors()
    .refresh_cookie()];

/// A revocation (RFC 7009 section 2.1). Unknown fields are ignored.
#[derive(Object)]
struct RevokeForm {
    /// A refresh token or an access token, unless the refresh token is in the cookie.
    token: Option<SecretText>,
    /// Ignored: the tokens themselves show what they are.
    token_type_hint: Option<String>,
    /// Ignored: every client is public.
    client_id: Option<String>,
    /// Ignored: every client is public.
    client_secret: Option<SecretText>,
}

#[derive(ApiResponse)]
enum Revoked {
    /// The token is not valid, or no longer.
    #[oai(status = 200)]
    Ok(
        /// Removes the cookie of the refresh token, with `Refresh-Token-In: cookie`.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

#[OpenApi(tag = "Tag::Authentication")]
impl RevokeApi {
    /// Revoke a token
    ///
    /// Ends the session of a refresh token or of an access token: all tokens of the session are invalid
    /// from then on. The response is the same for tokens that are unknown, expired or already revoked.
    /// Having the token is the proof: no authentication is needed, and client credentials are accepted
    /// and ignored.
    #[oai(path = "/oauth/revoke", method = "post", operation_id = "revoke")]
    async fn revoke(
        &self,
        request: &Request,
        form: Form<RevokeForm>,
    ) -> Result<Revoked, OAuthFailure> {
        let mut fields = form.fields()?;
        for ignored in ["token_type_hint", "client_id", "client_secret"] {
            fields.take(ignored)?;
        }
        let source = source_of(request)?;
        let in_body = fields.take("token")?;
        let (token, place) = self.refresh_cookie.presented(request, in_body)?;
        match (token, place) {
            (Some(token), _) => self.revoke.revoke(&source, token.expose()).await?,
            (None, Place::Body) => return Err(missing("token").into()),
            // The cookie is gone already.
            (None, Place::Cookie) => {}
        }
        Ok(Revoked::Ok(RefreshCookie::removed_from(place)))
    }
}

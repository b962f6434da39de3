//! The metadata of the authorization server (RFC 8414): what clients can find out by themselves.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::api::Tag;
use crate::api::edge::operation::{Access, Operation};
use crate::api::failure::Failure;
use crate::rbac::Permission;
use crate::tokens::Tokens;
use catalogue::endpoints;

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::OAUTH_METADATA, Access::Public).open(),
    Operation::new(endpoints::OPENID_METADATA, Access::Public).open(),
];

/// The metadata (RFC 8414 section 2).
#[derive(Clone, Debug, Object)]
pub struct Metadata {
    /// The issuer, as in `iss` of access tokens.
    issuer: String,
    /// The token endpoint.
    token_endpoint: String,
    /// The revocation endpoint (RFC 7009).
    revocation_endpoint: String,
    /// The keys that verify access tokens. Absent with HS256, which has no public key.
    #[oai(skip_serializing_if_is_none)]
    jwks_uri: Option<String>,
    /// The grants of the token endpoint.
    grant_types_supported: Vec<String>,
    /// Empty: there is no authorization endpoint.
    response_types_supported: Vec<String>,
    /// `none`: every client is public. Client credentials as HTTP Basic are accepted and ignored.
    token_endpoint_auth_methods_supported: Vec<String>,
    /// `none`, as for the token endpoint.
    revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The permissions, which a `scope` can name.
    scopes_supported: Vec<String>,
    /// The documentation of the API, where it is served.
    #[oai(skip_serializing_if_is_none)]
    service_documentation: Option<String>,
}

impl Metadata {
    /// The metadata of this issuer, with documentation or without.
    #[must_use]
    pub fn new(issuer: &str, documented: bool) -> Self {
        let at = |endpoint: endpoints::Endpoint| format!("{issuer}{}", endpoint.template);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let names = Permission::ALL.iter().map(|permission| permission.name());
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: at(endpoints::TOKEN),
            revocation_endpoint: at(endpoints::REVOKE),
            jwks_uri: Some(at(endpoints::JWKS)),
            grant_types_supported: words(&["password", "refresh_token"]),
            response_types_supported: Vec::new(),
            token_endpoint_auth_methods_supported: words(&["none"]),
            revocation_endpoint_auth_methods_supported: words(&["none"]),
            scopes_supported: names.map(str::to_owned).collect(),
            service_documentation: documented.then(|| at(endpoints::SWAGGER)),
        }
    }
}

/// The metadata, under its two names.
pub struct MetadataApi {
    /// The metadata.
    pub metadata: Metadata,
    /// The keys, which change while the service runs.
    pub tokens: Arc<Tokens>,
}

#[derive(ApiResponse)]
enum Found {
    /// The metadata.
    #[oai(status = 200)]
    Ok(
        Json<Metadata>,
        /// How long it may be cached.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

impl MetadataApi {
    fn answer(&self) -> Found {
        let mut metadata = self.metadata.clone();
        if self.tokens.keys().jwks().is_empty() {
            metadata.jwks_uri = None;
        }
        Found::Ok(Json(metadata), "public, max-age=300".to_owned())
    }
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Discovery")]
impl MetadataApi {
    /// Read the metadata of the authorization server
    ///
    /// Returns the endpoints, grants and scopes (RFC 8414). The addresses begin with `PUBLIC_URL`.
    #[oai(
        path = "/.well-known/oauth-authorization-server",
        method = "get",
        operation_id = "oauthMetadata"
    )]
    async fn oauth(&self) -> Result<Found, Failure<0>> {
        Ok(self.answer())
    }

    /// Read the metadata where OpenID clients look for it
    ///
    /// Returns the same as `/.well-known/oauth-authorization-server`, for clients that know only this
    /// name. The service is no OpenID provider: there are no ID tokens and no authorization endpoint.
    #[oai(
        path = "/.well-known/openid-configuration",
        method = "get",
        operation_id = "openidConfiguration"
    )]
    async fn openid(&self) -> Result<Found, Failure<0>> {
        Ok(self.answer())
    }
}

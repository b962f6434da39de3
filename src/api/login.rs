//! Registration, login, refresh, logout.

use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi};

use super::Tag;
use super::body::{Body, expect_media_type, read};
use super::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use super::edge::rate_limits::source_of;
use super::failure::{Failure, OAuthFailure, status};
use super::guard::{Authenticated, Maybe, Require};
use super::problem::{Problem, ProblemKind};
use super::views::{Done, LoginForm, Logout, Refresh, Register, Tokens, User};
use crate::accounts::{Actor, NewAccount};
use crate::auth::{
    Login, Logout as LogoutFlow, Refresh as RefreshFlow, Register as RegisterFlow, login,
};
use crate::metrics::{CanaryStep, Limiter};
use crate::rbac::{BuiltIn, Permission};
use catalogue::endpoints;

/// The flows that everybody goes through.
pub struct AuthApi {
    /// Registration.
    pub register: RegisterFlow,
    /// Login.
    pub login: Login,
    /// Refresh.
    pub refresh: RefreshFlow,
    /// Logout.
    pub logout: LogoutFlow,
}

/// Their records.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::REGISTER, Access::Optional)
        .body(BodyPolicy::STRICT)
        .rate_limit(RateLimit::BySource(Limiter::Register))
        .stops_with_client(),
    Operation::new(endpoints::LOGIN, Access::Public)
        .body(BodyPolicy::LENIENT)
        .rate_limit(RateLimit::BySource(Limiter::Login))
        .oauth_errors()
        .stops_with_client()
        .probed(CanaryStep::Login),
    Operation::new(endpoints::REFRESH, Access::Public)
        .body(BodyPolicy::STRICT)
        .rate_limit(RateLimit::BySource(Limiter::Refresh))
        .oauth_errors()
        .probed(CanaryStep::Refresh),
    Operation::new(endpoints::LOGOUT, Access::Needs(Permission::Authenticated))
        .body(BodyPolicy::STRICT)
        .probed(CanaryStep::Logout),
];

#[derive(ApiResponse)]
enum Registered {
    /// The account was made. It can log in at once.
    #[oai(status = 201)]
    Created(Json<User>),
}

#[derive(ApiResponse)]
enum Issued {
    /// A pair of tokens.
    #[oai(status = 200)]
    Ok(Json<Tokens>),
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The form of a login (RFC 6749 section 4.3.2).
pub struct Form(LoginForm);

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
    // The parser's messages name fields and never repeat values.
    let form: LoginForm = serde_urlencoded::from_bytes(&bytes)
        .map_err(|error| Problem::malformed().detail(error.to_string()))?;
    // What is sent without a value counts as omitted (RFC 6749 section 3.2).
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    Ok(LoginForm {
        grant_type: given(form.grant_type),
        scope: given(form.scope),
        ..form
    })
}

#[OpenApi(tag = "Tag::Authentication")]
impl AuthApi {
    /// Register
    ///
    /// Makes an account with the role `user`. Another role takes the access token of somebody who
    /// may assign roles.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        caller: Maybe,
        request: &Request,
        body: Body<Register>,
    ) -> Result<Registered, Failure<{ status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE }>>
    {
        let Register {
            username,
            email,
            password,
            role,
        } = body.0;
        let password = password.into_password();
        let account = NewAccount {
            username,
            email,
            password,
            role: role.unwrap_or_else(|| BuiltIn::User.name().to_owned()),
        };
        let actor = match &caller.0 {
            Some(caller) => Actor::Admin(&caller.account),
            None => Actor::Stranger,
        };
        let source = source_of(request)?;
        let user = self.register.register(&source, account, actor).await?;
        Ok(Registered::Created(Json(User::from(&user))))
    }

    /// Log in
    ///
    /// OAuth2's password form, for the first party alone. Unknown name, wrong password and disabled
    /// account are answered with the same `invalid_grant` after the same work.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(&self, request: &Request, form: Form) -> Result<Issued, OAuthFailure> {
        let LoginForm {
            grant_type,
            username,
            password,
            scope,
            ..
        } = form.0;
        if grant_type.is_some_and(|grant| grant != "password") {
            login::malformed();
            return Err(refusal("unsupported_grant_type", "this endpoint knows `password`").into());
        }
        let unknown = |name: &str| !Permission::ALL.iter().any(|known| known.name() == name);
        if scope
            .as_deref()
            .is_some_and(|scope| scope.split(' ').filter(|s| !s.is_empty()).any(unknown))
        {
            login::malformed();
            return Err(refusal("invalid_scope", "a scope is not the name of a permission").into());
        }
        let source = source_of(request)?;
        let user_agent = request.header(header::USER_AGENT).unwrap_or_default();
        let login = self
            .login
            .login(&source, &username, password.into_password(), user_agent)
            .await?;
        let (pair, authority) =
            login.ok_or_else(|| refusal("invalid_grant", "name or password are not right"))?;
        let granted = scope.map(|_| {
            let held = Permission::ALL
                .iter()
                .filter(|held| authority.allows(**held));
            held.map(|held| held.name()).collect::<Vec<_>>().join(" ")
        });
        Ok(Issued::Ok(Json(Tokens::new(pair, granted))))
    }

    /// Refresh
    ///
    /// Gives a new pair for a refresh token, which is thereby used up. The immediately previous
    /// token is honoured for a few seconds more, with the same successor, because two tabs may
    /// refresh at once. Anything older ends the session.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        request: &Request,
        body: Body<Refresh>,
    ) -> Result<Issued, OAuthFailure> {
        let source = source_of(request)?;
        let token = body.0.refresh_token;
        let pair = self.refresh.refresh(&source, token.expose()).await?;
        let pair = pair.ok_or_else(|| refusal("invalid_grant", "the refresh token is not good"))?;
        Ok(Issued::Ok(Json(Tokens::new(pair, None))))
    }

    /// Log out
    ///
    /// Ends the session of the access token on the server: neither token works from then on. With
    /// `refresh_token`, that token's session ends, too; with `all`, every session of the account.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(
        &self,
        auth: Require<Authenticated>,
        body: Body<Logout, false>,
    ) -> Result<Done, Failure<0>> {
        let Logout { refresh_token, all } = body.0;
        let token = refresh_token.as_ref().map(super::body::SecretText::expose);
        self.logout
            .logout(&auth.caller, token, all.unwrap_or(false))
            .await?;
        Ok(Done::NoContent)
    }
}

/// An OAuth refusal (RFC 6749 section 5.2).
fn refusal(code: &'static str, description: &str) -> Problem {
    Problem::new(ProblemKind::InvalidGrant)
        .detail(description)
        .oauth(code)
}

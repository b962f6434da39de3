//! Registration.

use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;

use super::Tag;
use super::body::Body;
use super::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use super::edge::rate_limits::source_of;
use super::failure::{Failure, status};
use super::fields::{Email, SecretText, Username, present};
use super::guard::Maybe;
use super::views::User;
use crate::accounts::NewAccount;
use crate::auth::Register as RegisterFlow;
use crate::metrics::Limiter;
use crate::rbac::BuiltIn;
use catalogue::endpoints;

/// Registration.
pub struct RegisterApi {
    flow: RegisterFlow,
    location: String,
}

impl RegisterApi {
    /// The operation over its flow, for clients that find the API below this path.
    pub fn new(flow: RegisterFlow, base_path: &str) -> Self {
        let location = format!("{base_path}{}", endpoints::READ_ME.template);
        Self { flow, location }
    }
}

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(endpoints::REGISTER, Access::Optional)
    .body(BodyPolicy::STRICT)
    .rate_limit(RateLimit::BySource(Limiter::Register))
    .stops_with_client()];

/// A registration.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    /// The username: letters, digits, dots, dashes and underscores. Case is ignored.
    username: Username,
    /// The e-mail address. Case is ignored.
    email: Email,
    /// 8 to 128 characters of any kind. Common passwords are refused, also with the usual
    /// substitutions; so are passwords made of the username, the e-mail address or the service's name.
    #[oai(validator(min_length = 8, max_length = 128))]
    password: SecretText,
    /// `user`, the default. Only administrators grant other roles.
    #[serde(default, deserialize_with = "present")]
    role: Option<String>,
}

#[derive(ApiResponse)]
enum Registered {
    /// The account was created and can log in.
    #[oai(status = 201)]
    Created(
        Json<User>,
        /// Where its owner finds the account.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Authentication")]
impl RegisterApi {
    /// Register
    ///
    /// Creates an account with the role `user`. Administrators create accounts with other roles, and
    /// with generated passwords, with `POST /admin/users`.
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
            username: username.into(),
            email: email.into(),
            password,
            role: role.unwrap_or_else(|| BuiltIn::User.name().to_owned()),
            initial: false,
        };
        let source = source_of(request)?;
        let caller = caller.0.as_ref().map(|caller| &*caller.account);
        let user = self.flow.register(&source, account, caller).await?;
        let location = self.location.clone();
        Ok(Registered::Created(Json(User::from(&user)), location))
    }
}

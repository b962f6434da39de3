//! One's own account.

use std::sync::Arc;

use poem::Request;
use poem::http::header;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Tag;
use super::body::Body;
use super::direct::Direct;
use super::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use super::edge::rate_limits::source_of;
use super::failure::{Failure, status};
use super::fields::{Email, SecretText, Username, present};
use super::guard::{AnyScope, Authenticated, ChangesPassword, Require, session_ended};
use super::oauth::Issued;
use super::problem::Problem;
use super::refresh_cookie::RefreshCookie;
use super::time::Time;
use super::views::{Done, User};
use crate::accounts::Accounts;
use crate::auth::PasswordChange;
use crate::error::Error;
use crate::metrics::{CanaryStep, Limiter};
use crate::rbac::Permission;
use crate::sessions::Sessions;
use crate::store::{self, ProfileChange};
use catalogue::endpoints;

/// Operations on one's own account.
pub struct MeApi {
    /// Accounts.
    pub accounts: Arc<Accounts>,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// The flow of a password change.
    pub password_change: PasswordChange,
    /// The cookie of refresh tokens.
    pub refresh_cookie: RefreshCookie,
}

const OWN: Access = Access::Needs(Permission::Authenticated);
const CHANGE_FAILURES: u16 = status::BAD_REQUEST | status::FORBIDDEN | status::UNPROCESSABLE;
const PASSWORD: RateLimit = RateLimit::ByAccount(Limiter::Password);

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::READ_ME, Access::AnyScope).probed(CanaryStep::Me),
    Operation::new(endpoints::UPDATE_ME, OWN)
        .body(BodyPolicy::STRICT)
        .rate_limit(RateLimit::BySource(Limiter::Profile)),
    Operation::new(endpoints::DELETE_ME, OWN)
        .body(BodyPolicy::STRICT)
        .rate_limit(PASSWORD),
    Operation::new(endpoints::CHANGE_MY_PASSWORD, OWN)
        .body(BodyPolicy::STRICT)
        .refresh_cookie()
        .rate_limit(PASSWORD),
    Operation::new(endpoints::LIST_MY_SESSIONS, OWN)
        .rate_limit(RateLimit::ByAccount(Limiter::Sessions)),
    Operation::new(endpoints::END_MY_SESSION, OWN)
        .rate_limit(RateLimit::ByAccount(Limiter::Revoke)),
];

/// Changes to one's own account. Absent fields stay unchanged.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateMe {
    /// A new username. Needs `current_password`.
    #[serde(default, deserialize_with = "present")]
    username: Option<Username>,
    /// A new e-mail address. Needs `current_password`.
    #[serde(default, deserialize_with = "present")]
    email: Option<Email>,
    /// The current password. Needed to change the username or the e-mail address.
    #[serde(default, deserialize_with = "present")]
    current_password: Option<SecretText>,
}

/// The deletion of one's own account.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteMe {
    /// The current password.
    #[serde(default, deserialize_with = "present")]
    current_password: Option<SecretText>,
}

/// A password change.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    /// The current password.
    current_password: SecretText,
    /// The new password: 8 to 128 characters of any kind. The rules of registration apply.
    #[oai(validator(min_length = 8, max_length = 128))]
    new_password: SecretText,
}

/// An active session.
#[derive(Debug, Object, Serialize)]
struct Session {
    /// The session's id: `sid` in its access tokens.
    id: Uuid,
    /// The `User-Agent` header of the login.
    user_agent: String,
    /// Whether this request belongs to the session.
    current: bool,
    /// The time of the login.
    created_at: Time,
    /// The time of the last refresh.
    last_used_at: Time,
    /// The session ends at this time even if it is refreshed.
    expires_at: Time,
}

impl Session {
    /// A session, as the session `current` sees it.
    #[must_use]
    fn new(session: store::Session, current: Uuid) -> Self {
        Self {
            id: session.id,
            user_agent: session.user_agent,
            current: session.id == current,
            created_at: session.created_at.into(),
            last_used_at: session.last_used_at.into(),
            expires_at: session.expires_at.into(),
        }
    }
}

/// The caller's active sessions.
#[derive(Debug, Object, Serialize)]
struct SessionList {
    /// At most 100, newest first.
    items: Vec<Session>,
}

#[derive(ApiResponse)]
enum Account {
    /// The account.
    #[oai(status = 200)]
    Ok(Json<User>),
}

#[derive(ApiResponse)]
enum SessionsAnswer {
    /// The sessions.
    #[oai(status = 200)]
    Ok(Direct<SessionList>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Account")]
impl MeApi {
    /// Read your account
    ///
    /// Returns the account of the access token.
    #[oai(path = "/users/me", method = "get", operation_id = "readMe")]
    async fn read(&self, auth: Require<AnyScope>) -> Account {
        Account::Ok(Json(User::from(&auth.caller.account.user)))
    }

    /// Change your account
    ///
    /// Changes the username or the e-mail address. Both need the current password. A 409 reveals that a
    /// name or address is taken, so the rate limits of registration apply, and one for each account.
    #[oai(path = "/users/me", method = "patch", operation_id = "updateMe")]
    async fn update(
        &self,
        auth: Require<Authenticated>,
        request: &Request,
        body: Body<UpdateMe>,
    ) -> Result<Account, Failure<{ status::CONFLICT | status::UNPROCESSABLE }>> {
        let UpdateMe {
            username,
            email,
            current_password,
        } = body.0;
        let change = ProfileChange {
            username: username.map(String::from),
            email: email.map(String::from),
            disabled: None,
        };
        let current = current_password.map(SecretText::into_password);
        let user = self
            .accounts
            .update_own(&auth.caller, &source_of(request)?, change, current)
            .await
            .map_err(gone)?;
        Ok(Account::Ok(Json(User::from(&user))))
    }

    /// Delete your account
    ///
    /// Deletes the account, its sessions and its tokens. Needs the current password. Cannot be undone.
    /// The last administrator cannot be deleted.
    #[oai(path = "/users/me", method = "delete", operation_id = "deleteMe")]
    async fn delete(
        &self,
        auth: Require<Authenticated>,
        body: Body<DeleteMe, false>,
    ) -> Result<Done, Failure<{ status::CONFLICT | status::UNPROCESSABLE }>> {
        let current = body.0.current_password.map(SecretText::into_password);
        self.accounts
            .delete_own(&auth.caller, current)
            .await
            .map_err(gone)?;
        Ok(Done::NoContent)
    }

    /// Change your password
    ///
    /// Needs the current password. Ends every session of the account, this one included; the response
    /// has the tokens of a new session. After a login with an initial password, no other operation is
    /// allowed until the password is changed.
    #[oai(
        path = "/users/me/password",
        method = "post",
        operation_id = "changeMyPassword"
    )]
    async fn change_password(
        &self,
        auth: Require<ChangesPassword>,
        request: &Request,
        body: Body<ChangePassword>,
    ) -> Result<Issued, Failure<CHANGE_FAILURES>> {
        let ChangePassword {
            current_password,
            new_password,
        } = body.0;
        let (current, new) = (
            current_password.into_password(),
            new_password.into_password(),
        );
        let place = self.refresh_cookie.place(request)?;
        let user_agent = request.header(header::USER_AGENT).unwrap_or_default();
        let pair = self
            .password_change
            .change(&auth.caller, current, new, user_agent)
            .await
            .map_err(gone)?;
        Ok(Issued::new(pair, place, &self.refresh_cookie))
    }

    /// List your sessions
    ///
    /// Lists the active sessions of the account, newest first.
    #[oai(
        path = "/users/me/sessions",
        method = "get",
        operation_id = "listMySessions"
    )]
    async fn sessions(&self, auth: Require<Authenticated>) -> Result<SessionsAnswer, Failure<0>> {
        let sessions = self.sessions.list(&auth.caller).await?;
        let current = auth.caller.session;
        let items = sessions
            .into_iter()
            .map(|session| Session::new(session, current))
            .collect();
        Ok(SessionsAnswer::Ok(Direct(SessionList { items })))
    }

    /// End one of your sessions
    ///
    /// Ends the session. Its access token is refused from the next request on.
    #[oai(
        path = "/users/me/sessions/:id",
        method = "delete",
        operation_id = "endMySession"
    )]
    async fn end_session(
        &self,
        auth: Require<Authenticated>,
        /// The session's id.
        id: Path<Uuid>,
    ) -> Result<Done, Failure<{ status::BAD_REQUEST | status::NOT_FOUND }>> {
        self.sessions.end_own(&auth.caller, id.0).await?;
        Ok(Done::NoContent)
    }
}

/// The caller's account was deleted between the guard and the change, so the token is invalid now.
fn gone(error: Error) -> Problem {
    match error {
        Error::NotFound(_) => session_ended(),
        other => other.into(),
    }
}

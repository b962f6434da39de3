//! Administration of accounts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::operation;
use crate::accounts::{Accounts, Actor};
use crate::api::Tag;
use crate::api::body::Body;
use crate::api::direct::Direct;
use crate::api::edge::operation::{BodyPolicy, Operation, QueryParameter, Values};
use crate::api::failure::{Failure, status};
use crate::api::fields::{Email, Username, present};
use crate::api::guard::{Require, UsersRead, UsersWrite};
use crate::api::problem::Problem;
use crate::api::views::{Done, User};
use crate::rbac::Permission;
use crate::store::{self, ProfileChange};
use catalogue::endpoints;

/// Accounts.
pub struct AdminUsersApi {
    accounts: Arc<Accounts>,
    base_path: String,
}

impl AdminUsersApi {
    /// The operations, for clients that find the API below this path.
    pub const fn new(accounts: Arc<Accounts>, base_path: String) -> Self {
        Self {
            accounts,
            base_path,
        }
    }
}

/// The query parameters of a list.
const PAGES: [QueryParameter; 3] = [
    QueryParameter {
        name: "limit",
        values: Values::Numbers(1, 50),
    },
    QueryParameter {
        name: "cursor",
        values: Values::Cursors(2, 512),
    },
    QueryParameter {
        name: "search",
        values: Values::Texts(1, 254),
    },
];

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_USERS, Permission::UsersRead).query(&PAGES),
    operation(endpoints::CREATE_USER, Permission::UsersWrite).body(BodyPolicy::STRICT),
    operation(endpoints::READ_USER, Permission::UsersRead),
    operation(endpoints::UPDATE_USER, Permission::UsersWrite).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_USER, Permission::UsersWrite),
];

/// A new account.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateUser {
    /// The account's name.
    username: Username,
    /// The owner's e-mail address.
    email: Email,
    /// Default: `user`. Any other role needs the permission `roles:assign`.
    #[serde(default, deserialize_with = "present")]
    role: Option<String>,
}

/// Changes to an account. Absent fields stay unchanged.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateUser {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    username: Option<Username>,
    /// A new e-mail address.
    #[serde(default, deserialize_with = "present")]
    email: Option<Email>,
    /// `true` ends every session and refuses logins; `false` allows logins again.
    #[serde(default, deserialize_with = "present")]
    disabled: Option<bool>,
}

/// An account that an administrator created.
#[derive(Debug, Object)]
struct CreatedUser {
    /// The account.
    user: User,
    /// The generated password, shown only here. The owner must change it before any other operation,
    /// within `INITIAL_PASSWORD_TTL`.
    initial_password: String,
}

/// One page of accounts.
#[derive(Debug, Object, Serialize)]
struct UserPage {
    /// The accounts.
    items: Vec<User>,
    /// The `cursor` of the next page. Absent on the last page.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum Users {
    /// One page.
    #[oai(status = 200)]
    Ok(Direct<UserPage>),
}

#[derive(ApiResponse)]
enum Created {
    /// The account was created.
    #[oai(status = 201)]
    Created(
        Json<CreatedUser>,
        /// The path of the account.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Account {
    /// The account.
    #[oai(status = 200)]
    Ok(Json<User>),
}

#[OpenApi(tag = "Tag::Administration")]
impl AdminUsersApi {
    /// List accounts
    ///
    /// Lists accounts in order of creation. With `search`, lists those whose username begins with it,
    /// sorted by username, then those whose e-mail address does, sorted by address. `next_cursor` of
    /// one page is `cursor` of the next.
    #[oai(path = "/admin/users", method = "get", operation_id = "listUsers")]
    async fn list(
        &self,
        _auth: Require<UsersRead>,
        /// The maximum number of accounts on the page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "50"))
        )]
        limit: Query<u32>,
        /// `next_cursor` of the previous page.
        #[oai(validator(pattern = "^[A-Za-z0-9_-]{2,512}$"))]
        cursor: Query<Option<String>>,
        /// The beginning of a username or e-mail address.
        #[oai(validator(min_length = 1, max_length = 254))]
        search: Query<Option<String>>,
    ) -> Result<Users, Failure<{ status::BAD_REQUEST }>> {
        let after = cursor.0.as_deref();
        let page = if let Some(beginning) = &search.0 {
            let after = after.map(search_cursor).transpose()?;
            let found = self.accounts.search(beginning, after.as_deref(), limit.0);
            page(found.await?, String::into_bytes)
        } else {
            let after = after.map(list_cursor).transpose()?;
            page(self.accounts.list(after, limit.0).await?, |id| {
                id.into_bytes().into()
            })
        };
        Ok(Users::Ok(Direct(page)))
    }

    /// Create an account
    ///
    /// Creates an account with a generated password, which is shown once.
    #[oai(path = "/admin/users", method = "post", operation_id = "createUser")]
    async fn create(
        &self,
        auth: Require<UsersWrite>,
        body: Body<CreateUser>,
    ) -> Result<Created, Failure<{ status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE }>>
    {
        let CreateUser {
            username,
            email,
            role,
        } = body.0;
        let actor = Actor::Admin(&auth.caller.account);
        let (user, initial_password) = self
            .accounts
            .create_with_generated_password(actor, username.into(), email.into(), role)
            .await?;
        let template = endpoints::READ_USER.template;
        let path = template.replace("{id}", &user.id.to_string());
        let created = CreatedUser {
            user: User::from(&user),
            initial_password,
        };
        Ok(Created::Created(
            Json(created),
            self.base_path.clone() + &path,
        ))
    }

    /// Read an account
    ///
    /// Returns an account.
    #[oai(path = "/admin/users/:id", method = "get", operation_id = "readUser")]
    async fn read(
        &self,
        _auth: Require<UsersRead>,
        /// The account's id.
        id: Path<Uuid>,
    ) -> Result<Account, Failure<{ status::BAD_ID }>> {
        let user = self.accounts.user(id.0).await?;
        Ok(Account::Ok(Json(User::from(&user))))
    }

    /// Change an account
    ///
    /// Changes the username or e-mail address, disables or enables the account. Disabling ends its
    /// sessions at once. The last administrator cannot be disabled.
    #[oai(
        path = "/admin/users/:id",
        method = "patch",
        operation_id = "updateUser"
    )]
    async fn update(
        &self,
        auth: Require<UsersWrite>,
        /// The account's id.
        id: Path<Uuid>,
        body: Body<UpdateUser>,
    ) -> Result<
        Account,
        Failure<{ status::BAD_ID | status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE }>,
    > {
        let UpdateUser {
            username,
            email,
            disabled,
        } = body.0;
        let change = ProfileChange {
            username: username.map(String::from),
            email: email.map(String::from),
            disabled,
        };
        let user = self
            .accounts
            .update(Actor::Admin(&auth.caller.account), id.0, change)
            .await?;
        Ok(Account::Ok(Json(User::from(&user))))
    }

    /// Delete an account
    ///
    /// Deletes the account, its sessions and its tokens. Cannot be undone. The last administrator
    /// cannot be deleted.
    #[oai(
        path = "/admin/users/:id",
        method = "delete",
        operation_id = "deleteUser"
    )]
    async fn delete(
        &self,
        auth: Require<UsersWrite>,
        /// The account's id.
        id: Path<Uuid>,
    ) -> Result<Done, Failure<{ status::BAD_ID | status::FORBIDDEN | status::CONFLICT }>> {
        self.accounts
            .delete(Actor::Admin(&auth.caller.account), id.0)
            .await?;
        Ok(Done::NoContent)
    }
}

const fn default_limit() -> u32 {
    50
}

fn page<P>(page: store::UserPage<P>, position: impl FnOnce(P) -> Vec<u8>) -> UserPage {
    UserPage {
        items: page.users.into_iter().map(User::from).collect(),
        next_cursor: page.next.map(|next| URL_SAFE_NO_PAD.encode(position(next))),
    }
}

/// An account's id.
fn list_cursor(cursor: &str) -> Result<Uuid, Problem> {
    decode(cursor)
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(bad_cursor)
}

/// A username or e-mail address.
fn search_cursor(cursor: &str) -> Result<String, Problem> {
    decode(cursor)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(bad_cursor)
}

fn decode(cursor: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(cursor).ok()
}

fn bad_cursor() -> Problem {
    Problem::malformed().field("cursor", "must be the next_cursor of a page")
}

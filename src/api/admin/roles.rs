//! Roles: what they grant and inherit.

use std::sync::Arc;

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::names::{self, PAGES, after, default_limit, next, precondition};
use super::operation;
use super::role_views::{CreateRole, Role, RolePage, UpdateRole};
use crate::accounts::Actor;
use crate::accounts::policy_changes::{PolicyChanges, Precondition, RoleChange};
use crate::api::Tag;
use crate::api::body::Body;
use crate::api::edge::operation::{BodyPolicy, Operation};
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, RolesRead, RolesWrite};
use crate::api::views::Done;
use crate::error::Error;
use crate::rbac::Permission;
use catalogue::endpoints;

/// Roles.
pub struct RolesApi {
    policy: Arc<PolicyChanges>,
    base_path: String,
}

impl RolesApi {
    /// The operations, for clients that find the API below this path.
    pub const fn new(policy: Arc<PolicyChanges>, base_path: String) -> Self {
        Self { policy, base_path }
    }
}

/// The largest body of a role: a thousand grants of 128 bytes.
const ROLE: usize = 128 * 1024;

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_ROLES, Permission::RolesRead).query(&PAGES),
    operation(endpoints::CREATE_ROLE, Permission::RolesWrite).body(BodyPolicy::STRICT.up_to(ROLE)),
    operation(endpoints::READ_ROLE, Permission::RolesRead),
    operation(endpoints::PUT_ROLE, Permission::RolesWrite).body(BodyPolicy::STRICT.up_to(ROLE)),
    operation(endpoints::UPDATE_ROLE, Permission::RolesWrite).body(BodyPolicy::STRICT.up_to(ROLE)),
    operation(endpoints::DELETE_ROLE, Permission::RolesWrite),
];

#[derive(ApiResponse)]
enum Roles {
    /// One page.
    #[oai(status = 200)]
    Ok(Json<RolePage>),
}

#[derive(ApiResponse)]
enum Stored {
    /// The role.
    #[oai(status = 200)]
    Ok(
        Json<Role>,
        /// The version of the role, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
    /// The role was created.
    #[oai(status = 201)]
    Created(
        Json<Role>,
        /// The version of the role, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The path of the role.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum One {
    /// The role.
    #[oai(status = 200)]
    Ok(
        Json<Role>,
        /// The version of the role, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum New {
    /// The role was created.
    #[oai(status = 201)]
    Created(
        Json<Role>,
        /// The version of the role, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The path of the role.
        #[oai(header = "Location")]
        String,
    ),
}

/// Of a change of one role.
const CHANGE: u16 = status::BAD_REQUEST
    | status::FORBIDDEN
    | status::CONFLICT
    | status::UNPROCESSABLE
    | status::PRECONDITION;

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Policy")]
impl RolesApi {
    /// List roles
    ///
    /// Lists roles in the order of their names, with what they grant.
    #[oai(path = "/admin/roles", method = "get", operation_id = "listRoles")]
    async fn list(
        &self,
        _auth: Require<RolesRead>,
        /// The maximum number of roles on the page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "200"))
        )]
        limit: Query<u32>,
        /// `next_cursor` of the previous page.
        #[oai(validator(pattern = "^[A-Za-z0-9_-]{2,512}$"))]
        cursor: Query<Option<String>>,
    ) -> Result<Roles, Failure<{ status::BAD_REQUEST }>> {
        let after = after(cursor.0.as_deref())?;
        let (items, more) = self.policy.roles(after.as_deref(), limit.0 as usize);
        let last = items.last().map(|role| role.name.clone());
        Ok(Roles::Ok(Json(RolePage {
            next_cursor: next(last.as_deref(), more),
            items: items.into_iter().map(Role::from).collect(),
        })))
    }

    /// Create a role
    ///
    /// Creates a role. You need every permission that it grants, or `roles:assign_any`.
    #[oai(path = "/admin/roles", method = "post", operation_id = "createRole")]
    async fn create(
        &self,
        auth: Require<RolesWrite>,
        body: Body<CreateRole>,
    ) -> Result<
        New,
        Failure<
            { status::BAD_REQUEST | status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE },
        >,
    > {
        let CreateRole {
            name,
            description,
            parents,
            grants,
        } = body.0;
        let change = UpdateRole {
            description,
            parents,
            grants,
        };
        let change = change.read()?;
        let actor = Actor::Admin(&auth.caller.account);
        let created = self
            .policy
            .put_role(actor, &name, change, &Precondition::Absent);
        let (role, _) = created.await.map_err(|error| match error {
            Error::PreconditionFailed => Error::Conflict("a role has this name"),
            error => error,
        })?;
        let (tag, path) = (names::etag(&role.tag), self.path(&role.name));
        Ok(New::Created(Json(role.into()), tag, path))
    }

    /// Read a role
    ///
    /// Returns a role and its version.
    #[oai(path = "/admin/roles/:name", method = "get", operation_id = "readRole")]
    async fn read(
        &self,
        _auth: Require<RolesRead>,
        /// The role's name.
        name: Path<String>,
    ) -> Result<One, Failure<{ status::BAD_ID }>> {
        let role = self.policy.role(&name.0)?;
        let tag = names::etag(&role.tag);
        Ok(One::Ok(Json(role.into()), tag))
    }

    /// Create or replace a role
    ///
    /// Creates the role, or replaces its description, parents and grants; what is absent becomes empty.
    /// Repeating it changes nothing. `If-Match` with the `ETag` that you read refuses it if the role has
    /// changed since, `If-None-Match: *` if it exists.
    #[oai(path = "/admin/roles/:name", method = "put", operation_id = "putRole")]
    async fn put(
        &self,
        auth: Require<RolesWrite>,
        /// The role's name.
        name: Path<String>,
        /// The `ETag` of the version to be replaced, or `*` for any.
        #[oai(name = "If-Match", validator(max_length = 64))]
        if_match: Header<Option<String>>,
        /// `*`: only if the role does not exist.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
        body: Body<UpdateRole>,
    ) -> Result<Stored, Failure<CHANGE>> {
        let precondition = precondition(if_match.0.as_deref(), if_none_match.0.as_deref())?;
        let change = body.0.read()?;
        let change = RoleChange {
            description: Some(change.description.unwrap_or_default()),
            parents: Some(change.parents.unwrap_or_default()),
            grants: Some(change.grants.unwrap_or_default()),
        };
        let actor = Actor::Admin(&auth.caller.account);
        let put = self
            .policy
            .put_role(actor, &name.0, change, &precondition)
            .await?;
        let (role, new) = put;
        let (tag, path) = (names::etag(&role.tag), self.path(&role.name));
        let role = Json(role.into());
        Ok(if new {
            Stored::Created(role, tag, path)
        } else {
            Stored::Ok(role, tag)
        })
    }

    /// Change a role
    ///
    /// Changes the description, the parents or the grants; what is absent stays. `If-Match` with the
    /// `ETag` that you read refuses it if the role has changed since.
    #[oai(
        path = "/admin/roles/:name",
        method = "patch",
        operation_id = "updateRole"
    )]
    async fn update(
        &self,
        auth: Require<RolesWrite>,
        /// The role's name.
        name: Path<String>,
        /// The `ETag` of the version to be changed, or `*` for any.
        #[oai(name = "If-Match", validator(max_length = 64))]
        if_match: Header<Option<String>>,
        body: Body<UpdateRole>,
    ) -> Result<One, Failure<{ CHANGE | status::NOT_FOUND }>> {
        let precondition = match precondition(if_match.0.as_deref(), None)? {
            // Unlike PUT, it creates nothing.
            Precondition::None => Precondition::Exists,
            given => given,
        };
        self.policy.role(&name.0)?;
        let change = body.0.read()?;
        let actor = Actor::Admin(&auth.caller.account);
        let put = self
            .policy
            .put_role(actor, &name.0, change, &precondition)
            .await?;
        let tag = names::etag(&put.0.tag);
        Ok(One::Ok(Json(put.0.into()), tag))
    }

    /// Delete a role
    ///
    /// Deletes a role that no account holds and no other role inherits.
    #[oai(
        path = "/admin/roles/:name",
        method = "delete",
        operation_id = "deleteRole"
    )]
    async fn delete(
        &self,
        auth: Require<RolesWrite>,
        /// The role's name.
        name: Path<String>,
        /// The `ETag` of the version to be deleted, or `*` for any.
        #[oai(name = "If-Match", validator(max_length = 64))]
        if_match: Header<Option<String>>,
    ) -> Result<Done, Failure<{ status::BAD_ID | status::CONFLICT | status::PRECONDITION }>> {
        let precondition = precondition(if_match.0.as_deref(), None)?;
        let actor = Actor::Admin(&auth.caller.account);
        self.policy
            .delete_role(actor, &name.0, &precondition)
            .await?;
        Ok(Done::NoContent)
    }

    fn path(&self, name: &str) -> String {
        let path = endpoints::READ_ROLE.template.replace("{name}", name);
        self.base_path.clone() + &path
    }
}

//! Permissions of other services.

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;

use super::names::{PAGES, after, default_limit, next};
use super::operation;
use crate::accounts::Actor;
use crate::accounts::policy_changes::{PermissionView, PolicyChanges};
use crate::api::Tag;
use crate::api::body::Body;
use crate::api::edge::operation::{BodyPolicy, Operation};
use crate::api::failure::{Failure, status};
use crate::api::fields::present;
use crate::api::guard::{Require, RolesRead, RolesWrite};
use crate::api::views::Done;
use crate::error::Error;
use crate::rbac;
use catalogue::endpoints;

/// Permissions.
pub struct PermissionsApi {
    policy: Arc<PolicyChanges>,
    base_path: String,
}

impl PermissionsApi {
    /// The operations, for clients that find the API below this path.
    pub const fn new(policy: Arc<PolicyChanges>, base_path: String) -> Self {
        Self { policy, base_path }
    }
}

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_PERMISSIONS, rbac::Permission::RolesRead).query(&PAGES),
    operation(endpoints::CREATE_PERMISSION, rbac::Permission::RolesWrite).body(BodyPolicy::STRICT),
    operation(endpoints::READ_PERMISSION, rbac::Permission::RolesRead),
    operation(endpoints::PUT_PERMISSION, rbac::Permission::RolesWrite).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_PERMISSION, rbac::Permission::RolesWrite),
];

/// A permission to be registered.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreatePermission {
    /// Its name, `resource:action`.
    #[oai(validator(max_length = 127))]
    name: String,
    /// What it allows.
    #[oai(validator(max_length = 500))]
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
}

/// The description of a permission.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribePermission {
    /// What it allows.
    #[oai(validator(max_length = 500))]
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
}

/// A permission.
#[derive(Debug, Object)]
struct Permission {
    /// Its name, `resource:action`.
    name: String,
    /// What it allows.
    description: String,
    /// Whether it belongs to the service.
    built_in: bool,
}

impl From<PermissionView> for Permission {
    fn from(permission: PermissionView) -> Self {
        Self {
            name: permission.name,
            description: permission.description,
            built_in: permission.built_in,
        }
    }
}

/// One page of permissions.
#[derive(Debug, Object)]
struct PermissionPage {
    /// The permissions.
    items: Vec<Permission>,
    /// The `cursor` of the next page. Absent on the last page.
    #[oai(skip_serializing_if_is_none)]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum Permissions {
    /// One page.
    #[oai(status = 200)]
    Ok(Json<PermissionPage>),
}

#[derive(ApiResponse)]
enum One {
    /// The permission.
    #[oai(status = 200)]
    Ok(Json<Permission>),
}

#[derive(ApiResponse)]
enum New {
    /// The permission was registered.
    #[oai(status = 201)]
    Created(
        Json<Permission>,
        /// The path of the permission.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Stored {
    /// The permission.
    #[oai(status = 200)]
    Ok(Json<Permission>),
    /// The permission was registered.
    #[oai(status = 201)]
    Created(
        Json<Permission>,
        /// The path of the permission.
        #[oai(header = "Location")]
        String,
    ),
}

/// Of a change of one permission.
const CHANGE: u16 =
    status::BAD_REQUEST | status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE;

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Policy")]
impl PermissionsApi {
    /// List permissions
    ///
    /// Lists permissions in the order of their names, those of the service too.
    #[oai(
        path = "/admin/permissions",
        method = "get",
        operation_id = "listPermissions"
    )]
    async fn list(
        &self,
        _auth: Require<RolesRead>,
        /// The maximum number of permissions on the page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "200"))
        )]
        limit: Query<u32>,
        /// `next_cursor` of the previous page.
        #[oai(validator(pattern = "^[A-Za-z0-9_-]{2,512}$"))]
        cursor: Query<Option<String>>,
    ) -> Result<Permissions, Failure<{ status::BAD_REQUEST }>> {
        let after = after(cursor.0.as_deref())?;
        let (items, more) = self.policy.permissions(after.as_deref(), limit.0 as usize);
        let last = items.last().map(|permission| permission.name.clone());
        Ok(Permissions::Ok(Json(PermissionPage {
            next_cursor: next(last.as_deref(), more),
            items: items.into_iter().map(Permission::from).collect(),
        })))
    }

    /// Register a permission
    ///
    /// Registers a permission of another service, so that roles can grant it. Where roles grant
    /// `resource:*`, they grant it at once: then you need `roles:assign_any`.
    #[oai(
        path = "/admin/permissions",
        method = "post",
        operation_id = "createPermission"
    )]
    async fn create(
        &self,
        auth: Require<RolesWrite>,
        body: Body<CreatePermission>,
    ) -> Result<New, Failure<CHANGE>> {
        let CreatePermission { name, description } = body.0;
        if self.policy.permission(&name).is_ok() {
            return Err(Error::Conflict("a permission has this name").into());
        }
        let actor = Actor::Admin(&auth.caller.account);
        let description = description.unwrap_or_default();
        let put = self.policy.put_permission(actor, &name, &description);
        let (permission, _) = put.await?;
        let path = self.path(&permission.name);
        Ok(New::Created(Json(permission.into()), path))
    }

    /// Read a permission
    ///
    /// Returns a permission.
    #[oai(
        path = "/admin/permissions/:name",
        method = "get",
        operation_id = "readPermission"
    )]
    async fn read(
        &self,
        _auth: Require<RolesRead>,
        /// The permission's name.
        name: Path<String>,
    ) -> Result<One, Failure<{ status::BAD_ID }>> {
        Ok(One::Ok(Json(self.policy.permission(&name.0)?.into())))
    }

    /// Register or describe a permission
    ///
    /// Registers the permission, or replaces its description. Repeating it changes nothing.
    #[oai(
        path = "/admin/permissions/:name",
        method = "put",
        operation_id = "putPermission"
    )]
    async fn put(
        &self,
        auth: Require<RolesWrite>,
        /// The permission's name.
        name: Path<String>,
        body: Body<DescribePermission>,
    ) -> Result<Stored, Failure<CHANGE>> {
        let actor = Actor::Admin(&auth.caller.account);
        let description = body.0.description.unwrap_or_default();
        let put = self.policy.put_permission(actor, &name.0, &description);
        let (permission, new) = put.await?;
        let path = self.path(&permission.name);
        let permission = Json(permission.into());
        Ok(if new {
            Stored::Created(permission, path)
        } else {
            Stored::Ok(permission)
        })
    }

    /// Remove a permission
    ///
    /// Removes a permission that no role grants by its name.
    #[oai(
        path = "/admin/permissions/:name",
        method = "delete",
        operation_id = "deletePermission"
    )]
    async fn delete(
        &self,
        auth: Require<RolesWrite>,
        /// The permission's name.
        name: Path<String>,
    ) -> Result<Done, Failure<{ status::BAD_ID | status::CONFLICT }>> {
        let actor = Actor::Admin(&auth.caller.account);
        self.policy.delete_permission(actor, &name.0).await?;
        Ok(Done::NoContent)
    }

    fn path(&self, name: &str) -> String {
        let template = endpoints::READ_PERMISSION.template;
        self.base_path.clone() + &template.replace("{name}", name)
    }
}

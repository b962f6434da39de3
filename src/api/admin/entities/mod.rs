//! Registered subjects and resources of other services, and their types: the same operations for both.

mod bodies;
mod bounds;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use self::bodies::{
    ChangeEntities, Changed, Entities, EntityPage, EntityTypeList, One, PutEntity, PutEntityType,
    Type, Types,
};
use super::operation;
use crate::api::Tag;
use crate::api::body::Body;
use crate::api::direct::Direct;
use crate::api::edge::operation::{BodyPolicy, Operation, QueryParameter, Values};
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, RolesRead, RolesWrite};
use crate::api::problem::Problem;
use crate::api::views::Done;
use crate::decisions::registry::Registry;
use crate::error::{Error, Result};
use crate::rbac::Permission;
use crate::store::Side;
use catalogue::endpoints;

/// Registered resources.
pub struct AdminResourcesApi(pub Arc<Registry>);

/// Registered subjects.
pub struct AdminSubjectsApi(pub Arc<Registry>);

/// The query parameters of a list.
const PAGES: [QueryParameter; 2] = [
    QueryParameter {
        name: "limit",
        values: Values::Numbers(1, 50),
    },
    QueryParameter {
        name: "cursor",
        values: Values::Cursors(2, 1366),
    },
];

/// The largest body of a batch: a thousand entities of a kilobyte.
const BATCH: usize = 1024 * 1024;

const READ: Permission = Permission::RolesRead;
const WRITE: Permission = Permission::RolesWrite;

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_RESOURCE_TYPES, READ),
    operation(endpoints::PUT_RESOURCE_TYPE, WRITE).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_RESOURCE_TYPE, WRITE),
    operation(endpoints::LIST_RESOURCES, READ).query(&PAGES),
    operation(endpoints::CHANGE_RESOURCES, WRITE).body(BodyPolicy::STRICT.up_to(BATCH)),
    operation(endpoints::READ_RESOURCE, READ),
    operation(endpoints::PUT_RESOURCE, WRITE).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_RESOURCE, WRITE),
    operation(endpoints::LIST_SUBJECT_TYPES, READ),
    operation(endpoints::PUT_SUBJECT_TYPE, WRITE).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_SUBJECT_TYPE, WRITE),
    operation(endpoints::LIST_SUBJECTS, READ).query(&PAGES),
    operation(endpoints::CHANGE_SUBJECTS, WRITE).body(BodyPolicy::STRICT.up_to(BATCH)),
    operation(endpoints::READ_SUBJECT, READ),
    operation(endpoints::PUT_SUBJECT, WRITE).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_SUBJECT, WRITE),
];

const fn default_limit() -> u32 {
    50
}

async fn types(registry: &Registry, side: Side) -> Result<Types> {
    let types = registry.types(side).await?;
    let items = types.into_iter().map(Into::into).collect();
    Ok(Types::Ok(Direct(EntityTypeList { items })))
}

async fn page(
    registry: &Registry,
    (side, kind): (Side, &str),
    limit: u32,
    cursor: Option<&str>,
) -> Result<Entities, Problem> {
    let position = |cursor: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let no_cursor =
            || Problem::malformed().field("cursor", "must be the next_cursor of a page");
        id.ok_or_else(no_cursor)
    };
    let after = cursor.map(position).transpose()?.unwrap_or_default();
    let (entities, next) = registry.list(side, kind, &after, limit).await?;
    Ok(Entities::Ok(Direct(EntityPage {
        items: entities.into_iter().map(Into::into).collect(),
        next_cursor: next.map(|id| URL_SAFE_NO_PAD.encode(id)),
    })))
}

async fn put(
    registry: &Registry,
    (side, kind): (Side, &str),
    id: String,
    body: PutEntity,
) -> Result<One, Problem> {
    let changes = bounds::entity(id.clone(), body)?;
    registry.change(side, kind, changes).await?;
    one(registry, (side, kind), &id)
        .await
        .map_err(Problem::from)
}

async fn one(registry: &Registry, (side, kind): (Side, &str), id: &str) -> Result<One, Error> {
    let entity = registry.entity(side, kind, id).await?;
    Ok(One::Ok(Direct(entity.into())))
}

/// The operations on one side. Only words differ.
macro_rules! operations {
    (
        $api:ident, $side:expr,
        list_types($list_types_path:tt, $list_types_id:tt, $list_types:tt),
        put_type($put_type_path:tt, $put_type_id:tt, $put_type:tt),
        delete_type($delete_type_path:tt, $delete_type_id:tt, $delete_type:tt),
        list($list_path:tt, $list_id:tt, $list:tt),
        change($change_path:tt, $change_id:tt, $change:tt),
        read($read_path:tt, $read_id:tt, $read:tt),
        put($put_path:tt, $put_id:tt, $put:tt),
        delete($delete_path:tt, $delete_id:tt, $delete:tt) $(,)?
    ) => {
        #[OpenApi(tag = "Tag::Authorization")]
        impl $api {
            #[doc = $list_types]
            ///
            /// Lists the types, sorted by name.
            #[oai(path = $list_types_path, method = "get", operation_id = $list_types_id)]
            async fn list_types(&self, _auth: Require<RolesRead>) -> Result<Types, Failure<0>> {
                Ok(types(&self.0, $side).await?)
            }

            #[doc = $put_type]
            ///
            /// Only of registered types entities are looked up. Takes effect at once here, and within a
            /// second on other replicas.
            #[oai(path = $put_type_path, method = "put", operation_id = $put_type_id)]
            async fn put_type(
                &self,
                auth: Require<RolesWrite>,
                /// The type's name, which is formed like that of a role.
                #[oai(name = "type")]
                kind: Path<String>,
                body: Body<PutEntityType>,
            ) -> Result<Type, Failure<{ status::BAD_REQUEST | status::UNPROCESSABLE }>> {
                let new = bounds::entity_type($side, kind.0, body.0)?;
                let written = self.0.put_type(new, auth.caller.id()).await?;
                Ok(Type::Ok(Direct(written.into())))
            }

            #[doc = $delete_type]
            ///
            /// Deletes the type with its entities, of which it may have 10,000 at most.
            #[oai(path = $delete_type_path, method = "delete", operation_id = $delete_type_id)]
            async fn delete_type(
                &self,
                auth: Require<RolesWrite>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
            ) -> Result<Done, Failure<{ status::NOT_FOUND | status::CONFLICT }>> {
                let by = auth.caller.id();
                self.0.delete_type($side, &kind.0, by).await?;
                Ok(Done::NoContent)
            }

            #[doc = $list]
            ///
            /// Lists the entities of a type, sorted by id. `next_cursor` of one page is `cursor` of the next.
            #[oai(path = $list_path, method = "get", operation_id = $list_id)]
            async fn list(
                &self,
                _auth: Require<RolesRead>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
                /// The maximum number of entities on the page.
                #[oai(
                    default = "default_limit",
                    validator(minimum(value = "1"), maximum(value = "50"))
                )]
                limit: Query<u32>,
                /// `next_cursor` of the previous page.
                #[oai(validator(pattern = "^[A-Za-z0-9_-]{2,1366}$"))]
                cursor: Query<Option<String>>,
            ) -> Result<Entities, Failure<{ status::BAD_ID }>> {
                let of_type = ($side, kind.0.as_str());
                Ok(page(&self.0, of_type, limit.0, cursor.0.as_deref()).await?)
            }

            #[doc = $change]
            ///
            /// Makes all of the changes or none. Questions see them within a second, on every replica.
            #[oai(path = $change_path, method = "post", operation_id = $change_id)]
            async fn change(
                &self,
                _auth: Require<RolesWrite>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
                body: Body<ChangeEntities>,
            ) -> Result<Changed, Failure<{ status::NOT_FOUND | status::UNPROCESSABLE }>> {
                let changes = bounds::batch(body.0)?;
                let written = self.0.change($side, &kind.0, changes).await?;
                Ok(Changed::Ok(Json(written.into())))
            }

            #[doc = $read]
            ///
            /// Returns an entity.
            #[oai(path = $read_path, method = "get", operation_id = $read_id)]
            async fn read(
                &self,
                _auth: Require<RolesRead>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
                /// The entity's id, percent-encoded.
                entity: Path<String>,
            ) -> Result<One, Failure<{ status::NOT_FOUND }>> {
                Ok(one(&self.0, ($side, kind.0.as_str()), &entity.0).await?)
            }

            #[doc = $put]
            ///
            /// Creates or replaces an entity. Questions see it within a second, on every replica.
            #[oai(path = $put_path, method = "put", operation_id = $put_id)]
            async fn put(
                &self,
                _auth: Require<RolesWrite>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
                /// The entity's id, percent-encoded: 1 to 256 characters, none of them a control character.
                entity: Path<String>,
                body: Body<PutEntity>,
            ) -> Result<One, Failure<{ status::BAD_ID | status::UNPROCESSABLE }>> {
                Ok(put(&self.0, ($side, kind.0.as_str()), entity.0, body.0).await?)
            }

            #[doc = $delete]
            ///
            /// Deletes an entity. Questions see that within a second, on every replica.
            #[oai(path = $delete_path, method = "delete", operation_id = $delete_id)]
            async fn delete(
                &self,
                _auth: Require<RolesWrite>,
                /// The type's name.
                #[oai(name = "type")]
                kind: Path<String>,
                /// The entity's id, percent-encoded.
                entity: Path<String>,
            ) -> Result<Done, Failure<{ status::NOT_FOUND }>> {
                self.0.delete_entity($side, &kind.0, entity.0).await?;
                Ok(Done::NoContent)
            }
        }
    };
}

operations! {
    AdminResourcesApi, Side::Resource,
    list_types("/admin/resources", "listResourceTypes", "List types of resources"),
    put_type("/admin/resources/:type", "putResourceType", "Register a type of resources"),
    delete_type("/admin/resources/:type", "deleteResourceType", "Delete a type of resources"),
    list("/admin/resources/:type", "listResources", "List resources"),
    change("/admin/resources/:type/batch", "changeResources", "Register and delete resources"),
    read("/admin/resources/:type/:entity", "readResource", "Read a resource"),
    put("/admin/resources/:type/:entity", "putResource", "Register a resource"),
    delete("/admin/resources/:type/:entity", "deleteResource", "Delete a resource"),
}

operations! {
    AdminSubjectsApi, Side::Subject,
    list_types("/admin/subjects", "listSubjectTypes", "List types of subjects"),
    put_type("/admin/subjects/:type", "putSubjectType", "Register a type of subjects"),
    delete_type("/admin/subjects/:type", "deleteSubjectType", "Delete a type of subjects"),
    list("/admin/subjects/:type", "listSubjects", "List subjects"),
    change("/admin/subjects/:type/batch", "changeSubjects", "Register and delete subjects"),
    read("/admin/subjects/:type/:entity", "readSubject", "Read a subject"),
    put("/admin/subjects/:type/:entity", "putSubject", "Register a subject"),
    delete("/admin/subjects/:type/:entity", "deleteSubject", "Delete a subject"),
}

//! Bodies and answers.

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};

use crate::api::direct::Direct;
use crate::api::fields::present;
use crate::api::json_object::JsonObject;
use crate::api::time::Time;
use crate::decisions::registry::{EntityView, Written};
use crate::store;

/// A type of entities.
#[derive(Debug, Object, Serialize)]
pub struct EntityType {
    /// Its name.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Whether properties that come with a question count before registered ones.
    pub caller_wins: bool,
}

impl From<store::EntityType> for EntityType {
    fn from(known: store::EntityType) -> Self {
        Self {
            kind: known.kind,
            description: known.description,
            caller_wins: known.caller_wins,
        }
    }
}

/// Types of entities.
#[derive(Debug, Object, Serialize)]
pub struct EntityTypeList {
    /// The types, sorted by name.
    pub items: Vec<EntityType>,
}

/// A type of entities to create or replace.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEntityType {
    /// What it is for. Default: empty.
    #[serde(default, deserialize_with = "present")]
    pub description: Option<String>,
    /// Whether properties that come with a question count before registered ones. Default: registered ones
    /// count first.
    #[serde(default, deserialize_with = "present")]
    pub caller_wins: Option<bool>,
}

/// A registered entity.
#[derive(Debug, Object, Serialize)]
pub struct Entity {
    /// Its id, unique within the type.
    pub id: String,
    /// Its properties.
    pub properties: JsonObject,
    /// When it was last written.
    pub updated_at: Time,
}

impl From<EntityView> for Entity {
    fn from(entity: EntityView) -> Self {
        Self {
            id: entity.id,
            properties: JsonObject(entity.properties),
            updated_at: entity.updated_at.into(),
        }
    }
}

/// One page of entities.
#[derive(Debug, Object, Serialize)]
pub struct EntityPage {
    /// The entities, sorted by id.
    pub items: Vec<Entity>,
    /// The `cursor` of the next page. Absent on the last page.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An entity to create or replace.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEntity {
    /// Its properties: at most 8 KiB as JSON, and 8 objects and lists within one another. Default: none.
    #[serde(default, deserialize_with = "present")]
    pub properties: Option<JsonObject>,
}

/// An entity of a batch.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEntity {
    /// Its id, unique within the type.
    pub id: String,
    /// Its properties: at most 8 KiB as JSON, and 8 objects and lists within one another. Default: none.
    #[serde(default, deserialize_with = "present")]
    pub properties: Option<JsonObject>,
}

/// Changes of entities of one type: at most 1000 together.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeEntities {
    /// The entities to create or replace.
    #[serde(default, deserialize_with = "present")]
    pub upsert: Option<Vec<NewEntity>>,
    /// The ids of entities to delete. Those that do not exist are ignored.
    #[serde(default, deserialize_with = "present")]
    pub delete: Option<Vec<String>>,
}

/// What a batch changed.
#[derive(Debug, Object)]
pub struct ChangedEntities {
    /// The number of entities that were created or replaced.
    pub upserted: u32,
    /// The number of entities that were deleted.
    pub deleted: u32,
}

impl From<Written> for ChangedEntities {
    fn from(written: Written) -> Self {
        Self {
            upserted: u32::try_from(written.upserted).unwrap_or(u32::MAX),
            deleted: u32::try_from(written.deleted).unwrap_or(u32::MAX),
        }
    }
}

#[derive(ApiResponse)]
pub enum Types {
    /// The types.
    #[oai(status = 200)]
    Ok(Direct<EntityTypeList>),
}

#[derive(ApiResponse)]
pub enum Type {
    /// The type.
    #[oai(status = 200)]
    Ok(Direct<EntityType>),
}

#[derive(ApiResponse)]
pub enum Entities {
    /// One page.
    #[oai(status = 200)]
    Ok(Direct<EntityPage>),
}

#[derive(ApiResponse)]
pub enum One {
    /// The entity.
    #[oai(status = 200)]
    Ok(Direct<Entity>),
}

#[derive(ApiResponse)]
pub enum Changed {
    /// All changes were made.
    #[oai(status = 200)]
    Ok(Json<ChangedEntities>),
}

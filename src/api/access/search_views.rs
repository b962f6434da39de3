//! The documented forms of searches and their answers.

use poem_openapi::{ApiResponse, Object};
use serde::Serialize;

use super::views::{AccessAction, AccessEntity, AnyProperties};
use crate::api::direct::Direct;

/// The subjects or resources to find. An id is ignored.
#[derive(Object)]
pub struct SearchTarget {
    /// Their type.
    #[oai(rename = "type")]
    kind: String,
    /// Properties that each of them has, beside registered ones.
    properties: Option<AnyProperties>,
}

/// Which part of the results to answer with.
#[derive(Object)]
pub struct SearchPage {
    /// `next_token` of the page before. Everything else must be the same as for that page; the limit may be
    /// left out.
    token: Option<String>,
    /// The most results of the page: 100 by default, never more than 1000.
    limit: Option<u32>,
    /// Ignored.
    properties: Option<AnyProperties>,
}

/// Which subjects may do this with the resource? Unknown fields are ignored.
#[derive(Object)]
pub struct SubjectSearch {
    /// The subjects to find.
    subject: SearchTarget,
    /// The action.
    action: AccessAction,
    /// The resource.
    resource: AccessEntity,
    /// The environment of the question. No decision depends on it.
    context: Option<AnyProperties>,
    /// The page.
    page: Option<SearchPage>,
}

/// With which resources may the subject do this? Unknown fields are ignored.
#[derive(Object)]
pub struct ResourceSearch {
    /// The subject.
    subject: AccessEntity,
    /// The action.
    action: AccessAction,
    /// The resources to find.
    resource: SearchTarget,
    /// The environment of the question. No decision depends on it.
    context: Option<AnyProperties>,
    /// The page.
    page: Option<SearchPage>,
}

/// What may the subject do with the resource? Unknown fields are ignored.
#[derive(Object)]
pub struct ActionSearch {
    /// The subject.
    subject: AccessEntity,
    /// The resource.
    resource: AccessEntity,
    /// The environment of the question. No decision depends on it.
    context: Option<AnyProperties>,
    /// The page.
    page: Option<SearchPage>,
}

/// The place of a page among all results.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "FoundPage")]
pub struct Place {
    /// The `token` of the next page; empty on the last one. A page may be short although another follows.
    pub next_token: String,
    /// The number of results of this page.
    pub count: u32,
}

/// A subject or a resource.
#[derive(Debug, Object, Serialize)]
pub struct FoundEntity {
    /// Its type.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// An action.
#[derive(Debug, Object, Serialize)]
pub struct FoundAction {
    /// Its name.
    pub name: String,
}

/// Subjects or resources.
#[derive(Debug, Object, Serialize)]
pub struct FoundEntities {
    /// Absent if these are all results and no page was asked for.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Place>,
    /// The results.
    pub results: Vec<FoundEntity>,
}

/// Actions.
#[derive(Debug, Object, Serialize)]
pub struct FoundActions {
    /// Absent if these are all results and no page was asked for.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Place>,
    /// The results.
    pub results: Vec<FoundAction>,
}

/// The answer with subjects or resources.
#[derive(ApiResponse)]
pub enum Entities {
    /// A page of them. What nobody knows has no results.
    #[oai(status = 200)]
    Ok(Direct<FoundEntities>),
}

/// The answer with actions.
#[derive(ApiResponse)]
pub enum Actions {
    /// A page of them. What nobody knows has no results.
    #[oai(status = 200)]
    Ok(Direct<FoundActions>),
}

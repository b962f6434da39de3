//! Searches: which subjects, resources or actions an evaluation would allow.

use std::sync::Arc;

use poem_openapi::OpenApi;
use serde_json::{Map, Value};

use super::question::{Wanted, refusal, search};
use super::search_views::{
    ActionSearch, Actions, Entities, FoundAction, FoundActions, FoundEntities, FoundEntity, Place,
    ResourceSearch, SubjectSearch,
};
use super::sent::Sent;
use crate::api::Tag;
use crate::api::direct::Direct;
use crate::api::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use crate::api::failure::{Failure, status};
use crate::api::guard::{AuthzSearch, Require};
use crate::api::problem::Problem;
use crate::decisions::Decisions;
use crate::decisions::search::{MOST, Page, PageTokens, Position};
use crate::error::Error;
use crate::rbac::{Permission, Question};
use catalogue::endpoints::{self, Endpoint};

/// Results of a page without a limit.
const USUAL: u32 = 100;

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::SEARCH_SUBJECTS),
    operation(endpoints::SEARCH_RESOURCES),
    operation(endpoints::SEARCH_ACTIONS),
];

/// A search changes nothing, so it stops with its client.
const fn operation(endpoint: Endpoint) -> Operation {
    Operation::new(endpoint, Access::Needs(Permission::AuthzSearch))
        .body(BodyPolicy::AUTHZEN)
        .rate_limit(RateLimit::Decisions)
        .any_request_id()
        .stops_with_client()
}

/// Searches.
pub struct SearchApi {
    decisions: Arc<Decisions>,
    tokens: PageTokens,
}

#[OpenApi(tag = "Tag::Authorization")]
impl SearchApi {
    /// Search for subjects
    ///
    /// The Subject Search API of OpenID AuthZEN 1.0: which subjects of a type may do this with the resource?
    /// Results are registered subjects and, for the type `user`, enabled accounts that an evaluation would
    /// allow. The work for one page is bounded, so that a page may be short although another follows.
    #[oai(
        path = "/access/v1/search/subject",
        method = "post",
        operation_id = "searchSubjects"
    )]
    async fn subjects(
        &self,
        _auth: Require<AuthzSearch>,
        body: Sent<SubjectSearch>,
    ) -> Result<Entities, Failure<{ status::BAD_REQUEST }>> {
        let asked = search(&body.fields, Wanted::Subjects).map_err(refusal)?;
        let page = self.begin(&body.fields, &asked, Wanted::Subjects)?;
        let found = self
            .decisions
            .search_subjects(&asked, page.from.clone(), page.limit);
        self.entities(asked.subject.kind, &page, found.await?)
    }

    /// Search for resources
    ///
    /// The Resource Search API of OpenID AuthZEN 1.0: with which resources of a type may the subject do this?
    /// Results are registered resources, and those that one of the subject's assignments is for, that an
    /// evaluation would allow. The work for one page is bounded, so that a page may be short although another
    /// follows.
    #[oai(
        path = "/access/v1/search/resource",
        method = "post",
        operation_id = "searchResources"
    )]
    async fn resources(
        &self,
        _auth: Require<AuthzSearch>,
        body: Sent<ResourceSearch>,
    ) -> Result<Entities, Failure<{ status::BAD_REQUEST }>> {
        let asked = search(&body.fields, Wanted::Resources).map_err(refusal)?;
        let page = self.begin(&body.fields, &asked, Wanted::Resources)?;
        let found = self
            .decisions
            .search_resources(&asked, page.from.clone(), page.limit);
        self.entities(asked.resource.kind, &page, found.await?)
    }

    /// Search for actions
    ///
    /// The Action Search API of OpenID AuthZEN 1.0: what may the subject do with the resource? Results are
    /// those actions of registered permissions that an evaluation without properties of the action would
    /// allow.
    #[oai(
        path = "/access/v1/search/action",
        method = "post",
        operation_id = "searchActions"
    )]
    async fn actions(
        &self,
        _auth: Require<AuthzSearch>,
        body: Sent<ActionSearch>,
    ) -> Result<Actions, Failure<{ status::BAD_REQUEST }>> {
        let asked = search(&body.fields, Wanted::Actions).map_err(refusal)?;
        let page = self.begin(&body.fields, &asked, Wanted::Actions)?;
        let found = self
            .decisions
            .search_actions(&asked, page.from.clone(), page.limit);
        let found = found.await?;
        let place = self.place(&page, &found)?;
        let names = found.results.into_iter();
        let results = names.map(|name| FoundAction { name }).collect();
        Ok(Actions::Ok(Direct(FoundActions {
            page: place,
            results,
        })))
    }
}

/// The page that is asked for.
struct Asked {
    /// What all pages of the search have in common.
    search: Vec<u8>,
    limit: u32,
    from: Position,
    /// Whether the request says something of a page.
    paged: bool,
}

impl SearchApi {
    /// Searches, whose pages have these tokens.
    pub const fn new(decisions: Arc<Decisions>, tokens: PageTokens) -> Self {
        Self { decisions, tokens }
    }

    /// The page that a body asks for.
    fn begin(
        &self,
        body: &Map<String, Value>,
        asked: &Question<'_>,
        wanted: Wanted,
    ) -> Result<Asked, Problem> {
        let page = body.get("page");
        let wish = Wish::read(page)?;
        let other = page.and_then(|page| page.get("properties"));
        let search = common(asked, wanted, [body.get("context"), other])?;
        let paged = page.is_some();
        let Some(token) = wish.token else {
            return Ok(Asked {
                search,
                limit: wish.limit.unwrap_or(USUAL),
                from: Position::default(),
                paged,
            });
        };
        let Some((limit, from)) = self.tokens.read(&search, token) else {
            let rule = "must be the next_token of a page of the same search";
            return Err(Problem::malformed().field("page.token", rule));
        };
        if wish.limit.is_some_and(|other| other != limit) {
            let rule = "must be that of the page before";
            return Err(Problem::malformed().field("page.limit", rule));
        }
        Ok(Asked {
            search,
            limit,
            from,
            paged,
        })
    }

    /// The place of a page among all results, unless these are all of them and nobody asked.
    fn place(&self, asked: &Asked, page: &Page) -> Result<Option<Place>, Error> {
        let next = page.next.as_ref();
        let token = next.map(|next| self.tokens.make(&asked.search, asked.limit, next));
        let place = Place {
            next_token: token.transpose()?.unwrap_or_default(),
            count: u32::try_from(page.results.len()).unwrap_or(MOST),
        };
        Ok((asked.paged || page.next.is_some()).then_some(place))
    }

    fn entities<const STATUSES: u16>(
        &self,
        kind: &str,
        asked: &Asked,
        page: Page,
    ) -> Result<Entities, Failure<STATUSES>> {
        let place = self.place(asked, &page)?;
        let results = page.results.into_iter().map(|id| FoundEntity {
            kind: kind.to_owned(),
            id,
        });
        Ok(Entities::Ok(Direct(FoundEntities {
            page: place,
            results: results.collect(),
        })))
    }
}

/// What all pages of a search have in common. An id that is ignored is no part of it.
fn common(
    asked: &Question<'_>,
    wanted: Wanted,
    more: [Option<&Value>; 2],
) -> Result<Vec<u8>, Error> {
    let Question {
        subject,
        action,
        resource,
    } = asked;
    let parts = (
        wanted.word(),
        (subject.kind, subject.id, subject.properties.first),
        (action.name, action.properties.first),
        (resource.kind, resource.id, resource.properties.first),
        more,
    );
    serde_json::to_vec(&parts).map_err(Error::internal)
}

/// What a request says of its page.
#[derive(Default)]
struct Wish<'a> {
    token: Option<&'a str>,
    limit: Option<u32>,
}

impl<'a> Wish<'a> {
    fn read(page: Option<&'a Value>) -> Result<Self, Problem> {
        let refused = |field: &str, rule: &str| Err(Problem::malformed().field(field, rule));
        let fields = match page {
            None => return Ok(Self::default()),
            Some(Value::Object(fields)) => fields,
            Some(_) => return refused("page", "must be an object"),
        };
        let token = match fields.get("token") {
            None => None,
            // What the last page says.
            Some(Value::String(token)) => Some(token.as_str()).filter(|token| !token.is_empty()),
            Some(_) => return refused("page.token", "must be a string"),
        };
        let limit = match fields.get("limit").map(Value::as_u64) {
            None => None,
            Some(Some(limit)) => Some(u32::try_from(limit).unwrap_or(MOST).min(MOST)),
            Some(None) => return refused("page.limit", "must be a whole number from 0"),
        };
        let other = fields.get("properties");
        if other.is_some_and(|other| !other.is_object()) {
            return refused("page.properties", "must be an object");
        }
        Ok(Self { token, limit })
    }
}

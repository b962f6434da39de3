//! The metadata of the policy decision point: where its operations are.

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::api::Tag;
use crate::api::edge::operation::{Access, Operation};
use crate::api::failure::{Failure, status};
use crate::api::problem::{Problem, ProblemKind};
use catalogue::endpoints;

/// The record of its operation.
pub const OPERATIONS: &[Operation] =
    &[Operation::new(endpoints::AUTHZEN_METADATA, Access::Public).open()];

/// The metadata. What the service cannot do is left out.
#[derive(Clone, Debug, Object)]
struct AuthzenMetadata {
    /// The policy decision point, `PUBLIC_URL`.
    policy_decision_point: String,
    /// Where to ask one question.
    access_evaluation_endpoint: String,
    /// Where to ask several.
    #[oai(skip_serializing_if_is_none)]
    access_evaluations_endpoint: Option<String>,
    /// Where to search for subjects.
    #[oai(skip_serializing_if_is_none)]
    search_subject_endpoint: Option<String>,
    /// Where to search for resources.
    #[oai(skip_serializing_if_is_none)]
    search_resource_endpoint: Option<String>,
    /// Where to search for actions.
    #[oai(skip_serializing_if_is_none)]
    search_action_endpoint: Option<String>,
}

impl AuthzenMetadata {
    /// The metadata of the service at this address.
    fn new(base: &str) -> Self {
        // The standard's paths: an operation is named once the service has it.
        let at = |path: &str| {
            let mut known = endpoints::OPERATIONS.iter();
            let is_there = known.any(|endpoint| endpoint.template == path);
            is_there.then(|| format!("{base}{path}"))
        };
        Self {
            policy_decision_point: base.to_owned(),
            access_evaluation_endpoint: format!("{base}{}", endpoints::EVALUATE.template),
            access_evaluations_endpoint: at("/access/v1/evaluations"),
            search_subject_endpoint: at("/access/v1/search/subject"),
            search_resource_endpoint: at("/access/v1/search/resource"),
            search_action_endpoint: at("/access/v1/search/action"),
        }
    }
}

/// The metadata, if the service has an address that the standard allows.
pub struct AuthzenApi(Option<AuthzenMetadata>);

impl AuthzenApi {
    /// The metadata of the service with this `PUBLIC_URL`, which is empty if there is none.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        let https = public_url.starts_with("https://");
        Self(https.then(|| AuthzenMetadata::new(public_url)))
    }
}

#[derive(ApiResponse)]
enum Found {
    /// The metadata.
    #[oai(status = 200)]
    Ok(
        Json<AuthzenMetadata>,
        /// How long it may be cached.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Discovery")]
impl AuthzenApi {
    /// Read the metadata of the policy decision point
    ///
    /// Returns the addresses of the AuthZEN operations, which begin with `PUBLIC_URL`. The standard allows
    /// https only: with another `PUBLIC_URL`, or none, the answer is 404. Where `PUBLIC_URL` has a path,
    /// clients ask for `/.well-known/authzen-configuration/PATH`, which a proxy maps to this.
    #[oai(
        path = "/.well-known/authzen-configuration",
        method = "get",
        operation_id = "authzenConfiguration"
    )]
    async fn read(&self) -> Result<Found, Failure<{ status::NOT_FOUND }>> {
        let metadata = self.0.clone().ok_or_else(|| {
            Problem::new(ProblemKind::NotFound)
                .detail("a policy decision point has an https address, and PUBLIC_URL is none")
        })?;
        Ok(Found::Ok(Json(metadata), "public, max-age=300".to_owned()))
    }
}

//! Forward authentication: a proxy asks before it passes a request on, whether the caller of that request has
//! a permission.
//!
//! The permission stands in the address that the proxy's configuration names, so the client of the proxy does
//! not choose it. A client that asks here itself learns what it may do, and nothing about anybody else.

use std::sync::Arc;

use poem::Request;
use poem::http::HeaderName;
use poem_openapi::param::Query;
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use super::access::LONGEST;
use super::edge::client_address;
use super::edge::operation::{Access, Operation, QueryParameter, RateLimit, Values};
use super::failure::{Failure, status};
use super::guard::{self, Authenticated, Require};
use super::problem::Problem;
use crate::config::Networks;
use crate::decisions::{Decisions, USER};
use crate::events::{Event, Forwarded};
use crate::rbac::names::{LONGEST_PERMISSION, is_permission_name};
use crate::rbac::{Action, Entity, Permission, Properties, Question, Scope};
use catalogue::endpoints;

/// The original request, as nginx is told to name it and as Traefik and Caddy do.
const METHODS: [HeaderName; 2] = [
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-forwarded-method"),
];
const URIS: [HeaderName; 2] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-forwarded-uri"),
];
/// As much of the original request as the log says.
const SHOWN: usize = 200;

/// The record of its operation.
pub const OPERATIONS: &[Operation] =
    &[
        Operation::new(endpoints::FORWARD, Access::Needs(Permission::Authenticated))
            .query(&[
                QueryParameter {
                    name: "permission",
                    values: Values::Texts(3, LONGEST_PERMISSION),
                },
                QueryParameter {
                    name: "resource_id",
                    values: Values::Texts(1, LONGEST),
                },
            ])
            .rate_limit(RateLimit::Decisions),
    ];

/// Forward authentication.
pub struct ForwardApi {
    decisions: Arc<Decisions>,
    proxies: Networks,
}

impl ForwardApi {
    /// Answers by these decisions. The log has the original requests that these proxies report.
    #[must_use]
    pub const fn new(decisions: Arc<Decisions>, proxies: Networks) -> Self {
        Self { decisions, proxies }
    }
}

#[derive(ApiResponse)]
enum Admitted {
    /// The caller has the permission. The headers say who it is.
    #[oai(status = 200)]
    Ok(
        /// The account's id.
        #[oai(header = "X-Auth-Subject")]
        String,
        /// The account's name.
        #[oai(header = "X-Auth-Username")]
        String,
        /// The account's roles, separated by commas.
        #[oai(header = "X-Auth-Roles")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Authorization")]
impl ForwardApi {
    /// Admit a request of a proxy
    ///
    /// For `auth_request` of nginx, ForwardAuth of Traefik, `forward_auth` of Caddy and their like: the proxy
    /// sends the `Authorization` of the request that it holds, and passes it on after a 200. 401: no valid
    /// token. 403: the caller does not have the permission, or its session is limited by a scope. Every other
    /// answer is a failure, after which the proxy must not pass the request on.
    ///
    /// The proxy must replace the headers `X-Auth-*` of its clients by those of this answer.
    #[oai(path = "/authz/forward", method = "get", operation_id = "forwardAuth")]
    async fn forward(
        &self,
        auth: Require<Authenticated>,
        request: &Request,
        /// The permission, `RESOURCE:ACTION`.
        #[oai(validator(min_length = 3, max_length = 127))]
        permission: Query<String>,
        /// The id of the resource; none for all of its type.
        #[oai(validator(min_length = 1, max_length = 256))]
        resource_id: Query<Option<String>>,
    ) -> Result<Admitted, Failure<{ status::BAD_REQUEST | status::FORBIDDEN }>> {
        let permission = permission.0;
        let Some((kind, action)) = named(&permission) else {
            let rule = "must be RESOURCE:ACTION";
            return Err(Problem::malformed().field("permission", rule).into());
        };
        let id = resource_id.0.unwrap_or_default();
        if id.contains('\0') {
            let rule = "must not contain NUL";
            return Err(Problem::malformed().field("resource_id", rule).into());
        }
        let account = &auth.caller.account;
        // A scope names permissions of this service: it leaves none of others.
        if account.scope != Scope::EVERYTHING {
            let why = "the scope of the session leaves no permissions at other services";
            return Err(self.deny(request, &auth, &permission, why).into());
        }
        let subject = account.user.id.to_string();
        let question = Question {
            subject: Entity::bare(USER, &subject),
            action: Action {
                name: action,
                properties: Properties::default(),
            },
            resource: Entity::bare(kind, &id),
        };
        let decided = self.decisions.decide(&question).await?;
        if !decided.allows() {
            let why = format!("the permission `{permission}` is missing");
            return Err(self.deny(request, &auth, &permission, why).into());
        }
        Ok(Admitted::Ok(
            subject,
            account.user.username.clone(),
            account.user.roles.join(","),
        ))
    }
}

impl ForwardApi {
    /// Reports the denial, and gives the answer.
    fn deny(
        &self,
        request: &Request,
        auth: &Require<Authenticated>,
        permission: &str,
        why: impl Into<String>,
    ) -> Problem {
        let from_proxy = client_address::is_from_proxy(request, &self.proxies);
        let original = |names: &[HeaderName]| {
            let mut values = names.iter().filter_map(|name| request.headers().get(name));
            shown(values.next()?.as_bytes())
        };
        Event::ForwardDenied(Forwarded {
            permission: permission.to_owned(),
            user: auth.caller.id(),
            method: from_proxy.then(|| original(&METHODS)).flatten(),
            path: from_proxy.then(|| original(&URIS)).flatten(),
        })
        .emit();
        guard::denied(why)
    }
}

/// The resource and the action of a permission.
fn named(permission: &str) -> Option<(&str, &str)> {
    let parts = permission.split_once(':')?;
    is_permission_name(permission).then_some(parts)
}

/// A method or a path as the log shows it: without the query, which may hold tokens, and only if no character
/// could forge a line.
fn shown(value: &[u8]) -> Option<String> {
    let text = str::from_utf8(value).ok()?;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let graphic = path.bytes().all(|byte| byte.is_ascii_graphic());
    graphic.then(|| path.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_has_the_path_without_its_query_and_nothing_that_could_forge_a_line() {
        for (value, expected) in [
            ("/orders/7", Some("/orders/7")),
            ("/orders?token=s3cret", Some("/orders")),
            ("/orders#top", Some("/orders")),
            ("POST", Some("POST")),
            ("", Some("")),
            ("/a b", None),
            ("/\u{e4}", None),
        ] {
            assert_eq!(shown(value.as_bytes()).as_deref(), expected, "{value}");
        }
        assert_eq!(shown(b"/\xff"), None);
        let long = "a".repeat(1000);
        assert_eq!(shown(long.as_bytes()).map(|text| text.len()), Some(SHOWN));
    }

    #[test]
    fn permission_has_a_resource_and_an_action() {
        assert_eq!(named("orders:read"), Some(("orders", "read")));
        for other in [
            "",
            "orders",
            "orders:",
            ":read",
            "orders:*",
            "a:b:c",
            "Orders:read",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}

//! Finds the operation of a request before it runs, so that requests whose client disconnects early
//! have a label, too. Undocumented paths share one label: a scanner adds no series.

use std::collections::HashMap;
use std::sync::OnceLock;

use metrics::{Counter, Histogram};

use super::body_limits::MAX_BODY;
use super::operation::{Detached, Operation};
use crate::metrics::{
    HTTP_ABORTED, HTTP_DURATION, HTTP_RESPONSE_SIZE, LabelSet as _, Method, Scheme, SyntheticType,
};

/// Every status that the service sends, and its label; the last stands for all others.
const STATUSES: [(u16, &str); 22] = [
    (200, "200"),
    (201, "201"),
    (202, "202"),
    (204, "204"),
    (301, "301"),
    (302, "302"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (409, "409"),
    (412, "412"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
    (0, "_OTHER"),
];

/// The label of undocumented paths.
pub const UNMATCHED: &str = "unmatched";

/// One method of one template, with its cached series.
pub struct Route {
    /// The record of the operation or page; none for undocumented paths.
    pub operation: Option<&'static Operation>,
    /// The template, such as `/admin/users/{id}`.
    pub template: &'static str,
    /// The method, GET for HEAD as well.
    pub method: Method,
    /// The scheme of the listener.
    pub scheme: Scheme,
    /// The series of users' requests.
    pub users: Durations,
    /// The series of the probe's requests.
    pub probe: Durations,
    size: Histogram,
    aborted: Counter,
}

/// The duration series of a route for users or for the probe, each made at its first use.
pub struct Durations {
    method: Method,
    template: &'static str,
    scheme: Scheme,
    synthetic: SyntheticType,
    answered: [OnceLock<Histogram>; STATUSES.len()],
    aborted: OnceLock<Histogram>,
}

impl Durations {
    const fn new(
        method: Method,
        template: &'static str,
        scheme: Scheme,
        synthetic: SyntheticType,
    ) -> Self {
        Self {
            method,
            template,
            scheme,
            synthetic,
            answered: [const { OnceLock::new() }; STATUSES.len()],
            aborted: OnceLock::new(),
        }
    }

    /// The series of one status.
    pub fn answered(&self, status: u16) -> &Histogram {
        let index = STATUSES
            .iter()
            .position(|(known, _)| *known == status)
            .unwrap_or(STATUSES.len() - 1);
        self.answered[index].get_or_init(|| {
            let (_, label) = STATUSES[index];
            self.series(label, if status >= 500 { label } else { "" })
        })
    }

    /// The series of requests whose client disconnected before the answer.
    pub fn aborted(&self) -> &Histogram {
        self.aborted.get_or_init(|| self.series("", "aborted"))
    }

    fn series(&self, status: &str, error: &str) -> Histogram {
        let Self {
            method,
            template,
            scheme,
            synthetic,
            ..
        } = self;
        HTTP_DURATION.series(&[
            method.word(),
            template,
            status,
            scheme.word(),
            error,
            synthetic.word(),
        ])
    }
}

impl Route {
    /// The series of a documented operation or page.
    fn of(operation: &'static Operation, scheme: Scheme, success: &[u16]) -> Self {
        let endpoint = &operation.endpoint;
        let route = Self::new(endpoint.template, endpoint.method, scheme, Some(operation));
        for status in success {
            route.users.answered(*status);
        }
        route
    }

    fn new(
        template: &'static str,
        method: Method,
        scheme: Scheme,
        operation: Option<&'static Operation>,
    ) -> Self {
        Self {
            operation,
            template,
            method,
            scheme,
            users: Durations::new(method, template, scheme, SyntheticType::None),
            probe: Durations::new(method, template, scheme, SyntheticType::Test),
            size: HTTP_RESPONSE_SIZE.series(&[template]),
            aborted: HTTP_ABORTED.series(&[template]),
        }
    }

    /// Whether its errors are RFC 6749's.
    pub fn has_oauth_errors(&self) -> bool {
        self.operation
            .is_some_and(|operation| operation.oauth_errors)
    }

    /// The largest body that is read, in bytes.
    pub fn largest_body(&self) -> usize {
        let policy = self.operation.and_then(|operation| operation.body);
        policy.map_or(MAX_BODY, |policy| policy.largest)
    }

    /// Whether `X-Request-Id` comes back as it was sent.
    pub fn takes_any_request_id(&self) -> bool {
        self.operation
            .is_some_and(|operation| operation.any_request_id)
    }

    /// Whether pages of every origin may read its responses.
    pub fn is_open(&self) -> bool {
        self.operation.is_some_and(|operation| operation.open)
    }

    /// Whether the edge lets it run to completion when the client disconnects.
    pub fn is_detached(&self) -> bool {
        self.operation
            .is_some_and(|operation| operation.detached == Detached::Always)
    }

    /// The response size series.
    pub const fn size(&self) -> &Histogram {
        &self.size
    }

    /// Counts clients that disconnected before the answer.
    pub const fn aborted(&self) -> &Counter {
        &self.aborted
    }
}

/// Finds routes.
pub struct Routes {
    fixed: HashMap<&'static str, Vec<usize>>,
    templates: Vec<(Vec<&'static str>, usize)>,
    documented: Vec<Route>,
    /// One for each method, in the order of [`Method::ALL`].
    unmatched: Vec<Route>,
}

impl Routes {
    /// Routes for these operations and pages, with their statuses of success, on a listener of this
    /// scheme.
    #[must_use]
    pub fn new(
        operations: impl IntoIterator<Item = (&'static Operation, Vec<u16>)>,
        scheme: Scheme,
    ) -> Self {
        let mut routes = Self {
            fixed: HashMap::new(),
            templates: Vec::new(),
            documented: Vec::new(),
            unmatched: Method::ALL
                .iter()
                .map(|method| Route::new(UNMATCHED, *method, scheme, None))
                .collect(),
        };
        for (operation, success) in operations {
            let template = operation.endpoint.template;
            let index = routes.documented.len();
            routes
                .documented
                .push(Route::of(operation, scheme, &success));
            if template.contains('{') {
                routes
                    .templates
                    .push((template.split('/').collect(), index));
            } else {
                routes.fixed.entry(template).or_default().push(index);
            }
        }
        // As the framework does: of several that match a path the one with the fewest parameters counts.
        let parameters =
            |template: &[&str]| template.iter().filter(|part| part.starts_with('{')).count();
        routes
            .templates
            .sort_by_key(|(template, _)| parameters(template));
        routes
    }

    /// The route of a request, or the one for unmatched requests.
    #[must_use]
    pub fn find(&self, method: Method, path: &str) -> &Route {
        // HEAD is answered as GET without the body.
        let wanted = if method == Method::Head {
            Method::Get
        } else {
            method
        };
        self.at(path)
            .map(|index| &self.documented[index])
            .find(|route| route.method == wanted)
            .unwrap_or(&self.unmatched[method.index()])
    }

    /// The methods of a path, for `Allow`.
    #[must_use]
    pub fn allowed(&self, path: &str) -> Vec<&'static str> {
        let mut methods: Vec<&str> = self
            .at(path)
            .map(|index| self.documented[index].method.word())
            .collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods
    }

    fn at<'a>(&'a self, path: &'a str) -> impl Iterator<Item = usize> + 'a {
        let fixed = self.fixed.get(path);
        let is_fixed = fixed.is_some();
        let fixed = fixed.into_iter().flatten().copied();
        let matching = move |template: &[&str]| {
            let mut parts = path.split('/');
            let equal = template.iter().all(|wanted| {
                parts.next().is_some_and(|part| {
                    part == *wanted || (wanted.starts_with('{') && !part.is_empty())
                })
            });
            equal && parts.next().is_none()
        };
        let mut first: Option<&[&str]> = None;
        let templates = self
            .templates
            .iter()
            .filter(move |(template, _)| !is_fixed && matching(template))
            .filter(move |(template, _)| *first.get_or_insert(template) == template.as_slice());
        fixed.chain(templates.map(|(_, index)| *index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::all;

    fn routes() -> Routes {
        Routes::new(all().map(|operation| (operation, vec![])), Scheme::Http)
    }

    #[test]
    fn templates_match_whole_paths_only() {
        let routes = routes();
        for (method, path, template) in [
            (Method::Get, "/users/me", "/users/me"),
            (Method::Head, "/users/me", "/users/me"),
            (Method::Get, "/admin/users/42", "/admin/users/{id}"),
            (
                Method::Put,
                "/admin/users/42/roles/admin",
                "/admin/users/{id}/roles/{role}",
            ),
            (Method::Post, "/users/me", UNMATCHED),
            (Method::Get, "/admin/users/", UNMATCHED),
            (Method::Get, "/admin/users/42/role", UNMATCHED),
            (Method::Get, "/admin/users/42/43", UNMATCHED),
            (Method::Get, "/{id}", UNMATCHED),
            (Method::Other, "/", UNMATCHED),
        ] {
            assert_eq!(
                routes.find(method, path).template,
                template,
                "{method:?} {path}"
            );
        }
    }

    #[test]
    fn allow_lists_the_methods_of_a_path() {
        assert_eq!(
            routes().allowed("/users/me"),
            ["GET", "PATCH", "DELETE", "HEAD"]
        );
        assert!(routes().allowed("/nothing").is_empty());
        // The framework does not give it to the operations on any entity.
        assert_eq!(routes().allowed("/admin/resources/record/batch"), ["POST"]);
        let entity = routes().allowed("/admin/resources/record/1");
        assert_eq!(entity, ["GET", "PUT", "DELETE", "HEAD"]);
    }

    #[test]
    fn statuses_are_a_closed_set() {
        let route = Route::new("/x", Method::Get, Scheme::Http, None);
        route.users.answered(418);
        route.users.answered(599);
        assert!(route.users.answered[STATUSES.len() - 1].get().is_some());
        assert!(
            route
                .probe
                .answered
                .iter()
                .all(|series| series.get().is_none())
        );
    }
}

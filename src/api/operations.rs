//! The records of all operations.
//!
//! Each resource has a list `OPERATIONS` with one record for each of its handlers. Limits, error
//! format, metrics, probe and the OpenAPI document read the records, and the service does not start
//! when handlers and records differ.

use super::edge::operation::Operation;
use super::{access, admin, forward, logout, me, my_permissions, oauth, register, wellknown};
use crate::metrics::CanaryStep;
use catalogue::endpoints::Endpoint;

const RESOURCES: [&[Operation]; 23] = [
    register::OPERATIONS,
    oauth::token::OPERATIONS,
    oauth::revoke::OPERATIONS,
    logout::OPERATIONS,
    me::OPERATIONS,
    my_permissions::OPERATIONS,
    admin::page::OPERATIONS,
    admin::users::OPERATIONS,
    admin::assignments::OPERATIONS,
    admin::roles::OPERATIONS,
    admin::permissions::OPERATIONS,
    admin::exclusive_roles::OPERATIONS,
    admin::shadow::OPERATIONS,
    admin::usage::OPERATIONS,
    admin::sessions::OPERATIONS,
    admin::entities::OPERATIONS,
    access::EVALUATE,
    access::SEARCH,
    access::EXPLAIN,
    forward::OPERATIONS,
    wellknown::OPERATIONS,
    access::METADATA,
    oauth::metadata::OPERATIONS,
];

/// The records of all documented operations.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    RESOURCES.into_iter().flatten()
}

/// The endpoints of the synthetic probe's steps, in the order of [`CanaryStep`].
pub const PROBE: [Endpoint; CanaryStep::ALL.len()] = [
    called_by(CanaryStep::Login),
    called_by(CanaryStep::Me),
    called_by(CanaryStep::Refresh),
    called_by(CanaryStep::Logout),
];

/// Fails to compile when no operation has the step.
const fn called_by(step: CanaryStep) -> Endpoint {
    let mut resource = 0;
    while resource < RESOURCES.len() {
        let operations = RESOURCES[resource];
        let mut index = 0;
        while index < operations.len() {
            if let Some(found) = operations[index].probe_step
                && found as usize == step as usize
            {
                return operations[index].endpoint;
            }
            index += 1;
        }
        resource += 1;
    }
    panic!("a step of the probe has no operation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::edge::operation::{Detached, RateLimit, Values};
    use crate::metrics::{Limiter, Method};
    use catalogue::endpoints;

    #[test]
    fn changes_are_not_cut_off_with_their_client() {
        for operation in all() {
            let endpoint = operation.endpoint;
            let expected = match endpoint {
                // Expensive work whose result no cache holds yet, and beside it a change.
                endpoints::TOKEN | endpoints::LOGIN => Detached::Refreshes,
                endpoints::REGISTER
                // They change nothing.
                | endpoints::EVALUATE
                | endpoints::EVALUATE_MANY
                | endpoints::EXPLAIN
                | endpoints::SEARCH_SUBJECTS
                | endpoints::SEARCH_RESOURCES
                | endpoints::SEARCH_ACTIONS => Detached::Never,
                _ if endpoint.method == Method::Get => Detached::Never,
                _ => Detached::Always,
            };
            assert_eq!(operation.detached, expected, "{}", endpoint.id);
        }
    }

    #[test]
    fn what_is_done_to_accounts_is_limited_by_administrator() {
        let limited = RateLimit::ByAccount(Limiter::Admin);
        for operation in all() {
            let on_accounts = operation.endpoint.template.starts_with("/admin/");
            let name = operation.endpoint.id;
            assert_eq!(operation.rate_limit == limited, on_accounts, "{name}");
        }
    }

    #[test]
    fn every_endpoint_has_one_record() {
        for endpoint in endpoints::OPERATIONS {
            let records = all().filter(|operation| operation.endpoint == *endpoint);
            assert_eq!(records.count(), 1, "{endpoint:?}");
        }
        assert_eq!(all().count(), endpoints::OPERATIONS.len());
    }

    #[test]
    fn records_and_handlers_agree() {
        crate::api::document().expect("they agree");
    }

    #[test]
    fn records_name_the_query_parameters_of_the_document() {
        let document = crate::api::document().expect("complete");
        let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        for operation in all() {
            let Endpoint {
                template, method, ..
            } = operation.endpoint;
            let method = method.word().to_lowercase();
            let parameters = document["paths"][template][&method]["parameters"].as_array();
            let in_query = |parameter: &&serde_json::Value| parameter["in"] == "query";
            let named = parameters.into_iter().flatten().filter(in_query);
            let of_the_record = operation.query.unwrap_or_default();
            assert_eq!(of_the_record.len(), named.clone().count(), "{template}");
            for (parameter, documented) in of_the_record.iter().zip(named) {
                let schema = &documented["schema"];
                assert_eq!(documented["name"], parameter.name, "{template}");
                match parameter.values {
                    Values::Numbers(least, most) => {
                        let bounds = [&schema["minimum"], &schema["maximum"]];
                        let bounds = bounds.map(serde_json::Value::as_f64);
                        assert_eq!(bounds, [Some(f64::from(least)), Some(f64::from(most))]);
                    }
                    Values::Texts(least, most) => {
                        assert_eq!(
                            (&schema["minLength"], &schema["maxLength"]),
                            (&least.into(), &most.into())
                        );
                    }
                    Values::Cursors(least, most) => {
                        let pattern = format!("^[A-Za-z0-9_-]{{{least},{most}}}$");
                        assert_eq!(schema["pattern"], pattern);
                    }
                }
            }
            // RFC 6749 section 3.2: the forms ignore what they do not know.
            let lenient = operation.oauth_errors
                && operation
                    .body
                    .is_some_and(|body| !body.refuses_unknown_fields);
            assert_eq!(operation.query.is_none(), lenient, "{template}");
        }
    }

    #[test]
    fn the_probe_calls_its_steps_in_their_order() {
        for (step, endpoint) in CanaryStep::ALL.iter().zip(PROBE) {
            assert!(endpoint.template.ends_with(step.word()), "{endpoint:?}");
        }
        let probed = all().filter(|operation| operation.probe_step.is_some());
        assert_eq!(probed.count(), PROBE.len());
    }
}

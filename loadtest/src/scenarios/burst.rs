//! A thousand users within ten seconds.

use std::time::Duration;

use super::fastapi_auth;
use super::scenario::Scenario;
use crate::verdict::Fact;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "burst-1000",
    about: "1,000 users of the kinds of fastapi-auth at 100/s",
    bottleneck: "The hash gate: everybody who arrives wants two hashes at once. The queue stays as long as its \
            deadline allows, the rest is turned away with 503 and Retry-After and comes back as told; the \
            queue is empty once they have gone.",
    users: 1000,
    rate: 100.0,
    run_time: Duration::from_secs(30),
    facts: &[Fact::IDLE_GATE],
    saturates: true,
    classes: fastapi_auth::classes,
    ..Scenario::BASE
};

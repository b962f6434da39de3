//! Availability of dependencies, fallbacks, and notifications between replicas.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{NONE, STATEMENTS};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{Fallback, Invalidation};

families! {
    DEPENDENCY_UP: OpenFamily<Gauge> = (
        "auth_dependency_up", "", "1 while the dependency answers, else 0.", NONE,
        &[("dependency", "`database`; `redis` where it is configured")],
    );
    DEPENDENCY_FALLBACKS: Family<Counter, Fallback> = (
        "auth_dependency_fallbacks_total", "",
        "Actions taken without a dependency because it did not answer.", NONE);
    REVOCATION_PROPAGATION: Family<Histogram, ()> = (
        "auth_revocation_propagation_seconds", "seconds",
        "Time from a change on another replica to its effect here. The replicas' clocks must agree.", STATEMENTS);
    INVALIDATIONS: Family<Counter, Invalidation> = (
        "auth_invalidations_applied_total", "", "Changes of other replicas applied here.", NONE);
}

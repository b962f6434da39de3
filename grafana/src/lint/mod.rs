//! What dashboards and rules must satisfy.

//! Authorization, and the changes of accounts and roles.

use metrics::{Counter, Histogram};

use super::buckets::{CHECKS, NONE};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{Actor, PrincipalCache, RoleAction, RoleLabel, UserAction};

families! {
    RBAC_DECISIONS: OpenFamily<Counter> = (
        "auth_rbac_decisions_total", "", "Authorization decisions by permission and the caller's role.", NONE,
        &[
            ("permission", "the permissions of the registry, and `authenticated`"),
            ("role", "`admin`, `user`, `none`, or `custom`"),
            ("outcome", "`allow` or `deny`"),
        ],
    );
    RBAC_DECISION_DURATION: Family<Histogram, PrincipalCache> = (
        "auth_rbac_decision_duration_seconds", "seconds",
        "Duration of loading the caller and deciding, by whether the caller was cached.", CHECKS);
    ROLE_CHANGES: Family<Counter, (RoleAction, RoleLabel)> = (
        "auth_role_changes_total", "", "Roles granted and revoked.", NONE);
    USER_CHANGES: Family<Counter, (UserAction, Actor)> = (
        "auth_user_changes_total", "",
        "Accounts created, changed and deleted, without registrations.", NONE);
}

//! Authorization, and the changes of accounts and roles.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{CHECKS, NONE};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{
    Actor, Escalation, PolicyAction, PolicyPart, PolicyReload, PrincipalCache, RoleAction,
    RoleLabel, UserAction,
};

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
    ACCESS_DECISIONS: OpenFamily<Counter> = (
        "auth_access_decisions_total", "",
        "Decisions about questions of other services, by permission and reason: evaluations, each item of a list, and forward authentication.",
        NONE,
        &[
            ("permission", "the first 200 permissions by name, `other` for the rest, `unknown`"),
            ("decision", "`allow` or `deny`"),
            ("reason", "`granted` or `condition_holds`; `unknown_permission`, `not_granted`, `condition_fails`, `subject_disabled`, or `invalid`"),
        ],
    );
    POLICY_VERSION: Family<Gauge, ()> = (
        "auth_rbac_policy_version", "",
        "Version of the policy that this replica decides by. Each change raises it.", NONE);
    POLICY_LAST_READ: Family<Gauge, ()> = (
        "auth_rbac_policy_last_read_timestamp_seconds", "seconds",
        "When this replica last compared its policy with the database's.", NONE);
    POLICY_RELOADS: Family<Counter, PolicyReload> = (
        "auth_rbac_policy_reloads_total", "",
        "Readings of a policy that had changed, by outcome. Every replica compares versions twice a second.",
        NONE);
    POLICY_CHANGES: Family<Counter, (PolicyPart, PolicyAction)> = (
        "auth_rbac_policy_changes_total", "", "Changes of the policy by part and kind.", NONE);
    ESCALATIONS_REFUSED: Family<Counter, Escalation> = (
        "auth_rbac_escalations_refused_total", "",
        "Changes refused because they reach beyond the permissions of the account that asked for them.", NONE);
    POLICY_UNLABELLED: Family<Gauge, ()> = (
        "auth_rbac_permissions_unlabelled", "",
        "Permissions that share the label `other`: those beyond the first 200 by name.", NONE);
    SHADOW_LOADED: Family<Gauge, ()> = (
        "auth_rbac_shadow_loaded", "",
        "1 while decisions are compared with those of a shadow policy.", NONE);
    SHADOW_COMPARED: Family<Counter, ()> = (
        "auth_rbac_shadow_compared_total", "", "Decisions compared with those of the shadow policy.", NONE);
    SHADOW_DIVERGENCES: OpenFamily<Counter> = (
        "auth_rbac_shadow_divergences_total", "", "Decisions that the shadow policy would change.", NONE,
        &[
            ("permission", "the first 200 permissions by name, `other` for the rest, `unknown`"),
            ("direction", "`gain`: it would allow; `loss`: it would deny"),
        ],
    );
    ROLE_CHANGES: Family<Counter, (RoleAction, RoleLabel)> = (
        "auth_role_changes_total", "", "Roles granted and revoked.", NONE);
    USER_CHANGES: Family<Counter, (UserAction, Actor)> = (
        "auth_user_changes_total", "",
        "Accounts created, changed and deleted, without registrations.", NONE);
}

//! Tokens and the keys that sign them.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{CHECKS, NONE};
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{
    Grant, KeyReload, KeyState, RefreshResult, ReuseAction, RevocationReason, TokenType,
    VerificationResult,
};

families! {
    TOKENS_ISSUED: Family<Counter, (TokenType, Grant)> = (
        "auth_tokens_issued_total", "", "Tokens issued, by kind and grant.", NONE);
    REFRESHES: Family<Counter, RefreshResult> = (
        "auth_token_refreshes_total", "", "Refreshes by outcome and reason.", NONE);
    REFRESH_REUSE: Family<Counter, ReuseAction> = (
        "auth_refresh_reuse_detected_total", "",
        "Refresh tokens presented again, by the action taken.", NONE);
    TOKENS_REVOKED: Family<Counter, RevocationReason> = (
        "auth_tokens_revoked_total", "",
        "Sessions ended before they expired, by reason. Their tokens are revoked.", NONE);
    TOKEN_VERIFICATIONS: Family<Counter, VerificationResult> = (
        "auth_token_verifications_total", "",
        "Access tokens verified, by result. A wrong signing key shows here, not in 5xx.", NONE);
    TOKEN_VERIFICATION_DURATION: Family<Histogram, ()> = (
        "auth_token_verification_duration_seconds", "seconds",
        "Duration of verifying an access token's signature and claims.", CHECKS);
    SIGNING_KEYS: Family<Gauge, KeyState> = (
        "auth_signing_keys", "",
        "Signing keys by state, as this replica last read them.", NONE);
    SIGNING_KEY_CREATED: Family<Gauge, KeyState> = (
        "auth_signing_key_created_timestamp_seconds", "seconds",
        "When the oldest signing key in this state was created; 0 if there is none.", NONE);
    SIGNING_KEY_RELOADS: Family<Counter, KeyReload> = (
        "auth_signing_key_reloads_total", "",
        "Readings of the signing keys from the database, by outcome. Every replica reads them every 2 seconds.",
        NONE);
    SIGNING_KEYS_LAST_RELOAD: Family<Gauge, ()> = (
        "auth_signing_keys_last_reload_timestamp_seconds", "seconds",
        "When this replica last read the signing keys.", NONE);
}

//! Leases of jobs, and the removals of housekeeping.

statements! {
    Background {
        LEASE "lease" =
            "SELECT holder, started_at, succeeded_at FROM leases WHERE name = $1";
        // Compare and set: of any number of replicas one begins.
        BEGIN_LEASE "begin_lease" =
            "UPDATE leases SET holder = $2, started_at = $3, held_until = $4 \
             WHERE name = $1 AND held_until <= $3 AND started_at <= $5";
        RENEW_LEASE "renew_lease" =
            "UPDATE leases SET held_until = $4 WHERE name = $1 AND holder = $2 AND held_until > $3";
        END_LEASE "end_lease" =
            "UPDATE leases SET held_until = $3, succeeded_at = $3 \
             WHERE name = $1 AND holder = $2 AND held_until > $3";
        // The limits are `HOUSEKEEPING_BATCH`: PostgreSQL plans better with a number than with a
        // parameter.
        REMOVE_REFRESH_TOKENS "remove_refresh_tokens" =
            "DELETE FROM refresh_tokens WHERE token_hash IN (SELECT token_hash FROM refresh_tokens \
             WHERE rotated_at < $1 ORDER BY rotated_at LIMIT 200)";
        REMOVE_ENDED_SESSIONS "remove_ended_sessions" =
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
             WHERE ended_at < $1 ORDER BY ended_at LIMIT 200)";
        REMOVE_EXPIRED_SESSIONS "remove_expired_sessions" =
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
             WHERE ended_at IS NULL AND idle_expires_at < $1 ORDER BY idle_expires_at LIMIT 200)";
        REMOVE_SIGNING_KEYS "remove_signing_keys" =
            "DELETE FROM signing_keys WHERE kid IN (SELECT kid FROM signing_keys \
             WHERE retire_at < $1 ORDER BY retire_at LIMIT 200)";
    }
}

//! Signing keys.

statements! {
    Background {
        // Locks a row that exists for this, so that replicas which start at the same time look for a
        // key one after the other.
        LOCK_SIGNING_KEYS "lock_signing_keys" =
            "UPDATE locks SET purpose = purpose WHERE name = 'signing_keys'";
        INSERT_SIGNING_KEY "insert_signing_key" =
            "INSERT INTO signing_keys (kid, algorithm, sealed_private_key, published_at, active_at) \
             VALUES ($1, $2, $3, $4, $5)";
        SIGNING_KEYS "signing_keys" =
            "SELECT kid, algorithm, sealed_private_key, published_at, active_at, retire_at, revoked_at \
             FROM signing_keys \
             WHERE revoked_at IS NULL AND (retire_at IS NULL OR retire_at > $1) ORDER BY published_at, active_at, kid";
        STORED_SIGNING_KEYS "stored_signing_keys" =
            "SELECT kid, algorithm, sealed_private_key, published_at, active_at, retire_at, revoked_at \
             FROM signing_keys ORDER BY published_at, active_at, kid";
        RETIRE_SIGNING_KEY "retire_signing_key" =
            "UPDATE signing_keys SET retire_at = $2 \
             WHERE kid = $1 AND (retire_at IS NULL OR retire_at > $2)";
        // Housekeeping removes it with those that retired.
        REVOKE_SIGNING_KEY "revoke_signing_key" =
            "UPDATE signing_keys SET revoked_at = $2, retire_at = $2 WHERE kid = $1 AND revoked_at IS NULL";
        RESEAL_SIGNING_KEY "reseal_signing_key" =
            "UPDATE signing_keys SET sealed_private_key = $2 WHERE kid = $1";
        DELETE_SIGNING_KEY "delete_signing_key" =
            "DELETE FROM signing_keys WHERE kid = $1";
    }
}

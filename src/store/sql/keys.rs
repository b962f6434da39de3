//! Signing keys.

statements! {
    Background {
        // Locks a row that exists for this, so that replicas which start at the same time look for a
        // key one after the other.
        LOCK_SIGNING_KEYS "lock_signing_keys" =
            "UPDATE locks SET purpose = purpose WHERE name = 'signing_keys'";
        INSERT_SIGNING_KEY "insert_signing_key" =
            "INSERT INTO signing_keys (kid, algorithm, sealed_private_key, created_at) VALUES ($1, $2, $3, $4)";
        SIGNING_KEYS "signing_keys" =
            "SELECT kid, algorithm, sealed_private_key, created_at, retired_at FROM signing_keys \
             WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at, kid";
        RETIRE_SIGNING_KEYS "retire_signing_keys" =
            "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL";
    }
}

//! Roles and their holders.

statements! {
    Request {
        // Locks the row, so that two changes which could each remove the last administrator run one
        // after the other.
        LOCK_ROLE "lock_role" = "UPDATE roles SET built_in = built_in WHERE name = $1";
        ROLE_EXISTS "role_exists" = "SELECT CAST(1 AS BIGINT) FROM roles WHERE name = $1";
        // Without a time, `$4`, initial passwords do not expire. Written so that the only cheap plan reads
        // the index of the role's holders. For a join of two large tables with `LIMIT 1`, PostgreSQL chooses
        // to read the accounts one by one.
        OTHER_HOLDERS "other_holders" =
            "SELECT CAST(1 AS BIGINT) FROM user_roles ur WHERE ur.role >= $1 AND ur.role <= $1 AND ur.user_id <> $2 AND ur.user_id <> $3 \
             AND (SELECT u.disabled = FALSE AND COALESCE(u.initial_password_until > $4, TRUE) \
             FROM users u WHERE u.id = ur.user_id) = TRUE \
             ORDER BY ur.role, ur.user_id LIMIT 1";
        GRANT_ROLE "grant_role" =
            "INSERT INTO user_roles (user_id, role, granted_at, granted_by) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id, role) DO NOTHING";
        REVOKE_ROLE "revoke_role" = "DELETE FROM user_roles WHERE user_id = $1 AND role = $2";
    }
}

//! Refresh tokens and their rotation. A session is a family of them.

statements! {
    Request {
        INSERT_REFRESH_TOKEN "insert_refresh_token" =
            "INSERT INTO refresh_tokens (token_hash, session_id, generation, issued_at) VALUES ($1, $2, $3, $4)";
        // Finds the family and locks its row, so that parallel refreshes run one after the other.
        LOCK_FAMILY "lock_family" =
            "UPDATE sessions SET last_used_at = $2 \
             WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1) \
             RETURNING id, user_id, generation, idle_expires_at, expires_at, ended_at, \
             used_generation, used_at, refreshed_by, replayed_generation, scope";
        REFRESH_TOKEN "refresh_token" =
            "SELECT generation, rotated_at, successor FROM refresh_tokens WHERE token_hash = $1";
        MARK_ROTATED "mark_rotated" =
            "UPDATE refresh_tokens SET rotated_at = $2, successor = $3 WHERE token_hash = $1";
        ADVANCE_FAMILY "advance_family" =
            "UPDATE sessions SET generation = $2, idle_expires_at = $3, refreshed_by = $4 WHERE id = $1";
        MARK_REPLAYED "mark_replayed" =
            "UPDATE sessions SET replayed_generation = $2 WHERE id = $1";
        // The first use of any access token of a generation; later ones change nothing.
        MARK_USED "mark_used" =
            "UPDATE sessions SET used_generation = $2, used_at = $3 \
             WHERE id = $1 AND used_generation < $2";
        SESSION_OF_TOKEN "session_of_token" =
            "SELECT t.session_id, s.user_id, t.generation FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
             WHERE t.token_hash = $1";
    }
}

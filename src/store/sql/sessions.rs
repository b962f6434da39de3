//! Sessions.

macro_rules! active_session {
    () => {
        "s.ended_at IS NULL AND s.expires_at > $2 AND s.idle_expires_at > $2"
    };
}

statements! {
    Request {
        // The login's last check and the account's row lock in one: since the password was verified
        // the account may have been disabled or deleted, or its password changed.
        CONFIRM_LOGIN "confirm_login" =
            "UPDATE users SET last_login_at = $3, password_hash = $4 \
             WHERE id = $1 AND password_hash = $2 AND disabled = FALSE";
        INSERT_SESSION "insert_session" =
            "INSERT INTO sessions (id, user_id, generation, user_agent, created_at, last_used_at, idle_expires_at, expires_at, scope) \
             VALUES ($1, $2, 0, $3, $4, $4, $5, $6, $7)";
        NARROW_SESSION "narrow_session" = "UPDATE sessions SET scope = $2 WHERE id = $1";
        PRINCIPAL "principal" =
            "SELECT ", user_columns!(), ", s.idle_expires_at AS session_expires_at, s.scope, \
             (SELECT version FROM policy WHERE name = 'live') AS policy_version \
             FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.id = $1 AND u.disabled = FALSE AND ", active_session!();
        LIST_SESSIONS "list_sessions" =
            "SELECT s.id, s.user_agent, s.created_at, s.last_used_at, s.expires_at FROM sessions s \
             WHERE s.user_id = $1 AND ", active_session!(), " ORDER BY s.id DESC LIMIT 100";
        END_SESSION "end_session" =
            "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
        REMOVE_SESSION "remove_session" =
            "DELETE FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NOT NULL";
        END_SESSIONS "end_sessions" =
            "UPDATE sessions SET ended_at = $2, end_reason = $3 \
             WHERE user_id = $1 AND ended_at IS NULL RETURNING id";
        // The newest are kept: ids sort by their time of creation.
        END_OLDEST_SESSIONS "end_oldest_sessions" =
            "UPDATE sessions SET ended_at = $2, end_reason = $3 \
             WHERE user_id = $1 AND ended_at IS NULL AND idle_expires_at > $2 AND id <= \
             (SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND idle_expires_at > $2 \
             ORDER BY id DESC LIMIT 1 OFFSET $4) RETURNING id";
    }
    Background {
        // The idle deadline is never later than the absolute one.
        COUNT_SESSIONS "count_sessions" =
            "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND idle_expires_at > $1";
    }
}

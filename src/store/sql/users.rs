//! Accounts.

statements! {
    Request {
        INSERT_USER "insert_user" =
            "INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, updated_at, \
             initial_password_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
        USER_BY_ID "user_by_id" =
            "SELECT ", user_columns!(), " FROM users u WHERE u.id = $1";
        CREDENTIALS_BY_USERNAME "credentials_by_username" =
            "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.username_key = $1";
        CREDENTIALS_BY_EMAIL "credentials_by_email" =
            "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.email_key = $1";
        CREDENTIALS_BY_ID "credentials_by_id" =
            "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.id = $1";
        LIST_USERS "list_users" =
            "SELECT ", user_columns!(), " FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT ", limit!("$2");
        // Two statements, each of which reads one index and stops when the page is full. A single one
        // with `OR` would sort all matches of a common prefix, or read every account for a rare one.
        SEARCH_USERNAMES "search_usernames" =
            "SELECT ", user_columns!(), " FROM users u WHERE u.username_key >= $1 AND u.username_key < $2 \
             ORDER BY u.username_key LIMIT ", limit!("$3");
        SEARCH_EMAILS "search_emails" =
            "SELECT ", user_columns!(), " FROM users u WHERE u.email_key >= $1 AND u.email_key < $2 \
             AND NOT (u.username_key >= $4 AND u.username_key < $2) \
             ORDER BY u.email_key LIMIT ", limit!("$3");
        UPDATE_PROFILE "update_profile" =
            "UPDATE users SET username = $2, username_key = $3, email = $4, email_key = $5, updated_at = $6 \
             WHERE id = $1";
        UPDATE_DISABLED "update_disabled" =
            "UPDATE users SET disabled = $2, updated_at = $3 WHERE id = $1 AND disabled <> $2";
        // Compare and set: a hash that changed in the meantime is not overwritten.
        UPDATE_PASSWORD "update_password" =
            "UPDATE users SET password_hash = $3, updated_at = $4, initial_password_until = NULL \
             WHERE id = $1 AND password_hash = $2";
        SET_INITIAL_PASSWORD "set_initial_password" =
            "UPDATE users SET password_hash = $2, initial_password_until = $3, updated_at = $4 WHERE id = $1";
        // Locks the row before anything is read that the change depends on, and before the rows of the
        // account's sessions: every change of an account and its sessions locks in this order.
        LOCK_USER "lock_user" = "UPDATE users SET disabled = disabled WHERE id = $1";
        DELETE_USER "delete_user" = "DELETE FROM users WHERE id = $1";
    }
    Background {
        // Each count reads an index only: the rows themselves are large.
        COUNT_USERS "count_users" =
            "SELECT (SELECT COUNT(*) FROM users) AS total, \
             (SELECT COUNT(*) FROM users WHERE disabled = TRUE) AS part";
    }
}

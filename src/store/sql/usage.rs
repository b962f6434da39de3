//! When grants and roles were last used.

statements! {
    Background {
        // A role that was deleted meanwhile has no row to refer to.
        NOTE_GRANT_USE "note_grant_use" =
            "INSERT INTO grant_usage (role, permission, condition_text, used_at) \
             SELECT name, $2, $3, $4 FROM roles WHERE name = $1 \
             ON CONFLICT (role, permission, condition_text) DO UPDATE SET used_at = $4";
        NOTE_ROLE_USE "note_role_use" =
            "INSERT INTO role_usage (role, used_at) SELECT name, $2 FROM roles WHERE name = $1 \
             ON CONFLICT (role) DO UPDATE SET used_at = $2";
        NOTE_USAGE_START "note_usage_start" =
            "INSERT INTO usage_start (name, started_at) VALUES ('live', $1) ON CONFLICT (name) DO NOTHING";
    }
    Request {
        USAGE_START "usage_start" = "SELECT started_at FROM usage_start WHERE name = 'live'";
        GRANT_USAGE "grant_usage" =
            "SELECT role, permission, condition_text, used_at FROM grant_usage";
        ROLE_USAGE "role_usage" = "SELECT role, used_at FROM role_usage";
    }
}

//! Bulk inserts that fill a database for tests; no request executes them.
//!
//! A statement with many rows has one parameter for each value, numbered by hand: SQL that both
//! engines understand has no arrays, and texts of statements are constants.

macro_rules! seeded_account {
    ($id:literal $name:literal) => {
        concat!(
            "$",
            $id,
            ", $",
            $name,
            ", $",
            $name,
            ", $",
            $name,
            " || '@example.com', $",
            $name,
            " || '@example.com', $1, $2, $2"
        )
    };
}

macro_rules! seeded_token {
    ($hash:literal $session:literal) => {
        concat!("$", $hash, ", $", $session, ", 0, $1")
    };
}

statements! {
    Background {
        LAST_SEEDED "last_seeded" =
            "SELECT username_key FROM users WHERE username_key >= $1 AND username_key <= $2 \
             AND LENGTH(username_key) = 12 ORDER BY username_key DESC LIMIT 1";
        SEED_USERS "seed_users" =
            "INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, updated_at) VALUES ",
            fifty_rows!(seeded_account:
            3 4, 5 6, 7 8, 9 10, 11 12, 13 14, 15 16, 17 18, 19 20, 21 22, 23 24, 25 26, 27 28, 29 30,
            31 32, 33 34, 35 36, 37 38, 39 40, 41 42, 43 44, 45 46, 47 48, 49 50, 51 52, 53 54, 55 56,
            57 58, 59 60, 61 62, 63 64, 65 66, 67 68, 69 70, 71 72, 73 74, 75 76, 77 78, 79 80, 81 82,
            83 84, 85 86, 87 88, 89 90, 91 92, 93 94, 95 96, 97 98, 99 100, 101 102);
        SEED_ROLES "seed_roles" =
            "INSERT INTO user_roles (user_id, role, granted_at) SELECT id, 'user', created_at FROM users \
             WHERE username_key >= $1 AND username_key <= $2 AND LENGTH(username_key) = 12";
        SEED_SESSIONS "seed_sessions" =
            "INSERT INTO sessions (id, user_id, generation, user_agent, created_at, last_used_at, idle_expires_at, expires_at) \
             SELECT id, id, 0, 'seed', $3, $3, $4, $5 FROM users \
             WHERE username_key >= $1 AND username_key <= $2 AND LENGTH(username_key) = 12";
        SEED_REFRESH_TOKENS "seed_refresh_tokens" =
            "INSERT INTO refresh_tokens (token_hash, session_id, generation, issued_at) VALUES ",
            fifty_rows!(seeded_token:
            2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 16 17, 18 19, 20 21, 22 23, 24 25, 26 27, 28 29,
            30 31, 32 33, 34 35, 36 37, 38 39, 40 41, 42 43, 44 45, 46 47, 48 49, 50 51, 52 53, 54 55,
            56 57, 58 59, 60 61, 62 63, 64 65, 66 67, 68 69, 70 71, 72 73, 74 75, 76 77, 78 79, 80 81,
            82 83, 84 85, 86 87, 88 89, 90 91, 92 93, 94 95, 96 97, 98 99, 100 101);
    }
}

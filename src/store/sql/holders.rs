//! The accounts that hold any of some roles, in the order of their ids.
//!
//! Each statement takes thirty-two roles; shorter lists are filled up with the empty text, which is no role.
//! Each role is a branch that reads one range of an index and stops when a page is full: a list of roles in
//! one condition would read all their holders and sort them, and PostgreSQL would read the whole table.

/// The branches of thirty-two parameters.
macro_rules! branches {
    ($branch:ident: $first:literal $(, $next:literal)+) => {
        concat!($branch!($first) $(, " UNION ALL ", $branch!($next))+)
    };
}

macro_rules! holding {
    ($role:literal) => {
        concat!(
            "SELECT user_id, role FROM (SELECT user_id, role FROM user_roles \
             WHERE role = $",
            $role,
            " AND user_id > $1 ORDER BY user_id LIMIT ",
            limit!("$2"),
            ") held_",
            $role
        )
    };
}

macro_rules! holding_within {
    ($role:literal) => {
        concat!(
            "SELECT user_id, role FROM (SELECT user_id, role FROM limited_roles \
             WHERE reach_type = $4 AND reach_id = $5 AND role = $",
            $role,
            " AND user_id > $1 \
             AND (expires_at IS NULL OR expires_at > $3) ORDER BY user_id LIMIT ",
            limit!("$2"),
            ") held_",
            $role
        )
    };
}

/// The first of all branches together, each with the state of its account.
macro_rules! first_holders {
    ($branches:expr) => {
        concat!(
            "SELECT holders.user_id, holders.role, \
             (SELECT u.disabled FROM users u WHERE u.id = holders.user_id) AS disabled FROM (",
            $branches,
            " ORDER BY user_id LIMIT ",
            limit!("$2"),
            ") holders ORDER BY holders.user_id"
        )
    };
}

statements! {
    Request {
        HOLDERS "holders" = first_holders!(branches!(holding:
            3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
            19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34));
        // Assignments of one reach.
        LIMITED_HOLDERS "limited_holders" = first_holders!(branches!(holding_within:
            6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
            22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37));
    }
}

//! The policy: permissions, parents and grants of roles, roles that exclude each other, and assignments that
//! end or do not reach everywhere.

statements! {
    Request {
        // Locks the row: changes of the policy and of assignments run one after the other.
        LOCK_POLICY "lock_policy" =
            "UPDATE policy SET version = version WHERE name = 'live' RETURNING version";
        RAISE_POLICY "raise_policy" = "UPDATE policy SET version = version + 1 WHERE name = 'live'";
        PUT_PERMISSION "put_permission" =
            "INSERT INTO permissions (name, description, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET description = $2";
        DELETE_PERMISSION "delete_permission" = "DELETE FROM permissions WHERE name = $1";
        PUT_ROLE "put_role" =
            "INSERT INTO roles (name, description) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET description = $2";
        DELETE_ROLE "delete_role" = "DELETE FROM roles WHERE name = $1 AND built_in = FALSE";
        DELETE_PARENT "delete_parent" = "DELETE FROM role_parents WHERE role = $1 AND parent = $2";
        INSERT_PARENT "insert_parent" = "INSERT INTO role_parents (role, parent) VALUES ($1, $2)";
        DELETE_GRANT "delete_grant" =
            "DELETE FROM role_grants WHERE role = $1 AND permission = $2 AND condition_text = $3";
        INSERT_GRANT "insert_grant" =
            "INSERT INTO role_grants (role, permission, condition_text) VALUES ($1, $2, $3)";
        // As for `OTHER_HOLDERS`: for an equality PostgreSQL hopes to find a holder early in the whole table.
        ROLE_IS_HELD "role_is_held" =
            "SELECT CAST(1 AS BIGINT) WHERE EXISTS (SELECT 1 FROM user_roles WHERE role >= $1 AND role <= $1) \
             OR EXISTS (SELECT 1 FROM limited_roles WHERE role >= $1 AND role <= $1)";
        PUT_EXCLUSION "put_exclusion" =
            "INSERT INTO role_exclusions (name, description) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET description = $2";
        DELETE_EXCLUSION "delete_exclusion" = "DELETE FROM role_exclusions WHERE name = $1";
        DELETE_EXCLUSION_MEMBER "delete_exclusion_member" =
            "DELETE FROM role_exclusion_members WHERE name = $1 AND role = $2";
        COUNT_HOLDERS "count_holders" =
            "SELECT COUNT(*) FROM (SELECT user_id FROM user_roles WHERE role = $1 \
             UNION SELECT user_id FROM limited_roles WHERE role = $1) holders";
        INSERT_EXCLUSION_MEMBER "insert_exclusion_member" =
            "INSERT INTO role_exclusion_members (name, role) VALUES ($1, $2)";
        // Goes down from each role of the set to those that inherit it, and looks for an account that holds
        // two. Assignments that have ended do not count. `CROSS JOIN` and the ranges keep SQLite from
        // reading every assignment.
        EXCLUSION_BROKEN "exclusion_broken" =
            "WITH RECURSIVE below (member, role) AS ( \
             SELECT m.role, m.role FROM role_exclusion_members m WHERE m.name = $1 \
             UNION SELECT below.member, p.role FROM below JOIN role_parents p ON p.parent = below.role), \
             held (user_id, member) AS ( \
             SELECT ur.user_id, below.member FROM below CROSS JOIN user_roles ur WHERE ur.role >= below.role AND ur.role <= below.role \
             UNION SELECT lr.user_id, below.member FROM below CROSS JOIN limited_roles lr WHERE lr.role >= below.role AND lr.role <= below.role \
             AND (lr.expires_at IS NULL OR lr.expires_at > $2)) \
             SELECT CAST(1 AS BIGINT) FROM held GROUP BY user_id HAVING COUNT(*) > 1 LIMIT 1";
        GRANT_LIMITED_ROLE "grant_limited_role" =
            "INSERT INTO limited_roles (user_id, role, reach_type, reach_id, expires_at, granted_at, granted_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (user_id, role, reach_type, reach_id) DO UPDATE SET expires_at = $5 \
             WHERE COALESCE(limited_roles.expires_at, -1) <> COALESCE($5, -1)";
        REVOKE_LIMITED_ROLE "revoke_limited_role" =
            "DELETE FROM limited_roles WHERE user_id = $1 AND role = $2 AND reach_type = $3 AND reach_id = $4";
        REVOKE_LIMITED_ROLES "revoke_limited_roles" =
            "DELETE FROM limited_roles WHERE user_id = $1 AND role = $2";
    }
    Background {
        POLICY_VERSION "policy_version" = "SELECT version FROM policy WHERE name = 'live'";
        POLICY_PERMISSIONS "policy_permissions" =
            "SELECT name, description FROM permissions ORDER BY name";
        POLICY_ROLES "policy_roles" = "SELECT name, description, built_in FROM roles ORDER BY name";
        POLICY_PARENTS "policy_parents" =
            "SELECT role, parent FROM role_parents ORDER BY role, parent";
        POLICY_GRANTS "policy_grants" =
            "SELECT role, permission, condition_text FROM role_grants ORDER BY role, permission, condition_text";
        POLICY_EXCLUSIONS "policy_exclusions" =
            "SELECT name, description FROM role_exclusions ORDER BY name";
        POLICY_EXCLUSION_MEMBERS "policy_exclusion_members" =
            "SELECT name, role FROM role_exclusion_members ORDER BY name, role";
    }
}

-- Names of roles have one grammar: `^[a-z][a-z0-9_.-]{0,62}$`. Names that do not fit never gave a permission;
-- they and the grants of them are set aside, not lost: see "Names of roles" in docs/operations.md.

CREATE TABLE roles_set_aside (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL
);

CREATE TABLE user_roles_set_aside (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL,
    granted_by UUID,
    PRIMARY KEY (user_id, role)
);

-- A constraint needs a new table, on one of the engines. The rows of grants wait in another one, because
-- grants refer to roles.
CREATE TABLE roles_old AS SELECT name, description, built_in FROM roles;
CREATE TABLE user_roles_old AS SELECT user_id, role, granted_at, granted_by FROM user_roles;
DROP TABLE user_roles;
DROP TABLE roles;

CREATE TABLE roles (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    built_in BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT roles_name_grammar CHECK (
        name = CAST(name AS TEXT)
        AND length(name) BETWEEN 1 AND 63
        AND trim(name, 'abcdefghijklmnopqrstuvwxyz0123456789_.-') = ''
        AND trim(substr(name, 1, 1), 'abcdefghijklmnopqrstuvwxyz') = ''
    )
);

CREATE TABLE user_roles (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name),
    granted_at TIMESTAMPTZ NOT NULL,
    granted_by UUID,
    PRIMARY KEY (user_id, role),
    CONSTRAINT user_roles_role_grammar CHECK (
        role = CAST(role AS TEXT)
        AND length(role) BETWEEN 1 AND 63
        AND trim(role, 'abcdefghijklmnopqrstuvwxyz0123456789_.-') = ''
        AND trim(substr(role, 1, 1), 'abcdefghijklmnopqrstuvwxyz') = ''
    )
);

CREATE INDEX user_roles_by_role ON user_roles (role, user_id);

INSERT INTO roles (name, description, built_in)
SELECT name, description, built_in FROM roles_old
WHERE name = CAST(name AS TEXT)
    AND length(name) BETWEEN 1 AND 63
    AND trim(name, 'abcdefghijklmnopqrstuvwxyz0123456789_.-') = ''
    AND trim(substr(name, 1, 1), 'abcdefghijklmnopqrstuvwxyz') = '';

INSERT INTO roles_set_aside (name, description)
SELECT name, description FROM roles_old
WHERE NOT EXISTS (SELECT 1 FROM roles WHERE roles.name = roles_old.name);

INSERT INTO user_roles (user_id, role, granted_at, granted_by)
SELECT user_id, role, granted_at, granted_by FROM user_roles_old
WHERE EXISTS (SELECT 1 FROM roles WHERE roles.name = user_roles_old.role);

INSERT INTO user_roles_set_aside (user_id, role, granted_at, granted_by)
SELECT user_id, role, granted_at, granted_by FROM user_roles_old
WHERE NOT EXISTS (SELECT 1 FROM roles WHERE roles.name = user_roles_old.role);

DROP TABLE user_roles_old;
DROP TABLE roles_old;

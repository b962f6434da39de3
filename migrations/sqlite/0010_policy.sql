-- The policy as data: permissions of other services, parents and grants of roles, roles that exclude each
-- other, and assignments that end or reach only some resources.

-- Raised by each change of the policy. A change locks the row first, so that changes run one after the other
-- and each is checked against what it applies to.
CREATE TABLE policy (
    name TEXT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL
);

INSERT INTO policy (name, version) VALUES ('live', 1);

-- Beside those that are fixed in the service. `resource:action`: the service checks the names.
CREATE TABLE permissions (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE role_parents (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    parent TEXT NOT NULL REFERENCES roles (name),
    PRIMARY KEY (role, parent)
);

CREATE INDEX role_parents_by_parent ON role_parents (parent, role);

CREATE TABLE role_grants (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    -- `resource:*` stands for all of a resource.
    permission TEXT NOT NULL,
    -- Empty: always.
    condition_text TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (role, permission, condition_text)
);

CREATE INDEX role_grants_by_permission ON role_grants (permission, role);

-- Everybody has it, so it is never assigned. One of this name that exists becomes it.
INSERT INTO roles (name, description, built_in) VALUES
    ('everyone', 'Everybody, also subjects without an account.', TRUE)
ON CONFLICT (name) DO UPDATE SET built_in = TRUE;

-- At most one role of each set for one account, inherited ones included (NIST: static separation of duty).
CREATE TABLE role_exclusions (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL
);

CREATE TABLE role_exclusion_members (
    name TEXT NOT NULL REFERENCES role_exclusions (name) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name),
    PRIMARY KEY (name, role)
);

CREATE INDEX role_exclusion_members_by_role ON role_exclusion_members (role, name);

-- Assignments that end or do not reach everywhere; the others are rows of `user_roles`. The last
-- administrator is looked for there alone, so that none of these ends the administration.
CREATE TABLE limited_roles (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name),
    -- Both empty: every resource. The type alone: its resources.
    reach_type TEXT NOT NULL DEFAULT '',
    reach_id TEXT NOT NULL DEFAULT '',
    -- Microseconds since 1970: read back within a text, which has one form on both engines then.
    expires_at BIGINT,
    granted_at TIMESTAMPTZ NOT NULL,
    granted_by UUID,
    PRIMARY KEY (user_id, role, reach_type, reach_id),
    CHECK (reach_type <> '' OR (reach_id = '' AND expires_at IS NOT NULL))
);

CREATE INDEX limited_roles_by_role ON limited_roles (role, user_id);
CREATE INDEX limited_roles_expiring ON limited_roles (expires_at) WHERE expires_at IS NOT NULL;

-- Registered subjects and resources of other services: searches go through them, and conditions of grants
-- look at their properties.

-- A part of the policy: writing a row raises its version.
CREATE TABLE entity_types (
    -- The entity's part in a question.
    side TEXT NOT NULL CHECK (side IN ('subject', 'resource')),
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Properties that come with a question count before registered ones.
    caller_wins BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (side, kind)
);

CREATE TABLE entities (
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    -- A JSON object.
    properties TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (side, kind, id),
    FOREIGN KEY (side, kind) REFERENCES entity_types (side, kind) ON DELETE CASCADE
);

-- Who has a role for one resource: a search must not read everybody who has it for some other.
CREATE INDEX limited_roles_by_reach ON limited_roles (reach_type, reach_id, role, user_id);

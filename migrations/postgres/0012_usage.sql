-- When grants and roles last allowed something, to the hour: evidence for taking away what nobody needs.

CREATE TABLE grant_usage (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    -- Empty: none.
    condition_text TEXT NOT NULL DEFAULT '',
    used_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (role, permission, condition_text)
);

CREATE TABLE role_usage (
    role TEXT PRIMARY KEY NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    used_at TIMESTAMPTZ NOT NULL
);

-- Since when it is noted: what was not used since then may have been before.
CREATE TABLE usage_start (
    name TEXT PRIMARY KEY NOT NULL,
    started_at TIMESTAMPTZ NOT NULL
);

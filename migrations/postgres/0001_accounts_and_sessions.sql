-- differs: names and addresses compare byte by byte, as SQLite does: searches are ranges of bytes.
-- Accounts, roles, sessions, refresh tokens, signing keys.
--
-- Portable types: UUID, TIMESTAMPTZ, BYTEA and BOOLEAN are storage hints to SQLite and real types
-- elsewhere. Ids are UUIDv7 made by the service, times come from its clock in microseconds.

CREATE TABLE users (
    id UUID PRIMARY KEY NOT NULL,
    username TEXT NOT NULL,
    -- What uniqueness and lookups go by: lower case.
    username_key TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL UNIQUE,
    -- PHC string.
    password_hash TEXT NOT NULL,
    disabled BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    last_login_at TIMESTAMPTZ
);

CREATE TABLE roles (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    built_in BOOLEAN NOT NULL DEFAULT FALSE
);

INSERT INTO roles (name, description, built_in) VALUES
    ('admin', 'Every permission.', TRUE),
    ('user', 'One''s own account.', TRUE);

CREATE TABLE user_roles (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name),
    granted_at TIMESTAMPTZ NOT NULL,
    granted_by UUID,
    PRIMARY KEY (user_id, role)
);

CREATE INDEX user_roles_by_role ON user_roles (role, user_id);

-- A session is a family of refresh tokens.
CREATE TABLE sessions (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The generation of the family's one living refresh token.
    generation BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    idle_expires_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    end_reason TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

CREATE INDEX sessions_living_by_user ON sessions (user_id, id) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token; the token itself is not stored.
    token_hash BYTEA PRIMARY KEY NOT NULL,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL,
    rotated_at TIMESTAMPTZ,
    -- The next token, sealed so that only this token opens it: a replay within the grace period
    -- gets the same successor, and the chain does not fork.
    successor BYTEA,
    UNIQUE (session_id, generation),
    CHECK ((rotated_at IS NULL) = (successor IS NULL))
);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    algorithm TEXT NOT NULL,
    -- PKCS#8, encrypted with a key derived from SECRET_KEY.
    sealed_private_key BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- Still verifies, no longer signs.
    retired_at TIMESTAMPTZ
);

-- A signing key is published, then signs, then verifies for a while: keys change while the service runs.

ALTER TABLE signing_keys RENAME COLUMN created_at TO published_at;
ALTER TABLE signing_keys RENAME COLUMN retired_at TO retire_at;

-- From when it signs: after every cached key set and every replica has seen it.
ALTER TABLE signing_keys ADD COLUMN active_at TIMESTAMPTZ;
UPDATE signing_keys SET active_at = published_at;

-- It verifies nothing from then on, because it may have leaked.
ALTER TABLE signing_keys ADD COLUMN revoked_at TIMESTAMPTZ;

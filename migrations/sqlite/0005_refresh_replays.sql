-- What tells a client whose answer was lost from a thief, when a refresh token comes a second time.

-- The newest generation whose access token was used, and when that was first seen. The first
-- generation has no parent that could come again: it counts as used.
ALTER TABLE sessions ADD COLUMN used_generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN used_at TIMESTAMPTZ;
-- The kind and network of the client that made the current generation, under a keyed hash.
ALTER TABLE sessions ADD COLUMN refreshed_by BYTEA;
-- The newest generation in which a replay was answered that a thief could have made.
ALTER TABLE sessions ADD COLUMN replayed_generation BIGINT;

-- Nobody noted of the sessions that exist whether they were used: they were.
UPDATE sessions SET used_generation = generation WHERE ended_at IS NULL AND generation > 0;

-- Housekeeping: what is over is found by index and removed in small batches, by one replica at a
-- time.

-- Work that one replica does for all. A row is taken by compare-and-set; a holder that crashed loses
-- it when its time is up.
CREATE TABLE leases (
    name TEXT PRIMARY KEY NOT NULL,
    -- Who does the work, or did it last.
    holder UUID,
    held_until TIMESTAMPTZ NOT NULL,
    -- When the last run began, wherever it was.
    started_at TIMESTAMPTZ NOT NULL,
    -- When a run last came to its end.
    succeeded_at TIMESTAMPTZ
);

INSERT INTO leases (name, held_until, started_at) VALUES
    ('housekeeping', '1970-01-01T00:00:00+00:00', '1970-01-01T00:00:00+00:00');

-- Sessions that were ended, and sessions that ran out: the idle deadline is never later than the
-- absolute one. The latter counts living sessions, too; the column that is always null spares SQLite
-- the look at each row.
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_running ON sessions (idle_expires_at, ended_at) WHERE ended_at IS NULL;

CREATE INDEX refresh_tokens_rotated ON refresh_tokens (rotated_at) WHERE rotated_at IS NOT NULL;

-- Who deletes an account deletes its sessions, the ended ones included.
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Counts disabled accounts without reading the others.
CREATE INDEX users_disabled ON users (id) WHERE disabled = TRUE;

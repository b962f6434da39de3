-- Rows and a table for two things that used those of others: adding a signing key locked the row of
-- a role, and the write check inserted a signing key.

-- Rows that a transaction locks by updating them, where there is no row of the subject to lock yet.
CREATE TABLE locks (
    name TEXT PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL
);

INSERT INTO locks (name, purpose) VALUES
    ('signing_keys', 'Replicas that start at the same time add one signing key.');

-- A row is inserted and deleted in one transaction, to see whether the disk takes it: the table is
-- always empty.
CREATE TABLE write_checks (
    id UUID PRIMARY KEY NOT NULL,
    content BYTEA NOT NULL
);

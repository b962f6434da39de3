-- What a session may do of what its account may, for a login that asked for a scope.

-- Names of permissions, separated by spaces; null is everything that the account may do.
ALTER TABLE sessions ADD COLUMN scope TEXT;

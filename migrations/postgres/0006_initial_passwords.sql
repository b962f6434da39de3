-- Passwords that somebody else knows: generated at the creation of an account. Until when they log in,
-- to be changed; NULL once the owner has chosen one.
ALTER TABLE users ADD COLUMN initial_password_until TIMESTAMPTZ;

//! Transactions and health checks.

statements! {
    Transaction {
        // SQLite is sent `BEGIN IMMEDIATE`: see `Conn::begin`.
        BEGIN "begin" = "BEGIN";
        COMMIT "commit" = "COMMIT";
        ROLLBACK "rollback" = "ROLLBACK";
    }
    Background {
        PING "ping" = "SELECT 1";
        // Inserting and deleting a row forces a real write; an UPDATE that changes nothing might not
        // reach the disk. A row of its own for each check, so that replicas do not wait for one
        // another.
        PROBE_WRITE "probe_write" = "INSERT INTO write_checks (id, content) VALUES ($1, $2)";
        PROBE_CLEAR "probe_clear" = "DELETE FROM write_checks WHERE id = $1";
    }
}

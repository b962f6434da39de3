//! Fills a database for tests and load tests: many accounts in little time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, Tx, execute, execute_rows, fetch_optional, sql};
use crate::error::{Error, Result};

/// The properties that all seeded accounts share.
#[derive(Clone, Debug)]
pub struct Seed {
    /// PHC string.
    pub password_hash: String,
    /// When they and their sessions are created.
    pub at: DateTime<Utc>,
    /// If given, each account gets a session.
    pub session: Option<SeedSession>,
}

/// The properties that all seeded sessions share.
#[derive(Clone, Copy, Debug)]
pub struct SeedSession {
    /// When they expire unless they are refreshed.
    pub idle_expires_at: DateTime<Utc>,
    /// When they expire at the latest.
    pub expires_at: DateTime<Utc>,
}

/// The highest number of a seeded account: always seven digits, so that names sort by number.
pub const MAX_SEED: u32 = 9_999_999;
/// Rows of one bulk insert.
const ROWS: usize = 50;

/// The username of a seeded account, and the local part of its address.
fn name(number: u32) -> String {
    format!("seed-{number:07}")
}

impl Store {
    /// The highest number of a seeded account; 0 when there is none.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another account has a name that looks seeded.
    pub async fn last_seeded(&self) -> Result<u32> {
        let mut conn = self.reader().await?;
        let bounds = [name(1), name(MAX_SEED)];
        let [first, last] = &bounds;
        let row = fetch_optional!(conn, sql::LAST_SEEDED => (String,), first, last)?;
        let Some((name,)) = row else { return Ok(0) };
        name.trim_start_matches("seed-").parse().map_err(|_| {
            Error::Conflict("an account has a name that looks like that of a seeded one")
        })
    }

    /// Creates the accounts `seed-0000001` and so on, with these numbers and the role `user`, in one
    /// transaction.
    ///
    /// # Errors
    /// [`Error::Taken`] when one of them exists.
    pub async fn seed_users(&self, seed: &Seed, first: u32, last: u32) -> Result<()> {
        let numbers: Vec<u32> = (first..=last).collect();
        let bounds = [name(first), name(last)];
        let [from, to] = &bounds;
        let mut tx = self.transaction().await?;
        let mut ids = Vec::with_capacity(numbers.len());
        for chunk in numbers.chunks(ROWS) {
            let rows: Vec<_> = chunk.iter().map(|n| (Uuid::now_v7(), name(*n))).collect();
            ids.extend(rows.iter().map(|(id, _)| *id));
            seed_accounts(&mut tx, seed, rows).await?;
        }
        execute!(tx.conn, sql::SEED_ROLES, from, to)?;
        if let Some(session) = seed.session {
            let (idle, end) = (session.idle_expires_at, session.expires_at);
            execute!(tx.conn, sql::SEED_SESSIONS, from, to, seed.at, idle, end)?;
            for chunk in ids.chunks(ROWS) {
                seed_tokens(&mut tx, seed, chunk).await?;
            }
        }
        tx.commit().await
    }
}

async fn seed_accounts(tx: &mut Tx, seed: &Seed, rows: Vec<(Uuid, String)>) -> Result<()> {
    let (hash, at) = (&seed.password_hash, seed.at);
    if rows.len() == ROWS {
        execute_rows!(tx.conn, sql::SEED_USERS, [hash, at], rows)?;
        return Ok(());
    }
    for (id, name) in rows {
        let email = format!("{name}@example.com");
        execute!(
            tx.conn,
            sql::INSERT_USER,
            id,
            &name,
            &name,
            &email,
            &email,
            hash,
            at,
            None::<DateTime<Utc>>
        )?;
    }
    Ok(())
}

/// The sessions have the ids of their accounts, and unknown random refresh tokens.
async fn seed_tokens(tx: &mut Tx, seed: &Seed, ids: &[Uuid]) -> Result<()> {
    let rows = ids.iter().map(|id| (unknown_hash(), *id));
    if ids.len() == ROWS {
        execute_rows!(tx.conn, sql::SEED_REFRESH_TOKENS, [seed.at], rows)?;
        return Ok(());
    }
    for (hash, session) in rows {
        execute!(
            tx.conn,
            sql::INSERT_REFRESH_TOKEN,
            hash,
            session,
            0_i64,
            seed.at
        )?;
    }
    Ok(())
}

fn unknown_hash() -> Vec<u8> {
    [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat()
}

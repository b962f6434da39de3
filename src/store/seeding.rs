//! Filling a database for tests: many accounts in little time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, Tx, execute, execute_rows, fetch_optional, sql};
use crate::error::{Error, Result};

/// What seeded accounts have in common.
#[derive(Clone, Debug)]
pub struct Seed {
    /// PHC string.
    pub password_hash: String,
    /// When they and their sessions are made.
    pub at: DateTime<Utc>,
    /// Their sessions, if they have one each.
    pub session: Option<SeedSession>,
}

/// What the sessions of seeded accounts have in common.
#[derive(Clone, Copy, Debug)]
pub struct SeedSession {
    /// When they end if they are not refreshed.
    pub idle_expires_at: DateTime<Utc>,
    /// When they end at the latest.
    pub expires_at: DateTime<Utc>,
}

/// The highest number that a seeded account may have: seven digits, so that names sort by it.
pub const MAX_SEED: u32 = 9_999_999;
/// How many rows the statements with many rows take.
const ROWS: usize = 50;

/// The username of a seeded account, which begins its address as well.
fn name(number: u32) -> String {
    format!("seed-{number:07}")
}

impl Store {
    /// The highest number of a seeded account; 0 when there is none.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody has a name that looks like that of a seeded account.
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

    /// Makes the accounts `seed-0000001` and so on of these numbers, with the role `user`, in one
    /// transaction.
    ///
    /// # Errors
    /// [`Error::Taken`] when one of them is there already.
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
            at
        )?;
    }
    Ok(())
}

/// Their sessions have the accounts' ids, and tokens that nobody knows.
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

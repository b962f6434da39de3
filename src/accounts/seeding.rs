//! Filling a database for tests.

use zeroize::Zeroizing;

use super::Accounts;
use crate::error::Result;
use crate::hashing::Password;
use crate::secrets::random;
use crate::store::{Seed, SeedSession};

/// Accounts of one transaction.
const BATCH: u32 = 5_000;

/// The result of a seeding.
pub struct Seeded {
    /// How many accounts are new.
    pub made: u32,
    /// Their password, if it was generated.
    pub generated: Option<Zeroizing<String>>,
}

impl Accounts {
    /// Creates the missing accounts of `seed-0000001` and so on up to this number. The new ones share a
    /// password, generated unless one is given, and hashed once. Reports the progress after each
    /// transaction.
    ///
    /// # Errors
    /// [`crate::error::Error::WeakPassword`], and [`crate::error::Error::Conflict`] when another
    /// account has the name of a seeded one.
    pub async fn seed_users(
        &self,
        up_to: u32,
        with_sessions: bool,
        password: Option<&str>,
        progress: impl Fn(u32, u32),
    ) -> Result<Seeded> {
        let generated = match password {
            Some(_) => None,
            None => Some(random::password()?),
        };
        let chosen = password.or(generated.as_ref().map(|text| text.as_str()));
        let password = Password::new(chosen.unwrap_or_default());
        self.check_password("password", &password, "seed-", "seed-@example.com")?;
        let last = self.store.last_seeded().await?;
        if last >= up_to {
            return Ok(Seeded {
                made: 0,
                generated: None,
            });
        }
        let now = self.clock.now();
        let (idle_expires_at, expires_at) = self.sessions.lifetimes().ends(now);
        let seed = Seed {
            password_hash: self.hash_new("password", password).await?,
            at: now,
            session: with_sessions.then_some(SeedSession {
                idle_expires_at,
                expires_at,
            }),
        };
        let total = up_to - last;
        for first in (last + 1..=up_to).step_by(BATCH as usize) {
            let end = up_to.min(first + BATCH - 1);
            self.store.seed_users(&seed, first, end).await?;
            progress(end - last, total);
        }
        Ok(Seeded {
            made: total,
            generated,
        })
    }
}

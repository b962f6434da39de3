//! What is broken on purpose, and which alerts must say so.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::{BACK_OFF, Client};
use super::stack::{GRACE, Stack};
use crate::Result;

/// Attackers at a time: more than can be hashed at a time, fewer than would be turned away.
const ATTACKERS: usize = 8;
/// Logins at a time that wait longer than the hash gate lets them.
const STORM: usize = 400;
/// Clients that go on with a token that is no good any more.
const OLD_CLIENTS: usize = 4;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Redis is stopped.
    RedisStopped,
    /// A refresh token that was used comes again, long after.
    RefreshReplayed,
    /// Passwords are tried for names of a list.
    Stuffing,
    /// The signing key is lost, and clients go on with what it signed.
    SigningKeyLost,
    /// More logins than can be hashed.
    HashGateSaturated,
    /// PostgreSQL is stopped.
    DatabaseStopped,
}

impl Fault {
    /// All, in an order in which what lingers of one does not hide the next.
    pub const ALL: [Self; 6] = [
        Self::RedisStopped,
        Self::RefreshReplayed,
        Self::DatabaseStopped,
        Self::SigningKeyLost,
        Self::Stuffing,
        Self::HashGateSaturated,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RedisStopped => "Redis stopped",
            Self::RefreshReplayed => "refresh token replayed",
            Self::Stuffing => "credential stuffing",
            Self::SigningKeyLost => "signing key lost",
            Self::HashGateSaturated => "hash gate saturated",
            Self::DatabaseStopped => "database stopped",
        }
    }

    /// The alerts that must fire.
    #[must_use]
    pub const fn alerts(self) -> &'static [&'static str] {
        match self {
            Self::RedisStopped => &["AuthDependencyDown", "AuthRateLimiterDegraded"],
            Self::RefreshReplayed => &["AuthRefreshTokenReuse"],
            Self::Stuffing => &["AuthCredentialStuffing"],
            Self::SigningKeyLost => &["AuthTokenSignatureFailures"],
            Self::HashGateSaturated => {
                &["AuthPasswordHashQueueSaturated", "AuthPasswordHashShedding"]
            }
            Self::DatabaseStopped => &[
                "AuthDependencyDown",
                "AuthJourneyFailing",
                "AuthAvailabilityBudgetBurn",
                "AuthInstanceNotReady",
            ],
        }
    }

    /// The alerts that may fire beside them: what else it does to users.
    #[must_use]
    pub const fn beside(self) -> &'static [&'static str] {
        match self {
            Self::RedisStopped => &["AuthExporterDown"],
            Self::RefreshReplayed => &[],
            // Logins do succeed, and there is no yesterday to compare with.
            Self::Stuffing => &[
                "AuthPasswordHashQueueSaturated",
                "AuthPasswordLatencyBudgetBurn",
                "AuthSuccessAfterFailureSurge",
            ],
            // The service is started anew for it.
            Self::SigningKeyLost => &["AuthJourneyFailing", "AuthJourneyBudgetBurn"],
            Self::HashGateSaturated => &[
                "AuthAvailabilityBudgetBurn",
                "AuthJourneyBudgetBurn",
                "AuthJourneyFailing",
                "AuthPasswordLatencyBudgetBurn",
                "AuthRuntimeBlocked",
                "AuthTokenLatencyBudgetBurn",
            ],
            Self::DatabaseStopped => &[
                "AuthDbPoolExhausted",
                "AuthErrorLogs",
                "AuthExporterDown",
                "AuthJourneyBudgetBurn",
                "AuthPasswordLatencyBudgetBurn",
                "AuthTokenLatencyBudgetBurn",
            ],
        }
    }

    /// Breaks it; the tasks go on until they are dropped.
    ///
    /// # Errors
    /// When it cannot be broken.
    pub async fn inject(self, stack: &mut Stack, client: &Arc<Client>) -> Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        match self {
            Self::RedisStopped => stack.redis.stop()?,
            Self::RefreshReplayed => replay(client).await?,
            Self::Stuffing => {
                for attacker in 0..ATTACKERS {
                    tasks.spawn(stuff(Arc::clone(client), attacker));
                }
            }
            Self::SigningKeyLost => {
                let token = client.enter("background-0", None).await?.access;
                stack.stop_service()?;
                stack.database.sql("DELETE FROM signing_keys")?;
                stack.start_service().await?;
                for _ in 0..OLD_CLIENTS {
                    tasks.spawn(insist(Arc::clone(client), token.clone()));
                }
            }
            Self::HashGateSaturated => {
                for _ in 0..STORM {
                    tasks.spawn(log_in_again(Arc::clone(client)));
                }
            }
            Self::DatabaseStopped => stack.database.stop()?,
        }
        Ok(tasks)
    }

    /// Mends it.
    ///
    /// # Errors
    /// When it cannot be mended.
    pub fn heal(self, stack: &mut Stack) -> Result<()> {
        match self {
            Self::RedisStopped => stack.redis.start(),
            Self::DatabaseStopped => stack.database.start(),
            Self::RefreshReplayed
            | Self::Stuffing
            | Self::SigningKeyLost
            | Self::HashGateSaturated => Ok(()),
        }
    }
}

/// A thief who is slower than the owner.
async fn replay(client: &Client) -> Result<()> {
    let stolen = client.enter("background-0", None).await?.refresh;
    let (_, next) = client.refresh(&stolen).await?;
    client.refresh(&next.ok_or("no refresh")?.refresh).await?;
    tokio::time::sleep(GRACE * 2).await;
    match client.refresh(&stolen).await? {
        (400, None) => Ok(()),
        (status, _) => Err(format!("a stolen refresh token was answered {status}").into()),
    }
}

/// One of the machines of an attacker, with a list of names that are mostly not ours.
async fn stuff(client: Arc<Client>, attacker: usize) {
    for number in 0.. {
        let name = format!("leaked-{attacker}-{number}");
        let _ = client.login(&name, Some("letmein-2026-leaked")).await;
    }
}

/// A client that does not notice that its token is no good.
async fn insist(client: Arc<Client>, token: String) {
    loop {
        let _ = client.get("/users/me", &token).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Somebody who logs in again, whatever the answer. Not at once: the gate shall be saturated, not the
/// machine, which would prove other alerts.
async fn log_in_again(client: Arc<Client>) {
    loop {
        let _ = client.login("background-1", None).await;
        tokio::time::sleep(BACK_OFF).await;
    }
}

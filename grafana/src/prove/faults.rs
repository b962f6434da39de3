//! The injected faults and the alerts that must fire.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::{BACK_OFF, Client};
use super::stack::{GRACE, Stack};
use crate::Result;

/// Concurrent attackers: enough to keep the hash gate busy, too few to be shed.
const ATTACKERS: usize = 8;
/// Concurrent logins: enough to exceed the hash gate's deadline.
const STORM: usize = 400;
/// Clients that keep using an invalid token.
const OLD_CLIENTS: usize = 4;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Redis is stopped.
    RedisStopped,
    /// A used refresh token is replayed after the grace period.
    RefreshReplayed,
    /// Credential stuffing with a list of names.
    Stuffing,
    /// The signing key is lost, and clients keep using its tokens.
    SigningKeyLost,
    /// More logins than the hash gate can take.
    HashGateSaturated,
    /// PostgreSQL is stopped.
    DatabaseStopped,
}

impl Fault {
    /// All, ordered so that lingering alerts of one do not hide those of the next.
    pub const ALL: [Self; 6] = [
        Self::RedisStopped,
        Self::RefreshReplayed,
        Self::DatabaseStopped,
        Self::SigningKeyLost,
        Self::Stuffing,
        Self::HashGateSaturated,
    ];

    /// The name.
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

    /// Other alerts that may fire: further effects on users.
    #[must_use]
    pub const fn beside(self) -> &'static [&'static str] {
        match self {
            Self::RedisStopped => &["AuthExporterDown"],
            Self::RefreshReplayed => &[],
            // Logins succeed, and there is no data of yesterday to compare with.
            Self::Stuffing => &[
                "AuthPasswordHashQueueSaturated",
                "AuthPasswordLatencyBudgetBurn",
                "AuthSuccessAfterFailureSurge",
            ],
            // It restarts the service.
            Self::SigningKeyLost => &["AuthJourneyFailing", "AuthJourneyBudgetBurn"],
            // The unoptimised build has no processor time left: tasks that hold a connection of the pool
            // wait for it, and others give up. An optimised build sheds eight times as much without that.
            Self::HashGateSaturated => &[
                "AuthAvailabilityBudgetBurn",
                "AuthDbPoolExhausted",
                "AuthErrorLogs",
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

    /// Injects it; the tasks run until they are dropped.
    ///
    /// # Errors
    /// When it cannot be injected.
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

    /// Repairs it.
    ///
    /// # Errors
    /// When it cannot be repaired.
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

/// A thief who uses a refresh token after its owner did.
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

/// One machine of an attacker, with a list of mostly unknown names.
async fn stuff(client: Arc<Client>, attacker: usize) {
    for number in 0.. {
        let name = format!("leaked-{attacker}-{number}");
        let _ = client.login(&name, Some("letmein-2026-leaked")).await;
    }
}

/// A client that keeps sending an invalid token.
async fn insist(client: Arc<Client>, token: String) {
    loop {
        let _ = client.get("/users/me", &token).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A client that logs in again whatever the answer, with a pause: the gate must be saturated, not the
/// machine, or other alerts would fire.
async fn log_in_again(client: Arc<Client>) {
    loop {
        let _ = client.login("background-1", None).await;
        tokio::time::sleep(BACK_OFF).await;
    }
}

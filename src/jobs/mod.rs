//! Jobs: periodic background work.
//!
//! Each run returns the pause until the next one, so after a pause of the machine one run is due, not
//! all that were missed.

mod dependencies;
mod housekeeping;
mod inventory;
mod key_reload;
mod log_windows;
mod policy_reload;
mod usage;

use std::time::Duration;

use tokio::task::JoinSet;

pub use self::dependencies::Dependencies;
pub use self::housekeeping::Housekeeping;
pub use self::inventory::Inventory;
pub use self::key_reload::KeyReload;
pub use self::log_windows::LogWindows;
pub use self::policy_reload::PolicyReload;
pub use self::usage::UsageNotes;

/// Periodic work.
pub trait Job: Send + 'static {
    /// How long to wait before the first run.
    fn first_delay(&self) -> Duration {
        Duration::ZERO
    }

    /// Does the work once. Returns how long to wait until the next run.
    fn tick(&mut self) -> impl Future<Output = Duration> + Send;
}

/// Repeats the job until the set is dropped.
pub fn spawn(jobs: &mut JoinSet<()>, mut job: impl Job) {
    jobs.spawn(async move {
        tokio::time::sleep(job.first_delay()).await;
        loop {
            let pause = job.tick().await;
            tokio::time::sleep(pause).await;
        }
    });
}

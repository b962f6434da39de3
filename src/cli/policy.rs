//! `policy`: the policy as a file, also beside running services, which follow within a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Failure;
use crate::accounts::Actor;
use crate::accounts::policy_changes::PolicyChanges;
use crate::app;
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::policies::{Policies, PolicyFile};
use crate::telemetry;

#[derive(Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the live policy as YAML: permissions, roles, and roles that exclude each other
    Export {
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Print what `apply` would change, and what holders of roles would gain and lose
    Diff {
        #[command(flatten)]
        file: File,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Make the live policy what the file says, all of it or nothing
    Apply {
        #[command(flatten)]
        file: File,
        #[command(flatten)]
        config: Box<Config>,
    },
}

#[derive(Args)]
struct File {
    /// The policy
    #[arg(id = "policy-file", value_name = "FILE")]
    policy: PathBuf,
    /// The version that the file was made of: what changed beside it since stays, and what both changed
    /// differently is refused
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "replace",
        required_unless_present = "replace"
    )]
    base: Option<PathBuf>,
    /// Replace the live policy, whatever it is
    #[arg(long)]
    replace: bool,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(command: &PolicyCommand) -> Result<(), Failure> {
    let (Action::Export { config } | Action::Diff { config, .. } | Action::Apply { config, .. }) =
        &command.action;
    config.validate()?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let store = app::open_store(config).await?;
    let clock = Clock::system();
    let done = async {
        let policies = Policies::open(store.clone(), clock.clone()).await?;
        let changes = PolicyChanges::new(store.clone(), Arc::new(policies), clock);
        act(&command.action, &changes).await
    }
    .await;
    store.close().await;
    println!("{}", done?.trim_end());
    Ok(())
}

async fn act(action: &Action, changes: &PolicyChanges) -> Result<String, Failure> {
    let (file, dry_run) = match action {
        Action::Export { .. } => return Ok(yaml_serde::to_string(&changes.export().await?)?),
        Action::Diff { file, .. } => (file, true),
        Action::Apply { file, .. } => (file, false),
    };
    let base = file.base.as_deref().map(read).transpose()?;
    let effect = changes
        .apply(Actor::Operator, base, read(&file.policy)?, dry_run)
        .await?;
    Ok(effect.to_string())
}

fn read(path: &Path) -> Result<PolicyFile, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let file = yaml_serde::from_str(&text);
    Ok(file.map_err(|error| format!("{shown}: {error}"))?)
}

//! `admin`: makes administrators.

use clap::{Args, Subcommand};

use zeroize::Zeroizing;

use super::Failure;
use crate::app::Services;
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::hashing::Password;
use crate::telemetry;

#[derive(Args)]
pub(super) struct Admin {
    #[command(subcommand)]
    action: AdminAction,
}

#[derive(Subcommand)]
enum AdminAction {
    /// Create an account with the role `admin`; its password is read from standard input
    Create {
        /// The account's name
        #[arg(long)]
        username: String,
        /// The owner's e-mail address
        #[arg(long)]
        email: String,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Grant an existing account the role `admin`
    Promote {
        /// Username or e-mail address
        name: String,
        #[command(flatten)]
        config: Box<Config>,
    },
}

#[tokio::main]
pub(super) async fn run(admin: &Admin) -> Result<(), Failure> {
    let (AdminAction::Create { config, .. } | AdminAction::Promote { config, .. }) = &admin.action;
    config.validate()?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let services = Services::open(config, Clock::system()).await?;
    let accounts = &services.accounts;
    let user = match &admin.action {
        AdminAction::Create {
            username, email, ..
        } => {
            let mut password = Zeroizing::new(String::new());
            std::io::stdin().read_line(&mut password)?;
            let password = Password::new(password.trim_end_matches(['\r', '\n']));
            accounts
                .create_admin(username, email, password, false)
                .await?
        }
        AdminAction::Promote { name, .. } => accounts.promote(name).await?,
    };
    services.store.close().await;
    println!("{} is an administrator.", user.username);
    Ok(())
}

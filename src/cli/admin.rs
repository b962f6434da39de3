//! `admin`: creates administrators and resets passwords.

use clap::{Args, Subcommand};

use zeroize::Zeroizing;

use super::Failure;
use crate::app::{Services, in_words};
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
    /// Give an existing account a new initial password, which is printed and has to be changed
    ///
    /// It logs in for `INITIAL_PASSWORD_TTL`. The account's sessions end.
    ResetPassword {
        /// Username or e-mail address
        name: String,
        #[command(flatten)]
        config: Box<Config>,
    },
}

impl AdminAction {
    const fn config(&self) -> &Config {
        let (Self::Create { config, .. }
        | Self::Promote { config, .. }
        | Self::ResetPassword { config, .. }) = self;
        config
    }
}

#[tokio::main]
pub(super) async fn run(admin: &Admin) -> Result<(), Failure> {
    let config = admin.action.config();
    config.validate()?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let services = Services::open(config, Clock::system()).await?;
    let accounts = &services.accounts;
    let said = match &admin.action {
        AdminAction::Create {
            username, email, ..
        } => {
            let mut password = Zeroizing::new(String::new());
            std::io::stdin().read_line(&mut password)?;
            let password = Password::new(password.trim_end_matches(['\r', '\n']));
            let user = accounts
                .create_admin(username, email, password, false)
                .await?;
            format!("{} is an administrator.", user.username)
        }
        AdminAction::Promote { name, .. } => {
            let user = accounts.promote(name).await?;
            format!("{} is an administrator.", user.username)
        }
        AdminAction::ResetPassword { name, .. } => {
            let (user, password) = accounts.reset_password(name).await?;
            let ttl = in_words(config.hashing.initial_password_ttl);
            format!(
                "{} logs in with the password {}\nwithin {ttl}, to change it.",
                user.username, *password
            )
        }
    };
    services.store.close().await;
    println!("{said}");
    Ok(())
}

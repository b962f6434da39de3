//! The administrator of a server that runs already, as options name it.

use clap::Args;

use crate::Result;
use crate::state::Account;

/// Its options.
#[derive(Args, Clone, Debug)]
pub struct Administrator {
    /// Administrator of that server; the password comes from LOADTEST_ADMIN_PASSWORD
    #[arg(
        long,
        default_value = "admin",
        value_name = "NAME",
        help_heading = "Server"
    )]
    admin_username: String,

    /// Password of the administrator; from the environment, because `ps` shows options
    #[arg(
        long,
        env = "LOADTEST_ADMIN_PASSWORD",
        hide = true,
        hide_env_values = true,
        default_value = "",
        help_heading = "Server"
    )]
    admin_password: String,
}

impl Administrator {
    /// Its account.
    ///
    /// # Errors
    /// When there is no password.
    pub fn account(&self) -> Result<Account> {
        if self.admin_password.is_empty() {
            return Err(
                "the administrator's password is missing: set LOADTEST_ADMIN_PASSWORD, or use --spawn"
                    .into(),
            );
        }
        Ok(Account {
            username: self.admin_username.clone(),
            password: self.admin_password.clone(),
        })
    }
}

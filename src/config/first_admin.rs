//! Options of the first administrator.

use clap::Args;

use super::Secret;
use super::masked::{Line, mask_email, secret};

/// The administrator created at the first start.
#[derive(Clone, Debug, Args)]
pub struct FirstAdmin {
    /// E-mail address of the administrator created at the first start.
    #[arg(
        id = "admin-email",
        value_name = "ADMIN_EMAIL",
        long = "admin-email",
        env = "ADMIN_EMAIL",
        default_value = "admin@example.com",
        help_heading = "First administrator"
    )]
    pub email: String,

    /// Username of the administrator created at the first start.
    #[arg(
        id = "admin-username",
        value_name = "ADMIN_USERNAME",
        long = "admin-username",
        env = "ADMIN_USERNAME",
        default_value = "admin",
        help_heading = "First administrator"
    )]
    pub username: String,

    /// Password of the administrator created at the first start. Default: one is generated and shown
    /// once.
    #[arg(
        id = "admin-password",
        value_name = "ADMIN_PASSWORD",
        long = "admin-password",
        env = "ADMIN_PASSWORD",
        hide_env_values = true,
        help_heading = "First administrator"
    )]
    pub password: Option<Secret>,
}

impl FirstAdmin {
    pub(super) fn lines(&self) -> Vec<Line> {
        let password = secret(self.password.as_ref(), "(generated at the first start)");
        vec![
            ("ADMIN_EMAIL", mask_email(&self.email)),
            ("ADMIN_USERNAME", self.username.clone()),
            ("ADMIN_PASSWORD", password),
        ]
    }
}

//! Who makes a request, what it needs of them, and why they are not let through.

use std::sync::Arc;

use uuid::Uuid;

use super::{Account, decisions};
use crate::error::Error;
use crate::metrics::VerificationResult;
use crate::rbac::Permission;

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: Arc<Account>,
    /// The session that the token belongs to.
    pub session: Uuid,
}

impl Caller {
    /// The account's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.account.user.id
    }

    /// Whether the caller has a permission that the operation needs in some cases.
    #[must_use]
    pub fn check(&self, permission: Permission) -> bool {
        let decision = self.account.authority.decide(permission);
        decisions::decide(permission, &self.account, decision)
    }
}

/// What an operation asks of its caller's token.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// This permission, within the scope of the session.
    Permission(Permission),
    /// To be valid, whatever its scope: to see whose it is and to end its session.
    AnyScope,
    /// To change the own password, which may be an initial one.
    PasswordChange,
}

impl From<Permission> for Need {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

/// Why a caller was not let through.
#[derive(Debug)]
pub enum Refusal {
    /// The token is no good.
    Token(VerificationResult),
    /// The token is good, the permission is missing.
    Permission(Permission),
    /// The token is good, and the account's initial password has to be changed before anything else.
    PasswordChange,
    /// It could not be found out.
    Error(Error),
}

//! The caller of a request, the requirement of the operation, and the reasons for a refusal.

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

/// The requirement of an operation on its caller's token.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// This permission, within the scope of the session.
    Permission(Permission),
    /// A valid token of any scope: for reading one's account and logging out.
    AnyScope,
    /// A change of one's own password, which may be an initial one.
    PasswordChange,
}

impl From<Permission> for Need {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

/// Why a caller was refused.
#[derive(Debug)]
pub enum Refusal {
    /// The token is invalid.
    Token(VerificationResult),
    /// The token is valid, the permission is missing.
    Permission(Permission),
    /// The token is valid, but the account's initial password must be changed first.
    PasswordChange,
    /// The check failed.
    Error(Error),
}

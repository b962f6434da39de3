//! Why sessions end, as the database stores it.

use crate::metrics::RevocationReason;

/// Why a session ended before it expired. The words are stored in `sessions.end_reason` and never
/// change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Logout of this session.
    Logout,
    /// Logout of every session of the account.
    LogoutAll,
    /// The owner ended another session.
    SessionEnded,
    /// The password was changed.
    PasswordChange,
    /// An administrator ended it.
    Admin,
    /// The account was disabled.
    Disabled,
    /// The account was deleted.
    Deleted,
    /// A refresh token was replayed.
    Reuse,
    /// It was the oldest session of an account with too many.
    SessionLimit,
    /// The holder of one of its tokens revoked it.
    Revocation,
}

impl EndReason {
    /// The stored word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::SessionEnded => "session_ended",
            Self::PasswordChange => "password_change",
            Self::Admin => "admin",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Reuse => "reuse",
            Self::SessionLimit => "session_limit",
            Self::Revocation => "revocation",
        }
    }
}

impl From<EndReason> for RevocationReason {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Logout => Self::Logout,
            EndReason::LogoutAll => Self::LogoutAll,
            EndReason::SessionEnded => Self::SessionEnded,
            EndReason::PasswordChange => Self::PasswordChange,
            EndReason::Admin => Self::Admin,
            EndReason::Disabled => Self::Disabled,
            EndReason::Deleted => Self::Deleted,
            EndReason::Reuse => Self::Reuse,
            EndReason::SessionLimit => Self::SessionLimit,
            EndReason::Revocation => Self::Revocation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [EndReason; 10] = [
        EndReason::Logout,
        EndReason::LogoutAll,
        EndReason::SessionEnded,
        EndReason::PasswordChange,
        EndReason::Admin,
        EndReason::Disabled,
        EndReason::Deleted,
        EndReason::Reuse,
        EndReason::SessionLimit,
        EndReason::Revocation,
    ];

    #[test]
    fn stored_words_never_change() {
        assert_eq!(
            ALL.map(EndReason::word),
            [
                "logout",
                "logout_all",
                "session_ended",
                "password_change",
                "admin",
                "disabled",
                "deleted",
                "reuse",
                "session_limit",
                "revocation"
            ]
        );
    }

    #[test]
    fn metrics_use_the_stored_words() {
        for reason in ALL {
            assert_eq!(RevocationReason::from(reason).word(), reason.word());
        }
        assert_eq!(RevocationReason::ALL.len(), ALL.len());
    }
}

//! A password in memory.

use std::fmt;

use zeroize::Zeroizing;

/// The longest password that is hashed, in code points: no account has a longer one.
pub const MAX_PASSWORD_CHARS: usize = 128;

/// A password as it was typed: wiped from memory when dropped, never printed.
///
/// It is hashed exactly as received, neither trimmed, cut nor normalised (ASVS 6.2.8): a keyboard
/// that composes a character in another way types another password.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes ownership of the password. A `String` is not copied, so no second copy stays in memory.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// The password itself: only for hashing and for the policy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for Password {
    fn from(password: Zeroizing<String>) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_password() {
        let password = Password::new("correct horse");
        assert_eq!(format!("{password:?}"), "Password(***)");
        assert_eq!(password.clone().expose(), "correct horse");
    }
}

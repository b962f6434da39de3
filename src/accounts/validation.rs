//! The rules for usernames and e-mail addresses.

use crate::error::{Error, Result};

pub use super::email::{EMAIL_MAX, stored_form};

/// Shortest username.
pub const USERNAME_MIN: usize = 3;
/// Longest username.
pub const USERNAME_MAX: usize = 32;
/// The rule for usernames as a regular expression, for the OpenAPI document. Without `@`, so that a
/// username is never mistaken for an e-mail address; ASCII, so that two names never look the same.
pub const USERNAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$";

/// The form of an e-mail address as a coarse regular expression, for the OpenAPI document;
/// [`stored_form`] does the check.
pub const EMAIL_PATTERN: &str = r"^[^@\s]+@[^@\s]+\.[^@\s]+$";

/// Checks a username.
///
/// # Errors
/// [`Error::Invalid`] with the rule.
pub fn check_username(username: &str) -> Result<()> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let sound = (USERNAME_MIN..=USERNAME_MAX).contains(&username.len())
        && username.starts_with(|c: char| c.is_ascii_alphanumeric())
        && username.chars().all(inner);
    if sound {
        return Ok(());
    }
    Err(Error::Invalid {
        field: "username",
        rule: format!(
            "must be {USERNAME_MIN} to {USERNAME_MAX} letters, digits, dots, dashes or \
             underscores, and begin with a letter or digit"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn username_rules() {
        for good in ["abc", "a.b", "Alice-2", "9lives", &"a".repeat(32)] {
            assert!(check_username(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            ".abc",
            "a b",
            "a@b",
            "ünlaut",
            "a\nb",
            &"a".repeat(33),
        ] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
    }
}

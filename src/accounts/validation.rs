//! The rules for usernames and e-mail addresses.

use email_address::{EmailAddress, Options};

use crate::error::{Error, Result};

/// Shortest username.
pub const USERNAME_MIN: usize = 3;
/// Longest username.
pub const USERNAME_MAX: usize = 32;
/// Longest e-mail address (RFC 5321).
pub const EMAIL_MAX: usize = 254;
/// The rule for usernames as a regular expression, for the OpenAPI document. Without `@`, so that a
/// username is never mistaken for an e-mail address; ASCII, so that two names never look the same.
pub const USERNAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$";

/// The form of an e-mail address as a regular expression, for the OpenAPI document: a coarse one, the
/// check is [`check_email`]'s.
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

/// Checks an e-mail address by its form: whether it receives mail is another question.
///
/// # Errors
/// [`Error::Invalid`] with the rule.
pub fn check_email(email: &str) -> Result<()> {
    let options = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    let parsed = EmailAddress::parse_with_options(email, options);
    // A quoted local part is legal and used by nobody but those who test parsers.
    if email.len() <= EMAIL_MAX && !email.contains('"') && parsed.is_ok() {
        return Ok(());
    }
    Err(Error::Invalid {
        field: "email",
        rule: "must be an e-mail address such as name@example.com".to_owned(),
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

    #[test]
    fn email_rules() {
        for good in ["a@example.com", "a.b+c@sub.example.org", "ü@example.com"] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        let long = format!("a@{}.com", "b".repeat(255));
        for bad in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@[127.0.0.1]",
            "\"a\"@example.com",
            "A <a@example.com>",
            "a@example.com\nBcc: x@y.z",
            &long,
        ] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
    }
}

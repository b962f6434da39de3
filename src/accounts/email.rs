//! The rules for e-mail addresses, and the form in which they are stored and used for mail.
//!
//! Two addresses that look the same, or that a mail server treats as the same, must not belong to two
//! accounts. No character may have a special meaning to a mail server.

use unicode_normalization::is_nfkc;

use crate::error::{Error, Result};

/// Longest e-mail address (RFC 5321).
pub const EMAIL_MAX: usize = 254;
const TOO_LONG: &str = "must be at most 254 bytes long, its domain in ASCII";
/// Longest part before the `@` (RFC 5321).
const LOCAL_MAX: usize = 64;
/// ASCII characters of a local part, besides letters and digits: those of RFC 5322 without `%` and `!`,
/// which mail servers use for routing.
const LOCAL_SIGNS: &str = ".#$&'*+-/=?^_`{|}~";
/// Invisible letters (Unicode: `Default_Ignorable_Code_Point`).
const FILLERS: [char; 6] = [
    '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{3164}', '\u{ffa0}',
];

/// The stored form of the address: its domain in lower-case ASCII (IDNA). Does not check whether it
/// receives mail.
///
/// # Errors
/// [`Error::Invalid`] with the broken rule.
pub fn stored_form(email: &str) -> Result<String> {
    let invalid = |rule: &str| Error::Invalid {
        field: "email",
        rule: rule.to_owned(),
    };
    // An address is never shorter in ASCII. The IDNA form of a long text takes a millisecond.
    if email.chars().count() > EMAIL_MAX {
        return Err(invalid(TOO_LONG));
    }
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Err(invalid(
            "must be an e-mail address such as name@example.com",
        ));
    };
    let domain = check_local(local)
        .and_then(|()| ascii_domain(domain))
        .map_err(invalid)?;
    let stored = format!("{local}@{domain}");
    if stored.len() > EMAIL_MAX {
        return Err(invalid(TOO_LONG));
    }
    Ok(stored)
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if !(1..=LOCAL_MAX).contains(&local.len()) {
        return Err("must have 1 to 64 bytes before the @");
    }
    if local.contains('%') || local.contains('!') {
        return Err("must not contain % or ! before the @");
    }
    if local.starts_with('-') {
        return Err("must not begin with a dash");
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("must not begin with a dot, nor have two or one before the @");
    }
    if local.chars().any(|c| FILLERS.contains(&c)) || !is_nfkc(local) {
        return Err(
            "must not have invisible, full-width or otherwise compatible characters before the @",
        );
    }
    let allowed = |c: char| match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || LOCAL_SIGNS.contains(c),
        c => c.is_alphanumeric(),
    };
    if !local.chars().all(allowed) {
        return Err("must have only letters, digits and .#$&'*+-/=?^_`{|}~ before the @");
    }
    Ok(())
}

fn ascii_domain(domain: &str) -> Result<String, &'static str> {
    if domain.starts_with('[') || domain.contains(':') {
        return Err("must name a domain, not an IP address");
    }
    let ascii = idna::domain_to_ascii_strict(domain)
        .map_err(|_| "must have a domain name after the @, such as example.com")?;
    // A change beyond case means full-width, invisible or compatible characters, which look like
    // others.
    let (shown, valid) = idna::domain_to_unicode(&ascii);
    let as_written = domain.is_ascii() || shown == domain.to_lowercase();
    if valid.is_err() || !as_written {
        return Err(
            "must have a domain without invisible, full-width or otherwise compatible characters",
        );
    }
    let Some((_, top)) = ascii.rsplit_once('.') else {
        return Err("must have a domain with a dot, such as example.com");
    };
    if !top.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err("must name a domain, not an IP address");
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stored_as_mail_goes_to_them() {
        for (given, stored) in [
            ("a@example.com", "a@example.com"),
            ("A.b+c@Sub.Example.ORG", "A.b+c@sub.example.org"),
            ("o'neil/x=y@example.com", "o'neil/x=y@example.com"),
            ("\u{fc}@example.com", "\u{fc}@example.com"),
            ("a@B\u{fc}cher.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
            ("a@stra\u{df}e.example", "a@xn--strae-oqa.example"),
            (
                "\u{4f60}\u{597d}@\u{4f8b}\u{5b50}.\u{4e2d}\u{56fd}",
                "\u{4f60}\u{597d}@xn--fsqu00a.xn--fiqs8s",
            ),
        ] {
            let form = stored_form(given);
            assert_eq!(form.ok().as_deref(), Some(stored), "{given}");
        }
    }

    #[test]
    fn stored_form_is_stable() {
        for given in [
            "A@EXAMPLE.com",
            "a@b\u{fc}cher.example",
            "\u{fc}.x@example.com",
        ] {
            let once = stored_form(given).expect("an address");
            assert_eq!(stored_form(&once).expect("an address"), once);
            assert!(once.rsplit_once('@').expect("an @").1.is_ascii());
        }
    }

    #[test]
    fn addresses_that_mean_something_else_are_refused_with_the_rule() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}com", format!("{}.", "b".repeat(60)).repeat(5));
        let long_text = "\u{fc}".repeat(EMAIL_MAX + 1);
        let form = "such as";
        let visible = "invisible, full-width";
        let address = "IP address";
        for (bad, rule) in [
            ("", form),
            ("a", form),
            ("a@", form),
            ("@b.example", "1 to 64"),
            (&long_local, "1 to 64"),
            (&long, "254 bytes"),
            (&long_text, "254 bytes"),
            ("a@b", "dot"),
            ("a@b.example.", form),
            ("a@b..example", form),
            ("a@-b.example", form),
            ("a@b-.example", form),
            ("a@b_c.example", form),
            ("a@b c.example", form),
            ("a@example.com\nBcc: x@y.example", "before the @"),
            ("a@example.com\n", form),
            ("a@exam\0ple.com", form),
            ("a@xn--zzzzzz-.example", form),
            ("a b@c.example", "before the @"),
            ("a\0@c.example", "before the @"),
            ("\"a\"@example.com", "before the @"),
            ("a@b@example.com", "before the @"),
            ("A <a@example.com>", "before the @"),
            ("a,b@example.com", "before the @"),
            ("a;b@example.com", "before the @"),
            ("a(x)@example.com", "before the @"),
            ("a\\b@example.com", "before the @"),
            ("a%evil.example@example.com", "% or !"),
            ("evil.example!a@example.com", "% or !"),
            ("-oQ/tmp@example.com", "dash"),
            (".a@example.com", "dot"),
            ("a.@example.com", "dot"),
            ("a..b@example.com", "dot"),
            ("a@[127.0.0.1]", address),
            ("a@[IPv6:::1]", address),
            ("a@::1", address),
            ("a@127.0.0.1", address),
            ("a@127.1", address),
            ("a@0x7f.0x1", address),
            ("a@\u{ff11}\u{ff12}\u{ff17}.0.0.1", visible),
            ("a\u{200b}@example.com", "before the @"),
            ("a\u{ad}@example.com", "before the @"),
            ("a\u{202e}@example.com", "before the @"),
            ("\u{ff41}@example.com", visible),
            ("\u{fb01}x@example.com", visible),
            ("\u{2460}@example.com", visible),
            ("u\u{308}@example.com", visible),
            ("\u{3164}@example.com", visible),
            ("a\u{115f}@example.com", visible),
            ("a\u{ffa0}@example.com", visible),
            ("a\u{2800}@example.com", "before the @"),
            ("a@ex\u{ad}ample.com", visible),
            ("a@ex\u{200b}ample.com", visible),
            ("a@\u{ff45}xample.com", visible),
            ("a@example\u{3002}com", visible),
            ("a@example\u{ff0e}com", visible),
            ("a@exam\u{fb01}.com", visible),
            ("a@ex\u{202e}ample.com", form),
            ("a\u{ff20}example.com", form),
        ] {
            match stored_form(bad) {
                Err(Error::Invalid { field, rule: told }) => {
                    assert_eq!(field, "email");
                    assert!(told.contains(rule), "{bad:?}: {told}");
                }
                other => panic!("{bad:?}: {other:?}"),
            }
        }
    }
}

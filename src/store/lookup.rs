//! The forms of usernames and addresses that uniqueness and lookups use.

/// Longest domain in characters, in ASCII and therefore in Unicode (RFC 1035). The ASCII form of longer
/// texts would take a millisecond.
const DOMAIN_MAX: usize = 253;

/// The form of a username, or of an address whose domain is in ASCII.
pub(super) fn key(value: &str) -> String {
    value.to_lowercase()
}

/// The forms under which an account with this address may be stored: with the domain in ASCII, and as
/// typed, which is how earlier versions stored it.
pub(super) fn login_keys(email: &str) -> Vec<String> {
    let as_written = key(email);
    let ascii = as_written.rsplit_once('@').and_then(|(local, domain)| {
        if domain.chars().count() > DOMAIN_MAX {
            return None;
        }
        let domain = idna::domain_to_ascii(domain).ok()?;
        Some(format!("{local}@{domain}"))
    });
    match ascii {
        Some(ascii) if ascii != as_written => vec![ascii, as_written],
        _ => vec![as_written],
    }
}

/// How earlier versions stored this address, if that differs: with the domain in Unicode.
pub(super) fn former_email_key(email: &str) -> Option<String> {
    let current = key(email);
    let (local, domain) = current.rsplit_once('@')?;
    let (unicode, valid) = idna::domain_to_unicode(domain);
    valid.ok()?;
    let former = key(&format!("{local}@{unicode}"));
    (former != current).then_some(former)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_have_one_form() {
        for address in [
            "A@Example.com",
            "\u{fc}@example.com",
            "a@b@example.com",
            "no address",
        ] {
            assert_eq!(login_keys(address), [address.to_lowercase()]);
            assert_eq!(former_email_key(address), None);
        }
    }

    #[test]
    fn domain_in_unicode_is_found_in_both_forms() {
        let forms = login_keys("A@B\u{fc}cher.example");
        assert_eq!(forms, ["a@xn--bcher-kva.example", "a@b\u{fc}cher.example"]);
        let former = former_email_key("A@xn--bcher-kva.example");
        assert_eq!(former.as_deref(), Some("a@b\u{fc}cher.example"));
    }

    #[test]
    fn ascii_form_of_a_longer_domain_is_not_computed() {
        let address = |characters| format!("a@{}.example", "\u{fc}".repeat(characters - 8));
        assert_eq!(login_keys(&address(DOMAIN_MAX)).len(), 2);
        assert_eq!(login_keys(&address(DOMAIN_MAX + 1)).len(), 1);
    }
}

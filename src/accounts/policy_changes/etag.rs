//! Versions of roles for conditional requests (RFC 9110 section 13).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// Bytes of the hash that a tag shows.
const LENGTH: usize = 16;

/// What must be so for a change to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// It exists: `If-Match: *`.
    Exists,
    /// It has this tag: `If-Match`.
    Is(String),
    /// It does not exist yet: `If-None-Match: *`.
    Absent,
}

impl Precondition {
    /// Checks what there is: its tag.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub(super) fn check(&self, tag: Option<&str>) -> Result<()> {
        let holds = match self {
            Self::None => true,
            Self::Exists => tag.is_some(),
            Self::Is(wanted) => tag == Some(wanted.as_str()),
            Self::Absent => tag.is_none(),
        };
        if holds {
            Ok(())
        } else {
            Err(Error::PreconditionFailed)
        }
    }
}

/// The tag of these texts. Another order or another division of the same letters has another tag.
pub(super) fn tag<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = Vec::new();
    for text in texts {
        all.extend_from_slice(&(text.len() as u64).to_be_bytes());
        all.extend_from_slice(text.as_bytes());
    }
    let hash = digest(&SHA256, &all);
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_tells_divisions_and_orders_apart() {
        let texts: [&[&str]; 5] = [&["ab", "c"], &["a", "bc"], &["abc"], &["c", "ab"], &[]];
        let tags: std::collections::HashSet<_> = texts
            .iter()
            .map(|texts| tag(texts.iter().copied()))
            .collect();
        assert_eq!(tags.len(), texts.len());
        assert_eq!(tag(["ab", "c"]), tag(["ab", "c"]));
    }

    #[test]
    fn precondition_holds_for_what_it_names() {
        let is = |tag: &str| Precondition::Is(tag.to_owned());
        for (wanted, tag, holds) in [
            (Precondition::None, None, true),
            (Precondition::None, Some("a"), true),
            (Precondition::Exists, None, false),
            (Precondition::Exists, Some("a"), true),
            (Precondition::Absent, None, true),
            (Precondition::Absent, Some("a"), false),
            (is("a"), Some("a"), true),
            (is("b"), Some("a"), false),
            (is("a"), None, false),
        ] {
            assert_eq!(wanted.check(tag).is_ok(), holds, "{wanted:?} {tag:?}");
        }
    }
}

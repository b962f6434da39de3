//! Pages of what is sorted by name, and preconditions of changes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accounts::policy_changes::Precondition;
use crate::api::edge::operation::{QueryParameter, Values};
use crate::api::problem::Problem;

/// The query parameters of a list by name.
pub(super) const PAGES: [QueryParameter; 2] = [
    QueryParameter {
        name: "limit",
        values: Values::Numbers(1, 200),
    },
    QueryParameter {
        name: "cursor",
        values: Values::Cursors(2, 512),
    },
];

/// The number of items of a page without `limit`.
pub(super) const fn default_limit() -> u32 {
    50
}

/// The name after which a page begins.
///
/// # Errors
/// 400 for what is no cursor.
pub(super) fn after(cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let decode = |cursor: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        String::from_utf8(bytes).ok()
    };
    cursor
        .map(|cursor| {
            decode(cursor).ok_or_else(|| {
                Problem::malformed().field("cursor", "must be the next_cursor of a page")
            })
        })
        .transpose()
}

/// The cursor of the page after this name, if there is one.
pub(super) fn next(last: Option<&str>, more: bool) -> Option<String> {
    last.filter(|_| more)
        .map(|name| URL_SAFE_NO_PAD.encode(name))
}

/// The precondition of a change.
///
/// # Errors
/// 400 for headers of another form.
pub(super) fn precondition(
    if_match: Option<&str>,
    if_none_match: Option<&str>,
) -> Result<Precondition, Problem> {
    match (if_match.map(str::trim), if_none_match.map(str::trim)) {
        (None, None) => Ok(Precondition::None),
        (Some("*"), None) => Ok(Precondition::Exists),
        (None, Some("*")) => Ok(Precondition::Absent),
        (Some(tag), None) => {
            let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let inner = inner.filter(|tag| !tag.contains('"'));
            inner
                .map(|tag| Precondition::Is(tag.to_owned()))
                .ok_or_else(|| {
                    Problem::malformed().field("If-Match", "must be one ETag in quotes, or *")
                })
        }
        (None, Some(_)) => Err(Problem::malformed().field("If-None-Match", "must be *")),
        (Some(_), Some(_)) => {
            Err(Problem::malformed().field("If-None-Match", "must not be beside If-Match"))
        }
    }
}

/// A tag as the header `ETag` has it.
pub(super) fn etag(tag: &str) -> String {
    format!("\"{tag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_leads_to_the_next_page() {
        let cursor = next(Some("posts:write"), true).expect("a cursor");
        assert_eq!(
            after(Some(&cursor)).expect("sound"),
            Some("posts:write".to_owned())
        );
        assert_eq!(next(Some("posts:write"), false), None);
        assert_eq!(next(None, true), None);
        assert_eq!(after(None).expect("sound"), None);
        assert!(after(Some("_w")).is_err() && after(Some("A")).is_err());
    }

    #[test]
    fn preconditions_are_read() {
        let tag = Precondition::Is("abc".to_owned());
        for (if_match, if_none_match, read) in [
            (None, None, Some(Precondition::None)),
            (Some("*"), None, Some(Precondition::Exists)),
            (Some("\"abc\""), None, Some(tag)),
            (None, Some("*"), Some(Precondition::Absent)),
            (Some("abc"), None, None),
            (Some("W/\"abc\""), None, None),
            (Some("\"a\", \"b\""), None, None),
            (None, Some("\"abc\""), None),
            (Some("*"), Some("*"), None),
        ] {
            let found = precondition(if_match, if_none_match).ok();
            assert_eq!(found, read, "{if_match:?} {if_none_match:?}");
        }
    }
}

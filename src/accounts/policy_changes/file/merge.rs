//! Three versions of a policy become one: what the file changed is changed, what changed beside it stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::metrics::PolicyAction;
use crate::policies::PolicyFile;

/// Merges what `file` changed since `base` into `live`.
///
/// # Errors
/// [`Error::Merge`] with each item that both changed since, differently.
pub(super) fn merge(base: &PolicyFile, live: &PolicyFile, file: &PolicyFile) -> Result<PolicyFile> {
    let mut conflicts = Vec::new();
    let merged = PolicyFile {
        permissions: items(
            "permission",
            [&base.permissions, &live.permissions, &file.permissions],
            &mut conflicts,
        ),
        roles: items(
            "role",
            [&base.roles, &live.roles, &file.roles],
            &mut conflicts,
        ),
        exclusive_roles: items(
            "exclusive roles",
            [
                &base.exclusive_roles,
                &live.exclusive_roles,
                &file.exclusive_roles,
            ],
            &mut conflicts,
        ),
    };
    if conflicts.is_empty() {
        Ok(merged)
    } else {
        Err(Error::Merge(conflicts))
    }
}

fn items<T: Clone + PartialEq>(
    what: &str,
    [base, live, file]: [&BTreeMap<String, T>; 3],
    conflicts: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let names = base.keys().chain(live.keys()).chain(file.keys());
    let names: BTreeSet<_> = names.collect();
    let mut merged = BTreeMap::new();
    for name in names {
        let (before, now, wanted) = (base.get(name), live.get(name), file.get(name));
        let kept = if wanted == before || wanted == now {
            now
        } else {
            if now != before {
                conflicts.push(format!("{what} {name}"));
            }
            wanted
        };
        merged.extend(kept.map(|item| (name.clone(), item.clone())));
    }
    merged
}

/// The names of what differs, each with the change that makes the first the second.
pub(super) fn differences<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    after: &'a BTreeMap<String, T>,
) -> Vec<(PolicyAction, &'a str)> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let action = |name: &String| match (before.get(name), after.get(name)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(_), Some(_)) => Some(PolicyAction::Changed),
        (Some(_), None) => Some(PolicyAction::Deleted),
        (None, _) => Some(PolicyAction::Created),
    };
    names
        .into_iter()
        .filter_map(|name| Some((action(name)?, name.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(items: &[(&str, u8)]) -> BTreeMap<String, u8> {
        let owned = items
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        owned.collect()
    }

    #[test]
    fn three_versions_become_one() {
        let base = map(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1)]);
        // Somebody changed b, removed d, added g, and made e what the file wants.
        let live = map(&[("a", 1), ("b", 2), ("c", 1), ("e", 3), ("f", 1), ("g", 1)]);
        let file = map(&[("a", 2), ("b", 1), ("d", 1), ("e", 3), ("f", 1), ("h", 1)]);
        let mut conflicts = Vec::new();
        let merged = items("role", [&base, &live, &file], &mut conflicts);
        let wanted = [("a", 2), ("b", 2), ("e", 3), ("f", 1), ("g", 1), ("h", 1)];
        assert_eq!((merged, conflicts), (map(&wanted), Vec::new()));
    }

    #[test]
    fn item_that_both_changed_differently_is_a_conflict() {
        for (base, live, file) in [
            (&[("a", 1)][..], &[("a", 2)][..], &[("a", 3)][..]),
            (&[], &[("a", 2)], &[("a", 3)]),
            (&[("a", 1)], &[], &[("a", 3)]),
            (&[("a", 1)], &[("a", 2)], &[]),
        ] {
            let mut conflicts = Vec::new();
            items("role", [&map(base), &map(live), &map(file)], &mut conflicts);
            assert_eq!(conflicts, ["role a"], "{base:?} {live:?} {file:?}");
        }
    }

    #[test]
    fn differences_are_named() {
        let (before, after) = (
            map(&[("a", 1), ("b", 1), ("c", 1)]),
            map(&[("b", 2), ("c", 1), ("d", 1)]),
        );
        assert_eq!(
            differences(&before, &after),
            [
                (PolicyAction::Deleted, "a"),
                (PolicyAction::Changed, "b"),
                (PolicyAction::Created, "d"),
            ]
        );
    }
}

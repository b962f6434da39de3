//! OAuth scopes (RFC 6749 section 3.3) limit a session to some of its account's permissions. A scope
//! lists permissions, separated by spaces; it never adds any.

use super::{Authority, Permission, PermissionSet};

/// All permissions of the account, or only some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(Option<PermissionSet>);

impl Scope {
    /// All permissions of the account.
    pub const EVERYTHING: Self = Self(None);

    /// A scope as a client requests it; `None` if it breaks the grammar. Unknown names are ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
        let mut names = text.split(' ');
        let sound = names.all(|name| !name.is_empty() && name.chars().all(allowed));
        sound.then(|| Self::stored(Some(text)))
    }

    /// A scope as stored in the database. Names written by a later version are ignored.
    #[must_use]
    pub fn stored(text: Option<&str>) -> Self {
        Self(text.map(|text| {
            let named = |permission: &&Permission| text.split(' ').any(|n| n == permission.name());
            Permission::ALL.iter().filter(named).copied().collect()
        }))
    }

    /// The names of the permissions; `None` if the scope is not limited.
    #[must_use]
    pub fn text(self) -> Option<String> {
        self.0.map(|set| names(set).collect::<Vec<_>>().join(" "))
    }

    /// The intersection of both scopes.
    #[must_use]
    pub const fn narrowed(self, to: Self) -> Self {
        match (self.0, to.0) {
            (Some(own), Some(other)) => Self(Some(own.intersection(other))),
            (own, None) => Self(own),
            (None, other) => Self(other),
        }
    }

    /// The part of the scope within the authority; an unlimited scope stays unlimited.
    #[must_use]
    pub const fn held_by(self, authority: &Authority) -> Self {
        match self.0 {
            None => self,
            Some(_) => self.narrowed(Self(Some(authority.permissions))),
        }
    }

    /// Whether the scope leaves out a permission of the authority.
    #[must_use]
    pub fn narrows(self, authority: &Authority) -> bool {
        authority.within(self) != *authority
    }
}

impl Authority {
    /// The authority within this scope.
    #[must_use]
    pub const fn within(&self, scope: Scope) -> Self {
        let permissions = match scope.0 {
            None => self.permissions,
            Some(scope) => self.permissions.intersection(scope),
        };
        Self {
            permissions,
            role: self.role,
        }
    }
}

impl Authority {
    /// The names of its permissions.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        names(self.permissions).collect()
    }
}

fn names(set: PermissionSet) -> impl Iterator<Item = &'static str> {
    Permission::ALL
        .iter()
        .filter(move |permission| set.contains(**permission))
        .map(|permission| permission.name())
}

#[cfg(test)]
mod tests {
    use super::super::{Assignment, Policy, Snapshot};
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap_or_else(|| panic!("{text:?} is sound"))
    }

    fn authority(roles: &[&str]) -> Authority {
        let of = |role: &&str| Assignment::everywhere(*role);
        let assignments: Vec<_> = roles.iter().map(of).collect();
        let policy = Policy::default().with_built_in();
        let snapshot = Snapshot::new(1, &policy).expect("a policy");
        let held = snapshot.held(&assignments, 0);
        snapshot.authority(&held, &assignments, 0)
    }

    #[test]
    fn scope_follows_the_grammar() {
        for sound in [
            "users:read",
            "users:read admin:access",
            "x",
            "!#[]~",
            "UPPER",
        ] {
            assert!(Scope::parse(sound).is_some(), "{sound}");
        }
        for malformed in [
            "",
            " ",
            "users:read ",
            " users:read",
            "users:read  admin:access",
            "users:read\tadmin:access",
            "users:read\nadmin:access",
            "a\"b",
            "a\\b",
            "caf\u{e9}",
            "a\0b",
            "a\u{7f}",
        ] {
            assert!(Scope::parse(malformed).is_none(), "{malformed:?}");
        }
    }

    #[test]
    fn names_that_are_not_known_allow_nothing() {
        for (asked, granted) in [
            ("unheard-of", ""),
            ("users:read users", "users:read"),
            ("USERS:READ users:read,admin:access", ""),
            (
                "admin:access users:read admin:access",
                "admin:access users:read",
            ),
        ] {
            assert_eq!(scope(asked).text().as_deref(), Some(granted), "{asked}");
        }
        assert_eq!(Scope::stored(Some("")).text().as_deref(), Some(""));
        assert_eq!(Scope::stored(None), Scope::EVERYTHING);
    }

    #[test]
    fn scope_narrows_and_never_widens() {
        let (user, admin) = (authority(&["user"]), authority(&["admin"]));
        for asked in ["users:read", "authenticated users:write", "x"].map(scope) {
            for held in [&user, &admin] {
                let within = held.within(asked);
                for permission in Permission::ALL {
                    let named = Scope::EVERYTHING.narrowed(asked) == asked
                        && asked.text().is_some_and(|text| {
                            text.split(' ').any(|name| name == permission.name())
                        });
                    let expected = named && held.allows(*permission);
                    assert_eq!(within.allows(*permission), expected, "{permission:?}");
                }
                assert_eq!(within.within(Scope::EVERYTHING), within);
                assert_eq!(within.role(), held.role());
            }
            assert_eq!(asked.narrowed(Scope::EVERYTHING), asked);
            assert_eq!(asked.narrowed(asked), asked);
        }
        let both = scope("users:read users:write").narrowed(scope("users:write admin:access"));
        assert_eq!(both, scope("users:write"));
        assert_eq!(
            scope("users:read authenticated").held_by(&user),
            scope("authenticated")
        );
        assert!(scope("users:read").narrows(&admin) && !scope("authenticated").narrows(&user));
        assert!(!Scope::EVERYTHING.narrows(&admin));
    }
}

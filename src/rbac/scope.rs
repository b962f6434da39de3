//! OAuth scopes (RFC 6749 section 3.3): what a session may do of what its account may. A scope names
//! permissions, separated by spaces, and only ever narrows.

use super::{Authority, Permission, PermissionSet};

/// Everything that the account may do, or some permissions alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(Option<PermissionSet>);

impl Scope {
    /// Everything that the account may do.
    pub const EVERYTHING: Self = Self(None);

    /// A scope as a client asks for it; `None` when it breaks the grammar. Names that are not known
    /// allow nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
        let mut names = text.split(' ');
        let sound = names.all(|name| !name.is_empty() && name.chars().all(allowed));
        sound.then(|| Self::stored(Some(text)))
    }

    /// A scope as the database has it. A name that a later version wrote allows nothing.
    #[must_use]
    pub fn stored(text: Option<&str>) -> Self {
        Self(text.map(|text| {
            let named = |permission: &&Permission| text.split(' ').any(|n| n == permission.name());
            Permission::ALL.iter().filter(named).copied().collect()
        }))
    }

    /// The names of the permissions; none when it is everything.
    #[must_use]
    pub fn text(self) -> Option<String> {
        self.0.map(names)
    }

    /// What both allow.
    #[must_use]
    pub const fn narrowed(self, to: Self) -> Self {
        match (self.0, to.0) {
            (Some(own), Some(other)) => Self(Some(own.intersection(other))),
            (own, None) => Self(own),
            (None, other) => Self(other),
        }
    }

    /// The part of it that the authority allows; everything stays everything.
    #[must_use]
    pub const fn held_by(self, authority: &Authority) -> Self {
        match self.0 {
            None => self,
            Some(_) => self.narrowed(Self(Some(authority.permissions))),
        }
    }

    /// Whether it leaves out something that the authority allows.
    #[must_use]
    pub fn narrows(self, authority: &Authority) -> bool {
        authority.within(self) != *authority
    }
}

impl Authority {
    /// What is left of it in a session of this scope.
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
    /// The scope that leaves this of a whole authority.
    #[must_use]
    pub fn scope(&self, whole: &Self) -> Scope {
        if self == whole {
            Scope::EVERYTHING
        } else {
            Scope(Some(self.permissions))
        }
    }
}

fn names(set: PermissionSet) -> String {
    let named = Permission::ALL
        .iter()
        .filter(|permission| set.contains(**permission))
        .map(|permission| permission.name());
    named.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap_or_else(|| panic!("{text:?} is sound"))
    }

    fn authority(roles: &[&str]) -> Authority {
        let roles: Vec<_> = roles.iter().map(|role| (*role).to_owned()).collect();
        Authority::of(&roles)
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

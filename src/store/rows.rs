//! Accounts as statements return them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::rbac::names::is_role_name;
use crate::rbac::{Assignment, Reach};

/// Reads the named columns of a row into the fields of the same names, for both drivers; the field
/// after `and` reads its own columns of the same row. By hand, because the derive macro compiles
/// both drivers, SQLite and the TLS library a second time, for the compiler.
macro_rules! from_row {
    (@ $row:ty: $name:ident { $($column:ident),* } $($part:ident)?) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> sqlx::Result<Self> {
                Ok(Self {
                    $($column: sqlx::Row::try_get(row, stringify!($column))?,)*
                    $($part: sqlx::FromRow::from_row(row)?,)?
                })
            }
        }
    };
    ($name:ident { $($column:ident),* $(,)? } $(and $part:ident)?) => {
        from_row!(@ sqlx::sqlite::SqliteRow: $name { $($column),* } $($part)?);
        from_row!(@ sqlx::postgres::PgRow: $name { $($column),* } $($part)?);
    };
}
pub(super) use from_row;

/// An account, without its password hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A UUIDv7: ids sort by time of creation.
    pub id: Uuid,
    /// As its owner wrote it; unique without regard to case.
    pub username: String,
    /// As its owner wrote it; unique without regard to case.
    pub email: String,
    /// Whether the account is barred from logging in.
    pub disabled: bool,
    /// The roles that it holds everywhere and without an end, sorted by name.
    pub roles: Vec<String>,
    /// The assignments that end or do not reach everywhere, in their order; also those that have ended.
    pub limited_roles: Vec<Assignment>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When the account itself was last changed; roles and sessions do not count.
    pub updated_at: DateTime<Utc>,
    /// The last login with a password.
    pub last_login_at: Option<DateTime<Utc>>,
    /// The end of the initial password's validity; `None` once the owner has chosen a password.
    pub initial_password_until: Option<DateTime<Utc>>,
}

impl User {
    /// Everything that it was assigned.
    #[must_use]
    pub fn assignments(&self) -> Vec<Assignment> {
        let everywhere = self.roles.iter().map(Assignment::everywhere);
        everywhere
            .chain(self.limited_roles.iter().cloned())
            .collect()
    }

    /// Whether the password must be changed before any other operation.
    #[must_use]
    pub const fn must_change_password(&self) -> bool {
        self.initial_password_until.is_some()
    }

    /// Whether its initial password does not log in any more.
    #[must_use]
    pub fn initial_password_expired(&self, at: DateTime<Utc>) -> bool {
        self.initial_password_until.is_some_and(|until| until <= at)
    }
}

pub(super) struct UserRow {
    id: Uuid,
    username: String,
    email: String,
    disabled: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_login_at: Option<DateTime<Utc>>,
    initial_password_until: Option<DateTime<Utc>>,
    roles: Option<String>,
    limited_roles: Option<String>,
}

from_row!(UserRow {
    id,
    username,
    email,
    disabled,
    created_at,
    updated_at,
    last_login_at,
    initial_password_until,
    roles,
    limited_roles
});

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let mut roles = row.roles.as_deref().map_or_else(Vec::new, role_names);
        roles.sort_unstable();
        let limited = row.limited_roles.as_deref();
        let mut limited_roles = limited.map_or_else(Vec::new, limited_assignments);
        limited_roles.sort_unstable();
        Self {
            id: row.id,
            username: row.username,
            email: row.email,
            disabled: row.disabled,
            roles,
            limited_roles,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_login_at: row.last_login_at,
            initial_password_until: row.initial_password_until,
        }
    }
}

/// The names in an aggregate of `LENGTH:NAME` without separators. Names that the schema no longer
/// allows are left out.
fn role_names(aggregate: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = aggregate;
    while let Some((name, next)) = netstring(rest) {
        if is_role_name(name) {
            names.push(name.to_owned());
        }
        rest = next;
    }
    names
}

/// The assignments in an aggregate of role, type and id, each as `LENGTH:TEXT`, and the end in microseconds or
/// nothing before a semicolon.
fn limited_assignments(aggregate: &str) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    let mut rest = aggregate;
    while let Some((role, behind)) = netstring(rest)
        && let Some((kind, behind)) = netstring(behind)
        && let Some((id, behind)) = netstring(behind)
        && let Some((end, next)) = behind.split_once(';')
    {
        let expires_at = end.parse().ok();
        // What cannot be read must not become an assignment without an end.
        if is_role_name(role) && (expires_at.is_some() || end.is_empty()) {
            assignments.push(Assignment {
                role: role.to_owned(),
                reach: Reach::of(kind, id),
                expires_at,
            });
        }
        rest = next;
    }
    assignments
}

/// The text that follows its length in bytes and a colon, and the rest.
fn netstring(text: &str) -> Option<(&str, &str)> {
    let (length, behind) = text.split_once(':')?;
    behind.split_at_checked(length.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(names: &[&str]) -> String {
        let netstring = |name: &&str| format!("{}:{name}", name.len());
        names.iter().map(netstring).collect()
    }

    #[test]
    fn no_stored_name_is_taken_for_another() {
        for (stored, roles) in [
            (&[][..], &[][..]),
            (&["user"], &["user"]),
            (&["user", "admin"], &["user", "admin"]),
            (&["x,admin", "user"], &["user"]),
            (&["x5:admin", "user"], &["user"]),
            (&["", "5:admin", "user"], &["user"]),
            (
                &["admin\0x", "Admin", "\u{ff41}dmin", "ädmin", "admin "],
                &[],
            ),
            (&["5:admin5:admin"], &[]),
        ] {
            assert_eq!(role_names(&aggregate(stored)), roles, "{stored:?}");
        }
        for damaged in ["admin", "user,admin", "9:admin", "-1:admin", "3:ä"] {
            assert_eq!(role_names(damaged), [""; 0], "{damaged}");
        }
    }

    #[test]
    fn limited_assignments_are_read_as_they_were_written() {
        let text = |role: &str, kind: &str, id: &str, end: &str| {
            let part = |text: &str| format!("{}:{text}", text.len());
            format!("{}{}{}{end};", part(role), part(kind), part(id))
        };
        let read = |role: &str, reach, expires_at| Assignment {
            role: role.to_owned(),
            reach,
            expires_at,
        };
        let kind = "record".to_owned();
        let id = "3:a;1:b;ä".to_owned();
        let several = text("auditor", "", "", "17")
            + &text("editor", "record", "", "")
            + &text("editor", "record", &id, "-5");
        assert_eq!(
            limited_assignments(&several),
            [
                read("auditor", Reach::Everywhere, Some(17)),
                read("editor", Reach::Type(kind.clone()), None),
                read("editor", Reach::Resource { kind, id }, Some(-5)),
            ]
        );
        for damaged in [
            "",
            "7:auditor",
            "7:auditor0:0:",
            "7:auditor0:0:17",
            "7:Auditor0:0:;",
        ] {
            assert_eq!(limited_assignments(damaged), [], "{damaged}");
        }
        let no_end = text("auditor", "", "", "soon");
        assert_eq!(limited_assignments(&no_end), []);
    }
}

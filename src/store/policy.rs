//! The policy: permissions, roles with parents and grants, and roles that exclude each other.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::connection::Conn;
use super::entities::{self, EntityType};
use super::rows::from_row;
use super::{Store, Tx, execute, fetch_all, fetch_optional, sql};
use crate::error::{Error, Result};

/// The policy as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Its version.
    pub version: i64,
    /// The registered permissions by name, each with its description.
    pub permissions: Vec<(String, String)>,
    /// The roles by name.
    pub roles: Vec<StoredRole>,
    /// Roles, each with one of its parents.
    pub parents: Vec<(String, String)>,
    /// The grants.
    pub grants: Vec<StoredGrant>,
    /// Sets of roles that exclude each other, by name, each with its description.
    pub exclusions: Vec<(String, String)>,
    /// Such sets, each with one of its roles.
    pub excluded: Vec<(String, String)>,
    /// The types of registered entities, in their order.
    pub entity_types: Vec<EntityType>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredRole {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it belongs to the service.
    pub built_in: bool,
}

from_row!(StoredRole {
    name,
    description,
    built_in
});

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredGrant {
    /// The role.
    pub role: String,
    /// The permission, or `resource:*`.
    pub permission: String,
    /// The condition as text; empty for none.
    pub condition_text: String,
}

from_row!(StoredGrant {
    role,
    permission,
    condition_text
});

/// Readings of a policy that changes meanwhile, before the attempt ends.
const READINGS: usize = 5;

impl Store {
    /// The version of the policy.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn policy_version(&self) -> Result<i64> {
        version(&mut self.reader().await?).await
    }

    /// The policy. It is read again if it changes meanwhile.
    ///
    /// # Errors
    /// When the database does not answer, or the policy changes all the time.
    pub async fn policy(&self) -> Result<StoredPolicy> {
        let mut conn = self.reader().await?;
        for _ in 0..READINGS {
            let read = read(&mut conn).await?;
            if version(&mut conn).await? == read.version {
                return Ok(read);
            }
        }
        Err(Error::Unavailable)
    }
}

async fn version(conn: &mut Conn) -> Result<i64> {
    let row = fetch_optional!(conn, sql::POLICY_VERSION => (i64,))?;
    row.map(|(version,)| version).ok_or_else(no_version)
}

fn no_version() -> Error {
    Error::internal("the table `policy` lacks its row")
}

async fn read(conn: &mut Conn) -> Result<StoredPolicy> {
    Ok(StoredPolicy {
        version: version(conn).await?,
        permissions: fetch_all!(conn, sql::POLICY_PERMISSIONS => (String, String))?,
        roles: fetch_all!(conn, sql::POLICY_ROLES => StoredRole)?,
        parents: fetch_all!(conn, sql::POLICY_PARENTS => (String, String))?,
        grants: fetch_all!(conn, sql::POLICY_GRANTS => StoredGrant)?,
        exclusions: fetch_all!(conn, sql::POLICY_EXCLUSIONS => (String, String))?,
        excluded: fetch_all!(conn, sql::POLICY_EXCLUSION_MEMBERS => (String, String))?,
        entity_types: entities::types(conn).await?,
    })
}

/// Removes a role that no account holds.
async fn remove_role(conn: &mut Conn, name: &str) -> Result<()> {
    if fetch_optional!(conn, sql::ROLE_IS_HELD => (i64,), name)?.is_some() {
        return Err(Error::Conflict(
            "accounts hold the role: revoke it from them first",
        ));
    }
    execute!(conn, sql::DELETE_ROLE, name)?;
    Ok(())
}

/// What the first list has alone, and what the second has alone.
fn differences<'a, T: Ord>(from: &'a [T], to: &'a [T]) -> (Vec<&'a T>, Vec<&'a T>) {
    let set = |rows: &'a [T]| rows.iter().collect::<BTreeSet<&T>>();
    let (before, after) = (set(from), set(to));
    (
        before.difference(&after).copied().collect(),
        after.difference(&before).copied().collect(),
    )
}

impl Tx {
    /// Locks the policy until the transaction ends, and returns its version. Locks are taken in this order:
    /// the policy's, a role's, an account's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_policy(&mut self) -> Result<i64> {
        let row = fetch_optional!(self.conn, sql::LOCK_POLICY => (i64,))?;
        row.map(|(version,)| version).ok_or_else(no_version)
    }

    /// Raises the version of the policy, which must be locked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn raise_policy(&mut self) -> Result<()> {
        execute!(self.conn, sql::RAISE_POLICY)?;
        Ok(())
    }

    /// The policy, which must be locked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn policy(&mut self) -> Result<StoredPolicy> {
        read(&mut self.conn).await
    }

    /// Stores what differs between two policies, and raises the version. The policy must be locked.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an account holds a role that is removed.
    pub async fn change_policy(
        &mut self,
        from: &StoredPolicy,
        to: &StoredPolicy,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let conn = &mut self.conn;
        // What refers to other rows goes first, and comes last.
        let (gone, new) = differences(&from.excluded, &to.excluded);
        for (name, role) in gone {
            execute!(conn, sql::DELETE_EXCLUSION_MEMBER, name, role)?;
        }
        let (gone_exclusions, new_exclusions) = differences(&from.exclusions, &to.exclusions);
        for (name, _) in gone_exclusions {
            if to.exclusions.iter().all(|(kept, _)| kept != name) {
                execute!(conn, sql::DELETE_EXCLUSION, name)?;
            }
        }
        let (gone_parents, new_parents) = differences(&from.parents, &to.parents);
        for (role, parent) in gone_parents {
            execute!(conn, sql::DELETE_PARENT, role, parent)?;
        }
        let (gone_grants, new_grants) = differences(&from.grants, &to.grants);
        for grant in gone_grants {
            let (role, permission) = (&grant.role, &grant.permission);
            let condition = &grant.condition_text;
            execute!(conn, sql::DELETE_GRANT, role, permission, condition)?;
        }
        let (gone_roles, new_roles) = differences(&from.roles, &to.roles);
        for role in gone_roles {
            if to.roles.iter().all(|kept| kept.name != role.name) {
                remove_role(conn, &role.name).await?;
            }
        }
        let (gone_permissions, new_permissions) = differences(&from.permissions, &to.permissions);
        for (name, _) in gone_permissions {
            if to.permissions.iter().all(|(kept, _)| kept != name) {
                execute!(conn, sql::DELETE_PERMISSION, name)?;
            }
        }
        for (name, description) in new_permissions {
            execute!(conn, sql::PUT_PERMISSION, name, description, at)?;
        }
        for role in new_roles {
            execute!(conn, sql::PUT_ROLE, &role.name, &role.description)?;
        }
        for (role, parent) in new_parents {
            execute!(conn, sql::INSERT_PARENT, role, parent)?;
        }
        for grant in new_grants {
            let (role, permission) = (&grant.role, &grant.permission);
            let condition = &grant.condition_text;
            execute!(conn, sql::INSERT_GRANT, role, permission, condition)?;
        }
        for (name, description) in new_exclusions {
            execute!(conn, sql::PUT_EXCLUSION, name, description)?;
        }
        for (name, role) in new {
            execute!(conn, sql::INSERT_EXCLUSION_MEMBER, name, role)?;
        }
        self.raise_policy().await
    }

    /// How many accounts were given a role, also for a time or for some resources.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_holders(&mut self, role: &str) -> Result<i64> {
        let row = fetch_optional!(self.conn, sql::COUNT_HOLDERS => (i64,), role)?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// Whether an account holds two roles of a set now, inherited ones too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn breaks_exclusion(&mut self, name: &str, now: DateTime<Utc>) -> Result<bool> {
        let row = fetch_optional!(
            self.conn,
            sql::EXCLUSION_BROKEN => (i64,),
            name,
            now.timestamp_micros()
        )?;
        Ok(row.is_some())
    }
}

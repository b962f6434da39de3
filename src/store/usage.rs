//! When grants and roles were last used.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rows::from_row;
use super::{Store, execute, fetch_all, fetch_optional, sql};
use crate::error::Result;
use crate::rbac::{Usage, UsedGrant};

/// When grants and roles were last used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredUsage {
    /// Since when it is noted; `None` if nothing was yet.
    pub since: Option<DateTime<Utc>>,
    /// The grants.
    pub grants: BTreeMap<UsedGrant, DateTime<Utc>>,
    /// The assigned roles.
    pub roles: BTreeMap<String, DateTime<Utc>>,
}

struct GrantRow {
    role: String,
    permission: String,
    condition_text: String,
    used_at: DateTime<Utc>,
}

from_row!(GrantRow {
    role,
    permission,
    condition_text,
    used_at
});

impl Store {
    /// Notes that these were used at this time.
    ///
    /// # Errors
    /// When the database does not answer: nothing was noted.
    pub async fn note_usage(&self, usage: &Usage, at: DateTime<Utc>) -> Result<()> {
        let mut tx = self.transaction().await?;
        let noted = async {
            let conn = &mut tx.conn;
            execute!(conn, sql::NOTE_USAGE_START, at)?;
            for grant in &usage.grants {
                let UsedGrant {
                    role,
                    permission,
                    condition,
                } = grant;
                execute!(conn, sql::NOTE_GRANT_USE, role, permission, condition, at)?;
            }
            for role in &usage.roles {
                execute!(conn, sql::NOTE_ROLE_USE, role, at)?;
            }
            Ok(())
        }
        .await;
        tx.finish(noted).await
    }

    /// When grants and roles were last used.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn usage(&self) -> Result<StoredUsage> {
        let mut conn = self.reader().await?;
        let since = fetch_optional!(conn, sql::USAGE_START => (DateTime<Utc>,))?;
        let grants = fetch_all!(conn, sql::GRANT_USAGE => GrantRow)?;
        let roles = fetch_all!(conn, sql::ROLE_USAGE => (String, DateTime<Utc>))?;
        let grant = |row: GrantRow| {
            let grant = UsedGrant {
                role: row.role,
                permission: row.permission,
                condition: row.condition_text,
            };
            (grant, row.used_at)
        };
        Ok(StoredUsage {
            since: since.map(|(since,)| since),
            grants: grants.into_iter().map(grant).collect(),
            roles: roles.into_iter().collect(),
        })
    }
}

//! Sets of roles that exclude each other (NIST RBAC: static separation of duty).

use super::{Changed, PolicyChanges, check_description};
use crate::accounts::Actor;
use crate::error::{Error, Result};
use crate::metrics::{PolicyAction, PolicyPart};
use crate::policies::Live;
use crate::rbac::names::is_role_name;
use crate::rbac::{BuiltIn, EVERYONE};

/// Most roles of one set.
const MOST: usize = 64;

/// Such a set as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its roles, in the order of their names.
    pub roles: Vec<String>,
}

impl ExclusionView {
    fn of(live: &Live, name: &str) -> Option<Self> {
        live.exclusions.get(name).map(|exclusion| Self {
            name: name.to_owned(),
            description: exclusion.description.clone(),
            roles: exclusion.roles.clone(),
        })
    }
}

impl PolicyChanges {
    /// Every such set, in the order of their names.
    #[must_use]
    pub fn exclusions(&self) -> Vec<ExclusionView> {
        let live = self.policies.kept();
        let names = live.exclusions.keys();
        names
            .filter_map(|name| ExclusionView::of(&live, name))
            .collect()
    }

    /// Creates or replaces a set. Returns it, and whether it is new.
    ///
    /// # Errors
    /// [`Error::Invalid`], and [`Error::Conflict`] when an account holds two of the roles already.
    pub async fn put_exclusion(
        &self,
        actor: Actor<'_>,
        name: &str,
        description: &str,
        mut roles: Vec<String>,
    ) -> Result<(ExclusionView, bool)> {
        roles.sort_unstable();
        roles.dedup();
        check(name, description, &roles)?;
        let row = (name.to_owned(), description.to_owned());
        let new = self
            .change(actor, move |live, policy| {
                if roles.iter().any(|role| !live.roles.contains_key(role)) {
                    return Err(Error::Invalid {
                        field: "roles",
                        rule: "must be names of existing roles".to_owned(),
                    });
                }
                let name = row.0.clone();
                let before = ExclusionView::of(live, &name);
                let same = before
                    .as_ref()
                    .is_some_and(|old| old.roles == roles && old.description == row.1);
                if same {
                    return Ok((false, Vec::new()));
                }
                policy.exclusions.retain(|(known, _)| *known != name);
                policy.exclusions.push(row);
                policy.excluded.retain(|(known, _)| *known != name);
                let rows = roles.into_iter().map(|role| (name.clone(), role));
                policy.excluded.extend(rows);
                let changed = Changed {
                    part: PolicyPart::Exclusion,
                    action: before
                        .as_ref()
                        .map_or(PolicyAction::Created, |_| PolicyAction::Changed),
                    name,
                };
                Ok((before.is_none(), vec![changed]))
            })
            .await?;
        let live = self.policies.current();
        let set = ExclusionView::of(&live, name).ok_or(Error::NotFound("set"))?;
        Ok((set, new))
    }

    /// Deletes a set.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_exclusion(&self, actor: Actor<'_>, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.change(actor, move |live, policy| {
            if !live.exclusions.contains_key(&name) {
                return Err(Error::NotFound("set"));
            }
            policy.exclusions.retain(|(known, _)| *known != name);
            policy.excluded.retain(|(known, _)| *known != name);
            let changed = Changed {
                part: PolicyPart::Exclusion,
                action: PolicyAction::Deleted,
                name,
            };
            Ok(((), vec![changed]))
        })
        .await
    }
}

fn check(name: &str, description: &str, roles: &[String]) -> Result<()> {
    let invalid = |field, rule: &str| {
        Err(Error::Invalid {
            field,
            rule: rule.to_owned(),
        })
    };
    if !is_role_name(name) {
        return invalid("name", "must have the form of a role's name");
    }
    check_description(description)?;
    if !(2..=MOST).contains(&roles.len()) {
        return invalid("roles", "must be 2 to 64 different roles");
    }
    // Every account has both.
    let common = [EVERYONE, BuiltIn::User.name()];
    if roles.iter().any(|role| common.contains(&role.as_str())) {
        return invalid("roles", "must not name a role that every account has");
    }
    Ok(())
}

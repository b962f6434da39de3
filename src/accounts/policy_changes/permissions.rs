//! Permissions of other services: registering, describing and removing them.

use super::{Changed, PolicyChanges, check_description};
use crate::accounts::Actor;
use crate::error::{Error, Result};
use crate::metrics::{PolicyAction, PolicyPart};
use crate::policies::Live;
use crate::rbac::Permission;
use crate::rbac::names::is_permission_name;

/// A permission as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionView {
    /// Its name, `resource:action`.
    pub name: String,
    /// What it allows.
    pub description: String,
    /// Whether it belongs to the service.
    pub built_in: bool,
}

impl PermissionView {
    fn of(live: &Live, name: &str) -> Option<Self> {
        if let Some(permission) = built_in(name) {
            return Some(Self {
                name: name.to_owned(),
                description: permission.about().to_owned(),
                built_in: true,
            });
        }
        live.permissions.get(name).map(|description| Self {
            name: name.to_owned(),
            description: description.clone(),
            built_in: false,
        })
    }
}

fn built_in(name: &str) -> Option<Permission> {
    let mut all = Permission::ALL.iter().copied();
    all.find(|permission| permission.name() == name)
}

impl PolicyChanges {
    /// A page of the permissions in the order of their names, after this one, and whether more follow.
    #[must_use]
    pub fn permissions(&self, after: Option<&str>, limit: usize) -> (Vec<PermissionView>, bool) {
        let live = self.policies.kept();
        let mut names: Vec<&str> = live.policy.permissions.iter().map(String::as_str).collect();
        names.sort_unstable();
        let mut names = names
            .into_iter()
            .filter(|name| after.is_none_or(|after| *name > after));
        let page = names.by_ref().take(limit);
        let page = page
            .filter_map(|name| PermissionView::of(&live, name))
            .collect();
        (page, names.next().is_some())
    }

    /// A permission.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn permission(&self, name: &str) -> Result<PermissionView> {
        PermissionView::of(&self.policies.current(), name).ok_or(Error::NotFound("permission"))
    }

    /// Registers a permission, or changes its description. Returns it, and whether it is new.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] for one of the service, [`Error::Escalation`] where roles grant
    /// every permission of its resource.
    pub async fn put_permission(
        &self,
        actor: Actor<'_>,
        name: &str,
        description: &str,
    ) -> Result<(PermissionView, bool)> {
        if !is_permission_name(name) {
            return Err(Error::Invalid {
                field: "name",
                rule: "must be `resource:action`, each of lower-case letters, digits, `_`, `.` and `-`, \
                       beginning with a letter, up to 63"
                    .to_owned(),
            });
        }
        check_description(description)?;
        if built_in(name).is_some() {
            return Err(Error::Conflict("the permission belongs to the service"));
        }
        let row = (name.to_owned(), description.to_owned());
        let new = self
            .change(actor, move |live, policy| {
                let known = live.permissions.get(&row.0);
                let new = known.is_none();
                if known == Some(&row.1) {
                    return Ok((new, Vec::new()));
                }
                let changed = Changed {
                    part: PolicyPart::Permission,
                    action: if new {
                        PolicyAction::Created
                    } else {
                        PolicyAction::Changed
                    },
                    name: row.0.clone(),
                };
                policy.permissions.retain(|(name, _)| *name != row.0);
                policy.permissions.push(row);
                policy.permissions.sort_unstable();
                Ok((new, vec![changed]))
            })
            .await?;
        Ok((self.permission(name)?, new))
    }

    /// Removes a permission.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for one of the service, and for one that a role grants by its
    /// name.
    pub async fn delete_permission(&self, actor: Actor<'_>, name: &str) -> Result<()> {
        if built_in(name).is_some() {
            return Err(Error::Conflict("the permission belongs to the service"));
        }
        let name = name.to_owned();
        self.change(actor, move |live, policy| {
            if !live.permissions.contains_key(&name) {
                return Err(Error::NotFound("permission"));
            }
            if policy.grants.iter().any(|grant| grant.permission == name) {
                return Err(Error::Conflict("a role grants the permission"));
            }
            policy.permissions.retain(|(known, _)| *known != name);
            let changed = Changed {
                part: PolicyPart::Permission,
                action: PolicyAction::Deleted,
                name,
            };
            Ok(((), vec![changed]))
        })
        .await
    }
}

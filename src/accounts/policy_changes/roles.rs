//! Roles: reading, creating, changing and deleting them.

use super::etag::{Precondition, tag};
use super::{Changed, PolicyChanges, check_description};
use crate::accounts::Actor;
use crate::error::{Error, Result};
use crate::metrics::{PolicyAction, PolicyPart};
use crate::policies::Live;
use crate::rbac::names::is_role_name;
use crate::rbac::{EVERYONE, Grant};
use crate::store::{StoredGrant, StoredPolicy, StoredRole};

/// Most parents and most grants of one role.
const MOST_PARENTS: usize = 64;
const MOST_GRANTS: usize = 1000;

/// A role as administrators see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it belongs to the service.
    pub built_in: bool,
    /// The roles whose grants it has too, in the order of their names.
    pub parents: Vec<String>,
    /// Its own grants, in the order of permissions and conditions.
    pub grants: Vec<Grant>,
    /// The permissions of its own and inherited grants that have no condition, wildcards expanded.
    pub permissions: Vec<String>,
    /// The tag of this version of the role itself.
    pub tag: String,
}

/// A role to be created, or its new state. What is `None` stays, or is empty for a new role.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// What it is for.
    pub description: Option<String>,
    /// The roles whose grants it has too.
    pub parents: Option<Vec<String>>,
    /// Its own grants.
    pub grants: Option<Vec<Grant>>,
}

impl RoleView {
    fn of(live: &Live, name: &str) -> Option<Self> {
        let about = live.roles.get(name)?;
        let role = live.policy.roles.iter().find(|role| role.name == name)?;
        let text = |grant: &Grant| (grant.permission.clone(), condition_text(grant));
        let mut grants = role.grants.clone();
        grants.sort_by_key(text);
        let mut parents = role.parents.clone();
        parents.sort_unstable();
        let effective = live.snapshot.effective(name).into_iter();
        let mut permissions: Vec<String> = effective
            .filter(|(_, condition)| condition.is_none())
            .map(|(permission, _)| permission.to_owned())
            .collect();
        permissions.sort_unstable();
        permissions.dedup();
        let mut parts = vec![about.description.clone(), "parents".to_owned()];
        parts.extend(parents.iter().cloned());
        parts.push("grants".to_owned());
        for (permission, condition) in grants.iter().map(text) {
            parts.extend([permission, condition]);
        }
        Some(Self {
            name: name.to_owned(),
            description: about.description.clone(),
            built_in: about.built_in,
            tag: tag(parts.iter().map(String::as_str)),
            parents,
            grants,
            permissions,
        })
    }
}

fn condition_text(grant: &Grant) -> String {
    let condition = grant.condition.as_ref();
    condition.map(ToString::to_string).unwrap_or_default()
}

impl PolicyChanges {
    /// A page of the roles in the order of their names, after this one, and whether more follow.
    #[must_use]
    pub fn roles(&self, after: Option<&str>, limit: usize) -> (Vec<RoleView>, bool) {
        let live = self.policies.kept();
        let names = live.roles.keys();
        let mut names = names.filter(|name| after.is_none_or(|after| name.as_str() > after));
        let page = names.by_ref().take(limit);
        let page = page.filter_map(|name| RoleView::of(&live, name)).collect();
        (page, names.next().is_some())
    }

    /// A role.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn role(&self, name: &str) -> Result<RoleView> {
        RoleView::of(&self.policies.current(), name).ok_or(Error::NotFound("role"))
    }

    /// Creates a role or changes it. Returns it, and whether it is new.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Several`], [`Error::Conflict`] for a cycle and for a built-in role,
    /// [`Error::PreconditionFailed`], [`Error::Escalation`].
    pub async fn put_role(
        &self,
        actor: Actor<'_>,
        name: &str,
        change: RoleChange,
        precondition: &Precondition,
    ) -> Result<(RoleView, bool)> {
        check(name, &change)?;
        let (name, precondition) = (name.to_owned(), precondition.clone());
        let wanted = name.clone();
        let new = self
            .change(actor, move |live, policy| {
                let before = RoleView::of(live, &name);
                let tag = before.as_ref().map(|role| role.tag.as_str());
                precondition.check(tag)?;
                refuse_built_in(before.as_ref(), &change)?;
                let action = before
                    .as_ref()
                    .map_or(PolicyAction::Created, |_| PolicyAction::Changed);
                let unchanged = write(policy, &name, change, before.as_ref());
                let changed = (!unchanged).then_some(Changed {
                    part: PolicyPart::Role,
                    action,
                    name,
                });
                Ok((before.is_none(), changed.into_iter().collect()))
            })
            .await?;
        Ok((self.role(&wanted)?, new))
    }

    /// Deletes a role.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Conflict`] for a role that is built in,
    /// inherited, held, or in a set of roles that exclude each other.
    pub async fn delete_role(
        &self,
        actor: Actor<'_>,
        name: &str,
        precondition: &Precondition,
    ) -> Result<()> {
        let (name, precondition) = (name.to_owned(), precondition.clone());
        self.change(actor, move |live, policy| {
            let before = RoleView::of(live, &name).ok_or(Error::NotFound("role"))?;
            precondition.check(Some(&before.tag))?;
            if before.built_in {
                return Err(Error::Conflict("the role belongs to the service"));
            }
            if policy.parents.iter().any(|(_, parent)| *parent == name) {
                return Err(Error::Conflict("other roles inherit from the role"));
            }
            if policy.excluded.iter().any(|(_, role)| *role == name) {
                return Err(Error::Conflict(
                    "the role is in a set of roles that exclude each other",
                ));
            }
            policy.roles.retain(|role| role.name != name);
            policy.parents.retain(|(role, _)| *role != name);
            policy.grants.retain(|grant| grant.role != name);
            let changed = Changed {
                part: PolicyPart::Role,
                action: PolicyAction::Deleted,
                name,
            };
            Ok(((), vec![changed]))
        })
        .await
    }
}

/// Writes the change into the rows. Returns whether they were so already.
fn write(
    policy: &mut StoredPolicy,
    name: &str,
    change: RoleChange,
    before: Option<&RoleView>,
) -> bool {
    let unchanged = (
        policy.roles.clone(),
        policy.parents.clone(),
        policy.grants.clone(),
    );
    let built_in = before.is_some_and(|role| role.built_in);
    let described = before.map(|role| role.description.clone());
    let given = change
        .description
        .filter(|new| !(built_in && new.is_empty()));
    let description = given.or(described);
    let row = StoredRole {
        name: name.to_owned(),
        description: description.unwrap_or_default(),
        built_in,
    };
    policy.roles.retain(|role| role.name != name);
    policy.roles.push(row);
    policy.roles.sort_unstable();
    if let Some(mut parents) = change.parents {
        parents.sort_unstable();
        parents.dedup();
        policy.parents.retain(|(role, _)| role != name);
        let rows = parents.into_iter().map(|parent| (name.to_owned(), parent));
        policy.parents.extend(rows);
        policy.parents.sort_unstable();
    }
    if let Some(grants) = change.grants {
        policy.grants.retain(|grant| grant.role != name);
        policy.grants.extend(grants.iter().map(|grant| StoredGrant {
            role: name.to_owned(),
            permission: grant.permission.clone(),
            condition_text: condition_text(grant),
        }));
        policy.grants.sort_unstable();
        policy.grants.dedup();
    }
    (&policy.roles, &policy.parents, &policy.grants) == (&unchanged.0, &unchanged.1, &unchanged.2)
}

/// Refuses to change a built-in role, but for what everybody is granted and its description.
fn refuse_built_in(before: Option<&RoleView>, change: &RoleChange) -> Result<()> {
    let Some(before) = before.filter(|role| role.built_in) else {
        return Ok(());
    };
    let of_everyone = before.name == EVERYONE;
    let described = change.description.as_ref();
    let redescribed = described.is_some_and(|new| !new.is_empty() && *new != before.description);
    let other = redescribed || change.grants.is_some();
    let parents = change.parents.as_ref();
    if (other && !of_everyone) || parents.is_some_and(|new| *new != before.parents) {
        return Err(Error::Conflict("the role belongs to the service"));
    }
    Ok(())
}

/// A role of this name would stand where the API has the use of roles.
const RESERVED: &str = "usage";

fn check(name: &str, change: &RoleChange) -> Result<()> {
    let invalid = |field, rule: String| Err(Error::Invalid { field, rule });
    if name == RESERVED {
        return invalid(
            "name",
            "must not be `usage`, which the API uses itself".to_owned(),
        );
    }
    if !is_role_name(name) {
        let rule = "must be lower-case letters, digits, `_`, `.` and `-`, beginning with a letter, up to 63";
        return invalid("name", rule.to_owned());
    }
    if let Some(description) = &change.description {
        check_description(description)?;
    }
    if change
        .parents
        .as_ref()
        .is_some_and(|all| all.len() > MOST_PARENTS)
    {
        return invalid("parents", format!("must be at most {MOST_PARENTS}"));
    }
    let mut parents = change.parents.iter().flatten();
    if parents.any(|parent| parent == EVERYONE) {
        return invalid(
            "parents",
            "must not name the role that everybody has".to_owned(),
        );
    }
    if change
        .grants
        .as_ref()
        .is_some_and(|all| all.len() > MOST_GRANTS)
    {
        return invalid("grants", format!("must be at most {MOST_GRANTS}"));
    }
    Ok(())
}

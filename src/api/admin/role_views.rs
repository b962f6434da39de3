//! Roles in requests and answers.

use poem_openapi::Object;
use serde::Deserialize;

use crate::accounts::policy_changes::{RoleChange, RoleView};
use crate::api::fields::present;
use crate::api::problem::{MAX_FIELDS_NAMED, Problem, ProblemKind};
use crate::rbac;
use crate::rbac::condition::Condition;

/// A grant of a role.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    /// A registered permission, or `resource:*` for all of a resource.
    #[oai(validator(max_length = 127))]
    pub(super) permission: String,
    /// It holds only where this does: comparisons joined by `and`, such as
    /// `resource.properties.owner == subject.id`. A property that is absent makes it false.
    #[oai(validator(max_length = 1024), skip_serializing_if_is_none)]
    #[serde(default, deserialize_with = "present")]
    pub(super) condition: Option<String>,
}

/// A role to be created.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRole {
    /// Its name.
    #[oai(validator(pattern = "^[a-z][a-z0-9_.-]{0,62}$"))]
    pub(super) name: String,
    /// What it is for.
    #[oai(validator(max_length = 500))]
    #[serde(default, deserialize_with = "present")]
    pub(super) description: Option<String>,
    /// The roles whose grants it has too.
    #[oai(validator(max_items = 64))]
    #[serde(default, deserialize_with = "present")]
    pub(super) parents: Option<Vec<String>>,
    /// Its own grants.
    #[oai(validator(max_items = 1000))]
    #[serde(default, deserialize_with = "present")]
    pub(super) grants: Option<Vec<Grant>>,
}

/// The new state of a role, or a change of it.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateRole {
    /// What it is for.
    #[oai(validator(max_length = 500))]
    #[serde(default, deserialize_with = "present")]
    pub(super) description: Option<String>,
    /// The roles whose grants it has too.
    #[oai(validator(max_items = 64))]
    #[serde(default, deserialize_with = "present")]
    pub(super) parents: Option<Vec<String>>,
    /// Its own grants.
    #[oai(validator(max_items = 1000))]
    #[serde(default, deserialize_with = "present")]
    pub(super) grants: Option<Vec<Grant>>,
}

/// A role.
#[derive(Debug, Object)]
pub(super) struct Role {
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    pub(super) description: String,
    /// Whether it belongs to the service, which fixes what it grants.
    pub(super) built_in: bool,
    /// The roles whose grants it has too.
    pub(super) parents: Vec<String>,
    /// Its own grants.
    pub(super) grants: Vec<Grant>,
    /// What it grants without a condition, inherited grants too, wildcards expanded.
    pub(super) permissions: Vec<String>,
}

/// One page of roles.
#[derive(Debug, Object)]
pub(super) struct RolePage {
    /// The roles.
    pub(super) items: Vec<Role>,
    /// The `cursor` of the next page. Absent on the last page.
    #[oai(skip_serializing_if_is_none)]
    pub(super) next_cursor: Option<String>,
}

impl From<RoleView> for Role {
    fn from(role: RoleView) -> Self {
        let grants = role.grants.into_iter().map(|grant| Grant {
            permission: grant.permission,
            condition: grant.condition.map(|condition| condition.to_string()),
        });
        Self {
            name: role.name,
            description: role.description,
            built_in: role.built_in,
            parents: role.parents,
            grants: grants.collect(),
            permissions: role.permissions,
        }
    }
}

impl UpdateRole {
    /// The change, with its conditions read.
    ///
    /// # Errors
    /// 422 with each condition that cannot be read, and where in it the fault is.
    pub(super) fn read(self) -> Result<RoleChange, Problem> {
        let mut problem = Problem::new(ProblemKind::InvalidField);
        let mut read = Vec::new();
        for (at, grant) in self.grants.iter().flatten().enumerate() {
            let condition = grant.condition.as_deref().map(Condition::parse).transpose();
            match condition {
                Ok(condition) => read.push(rbac::Grant {
                    permission: grant.permission.clone(),
                    condition,
                }),
                Err(fault) => {
                    let field = format!("grants[{at}].condition");
                    problem = problem.field(field, fault.to_string());
                }
            }
        }
        if problem.more.errors.is_empty() {
            Ok(RoleChange {
                description: self.description,
                parents: self.parents,
                grants: self.grants.is_some().then_some(read),
            })
        } else {
            problem.more.errors.truncate(MAX_FIELDS_NAMED);
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_that_cannot_be_read_is_named() {
        let grant = |condition: &str| Grant {
            permission: "posts:read".to_owned(),
            condition: Some(condition.to_owned()),
        };
        let change = UpdateRole {
            description: None,
            parents: None,
            grants: Some(vec![
                grant("subject.id == \"alice\""),
                grant("subject.id = 1"),
                grant(""),
            ]),
        };
        let problem = change.read().expect_err("refused");
        let fields: Vec<_> = problem
            .more
            .errors
            .iter()
            .map(|error| &error.field)
            .collect();
        assert_eq!(fields, ["grants[1].condition", "grants[2].condition"]);
    }
}

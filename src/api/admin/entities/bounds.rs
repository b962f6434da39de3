//! What may be registered. Every fault is named.

use std::collections::HashSet;

use super::bodies::{ChangeEntities, PutEntity, PutEntityType};
use crate::api::problem::{MAX_FIELDS_NAMED, Problem, ProblemKind};
use crate::decisions::registry::EntityChanges;
use crate::rbac::entities::{fault_of_id, fault_of_properties};
use crate::rbac::names::is_role_name;
use crate::store::{EntityType, Side};

/// Longest description of a type, in characters.
const LONGEST_DESCRIPTION: usize = 500;
/// Most changes of one batch.
const MOST_CHANGES: usize = 1000;

/// Collects the faults of a body.
struct Faults(Problem);

impl Faults {
    fn new() -> Self {
        Self(Problem::new(ProblemKind::InvalidField))
    }

    fn add(&mut self, field: String, rule: Option<&'static str>) {
        let named = &mut self.0.more.errors;
        if let Some(rule) = rule
            && named.len() < MAX_FIELDS_NAMED
        {
            named.push(crate::api::problem::FieldError::new(field, rule));
        }
    }

    fn result(self) -> Result<(), Problem> {
        if self.0.more.errors.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }
}

/// A type to write.
///
/// # Errors
/// 400 for a name that no type may have, 422 for a description that is too long.
pub fn entity_type(side: Side, kind: String, body: PutEntityType) -> Result<EntityType, Problem> {
    if !is_role_name(&kind) {
        let rule = "must be 1 to 63 characters of a-z, 0-9, `_`, `.` and `-`, the first of a-z";
        return Err(Problem::malformed().field("type", rule));
    }
    let description = body.description.unwrap_or_default();
    let mut faults = Faults::new();
    let rule = if description.chars().count() > LONGEST_DESCRIPTION {
        Some("must have at most 500 characters")
    } else if description.contains('\0') {
        Some("must not have the character NUL")
    } else {
        None
    };
    faults.add("description".to_owned(), rule);
    faults.result()?;
    Ok(EntityType {
        side,
        kind,
        description,
        caller_wins: body.caller_wins.unwrap_or_default(),
    })
}

/// One entity to write.
///
/// # Errors
/// 400 for an id that none may have, 422 for properties that none may have.
pub fn entity(id: String, body: PutEntity) -> Result<EntityChanges, Problem> {
    if let Some(rule) = fault_of_id(&id) {
        return Err(Problem::malformed().field("entity", rule));
    }
    let properties = body.properties.unwrap_or_default().0;
    let mut faults = Faults::new();
    faults.add("properties".to_owned(), fault_of_properties(&properties));
    faults.result()?;
    Ok(EntityChanges {
        upsert: vec![(id, properties)],
        delete: Vec::new(),
    })
}

/// The changes of a batch.
///
/// # Errors
/// 422 that names what no entity may have, and ids that are given twice.
pub fn batch(body: ChangeEntities) -> Result<EntityChanges, Problem> {
    let upsert = body.upsert.unwrap_or_default();
    let delete = body.delete.unwrap_or_default();
    let mut faults = Faults::new();
    if upsert.len() + delete.len() > MOST_CHANGES {
        let rule = "must have at most 1000 members, together with `delete`";
        faults.add("upsert".to_owned(), Some(rule));
        faults.result()?;
        return Ok(EntityChanges::default());
    }
    let mut seen = HashSet::new();
    let mut fault = |id: &str| {
        let twice = !seen.insert(id.to_owned());
        fault_of_id(id).or(twice.then_some("is given twice"))
    };
    for (at, entity) in upsert.iter().enumerate() {
        faults.add(format!("upsert[{at}].id"), fault(&entity.id));
        let properties = entity.properties.as_ref();
        let rule = properties.and_then(|object| fault_of_properties(&object.0));
        faults.add(format!("upsert[{at}].properties"), rule);
    }
    for (at, id) in delete.iter().enumerate() {
        faults.add(format!("delete[{at}]"), fault(id));
    }
    faults.result()?;
    let upsert = upsert.into_iter();
    let upsert = upsert.map(|entity| (entity.id, entity.properties.unwrap_or_default().0));
    Ok(EntityChanges {
        upsert: upsert.collect(),
        delete,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(body: Value) -> Vec<String> {
        let body: ChangeEntities = serde_json::from_value(body).expect("a batch");
        let problem = batch(body).map(drop).err();
        let errors = problem
            .map(|problem| problem.more.errors)
            .unwrap_or_default();
        let shown = errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.rule));
        shown.collect()
    }

    #[test]
    fn every_fault_of_a_batch_is_named() {
        let good = json!({ "upsert": [{ "id": "a" }, { "id": "b", "properties": { "c": 1 } }], "delete": ["d"] });
        assert_eq!(refused(good), [""; 0]);
        assert_eq!(refused(json!({})), [""; 0]);
        let large = json!({ "a": "b".repeat(9000) });
        let body = json!({
            "upsert": [{ "id": "a" }, { "id": "" }, { "id": "a", "properties": large }],
            "delete": ["b\n", "a"],
        });
        assert_eq!(
            refused(body),
            [
                "upsert[1].id: must have 1 to 256 characters",
                "upsert[2].id: is given twice",
                "upsert[2].properties: must have at most 8192 bytes as JSON",
                "delete[0]: must not have control characters",
                "delete[1]: is given twice",
            ]
        );
    }

    #[test]
    fn batch_has_a_bound_and_names_twenty_faults() {
        let many = |count: usize| json!({ "delete": (0..count).map(|n| n.to_string()).collect::<Vec<_>>() });
        assert_eq!(refused(many(1000)), [""; 0]);
        assert_eq!(refused(many(1001)).len(), 1);
        let bad = json!({ "delete": vec![""; 100] });
        assert_eq!(refused(bad).len(), MAX_FIELDS_NAMED);
    }
}

//! Reads questions out of bodies. Every fault is named by its field and the rule that it breaks.

use serde_json::{Map, Value};

use crate::api::body::MISSING;
use crate::api::problem::{FieldError, MAX_FIELDS_NAMED, Problem};
use crate::rbac::{Action, Entity, Properties, Question};

/// The most characters of an id, of a type and of the name of an action.
pub const LONGEST: usize = 256;

const NO_OBJECT: &str = "must be an object";
const NO_STRING: &str = "must be a string";
const NO_NAME: &str = "must have 1 to 256 characters, none of them NUL";

/// The faults of a question.
pub type Faults = Vec<FieldError>;

type Fields = Map<String, Value>;

/// What holds for questions that do not say it themselves. Never merged with what they say: an entity of a
/// question replaces the whole one.
#[derive(Clone, Copy, Default)]
pub struct Defaults<'a> {
    subject: Option<Entity<'a>>,
    action: Option<Action<'a>>,
    resource: Option<Entity<'a>>,
}

impl<'a> Defaults<'a> {
    /// Those of a body.
    ///
    /// # Errors
    /// What is there and at fault.
    pub fn read(body: &'a Fields) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut entity_of = |name: &'static str| {
            let value = body.get(name)?;
            entity(value, name, &mut faults)
        };
        let (subject, resource) = (entity_of("subject"), entity_of("resource"));
        let action = body
            .get("action")
            .and_then(|value| action(value, "action", &mut faults));
        check_object(body, "", "context", &mut faults);
        if faults.is_empty() {
            Ok(Self {
                subject,
                action,
                resource,
            })
        } else {
            Err(faults)
        }
    }
}

/// The question of a body or of an item.
///
/// # Errors
/// Everything that is missing or at fault.
pub fn question<'a>(asked: &'a Fields, defaults: &Defaults<'a>) -> Result<Question<'a>, Faults> {
    let mut faults = Faults::new();
    let subject = part(asked, "subject", entity, defaults.subject, &mut faults);
    let action = part(asked, "action", action, defaults.action, &mut faults);
    let resource = part(asked, "resource", entity, defaults.resource, &mut faults);
    check_object(asked, "", "context", &mut faults);
    match (subject, action, resource) {
        (Some(subject), Some(action), Some(resource)) if faults.is_empty() => Ok(Question {
            subject,
            action,
            resource,
        }),
        _ => Err(faults),
    }
}

/// What a search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Subjects of a type.
    Subjects,
    /// Resources of a type.
    Resources,
    /// Actions.
    Actions,
}

impl Wanted {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subjects => "subject",
            Self::Resources => "resource",
            Self::Actions => "action",
        }
    }
}

/// The question of a search: what is wanted has no id, or no name.
///
/// # Errors
/// Everything that is missing or at fault.
pub fn search(asked: &Fields, wanted: Wanted) -> Result<Question<'_>, Faults> {
    let mut faults = Faults::new();
    let of = |which| if which == wanted { target } else { entity };
    let subject = part(asked, "subject", of(Wanted::Subjects), None, &mut faults);
    let action = if wanted == Wanted::Actions {
        Some(Action {
            name: "",
            properties: Properties::default(),
        })
    } else {
        part(asked, "action", action, None, &mut faults)
    };
    let resource = part(asked, "resource", of(Wanted::Resources), None, &mut faults);
    check_object(asked, "", "context", &mut faults);
    match (subject, action, resource) {
        (Some(subject), Some(action), Some(resource)) if faults.is_empty() => Ok(Question {
            subject,
            action,
            resource,
        }),
        _ => Err(faults),
    }
}

/// The refusal of a body with these faults.
pub fn refusal(mut faults: Faults) -> Problem {
    faults.truncate(MAX_FIELDS_NAMED);
    let mut problem = Problem::malformed();
    problem.more.errors = faults;
    problem
}

type Read<'a, T> = fn(&'a Value, &'static str, &mut Faults) -> Option<T>;

fn part<'a, T>(
    asked: &'a Fields,
    name: &'static str,
    read: Read<'a, T>,
    default: Option<T>,
    faults: &mut Faults,
) -> Option<T> {
    if let Some(value) = asked.get(name) {
        return read(value, name, faults);
    }
    if default.is_none() {
        faults.push(FieldError::new(name, MISSING));
    }
    default
}

fn entity<'a>(value: &'a Value, name: &'static str, faults: &mut Faults) -> Option<Entity<'a>> {
    let fields = object(value, name, faults)?;
    let kind = text(fields, name, "type", faults);
    let id = text(fields, name, "id", faults);
    let properties = properties(fields, name, faults);
    Some(Entity {
        kind: kind?,
        id: id?,
        properties,
    })
}

/// An entity of which the type alone is known.
fn target<'a>(value: &'a Value, name: &'static str, faults: &mut Faults) -> Option<Entity<'a>> {
    let fields = object(value, name, faults)?;
    let kind = text(fields, name, "type", faults);
    let properties = properties(fields, name, faults);
    Some(Entity {
        kind: kind?,
        id: "",
        properties,
    })
}

fn action<'a>(value: &'a Value, name: &'static str, faults: &mut Faults) -> Option<Action<'a>> {
    let fields = object(value, name, faults)?;
    let named = text(fields, name, "name", faults);
    let properties = properties(fields, name, faults);
    Some(Action {
        name: named?,
        properties,
    })
}

fn object<'a>(value: &'a Value, name: &str, faults: &mut Faults) -> Option<&'a Fields> {
    if value.as_object().is_none() {
        faults.push(FieldError::new(name, NO_OBJECT));
    }
    value.as_object()
}

fn text<'a>(fields: &'a Fields, of: &str, name: &str, faults: &mut Faults) -> Option<&'a str> {
    let rule = match fields.get(name) {
        None => MISSING,
        Some(Value::String(text)) if is_name(text) => return Some(text),
        Some(Value::String(_)) => NO_NAME,
        Some(_) => NO_STRING,
    };
    faults.push(FieldError::new(format!("{of}.{name}"), rule));
    None
}

/// PostgreSQL stores no NUL.
fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.chars().count()) && !text.contains('\0')
}

fn properties<'a>(fields: &'a Fields, of: &str, faults: &mut Faults) -> Properties<'a> {
    check_object(fields, of, "properties", faults);
    Properties::of(fields.get("properties").and_then(Value::as_object))
}

/// Checks that a field is an object, if it is there.
fn check_object(fields: &Fields, of: &str, name: &str, faults: &mut Faults) {
    if fields.get(name).is_some_and(|value| !value.is_object()) {
        let dot = if of.is_empty() { "" } else { "." };
        faults.push(FieldError::new(format!("{of}{dot}{name}"), NO_OBJECT));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> &Fields {
        value.as_object().expect("an object")
    }

    fn named(faults: Faults) -> Vec<String> {
        let named = faults.into_iter();
        named
            .map(|fault| format!("{} {}", fault.field, fault.rule))
            .collect()
    }

    /// The faults of a question, with nothing as a default.
    fn faults(asked: &Value) -> Vec<String> {
        let read = question(fields(asked), &Defaults::default());
        read.err().map(named).unwrap_or_default()
    }

    fn sound() -> Value {
        json!({
            "subject": { "type": "user", "id": "alice" },
            "action": { "name": "read" },
            "resource": { "type": "record", "id": "record-1" },
        })
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert_eq!(faults(&sound()), [""; 0]);
        assert_eq!(
            faults(&json!({})),
            [
                "subject is missing",
                "action is missing",
                "resource is missing"
            ]
        );
        let broken = json!({
            "subject": "s3cret",
            "action": { "name": 123, "properties": [] },
            "resource": { "id": "", "properties": null },
            "context": "s3cret",
        });
        assert_eq!(
            faults(&broken),
            [
                "subject must be an object",
                "action.name must be a string",
                "action.properties must be an object",
                "resource.type is missing",
                "resource.id must have 1 to 256 characters, none of them NUL",
                "resource.properties must be an object",
                "context must be an object",
            ]
        );
    }

    #[test]
    fn names_have_1_to_256_characters_and_no_nul() {
        for (id, good) in [
            ("a".to_owned(), true),
            ("\u{e4}".repeat(256), true),
            (" ".to_owned(), true),
            (String::new(), false),
            ("a".repeat(257), false),
            ("a\0b".to_owned(), false),
        ] {
            for (part, name) in [
                ("subject", "type"),
                ("subject", "id"),
                ("action", "name"),
                ("resource", "type"),
                ("resource", "id"),
            ] {
                let mut asked = sound();
                asked[part][name] = id.as_str().into();
                assert_eq!(faults(&asked).is_empty(), good, "{part}.{name} {id:?}");
            }
        }
    }

    #[test]
    fn defaults_are_replaced_as_a_whole() {
        let body = json!({
            "subject": { "type": "user", "id": "alice", "properties": { "role": "admin" } },
            "action": { "name": "read" },
        });
        let defaults = Defaults::read(fields(&body)).expect("sound");
        let item = json!({
            "subject": { "type": "user", "id": "bob" },
            "resource": { "type": "record", "id": "record-1" },
        });
        let read = question(fields(&item), &defaults).map_err(named);
        let read = read.expect("complete");
        assert_eq!((read.subject.id, read.action.name), ("bob", "read"));
        assert_eq!(read.subject.properties.get("role"), None);
        // Half an entity is not completed by the default.
        let half = json!({ "subject": { "type": "user" }, "resource": item["resource"] });
        let read = question(fields(&half), &defaults).map_err(named);
        assert_eq!(read.err(), Some(vec!["subject.id is missing".to_owned()]));
        let broken = json!({ "action": { "name": [] }, "context": 1, "resource": {} });
        assert_eq!(
            Defaults::read(fields(&broken)).err().map(named),
            Some(vec![
                "resource.type is missing".to_owned(),
                "resource.id is missing".to_owned(),
                "action.name must be a string".to_owned(),
                "context must be an object".to_owned(),
            ])
        );
    }
}

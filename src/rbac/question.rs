//! A question to the policy: may this subject do this with that resource? The words are those of the
//! OpenID AuthZEN Authorization API 1.0.

use serde_json::{Map, Value};

/// Properties of an entity: what the caller sent, and what is registered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Properties<'a> {
    /// Looked at first.
    pub first: Option<&'a Map<String, Value>>,
    /// Looked at for what the first lack.
    pub then: Option<&'a Map<String, Value>>,
}

impl<'a> Properties<'a> {
    /// Those of one source.
    #[must_use]
    pub const fn of(properties: Option<&'a Map<String, Value>>) -> Self {
        Self {
            first: properties,
            then: None,
        }
    }

    /// The property of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let of = |source: Option<&'a Map<String, Value>>| source.and_then(|map| map.get(name));
        of(self.first).or_else(|| of(self.then))
    }
}

/// A subject or a resource.
#[derive(Clone, Copy, Debug)]
pub struct Entity<'a> {
    /// Its type.
    pub kind: &'a str,
    /// Its id, unique within the type.
    pub id: &'a str,
    /// Its properties.
    pub properties: Properties<'a>,
}

impl<'a> Entity<'a> {
    /// One without properties.
    #[must_use]
    pub const fn bare(kind: &'a str, id: &'a str) -> Self {
        Self {
            kind,
            id,
            properties: Properties {
                first: None,
                then: None,
            },
        }
    }
}

/// What the subject wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its properties.
    pub properties: Properties<'a>,
}

/// May the subject do this with the resource?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks to.
    pub subject: Entity<'a>,
    /// What is to be done.
    pub action: Action<'a>,
    /// What it is done to.
    pub resource: Entity<'a>,
}

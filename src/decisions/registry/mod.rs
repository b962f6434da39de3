//! Registered subjects and resources: their properties complete questions.
//!
//! Types are a part of the policy. Only of registered types entities are looked up, so that a question about
//! others costs no statement.

mod change;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::cache::LocalMap;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::metrics::CacheName;
use crate::policies::Policies;
use crate::rbac::{Entity, Properties, Question};
use crate::store::{self, Side, Store};

pub use self::change::{EntityChanges, EntityView, Written};

/// How long a replica believes what it has read, from the start of the reading.
const TTL: TimeDelta = TimeDelta::seconds(1);
const CACHED: usize = 50_000;

/// Properties of an entity.
pub type Object = Map<String, Value>;

type Key = (Side, Box<str>, Box<str>);

#[derive(Clone)]
struct Kept {
    /// `None` if no entity has this id.
    properties: Option<Arc<Object>>,
    until: DateTime<Utc>,
}

/// The registered entities.
pub struct Registry {
    store: Store,
    policies: Arc<Policies>,
    clock: Clock,
    kept: LocalMap<Key, Kept>,
}

/// What is registered of an entity.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    properties: Option<Arc<Object>>,
    caller_wins: bool,
}

impl Registered {
    /// Whether the entity is registered.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.properties.is_some()
    }

    /// Together with the properties that came with the question.
    #[must_use]
    pub fn beside<'a>(&'a self, sent: Properties<'a>) -> Properties<'a> {
        let own = self.properties.as_deref();
        let (first, then) = if self.caller_wins {
            (sent.first, own)
        } else {
            (own, sent.first)
        };
        Properties { first, then }
    }
}

/// What is registered of the subject and the resource of a question.
pub struct Known {
    subject: Registered,
    resource: Registered,
}

impl Known {
    /// The question with what is registered.
    #[must_use]
    pub fn question<'a>(&'a self, asked: &Question<'a>) -> Question<'a> {
        Question {
            subject: with(&asked.subject, &self.subject),
            action: asked.action,
            resource: with(&asked.resource, &self.resource),
        }
    }
}

/// The entity with what is registered of it.
fn with<'a>(entity: &Entity<'a>, registered: &'a Registered) -> Entity<'a> {
    Entity {
        properties: registered.beside(entity.properties),
        ..*entity
    }
}

impl Registry {
    /// The entities in this store, whose types these policies know.
    #[must_use]
    pub fn new(store: Store, policies: Arc<Policies>, clock: Clock) -> Self {
        Self {
            store,
            policies,
            clock,
            kept: LocalMap::new(CacheName::Entity, CACHED),
        }
    }

    /// What is registered of the entities of a question.
    ///
    /// # Errors
    /// When it is not cached and the database does not answer.
    pub async fn complete(&self, asked: &Question<'_>) -> Result<Known> {
        let (subject, resource) = (&asked.subject, &asked.resource);
        Ok(Known {
            subject: self
                .registered(Side::Subject, subject.kind, subject.id)
                .await?,
            resource: self
                .registered(Side::Resource, resource.kind, resource.id)
                .await?,
        })
    }

    /// What is registered of an entity.
    ///
    /// # Errors
    /// When it is not cached and the database does not answer.
    pub async fn registered(&self, side: Side, kind: &str, id: &str) -> Result<Registered> {
        let Some(caller_wins) = self.caller_wins(side, kind) else {
            return Ok(Registered::default());
        };
        Ok(Registered {
            properties: self.properties(side, kind, id).await?,
            caller_wins,
        })
    }

    /// Whether properties that come with a question count before registered ones; `None` if the type is not
    /// registered.
    #[must_use]
    pub fn caller_wins(&self, side: Side, kind: &str) -> Option<bool> {
        let live = self.policies.current();
        let known = live.entity_types.of(side).get(kind);
        known.map(|known| known.caller_wins)
    }

    /// The registered properties of an entity of a registered type; `None` if there is no such entity.
    ///
    /// # Errors
    /// When they are not cached and the database does not answer.
    async fn properties(&self, side: Side, kind: &str, id: &str) -> Result<Option<Arc<Object>>> {
        let key = (side, Box::from(kind), Box::from(id));
        let now = self.clock.now();
        if let Some(kept) = self.kept.get(&key).filter(|kept| now < kept.until) {
            return Ok(kept.properties);
        }
        let found = self.store.entity(side, kind, id).await?;
        let properties = found.map(|entity| object(&entity)).transpose()?;
        let properties = properties.map(Arc::new);
        let kept = Kept {
            properties: properties.clone(),
            until: now + TTL,
        };
        self.kept.insert(key, kept);
        Ok(properties)
    }

    /// What is registered of some entities of a type, by id: those that are not registered are not there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn registered_of(
        &self,
        side: Side,
        kind: &str,
        ids: &[&str],
    ) -> Result<HashMap<String, Registered>> {
        let Some(caller_wins) = self.caller_wins(side, kind) else {
            return Ok(HashMap::new());
        };
        let entities = self.store.entities_of(side, kind, ids).await?;
        let of = |entity: store::Entity| Ok((entity.id.clone(), registered(&entity, caller_wins)?));
        entities.into_iter().map(of).collect()
    }

    /// A page of the entities of a type in the order of their ids, and whether there are more. Empty if the
    /// type is not registered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn page(
        &self,
        side: Side,
        kind: &str,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<(String, Registered)>, bool)> {
        let Some(caller_wins) = self.caller_wins(side, kind) else {
            return Ok((Vec::new(), false));
        };
        let page = self.store.list_entities(side, kind, after, limit).await?;
        let more = page.next.is_some();
        let of = |entity: store::Entity| Ok((entity.id.clone(), registered(&entity, caller_wins)?));
        let entities: Result<Vec<_>> = page.entities.into_iter().map(of).collect();
        Ok((entities?, more))
    }

    /// Sets the gauge of entries. Called before each scrape.
    pub fn observe(&self) {
        self.kept.observe();
    }
}

fn registered(entity: &store::Entity, caller_wins: bool) -> Result<Registered> {
    Ok(Registered {
        properties: Some(Arc::new(object(entity)?)),
        caller_wins,
    })
}

/// The properties of a stored entity.
fn object(entity: &store::Entity) -> Result<Object> {
    serde_json::from_str(&entity.properties).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn registered_properties_count_first_unless_the_type_says_otherwise() {
        let stored = object(json!({ "status": "active", "owner": "alice" }));
        let sent = object(json!({ "status": "archived", "size": 1 }));
        for (caller_wins, status) in [(false, "active"), (true, "archived")] {
            let registered = Registered {
                properties: Some(Arc::new(stored.clone())),
                caller_wins,
            };
            let both = registered.beside(Properties::of(Some(&sent)));
            assert_eq!(both.get("status"), Some(&json!(status)), "{caller_wins}");
            assert_eq!(both.get("owner"), Some(&json!("alice")));
            assert_eq!(both.get("size"), Some(&json!(1)));
            assert_eq!(both.get("colour"), None);
        }
        let nothing = Registered::default();
        let alone = nothing.beside(Properties::of(Some(&sent)));
        assert_eq!(alone.get("status"), Some(&json!("archived")));
        assert_eq!(nothing.beside(Properties::default()).get("status"), None);
    }
}

//! Administration of registered entities and their types.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Object, Registry, object};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{PolicyAction, PolicyPart};
use crate::store::{self, EntityType, Side, Tx};

/// Changes of entities of one type, all of them or none.
#[derive(Debug, Default)]
pub struct EntityChanges {
    /// Those to create or replace, no id twice.
    pub upsert: Vec<(String, Object)>,
    /// Those to delete.
    pub delete: Vec<String>,
}

/// A registered entity.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityView {
    /// Its id.
    pub id: String,
    /// Its properties.
    pub properties: Object,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

/// How many entities were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Created or replaced.
    pub upserted: usize,
    /// Deleted.
    pub deleted: u64,
}

impl Registry {
    /// The types, in the order of their names.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn types(&self, side: Side) -> Result<Vec<EntityType>> {
        // Another replica may have written one just now.
        self.policies.follow().await?;
        let live = self.policies.current();
        Ok(live.entity_types.of(side).values().cloned().collect())
    }

    /// Creates or replaces a type. `by` is the account that asks for it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_type(&self, new: EntityType, by: Uuid) -> Result<EntityType> {
        let mut tx = self.store.transaction().await?;
        let written = put_type(&mut tx, &new).await;
        let action = tx.finish(written).await?;
        self.changed(action, (new.side, &new.kind), by).await;
        Ok(new)
    }

    /// Deletes a type with its entities.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] when it has too many.
    pub async fn delete_type(&self, side: Side, kind: &str, by: Uuid) -> Result<()> {
        let mut tx = self.store.transaction().await?;
        let deleted = delete_type(&mut tx, side, kind).await;
        tx.finish(deleted).await?;
        self.changed(PolicyAction::Deleted, (side, kind), by).await;
        // Entities of a type that comes back are new ones.
        self.kept.clear();
        Ok(())
    }

    async fn changed(&self, action: PolicyAction, (side, kind): (Side, &str), by: Uuid) {
        // A failure is counted; the next reading comes within a second.
        let _ = self.policies.follow().await;
        Event::PolicyChange {
            part: PolicyPart::EntityType,
            action,
            name: format!("{}:{kind}", side.word()),
            by: Some(by),
        }
        .emit();
    }

    /// A page of the entities of a type, after the id `after`, and the id that the next page follows.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the type is not registered.
    pub async fn list(
        &self,
        side: Side,
        kind: &str,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<EntityView>, Option<String>)> {
        self.expect_type(side, kind).await?;
        let page = self.store.list_entities(side, kind, after, limit).await?;
        let entities: Result<Vec<_>> = page.entities.into_iter().map(view).collect();
        Ok((entities?, page.next))
    }

    /// An entity, as the database has it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn entity(&self, side: Side, kind: &str, id: &str) -> Result<EntityView> {
        self.expect_type(side, kind).await?;
        let found = self.store.entity(side, kind, id).await?;
        view(found.ok_or(Error::NotFound("entity"))?)
    }

    /// Deletes an entity.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_entity(&self, side: Side, kind: &str, id: String) -> Result<()> {
        let changes = EntityChanges {
            upsert: Vec::new(),
            delete: vec![id],
        };
        match self.change(side, kind, changes).await?.deleted {
            0 => Err(Error::NotFound("entity")),
            _ => Ok(()),
        }
    }

    /// Changes entities of a type.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the type is not registered.
    pub async fn change(&self, side: Side, kind: &str, changes: EntityChanges) -> Result<Written> {
        let EntityChanges { upsert, delete } = changes;
        let text = |(id, properties): (String, Object)| {
            serde_json::to_string(&properties)
                .map(|properties| (id, properties))
                .map_err(Error::internal)
        };
        let rows: Result<Vec<_>> = upsert.into_iter().map(text).collect();
        let rows = rows?;
        let mut tx = self.store.transaction().await?;
        let written = self.write(&mut tx, (side, kind), &rows, &delete).await;
        let deleted = tx.finish(written).await?;
        let ids = rows.iter().map(|(id, _)| id).chain(&delete);
        for id in ids {
            self.kept
                .remove(&(side, Box::from(kind), id.as_str().into()));
        }
        Ok(Written {
            upserted: rows.len(),
            deleted,
        })
    }

    async fn write(
        &self,
        tx: &mut Tx,
        (side, kind): (Side, &str),
        rows: &[(String, String)],
        delete: &[String],
    ) -> Result<u64> {
        tx.lock_entity_type(side, kind).await?;
        tx.put_entities(side, kind, rows, self.clock.now()).await?;
        tx.delete_entities(side, kind, delete).await
    }

    async fn expect_type(&self, side: Side, kind: &str) -> Result<()> {
        let known = || self.caller_wins(side, kind).is_some();
        if !known() {
            // Another replica may have written it just now.
            self.policies.follow().await?;
        }
        known().then_some(()).ok_or(Error::NotFound("type"))
    }
}

async fn put_type(tx: &mut Tx, new: &EntityType) -> Result<PolicyAction> {
    tx.lock_policy().await?;
    let action = match tx.lock_entity_type(new.side, &new.kind).await {
        Ok(()) => PolicyAction::Changed,
        Err(Error::NotFound(_)) => PolicyAction::Created,
        Err(other) => return Err(other),
    };
    tx.put_entity_type(new).await?;
    tx.raise_policy().await?;
    Ok(action)
}

async fn delete_type(tx: &mut Tx, side: Side, kind: &str) -> Result<()> {
    tx.lock_policy().await?;
    tx.delete_entity_type(side, kind).await?;
    tx.raise_policy().await
}

fn view(entity: store::Entity) -> Result<EntityView> {
    Ok(EntityView {
        properties: object(&entity)?,
        id: entity.id,
        updated_at: entity.updated_at,
    })
}

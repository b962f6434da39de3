//! Registered subjects and resources, and their types.

use chrono::{DateTime, Utc};

use super::connection::Conn;
use super::rows::from_row;
use super::{
    Store, Tx, execute, execute_rows, fetch_all, fetch_list, fetch_optional, findable, sql,
};
use crate::error::{Error, Result};

/// The most entities of a type that is deleted with them: all in one transaction.
pub const MOST_WITH_TYPE: u32 = 10_000;
/// Rows of one insert.
const ROWS: usize = 50;
/// Ids of one list.
const LISTED: usize = 32;

/// The part of an entity in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who asks to do something.
    Subject,
    /// What it is done to.
    Resource,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Subject, Self::Resource];

    /// The word of the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Resource => "resource",
        }
    }
}

/// A type of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityType {
    /// The part of its entities in a question.
    pub side: Side,
    /// Its name.
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Whether properties that come with a question count before registered ones.
    pub caller_wins: bool,
}

struct EntityTypeRow {
    side: String,
    kind: String,
    description: String,
    caller_wins: bool,
}

from_row!(EntityTypeRow {
    side,
    kind,
    description,
    caller_wins
});

/// A registered entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its id, unique within the type.
    pub id: String,
    /// A JSON object as text.
    pub properties: String,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

from_row!(Entity {
    id,
    properties,
    updated_at
});

/// One page of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityPage {
    /// In the order of their ids.
    pub entities: Vec<Entity>,
    /// The id that the next page follows, if there is a next one.
    pub next: Option<String>,
}

/// The types of entities, in their order.
pub(super) async fn types(conn: &mut Conn) -> Result<Vec<EntityType>> {
    let rows = fetch_all!(conn, sql::ENTITY_TYPES => EntityTypeRow)?;
    let known = |row: EntityTypeRow| {
        let mut sides = Side::ALL.into_iter();
        let side = sides.find(|side| side.word() == row.side)?;
        Some(EntityType {
            side,
            kind: row.kind,
            description: row.description,
            caller_wins: row.caller_wins,
        })
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

impl Tx {
    /// Creates or replaces a type. The policy must be locked, and its version be raised.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_entity_type(&mut self, new: &EntityType) -> Result<()> {
        execute!(
            self.conn,
            sql::PUT_ENTITY_TYPE,
            new.side.word(),
            &new.kind,
            &new.description,
            new.caller_wins
        )?;
        Ok(())
    }

    /// Deletes a type with its entities. The policy must be locked, and its version be raised.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] when it has more than [`MOST_WITH_TYPE`] of them.
    pub async fn delete_entity_type(&mut self, side: Side, kind: &str) -> Result<()> {
        self.lock_entity_type(side, kind).await?;
        let most = i64::from(MOST_WITH_TYPE);
        let counted = fetch_optional!(
            self.conn,
            sql::COUNT_ENTITIES => (i64,),
            side.word(),
            kind,
            most + 1
        )?;
        if counted.is_some_and(|(count,)| count > most) {
            return Err(Error::Conflict(
                "the type has more than 10000 entities: delete them first",
            ));
        }
        execute!(self.conn, sql::DELETE_ENTITY_TYPE, side.word(), kind)?;
        Ok(())
    }

    /// Locks a type, so that it stays until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lock_entity_type(&mut self, side: Side, kind: &str) -> Result<()> {
        let locked =
            findable(kind) && execute!(self.conn, sql::LOCK_ENTITY_TYPE, side.word(), kind)? > 0;
        locked.then_some(()).ok_or(Error::NotFound("type"))
    }

    /// Creates or replaces entities, each an id and a JSON object. The type must be locked, and no id be
    /// given twice.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_entities(
        &mut self,
        side: Side,
        kind: &str,
        entities: &[(String, String)],
        at: DateTime<Utc>,
    ) -> Result<()> {
        let side = side.word();
        for chunk in entities.chunks(ROWS) {
            if chunk.len() == ROWS {
                let rows = chunk.iter().map(|(id, properties)| (id, properties));
                execute_rows!(self.conn, sql::PUT_ENTITIES, [side, kind, at], rows)?;
                continue;
            }
            for (id, properties) in chunk {
                execute!(self.conn, sql::PUT_ENTITY, side, kind, at, id, properties)?;
            }
        }
        Ok(())
    }

    /// Deletes entities. Returns how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_entities(&mut self, side: Side, kind: &str, ids: &[String]) -> Result<u64> {
        let mut deleted = 0;
        for id in ids {
            deleted += execute!(self.conn, sql::DELETE_ENTITY, side.word(), kind, id)?;
        }
        Ok(deleted)
    }
}

impl Store {
    /// The entity with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn entity(&self, side: Side, kind: &str, id: &str) -> Result<Option<Entity>> {
        if !findable(kind) || !findable(id) {
            return Ok(None);
        }
        let mut conn = self.reader().await?;
        fetch_optional!(conn, sql::ENTITY => Entity, side.word(), kind, id)
    }

    /// Those of some entities that are registered, in no particular order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn entities_of(&self, side: Side, kind: &str, ids: &[&str]) -> Result<Vec<Entity>> {
        let mut found = Vec::new();
        let sound: Vec<&str> = ids.iter().copied().filter(|id| findable(id)).collect();
        for chunk in sound.chunks(LISTED) {
            let mut conn = self.reader().await?;
            let filled = chunk.iter().copied().chain(std::iter::repeat(""));
            let ids = filled.take(LISTED);
            found.extend(fetch_list!(conn, sql::ENTITIES_OF => Entity, [side.word(), kind], ids)?);
        }
        Ok(found)
    }

    /// A page of the entities of a type in the order of their ids, after the id `after`, which may be gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_entities(
        &self,
        side: Side,
        kind: &str,
        after: &str,
        limit: u32,
    ) -> Result<EntityPage> {
        let mut entities = Vec::new();
        if findable(kind) && findable(after) {
            let mut conn = self.reader().await?;
            // One more than the page holds, to know whether there is a next one.
            let take = i64::from(limit) + 1;
            let side = side.word();
            entities = fetch_all!(conn, sql::LIST_ENTITIES => Entity, side, kind, after, take)?;
        }
        let more = entities.len() > limit as usize;
        entities.truncate(limit as usize);
        let next = entities.last().filter(|_| more);
        Ok(EntityPage {
            next: next.map(|last| last.id.clone()),
            entities,
        })
    }
}

//! Registered subjects and resources, and their types.

use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{Entity, EntityType, MOST_WITH_TYPE, Side, Store};

use super::database::{Database, at};

type Result<T> = std::result::Result<T, Error>;

fn entity_type(side: Side, kind: &str) -> EntityType {
    EntityType {
        side,
        kind: kind.to_owned(),
        description: "of a contract".to_owned(),
        caller_wins: false,
    }
}

/// Writes a type as the service does: under the policy's lock, with a new version.
async fn put_type(store: &Store, new: &EntityType) {
    let mut tx = store.transaction().await.expect("begun");
    tx.lock_policy().await.expect("locked");
    tx.put_entity_type(new).await.expect("written");
    tx.raise_policy().await.expect("raised");
    tx.commit().await.expect("stored");
}

async fn delete_type(store: &Store, side: Side, kind: &str) -> Result<()> {
    let mut tx = store.transaction().await?;
    let deleted = tx.delete_entity_type(side, kind).await;
    tx.finish(deleted).await
}

/// Entities with these ids, each with a property that names it.
async fn put(store: &Store, side: Side, kind: &str, ids: &[String], seconds: i64) -> Result<()> {
    let rows = ids.iter().map(|id| (id.clone(), properties(id)));
    let rows: Vec<_> = rows.collect();
    let mut tx = store.transaction().await?;
    let written = async {
        tx.lock_entity_type(side, kind).await?;
        tx.put_entities(side, kind, &rows, at(seconds)).await
    };
    let written = written.await;
    tx.finish(written).await
}

fn properties(id: &str) -> String {
    serde_json::json!({ "name": id }).to_string()
}

fn ids(entities: &[Entity]) -> Vec<&str> {
    entities.iter().map(|entity| entity.id.as_str()).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("e{number:05}")).collect()
}

pub async fn types_are_a_part_of_the_policy(db: &Database) {
    let version = db.store.policy().await.expect("read").version;
    let mut record = entity_type(Side::Resource, "record");
    put_type(&db.store, &record).await;
    record.caller_wins = true;
    record.description = "another".to_owned();
    put_type(&db.store, &record).await;
    // The same name on the other side is another type.
    let subject = entity_type(Side::Subject, "record");
    put_type(&db.store, &subject).await;
    let policy = db.store.policy().await.expect("read");
    assert_eq!(policy.version, version + 3);
    assert_eq!(policy.entity_types, [record, subject]);
}

pub async fn deleted_type_takes_its_entities_with_it(db: &Database) {
    let (side, kind) = (Side::Resource, "record");
    put_type(&db.store, &entity_type(side, kind)).await;
    put_type(&db.store, &entity_type(Side::Subject, kind)).await;
    let one = ["a".to_owned()];
    put(&db.store, side, kind, &one, 0).await.expect("written");
    put(&db.store, Side::Subject, kind, &one, 0)
        .await
        .expect("written");
    delete_type(&db.store, side, kind).await.expect("deleted");
    let again = delete_type(&db.store, side, kind).await;
    assert!(matches!(again, Err(Error::NotFound("type"))));
    let gone = db.store.entity(side, kind, "a").await.expect("asked");
    assert_eq!(gone, None);
    let other = db.store.entity(Side::Subject, kind, "a").await;
    assert!(other.expect("asked").is_some());
}

pub async fn type_with_very_many_entities_is_not_deleted(db: &Database) {
    let (side, kind) = (Side::Resource, "record");
    put_type(&db.store, &entity_type(side, kind)).await;
    let many = numbered(MOST_WITH_TYPE as usize + 1);
    put(&db.store, side, kind, &many, 0).await.expect("written");
    let refused = delete_type(&db.store, side, kind).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let mut tx = db.store.transaction().await.expect("begun");
    let deleted = tx.delete_entities(side, kind, &many[..1]).await;
    assert_eq!(tx.finish(deleted).await.expect("deleted"), 1);
    delete_type(&db.store, side, kind).await.expect("deleted");
}

pub async fn entities_are_created_replaced_and_deleted(db: &Database) {
    let (side, kind) = (Side::Resource, "record");
    put_type(&db.store, &entity_type(side, kind)).await;
    // More than one insert of many rows, and some single ones.
    let all = numbered(117);
    put(&db.store, side, kind, &all, 1).await.expect("written");
    put(&db.store, side, kind, &all[10..70], 2)
        .await
        .expect("written");
    for (number, id) in all.iter().enumerate() {
        let found = db.store.entity(side, kind, id).await.expect("asked");
        let seconds = if (10..70).contains(&number) { 2 } else { 1 };
        let expected = Entity {
            id: id.clone(),
            properties: properties(id),
            updated_at: at(seconds),
        };
        assert_eq!(found, Some(expected));
    }
    let mut tx = db.store.transaction().await.expect("begun");
    let gone = [all[3].clone(), "unknown".to_owned()];
    let deleted = tx.delete_entities(side, kind, &gone).await;
    assert_eq!(tx.finish(deleted).await.expect("deleted"), 1);
    let found = db.store.entity(side, kind, &all[3]).await;
    assert_eq!(found.expect("asked"), None);
}

pub async fn entities_of_an_unknown_type_are_not_written(db: &Database) {
    for kind in ["record", "re\0cord"] {
        let refused = put(&db.store, Side::Resource, kind, &["a".to_owned()], 0).await;
        assert!(matches!(refused, Err(Error::NotFound("type"))), "{kind}");
    }
}

pub async fn entities_are_listed_in_the_order_of_bytes(db: &Database) {
    let (side, kind) = (Side::Subject, "service");
    put_type(&db.store, &entity_type(side, kind)).await;
    put_type(&db.store, &entity_type(side, "other")).await;
    // A language would order them in another way.
    let mut expected = ["Z", "a", "a b", "a/b", "b", "\u{e4}", "\u{1f980}"].map(str::to_owned);
    put(&db.store, side, kind, &expected, 0)
        .await
        .expect("written");
    put(&db.store, side, "other", &["c".to_owned()], 0)
        .await
        .expect("written");
    expected.sort_unstable();
    for limit in [1, 2, 3, 7, 8] {
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let page = db.store.list_entities(side, kind, &after, limit).await;
            let page = page.expect("asked");
            assert!(page.entities.len() <= limit as usize);
            listed.extend(ids(&page.entities).into_iter().map(str::to_owned));
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(listed, expected, "{limit}");
    }
    let nothing = db.store.list_entities(side, "unknown", "", 9).await;
    assert_eq!(nothing.expect("asked").entities, []);
}

pub async fn registered_ones_of_many_ids_are_found(db: &Database) {
    let (side, kind) = (Side::Resource, "record");
    put_type(&db.store, &entity_type(side, kind)).await;
    let all = numbered(70);
    put(&db.store, side, kind, &all[..65], 0)
        .await
        .expect("written");
    let mut asked: Vec<&str> = all.iter().map(String::as_str).collect();
    asked.push("a\0b");
    let found = db.store.entities_of(side, kind, &asked).await;
    let found = found.expect("asked");
    let mut found = ids(&found);
    found.sort_unstable();
    assert_eq!(found, all[..65]);
    let none = db.store.entities_of(side, kind, &[]).await;
    assert_eq!(none.expect("asked"), []);
    let unfindable = db.store.entity(side, kind, "a\0b").await;
    assert_eq!(unfindable.expect("asked"), None);
}

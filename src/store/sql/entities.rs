//! Registered subjects and resources, and their types.

/// A row of many, without its parentheses.
macro_rules! entity {
    ($id:literal $properties:literal) => {
        concat!("$1, $2, $", $id, ", $", $properties, ", $3")
    };
}

macro_rules! put_entities {
    ($rows:expr) => {
        concat!(
            "INSERT INTO entities (side, kind, id, properties, updated_at) VALUES ",
            $rows,
            " ON CONFLICT (side, kind, id) DO UPDATE SET properties = excluded.properties, \
             updated_at = excluded.updated_at"
        )
    };
}

statements! {
    Request {
        PUT_ENTITY_TYPE "put_entity_type" =
            "INSERT INTO entity_types (side, kind, description, caller_wins) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (side, kind) DO UPDATE SET description = $3, caller_wins = $4";
        // Locks the row, so that the type stays while entities of it are written, and two transactions that
        // write the same ones in another order do not wait for each other.
        LOCK_ENTITY_TYPE "lock_entity_type" =
            "UPDATE entity_types SET caller_wins = caller_wins WHERE side = $1 AND kind = $2";
        // Of more than `$3` no one is counted.
        COUNT_ENTITIES "count_entities" =
            "SELECT COUNT(*) FROM (SELECT id FROM entities WHERE side = $1 AND kind = $2 \
             LIMIT ", limit!("$3"), ") e";
        DELETE_ENTITY_TYPE "delete_entity_type" =
            "DELETE FROM entity_types WHERE side = $1 AND kind = $2";
        PUT_ENTITY "put_entity" = put_entities!("($1, $2, $4, $5, $3)");
        PUT_ENTITIES "put_entities" = put_entities!(fifty_rows!(entity:
            4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 16 17, 18 19, 20 21, 22 23, 24 25, 26 27, 28 29, 30 31,
            32 33, 34 35, 36 37, 38 39, 40 41, 42 43, 44 45, 46 47, 48 49, 50 51, 52 53, 54 55, 56 57,
            58 59, 60 61, 62 63, 64 65, 66 67, 68 69, 70 71, 72 73, 74 75, 76 77, 78 79, 80 81, 82 83,
            84 85, 86 87, 88 89, 90 91, 92 93, 94 95, 96 97, 98 99, 100 101, 102 103));
        DELETE_ENTITY "delete_entity" =
            "DELETE FROM entities WHERE side = $1 AND kind = $2 AND id = $3";
        ENTITY "entity" =
            "SELECT id, properties, updated_at FROM entities WHERE side = $1 AND kind = $2 AND id = $3";
        LIST_ENTITIES "list_entities" =
            "SELECT id, properties, updated_at FROM entities WHERE side = $1 AND kind = $2 AND id > $3 \
             ORDER BY id LIMIT ", limit!("$4");
        // A list of constant length; shorter ones are filled up with the empty text, which is no id.
        ENTITIES_OF "entities_of" =
            "SELECT id, properties, updated_at FROM entities WHERE side = $1 AND kind = $2 AND id IN \
             ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)";
    }
    Background {
        ENTITY_TYPES "entity_types" =
            "SELECT side, kind, description, caller_wins FROM entity_types ORDER BY side, kind";
    }
}

//! Administration of registered subjects and resources.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

async fn put(admin: &Client, path: &str, body: &Value) -> Answer {
    Answer::of(admin.request(Method::PUT, path).json(body)).await
}

/// A server, and its administrator.
async fn server() -> (Server, Client) {
    let server = Server::start().await;
    let admin = server.admin().await;
    (server, admin)
}

#[tokio::test]
async fn types_are_registered_listed_and_deleted_on_each_side() {
    let (_server, admin) = server().await;
    for side in ["subjects", "resources"] {
        let list = format!("/admin/{side}");
        assert_eq!(admin.get(&list).await.json, json!({ "items": [] }));
        let path = format!("{list}/record");
        let made = put(&admin, &path, &json!({})).await;
        let plain = json!({ "type": "record", "description": "", "caller_wins": false });
        assert_eq!((made.status, &made.json), (200, &plain), "{}", made.text);
        let body = json!({ "description": "What is recorded.", "caller_wins": true });
        let changed = put(&admin, &path, &body).await;
        assert_eq!(changed.json["caller_wins"], true);
        put(&admin, &format!("{list}/file"), &json!({})).await;
        let listed = admin.get(&list).await.json;
        assert_eq!(listed["items"][0]["type"], "file");
        assert_eq!(listed["items"][1], changed.json);
        assert_eq!(admin.delete(&path).await.status, 204);
        admin.delete(&path).await.problem(404, "not-found");
        assert_eq!(admin.get(&list).await.json["items"][1], Value::Null);
    }
}

#[tokio::test]
async fn entities_are_written_read_listed_and_deleted() {
    let (_server, admin) = server().await;
    put(&admin, "/admin/resources/record", &json!({})).await;
    // A slash and a space, percent-encoded; a name of an operation; other letters.
    for (path, id) in [
        ("a%2Fb%20c", "a/b c"),
        ("%62atch", "batch"),
        ("%C3%A4", "\u{e4}"),
        ("..%2F..%2Fetc", "../../etc"),
    ] {
        let path = format!("/admin/resources/record/{path}");
        admin.get(&path).await.problem(404, "not-found");
        let body = json!({ "properties": { "status": "active", "tags": ["a"] } });
        let written = put(&admin, &path, &body).await;
        assert_eq!(written.status, 200, "{}", written.text);
        assert_eq!(written.json["id"], id);
        assert_eq!(written.json["properties"], body["properties"]);
        assert_eq!(admin.get(&path).await.json, written.json);
        let emptied = put(&admin, &path, &json!({})).await;
        assert_eq!(emptied.json["properties"], json!({}));
    }
    let listed = admin.get("/admin/resources/record").await.json;
    let items = listed["items"].as_array().expect("items").iter();
    let ids: Vec<_> = items
        .map(|item| item["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, ["../../etc", "a/b c", "batch", "\u{e4}"]);
    assert_eq!(
        admin
            .delete("/admin/resources/record/a%2Fb%20c")
            .await
            .status,
        204
    );
    admin
        .delete("/admin/resources/record/a%2Fb%20c")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn list_pages_show_every_entity_once() {
    let (_server, admin) = server().await;
    put(&admin, "/admin/subjects/service", &json!({})).await;
    let all: Vec<String> = (0..120).map(|number| format!("s{number:03}")).collect();
    let upsert: Vec<_> = all.iter().map(|id| json!({ "id": id })).collect();
    let answer = admin
        .post(
            "/admin/subjects/service/batch",
            &json!({ "upsert": upsert }),
        )
        .await;
    assert_eq!(
        answer.json,
        json!({ "upserted": 120, "deleted": 0 }),
        "{}",
        answer.text
    );
    for limit in [7, 40, 50] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/admin/subjects/service?limit={limit}{cursor}");
            let page = admin.get(&path).await.json;
            let items = page["items"].as_array().expect("items");
            seen.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().expect("an id").to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "{limit}");
    }
    for cursor in ["_w", "A"] {
        let path = format!("/admin/subjects/service?cursor={cursor}");
        admin
            .get(&path)
            .await
            .names(400, "malformed-request", "cursor");
    }
}

#[tokio::test]
async fn batch_is_all_or_nothing_and_names_every_fault() {
    let (_server, admin) = server().await;
    let path = "/admin/resources/record/batch";
    let one = json!({ "upsert": [{ "id": "a" }] });
    admin.post(path, &one).await.problem(404, "not-found");
    put(&admin, "/admin/resources/record", &json!({})).await;
    let body = json!({
        "upsert": [{ "id": "a" }, { "id": "b" }, { "id": "c", "properties": { "d": "x".repeat(9000) } }, { "id": "" }],
        "delete": ["a\n", "b"],
    });
    let answer = admin.post(path, &body).await;
    answer.problem(422, "invalid-field");
    let fields = answer.json["errors"].as_array().expect("errors").iter();
    let fields: Vec<_> = fields
        .map(|error| error["field"].as_str().expect("a field"))
        .collect();
    assert_eq!(
        fields,
        [
            "upsert[2].properties",
            "upsert[3].id",
            "delete[0]",
            "delete[1]"
        ]
    );
    assert_eq!(
        admin.get("/admin/resources/record").await.json["items"],
        json!([])
    );
    let answer = admin.post(path, &json!({ "upsert": [{ "id": 1 }] })).await;
    answer.problem(400, "malformed-request");
    assert_eq!(answer.json["errors"][0]["field"], "upsert[0].id");
    let many: Vec<_> = (0..1001).map(|number| number.to_string()).collect();
    let answer = admin.post(path, &json!({ "delete": many })).await;
    answer.names(422, "invalid-field", "upsert");

    // Larger than other bodies may be.
    let large = "x".repeat(700);
    let entity =
        |number: u32| json!({ "id": format!("e{number}"), "properties": { "text": large } });
    let upsert: Vec<_> = (0..1000).map(entity).collect();
    let answer = admin.post(path, &json!({ "upsert": upsert })).await;
    assert_eq!(answer.json["upserted"], 1000, "{}", answer.text);
    let delete: Vec<_> = (0..10).map(|number| format!("e{number}")).collect();
    let body = json!({ "upsert": [{ "id": "new" }], "delete": delete });
    let answer = admin.post(path, &body).await;
    assert_eq!(answer.json, json!({ "upserted": 1, "deleted": 10 }));
}

#[tokio::test]
async fn what_may_not_be_registered_is_refused_by_name() {
    let (_server, admin) = server().await;
    for name in ["Record", "re%20cord", "%61:b", "-a", &"a".repeat(64)] {
        let answer = put(&admin, &format!("/admin/resources/{name}"), &json!({})).await;
        answer.names(400, "malformed-request", "type");
    }
    let long = json!({ "description": "x".repeat(501) });
    let answer = put(&admin, "/admin/resources/record", &long).await;
    answer.names(422, "invalid-field", "description");
    put(&admin, "/admin/resources/record", &json!({})).await;
    let long = "a".repeat(257);
    for id in ["a%00b", "a%0Ab", &long] {
        let path = format!("/admin/resources/record/{id}");
        let answer = put(&admin, &path, &json!({})).await;
        answer.names(400, "malformed-request", "entity");
        admin.get(&path).await.problem(404, "not-found");
    }
    let deep = (0..9).fold(json!({}), |inner, _| json!({ "a": inner }));
    let answer = put(
        &admin,
        "/admin/resources/record/a",
        &json!({ "properties": deep }),
    )
    .await;
    answer.names(422, "invalid-field", "properties");
    let answer = put(
        &admin,
        "/admin/resources/record/a",
        &json!({ "properties": [] }),
    )
    .await;
    answer.names(400, "malformed-request", "properties");
    let answer = put(&admin, "/admin/resources/unknown/a", &json!({})).await;
    answer.problem(404, "not-found");
    admin
        .get("/admin/resources/unknown")
        .await
        .problem(404, "not-found");
    let nul = json!({ "properties": { "a": "b\0c" } });
    let answer = put(&admin, "/admin/resources/record/nul", &nul).await;
    assert_eq!(
        answer.json["properties"], nul["properties"],
        "{}",
        answer.text
    );
}

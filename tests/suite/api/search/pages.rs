//! Pages of searches: their tokens, and that together they have everything once.

use serde_json::{Value, json};

use super::{ids, permissions, register, role, search, server, walk};
use crate::harness::{Client, Server};

/// Documents of which those with an even number are public.
async fn documents(admin: &Client, count: usize) -> Vec<String> {
    permissions(admin, &["document:read", "document:list", "document:hide"]).await;
    let public = "resource.properties.public == true";
    let grants = [
        ("document:read", public),
        ("document:list", ""),
        ("document:hide", "subject.properties.level == 7"),
    ];
    role(admin, "everyone", &[], &grants).await;
    let entity = |number: usize| json!({ "public": number.is_multiple_of(2) });
    let names: Vec<String> = (0..count).map(|number| format!("d{number:05}")).collect();
    let entities = names.iter().map(String::as_str).enumerate();
    let entities: Vec<(&str, Value)> = entities.map(|(at, name)| (name, entity(at))).collect();
    for chunk in entities.chunks(1000) {
        register(admin, "resources", "document", chunk).await;
    }
    names
}

fn readable(action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" }, "action": { "name": action },
        "resource": { "type": "document" },
    })
}

#[tokio::test]
async fn pages_have_every_result_once_in_order() {
    let (_server, admin) = server().await;
    let all = documents(&admin, 25).await;
    let public: Vec<_> = all.iter().step_by(2).cloned().collect();
    for (limit, pages) in [(1, 13), (5, 3), (12, 2), (13, 1), (1000, 1), (4000, 1)] {
        let (found, counted) = walk(&admin, "resource", &readable("read"), limit).await;
        assert_eq!((found, counted), (public.clone(), pages), "{limit}");
    }
    let (found, _) = walk(&admin, "resource", &readable("list"), 7).await;
    assert_eq!(found, all);
    let actions = json!({
        "subject": { "type": "user", "id": "alice" },
        "resource": { "type": "document", "id": "d00000" },
    });
    let (found, pages) = walk(&admin, "action", &actions, 1).await;
    assert_eq!(
        (found, pages),
        (vec!["list".to_owned(), "read".to_owned()], 2)
    );
}

#[tokio::test]
async fn work_for_a_page_is_bounded_and_nothing_is_lost() {
    let (_server, admin) = server().await;
    let all = documents(&admin, 2500).await;
    let public: Vec<_> = all.iter().step_by(2).cloned().collect();
    let (found, pages) = walk(&admin, "resource", &readable("read"), 1000).await;
    assert_eq!((found, pages), (public, 3));
    // Each of them must be looked at, and none is allowed: pages may be empty.
    let mut nothing = readable("read");
    nothing["resource"]["properties"] = json!({ "public": true });
    let (found, _) = walk(&admin, "resource", &nothing, 1000).await;
    assert_eq!(found.len(), 1250, "registered properties count first");
}

#[tokio::test]
async fn page_without_a_limit_has_a_hundred_results() {
    let (_server, admin) = server().await;
    documents(&admin, 201).await;
    let first = search(&admin, "resource", &readable("list")).await;
    assert_eq!(ids(&first).len(), 100);
    assert_eq!(first["page"]["count"], 100);
    let mut next = readable("list");
    next["page"] = json!({ "token": first["page"]["next_token"] });
    let second = search(&admin, "resource", &next).await;
    assert_eq!(ids(&second).first(), Some(&"d00100"));
    next["page"] = json!({ "limit": 0 });
    let none = search(&admin, "resource", &next).await;
    assert_eq!(ids(&none), [""; 0]);
    assert_ne!(none["page"]["next_token"], "");
}

/// The token of a first page of two results.
async fn token(client: &Client, body: &Value) -> String {
    let mut body = body.clone();
    body["page"] = json!({ "limit": 2 });
    let first = search(client, "resource", &body).await;
    first["page"]["next_token"]
        .as_str()
        .expect("more")
        .to_owned()
}

async fn refused(client: &Client, what: &str, body: &Value, field: &str) {
    let answer = client
        .post(&format!("/access/v1/search/{what}"), body)
        .await;
    answer.names(400, "malformed-request", field);
}

#[tokio::test]
async fn token_is_for_its_search_alone() {
    let (server, admin) = server().await;
    documents(&admin, 9).await;
    let body = readable("list");
    let token = token(&admin, &body).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        body["page"] = json!({ "token": token });
        change(&mut body);
        body
    };
    let same = search(&admin, "resource", &with(&|_| ())).await;
    assert_eq!(ids(&same), ["d00002", "d00003"]);
    let changes: [&dyn Fn(&mut Value); 8] = [
        &|body| body["subject"]["id"] = "bob".into(),
        &|body| body["subject"]["type"] = "robot".into(),
        &|body| body["subject"]["properties"] = json!({}),
        &|body| body["action"]["name"] = "read".into(),
        &|body| body["action"]["properties"] = json!({ "soft": true }),
        &|body| body["resource"]["properties"] = json!({ "public": true }),
        &|body| body["context"] = json!({ "time": 1 }),
        &|body| body["page"]["properties"] = json!({ "sort": "id" }),
    ];
    for change in changes {
        refused(&admin, "resource", &with(change), "page.token").await;
    }
    let other_limit = with(&|body| body["page"]["limit"] = 3.into());
    refused(&admin, "resource", &other_limit, "page.limit").await;
    let other_search = with(&|body| body["resource"]["id"] = "d00000".into());
    refused(&admin, "subject", &other_search, "page.token").await;
    // What is ignored may change.
    let ignored = with(&|body| {
        body["resource"]["id"] = "d00007".into();
        body["surprise"] = 1.into();
        body["page"]["limit"] = 2.into();
    });
    // Each token is sealed anew.
    assert_eq!(
        search(&admin, "resource", &ignored).await["results"],
        same["results"]
    );
    forged_tokens_are_refused(&admin, &body, &token).await;
    survives_a_restart(server, &body, &token).await;
}

async fn forged_tokens_are_refused(admin: &Client, body: &Value, token: &str) {
    let mut changed = token.to_owned().into_bytes();
    changed[10] = if changed[10] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("text");
    let long = "A".repeat(5000);
    for forged in ["x", "ZDAwMDAx", "\0", &changed, &token[1..], &long] {
        let mut body = body.clone();
        body["page"] = json!({ "token": forged });
        refused(admin, "resource", &body, "page.token").await;
    }
}

async fn survives_a_restart(server: Server, body: &Value, token: &str) {
    let server = Server::builder().dir(server.stop().await).start().await;
    let admin = server.admin().await;
    let mut body = body.clone();
    body["page"] = json!({ "token": token });
    let page = search(&admin, "resource", &body).await;
    assert_eq!(ids(&page), ["d00002", "d00003"]);
}

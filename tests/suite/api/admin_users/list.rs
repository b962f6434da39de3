//! The list of accounts.

use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Server};

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a page");
    let name = |item: &Value| item["username"].as_str().expect("a name").to_owned();
    items.iter().map(name).collect()
}

async fn page(admin: &Client, query: &str) -> Value {
    let answer = admin.get(&format!("/admin/users{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn list_pages_show_every_account_once_in_order_of_creation() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut expected = vec!["admin".to_owned()];
    for index in 0..7 {
        // The order is neither that of names nor that of addresses.
        let name = format!("user-{}", 9 - index);
        assert_eq!(server.register(&name).await.status, 201);
        expected.push(name);
    }
    for limit in [1, 3, 4, 8, 50] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = page(&admin, &format!("?limit={limit}{cursor}")).await;
            seen.extend(names(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{limit}");
    }
    let all = page(&admin, "").await;
    assert_eq!(names(&all), expected);
    assert!(all["next_cursor"].is_null());
    assert!(!all.to_string().contains("argon2"), "{all}");
}

#[tokio::test]
async fn list_pages_are_stable_while_accounts_are_created_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut ids = Vec::new();
    for index in 0..6 {
        let answer = server.register(&format!("user{index}")).await;
        ids.push(answer.json["id"].as_str().expect("an id").to_owned());
    }
    let first = page(&admin, "?limit=3").await;
    assert_eq!(names(&first), ["admin", "user0", "user1"]);
    // Also the account that the cursor points to.
    for id in &ids[..2] {
        assert_eq!(
            admin.delete(&format!("/admin/users/{id}")).await.status,
            204
        );
    }
    server.register("late").await;
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = page(&admin, &format!("?limit=10&cursor={cursor}")).await;
    assert_eq!(names(&rest), ["user2", "user3", "user4", "user5", "late"]);
}

#[tokio::test]
async fn search_finds_prefixes_of_username_and_email_in_any_case() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (username, email) in [
        ("Alice", "wonder@example.com"),
        ("alina", "z@example.com"),
        ("bob", "ALIen@example.com"),
        ("under_score", "u@example.com"),
    ] {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        assert_eq!(server.anon().post("/register", &body).await.status, 201);
    }
    for (search, found) in [
        ("ali", vec!["Alice", "alina", "bob"]),
        ("ALIC", vec!["Alice"]),
        ("wonder@", vec!["Alice"]),
        ("alien@example.com", vec!["bob"]),
        ("lice", vec![]),
        // Nothing in it is a wildcard.
        ("%25", vec![]),
        ("_", vec![]),
        ("under_", vec!["under_score"]),
        ("'%20OR%201=1--", vec![]),
    ] {
        let found_names = names(&page(&admin, &format!("?search={search}")).await);
        assert_eq!(found_names, found, "{search}");
    }
    let first = page(&admin, "?search=ali&limit=2").await;
    assert_eq!(names(&first), ["Alice", "alina"]);
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = page(&admin, &format!("?search=ali&limit=2&cursor={cursor}")).await;
    assert_eq!(names(&rest), ["bob"]);
    assert!(rest["next_cursor"].is_null());
}

#[tokio::test]
async fn list_names_all_invalid_parameters_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/admin/users?limit=0&cursor=no-cursor!&search=&page=s3cret";
    let answer = admin.get(path).await;
    answer.problem(400, "malformed-request");
    let errors = answer.json["errors"].as_array().expect("fields");
    let fields: Vec<_> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["limit", "cursor", "search", "page"]);
    assert!(!answer.text.contains("s3cret"), "{}", answer.text);
}

#[tokio::test]
async fn list_names_invalid_parameters() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let long = "a".repeat(255);
    for (field, value) in [
        ("limit", "0"),
        ("limit", "51"),
        ("limit", "-1"),
        ("limit", "many"),
        ("limit", "99999999999999999999"),
        ("cursor", "nonsense"),
        ("cursor", ""),
        // Of a cursor's length, but no cursor.
        ("cursor", "_____________________w-"),
        ("cursor", "!!!!!!!!!!!!!!!!!!!!!!"),
        ("cursor", "AAAAAAAAAAAAAAAAAAAAAB"),
        // The cursor of a search, in a list.
        ("cursor", "YWxpY2U"),
        ("search", ""),
        ("search", &long),
    ] {
        let answer = admin.get(&format!("/admin/users?{field}={value}")).await;
        answer.names(400, "malformed-request", field);
    }
    // Neither as text nor encoded.
    for cursor in ["_w", "YWxpY2U=", "A"] {
        let answer = admin
            .get(&format!("/admin/users?search=a&cursor={cursor}"))
            .await;
        answer.names(400, "malformed-request", "cursor");
    }
}

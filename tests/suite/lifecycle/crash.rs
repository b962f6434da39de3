//! What was acknowledged survives a kill; what was not is whole or not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::harness::{Client, PASSWORD, Server, http, until};

/// Registers one name after the other until the server is gone. Gives the names that were
/// acknowledged, and the one that was not.
async fn register_on(api: String, task: usize, done: Arc<AtomicUsize>) -> (Vec<String>, String) {
    let mut acknowledged = Vec::new();
    loop {
        let name = format!("user-{task}-{}", acknowledged.len());
        let body = json!({
            "username": name,
            "email": format!("{name}@example.com"),
            "password": PASSWORD,
        });
        let sent = http().post(format!("{api}/register")).json(&body).send();
        match sent.await {
            Ok(answer) => assert_eq!(answer.status(), 201),
            Err(_) => return (acknowledged, name),
        }
        acknowledged.push(name);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_registration_survives_a_kill_and_none_is_half_made() {
    let server = Server::start().await;
    let done = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|task| tokio::spawn(register_on(server.api.clone(), task, Arc::clone(&done))))
        .collect();
    until("forty accounts", || async {
        done.load(Ordering::SeqCst) >= 40
    })
    .await;
    let server = Server::builder().dir(server.kill().await).start().await;
    for task in tasks {
        let (acknowledged, open) = task.await.expect("joins");
        for name in acknowledged {
            let user = server.login(&name, PASSWORD).await;
            assert_eq!(user.get("/users/me").await.json["roles"], json!(["user"]));
        }
        // It was made, whole; or its name and its address are free.
        let answer = server.anon().login(&open, PASSWORD).await;
        if answer.status == 200 {
            let user = server.anon().with(&answer.json);
            let me = user.get("/users/me").await.json;
            assert_eq!(me["roles"], json!(["user"]), "{me}");
        } else {
            let answer = server.register(&open).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }
}

/// Refreshes until the server is gone. Gives the tokens of the last answer.
async fn refresh_on(mut client: Client, done: Arc<AtomicUsize>) -> Client {
    loop {
        let body = json!({ "refresh_token": client.refresh });
        let request = client.request(reqwest::Method::POST, "/refresh");
        let Ok(answer) = request.json(&body).send().await else {
            return client;
        };
        assert_eq!(answer.status(), 200);
        let Ok(tokens) = answer.json().await else {
            return client;
        };
        client = client.with(&tokens);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_refreshes_goes_on_after_a_kill() {
    // Long enough for a slow machine's restart.
    let builder = || Server::builder().env("REFRESH_GRACE", "60s");
    let server = builder().start().await;
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..6 {
        let client = server.user(&format!("user{n}")).await;
        tasks.push(tokio::spawn(refresh_on(client, Arc::clone(&done))));
    }
    until("forty refreshes", || async {
        done.load(Ordering::SeqCst) >= 40
    })
    .await;
    let server = builder().dir(server.kill().await).start().await;
    for task in tasks {
        // The answer to the last refresh may be lost: then the token before it gets the same again.
        let mut client = task.await.expect("joins");
        client.base.clone_from(&server.api);
        for _ in 0..3 {
            let answer = client.refresh().await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            client = client.with(&answer.json);
        }
        let sessions = client.get("/users/me/sessions").await;
        assert_eq!(sessions.status, 200, "{}", sessions.text);
        assert_eq!(sessions.text.matches("user_agent").count(), 1);
    }
}

//! The database stops: caches answer for seconds, and then nothing is decided.

use serde_json::json;

use super::{EVALUATION, EVALUATIONS, EXPLAIN, Policy, question};
use crate::harness::{Answer, Server, throwaway, until};

const FORWARD: &str = "/authz/forward?permission=orders:read";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn without_the_database_the_answer_is_503_and_never_a_permission() {
    let database = throwaway::postgres();
    let server = Server::builder()
        .on_postgres(&database.url())
        .env("DB_ACQUIRE_TIMEOUT", "1s")
        .env("DB_STATEMENT_TIMEOUT", "1s")
        .start()
        .await;
    let admin = server.admin().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let policy = Policy { admin: &admin };
    policy.permissions(&["orders:read"]).await;
    policy.role("clerk", &[], &[("orders:read", None)]).await;
    policy.give(&alice.id().await, "clerk", "").await;
    let of_alice = question(&format!("user/{}", alice.id().await), "read", "orders/7");
    let of_bob = question(&format!("user/{}", bob.id().await), "read", "orders/7");
    let list = json!({ "evaluations": [of_alice, of_bob] });
    let ask = async || -> Vec<Answer> {
        vec![
            admin.post(EVALUATION, &of_alice).await,
            admin.post(EVALUATION, &of_bob).await,
            admin.post(EVALUATIONS, &list).await,
            admin.post(EXPLAIN, &of_alice).await,
            alice.get(FORWARD).await,
            bob.get(FORWARD).await,
        ]
    };
    let statuses = |answers: &[Answer]| -> Vec<u16> {
        let statuses = answers.iter().map(|answer| answer.status);
        statuses.collect()
    };
    let usual = [200, 200, 200, 200, 200, 403];
    assert_eq!(statuses(&ask().await), usual);
    database.stop().expect("stopped");
    until("the caches have ended", async || {
        let answers = ask().await;
        for (answer, usual) in answers.iter().zip(usual) {
            assert!([usual, 503].contains(&answer.status), "{}", answer.text);
        }
        // Of the one who may not, whatever was cached.
        assert_ne!(answers[1].json["decision"], json!(true));
        statuses(&answers) == [503; 6]
    })
    .await;
    for answer in ask().await {
        answer.problem(503, "unavailable");
        assert_ne!(answer.header("retry-after"), "");
        assert_eq!(answer.header("x-auth-subject"), "");
    }
    database.start().expect("started");
    until("answered again", async || statuses(&ask().await) == usual).await;
}

//! The rule for refresh tokens that come twice, with two replicas on PostgreSQL and Redis: what one of
//! them saw counts at the other, with Redis and without.

use futures_util::future::join_all;

use crate::harness::{Client, Replicas, redis_url, throwaway, until};

/// No replay is within it.
const NO_GRACE: &str = "0s";
/// The longest: no machine is so slow that it ends within a test.
const LONG_GRACE: &str = "60s";

/// Of the replays at both replicas, by what was done about them.
async fn counted(replicas: &Replicas) -> [f64; 4] {
    let (a, b) = (replicas.a.metrics().await, replicas.b.metrics().await);
    [
        "unused_replay",
        "grace_replay",
        "family_revoked",
        "family_revoked_unused",
    ]
    .map(|action| {
        let labels = [("action", action)];
        let name = "auth_refresh_reuse_detected_total";
        a.sum(name, &labels) + b.sum(name, &labels)
    })
}

/// Asserts that both replicas refuse both tokens of all of these, at the latest when the one that did not
/// end the session has noticed.
async fn assert_dead(replicas: &Replicas, clients: &[&Client]) {
    for server in [&replicas.a, &replicas.b] {
        for client in clients {
            let client = client.at(server);
            until("refused", async || {
                client.get("/users/me").await.status == 401
            })
            .await;
            client.refresh().await.oauth(400, "invalid_grant");
        }
    }
}

/// Thirty-two tabs refresh with one token, half of them at each replica, and get one successor, whose use
/// at the first replica the second knows. Gives the first token and a tab.
pub async fn replays_at_once(replicas: &Replicas) -> (Client, Client) {
    let start = replicas.a.user("alice").await;
    let elsewhere = start.at(&replicas.b);
    let tabs = (0..32).map(|number| [&start, &elsewhere][number % 2].refreshed());
    let mut tabs = join_all(tabs).await;
    assert!(tabs.iter().all(|tab| tab.refresh == tabs[0].refresh));
    let sessions = tabs[0].get("/users/me/sessions").await;
    assert_eq!(sessions.json["items"].as_array().map(Vec::len), Some(1));
    // That was a use at the first replica. The second honours the parent once more, within the grace.
    elsewhere.refreshed().await.id().await;
    (start, tabs.swap_remove(0))
}

/// An honest client whose answers are lost tries again at the other replica, long after the grace.
async fn lost_answers_are_given_again(replicas: &Replicas, mut phone: Client) {
    for (first, second) in [(&replicas.a, &replicas.b), (&replicas.b, &replicas.a)] {
        let lost = phone.at(first).refreshed().await;
        let again = phone.at(second).refreshed().await;
        assert_eq!(again.refresh, lost.refresh);
        assert_ne!(again.access, lost.access);
        phone = again.at(second);
        phone.id().await;
    }
    phone.at(&replicas.a).refreshed().await.id().await;
}

/// The use of an access token at one replica exposes a thief with its parent at the other.
async fn replay_after_a_use_ends_the_session(replicas: &Replicas, start: Client) {
    let owner = start.at(&replicas.a).refreshed().await;
    owner.id().await;
    let thief = start.at(&replicas.b);
    thief.refresh().await.oauth(400, "invalid_grant");
    assert_dead(replicas, &[&owner]).await;
}

/// The successor is used up at one replica; the thief comes to the other.
async fn replay_after_the_next_refresh_ends_the_session(replicas: &Replicas, start: Client) {
    let owner = start.at(&replicas.a).refreshed().await.refreshed().await;
    let thief = start.at(&replicas.b);
    thief.refresh().await.oauth(400, "invalid_grant");
    assert_dead(replicas, &[&owner]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn lost_answer_is_given_again_by_the_other_replica_however_late() {
    let replicas = Replicas::on_postgres(&redis_url(), NO_GRACE).await;
    let phone = replicas.a.user("alice").await;
    lost_answers_are_given_again(&replicas, phone).await;
    assert_eq!(counted(&replicas).await, [2.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn thief_at_the_other_replica_ends_the_session_after_a_use() {
    let replicas = Replicas::on_postgres(&redis_url(), NO_GRACE).await;
    let start = replicas.a.user("alice").await;
    replay_after_a_use_ends_the_session(&replicas, start).await;
    assert_eq!(counted(&replicas).await, [0.0, 0.0, 1.0, 0.0]);
    let start = replicas.a.user("bob").await;
    replay_after_the_next_refresh_ends_the_session(&replicas, start).await;
    assert_eq!(counted(&replicas).await, [0.0, 0.0, 2.0, 0.0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn replays_in_two_generations_end_the_session_whichever_replica_sees_them() {
    let replicas = Replicas::on_postgres(&redis_url(), LONG_GRACE).await;
    let start = replicas.a.user("alice").await;
    let owner = start.refreshed().await;
    owner.id().await;
    // Within the grace and from the owner's network: it looks like a second tab.
    let thief = start.at(&replicas.b).refreshed().await;
    assert_eq!(thief.refresh, owner.refresh);
    let next = owner.refreshed().await;
    next.id().await;
    thief.refresh().await.oauth(400, "invalid_grant");
    assert_dead(&replicas, &[&owner, &next]).await;
    assert_eq!(counted(&replicas).await, [0.0, 1.0, 1.0, 0.0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn replays_at_both_replicas_at_once_leave_one_chain() {
    let replicas = Replicas::on_postgres(&redis_url(), LONG_GRACE).await;
    let (start, tab) = replays_at_once(&replicas).await;
    assert_eq!(counted(&replicas).await, [31.0, 1.0, 0.0, 0.0]);
    start.refresh().await.oauth(400, "invalid_grant");
    assert_dead(&replicas, &[&tab]).await;
    assert_eq!(counted(&replicas).await, [31.0, 1.0, 1.0, 0.0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn rule_of_replays_is_no_laxer_while_redis_hangs_or_is_gone() {
    let mut redis = throwaway::redis();
    let replicas = Replicas::on_postgres(&redis.url(), NO_GRACE).await;
    for state in ["hangs", "gone"] {
        let mut sessions = Vec::new();
        for number in 0..3 {
            let start = replicas.a.user(&format!("{state}-{number}")).await;
            sessions.push(start.refreshed().await);
        }
        // Used with Redis; the thief comes without.
        let before = replicas.a.user(&format!("{state}-before")).await;
        let owner = before.refreshed().await;
        owner.id().await;
        let ended = counted(&replicas).await;
        match state {
            "hangs" => redis.hang().expect("it runs"),
            _ => redis.stop().expect("it runs"),
        }
        let thief = before.at(&replicas.b);
        thief.refresh().await.oauth(400, "invalid_grant");
        assert_dead(&replicas, &[&owner]).await;
        let next = |sessions: &mut Vec<Client>| sessions.pop().expect("three");
        replay_after_a_use_ends_the_session(&replicas, next(&mut sessions)).await;
        replay_after_the_next_refresh_ends_the_session(&replicas, next(&mut sessions)).await;
        lost_answers_are_given_again(&replicas, next(&mut sessions)).await;
        let mut expected = ended;
        expected[0] += 2.0;
        expected[2] += 3.0;
        assert_eq!(counted(&replicas).await, expected, "{state}");
        if state == "hangs" {
            redis.resume().expect("it runs");
        }
    }
}

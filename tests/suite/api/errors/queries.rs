//! Query parameters that an operation does not have.

use reqwest::Method;

use crate::document::operations;
use crate::harness::{Answer, PASSWORD, Server};

#[tokio::test]
async fn unknown_query_parameter_is_refused_by_name_and_without_its_value() {
    let server = Server::start().await;
    let query = [("unheard_of", "s3cret"), ("another", "s3cret")];
    for operation in operations() {
        // It may log the caller out.
        let admin = server.admin().await;
        let answer = Answer::of(operation.request(&admin).query(&query)).await;
        let name = format!("{} {}", operation.method, operation.template);
        if operation.record().query.is_none() {
            // RFC 6749 section 3.2: unknown parameters are ignored.
            assert!(operation.oauth(), "{name}");
            assert!(
                !answer.text.contains("unheard_of"),
                "{name}: {}",
                answer.text
            );
            continue;
        }
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
        if operation.oauth() {
            answer.oauth(400, "invalid_request");
            assert!(
                answer.text.contains("unheard_of: is unknown"),
                "{}",
                answer.text
            );
        } else {
            answer.problem(400, "malformed-request");
            for (index, (field, _)) in query.iter().enumerate() {
                let error = &answer.json["errors"][index];
                assert_eq!(error["field"], *field, "{name}");
                assert_eq!(error["rule"], "is unknown", "{name}");
            }
        }
        assert!(!answer.text.contains("s3cret"), "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn strangers_and_pages_are_not_told_about_the_query() {
    let server = Server::start().await;
    let anon = server.anon();
    anon.get("/users/me?unheard_of=1")
        .await
        .problem(401, "unauthenticated");
    let alice = server.user("alice").await;
    alice
        .get("/admin/users?unheard_of=1")
        .await
        .problem(403, "forbidden");
    for page in ["/", "/docs?url=x", "/problems?x=1", "/problems/taken?x=1"] {
        assert_eq!(anon.get(page).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn parameters_of_oauth_forms_are_refused_in_the_query() {
    let server = Server::start().await;
    server.register("alice").await;
    let anon = server.anon();
    let form = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    for (path, named) in [
        ("/login?password=s3cret", "password"),
        ("/oauth/token?x=1&client_secret=s3cret", "client_secret"),
        ("/oauth/token?user%6eame=s3cret", "username"),
        ("/oauth/revoke?token=s3cret", "token"),
    ] {
        let answer = Answer::of(anon.request(Method::POST, path).form(&form)).await;
        answer.oauth(400, "invalid_request");
        let description = format!("{named}: must be in the body, not in the query");
        assert_eq!(answer.json["error_description"], description, "{path}");
    }
    let other = anon.request(Method::POST, "/oauth/token?x=1").form(&form);
    assert_eq!(Answer::of(other).await.status, 200);
}

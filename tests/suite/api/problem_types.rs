//! The type of every problem is a link to a page that explains it.

use rbac_sentinel::testing::api::ProblemKind;

use crate::harness::Server;

#[tokio::test]
async fn type_of_every_problem_resolves_to_a_page_that_explains_it() {
    let server = Server::start().await;
    let anon = server.anon();
    let all = anon.get("/problems").await;
    assert_eq!(all.status, 200);
    for kind in ProblemKind::ALL {
        let link = format!("problems/{}", kind.code());
        assert!(all.text.contains(&format!("href=\"{link}\"")), "{link}");
        let page = anon.get(&format!("/{link}")).await;
        assert_eq!(page.status, 200, "{link}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for text in [
            kind.title(),
            kind.status().as_str(),
            kind.meaning(),
            kind.remedy(),
            kind.retry().advice(),
        ] {
            assert!(page.text.contains(text), "{link} lacks: {text}");
        }
    }
    let answer = anon.get("/users/me").await;
    answer.problem(401, "unauthenticated");
    let link = answer.json["type"].as_str().expect("a link");
    assert_eq!(link, "/problems/unauthenticated");
    assert_eq!(anon.get(link).await.status, 200);
    // Series are those of the templates.
    anon.get("/problems/unheard-of").await;
    let metrics = server.metrics().await;
    let counted = |route, status| {
        let labels = [("http_route", route), ("http_response_status_code", status)];
        metrics.sum("http_server_request_duration_seconds_count", &labels)
    };
    assert_eq!(counted("/problems", "200"), 1.0);
    let pages = u32::try_from(ProblemKind::ALL.len() + 1).expect("few");
    assert_eq!(counted("/problems/{code}", "200"), f64::from(pages));
    assert_eq!(counted("/problems/{code}", "404"), 1.0);
}

#[tokio::test]
async fn types_are_absolute_where_the_public_url_is_known() {
    for base in ["https://auth.example.com", "https://example.com/auth"] {
        let server = Server::builder().env("PUBLIC_URL", base).start().await;
        let answer = server.anon().get("/nothing").await;
        answer.problem(404, "not-found");
        assert_eq!(answer.json["type"], format!("{base}/problems/not-found"));
    }
}

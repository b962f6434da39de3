//! The OpenAPI user interface in a real browser.

use crate::browser::Browser;
use crate::harness::{ADMIN_PASSWORD, Server};

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn openapi_ui_authorize_button_logs_in_and_calls_protected_operations() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs", server.api)).await;

    browser.click(".btn.authorize").await;
    browser.type_into("#oauth_username", "admin").await;
    browser.type_into("#oauth_password", ADMIN_PASSWORD).await;
    browser.screenshot("docs-authorize").await;
    browser
        .click(".auth-container:has(#oauth_username) .btn.modal-btn.authorize")
        .await;
    browser
        .script(
            "return [...document.querySelectorAll('.auth-btn-wrapper')]\
             .some(buttons => buttons.innerText.includes('Logout'))",
        )
        .await;
    browser.click(".btn.modal-btn.btn-done").await;

    browser
        .click("#operations-Administration-adminOnly .opblock-summary-control")
        .await;
    browser
        .click("#operations-Administration-adminOnly .try-out__btn")
        .await;
    browser
        .click("#operations-Administration-adminOnly .execute")
        .await;
    let status = browser
        .script("return document.querySelector('.live-responses-table .response .response-col_status')?.innerText")
        .await;
    let body = browser
        .script("return document.querySelector('.live-responses-table .response .microlight')?.innerText")
        .await;
    browser.screenshot("docs-called").await;
    assert!(status.to_string().contains("200"), "{status}");
    assert!(body.to_string().contains("Hello, Admin admin"), "{body}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    browser.open(&format!("{}/redoc", server.api)).await;
    let text = browser
        .script("return document.querySelector('.redoc-wrap')?.innerText")
        .await;
    browser.screenshot("redoc").await;
    assert!(text.to_string().contains("Authentication"), "{text}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    let metrics = server.metrics().await;
    let served = |route| {
        let labels = [("http_route", route), ("http_response_status_code", "200")];
        metrics.sum("http_server_request_duration_seconds_count", &labels)
    };
    for route in ["/docs", "/oauth/token", "/admin-only", "/redoc"] {
        assert!(served(route) >= 1.0, "{route}");
    }
}

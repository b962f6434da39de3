//! The pages in a real browser.

use crate::browser::Browser;
use crate::harness::{ADMIN_PASSWORD, Server};

/// Tries the operation of administrators out.
async fn call_admin_only(browser: &Browser, picture: &str) {
    let (status, body) = browser.try_out("Administration", "adminOnly").await;
    browser.screenshot(picture).await;
    assert!(status.contains("200"), "{status}");
    assert!(body.contains("Hello, Admin admin"), "{body}");
}

/// The contrast of an element's text with the page's background (WCAG 2.2).
const CONTRAST: &str = "
    const light = (color) => {
        const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const behind = light(getComputedStyle(document.body).backgroundColor);
    return Math.min(...[...document.querySelectorAll('h1, p, a, dt, dd, code')].map((element) => {
        const [a, b] = [light(getComputedStyle(element).color), behind].sort((a, b) => b - a);
        return (a + 0.05) / (b + 0.05);
    }));";

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn pages_are_legible_by_day_and_in_the_dark() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    let background = "return getComputedStyle(document.body).backgroundColor";
    for dark in [false, true] {
        if dark {
            browser.in_the_dark().await;
        }
        let name = if dark { "dark" } else { "light" };
        for (page, path) in [
            ("home", "/"),
            ("problems", "/problems"),
            ("taken", "/problems/taken"),
        ] {
            browser.open(&format!("{}{path}", server.api)).await;
            browser.screenshot(&format!("{page}-{name}")).await;
            let is_dark = browser.script(background).await != "rgb(255, 255, 255)";
            assert_eq!(is_dark, dark, "{page}");
            let contrast = browser.script(CONTRAST).await;
            assert!(
                contrast.as_f64().expect("a number") >= 7.0,
                "{page}: {contrast}"
            );
        }
        browser.open(&format!("{}/docs", server.api)).await;
        browser
            .script("return document.querySelector('.opblock-summary') !== null")
            .await;
        browser.screenshot(&format!("docs-{name}")).await;
        let inverted = browser
            .script("return getComputedStyle(document.documentElement).filter")
            .await;
        assert_eq!(inverted != "none", dark, "{inverted}");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn openapi_ui_authorize_button_logs_in_and_calls_protected_operations() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs", server.api)).await;

    browser.authorize("admin", ADMIN_PASSWORD).await;
    call_admin_only(&browser, "docs-called").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // A reload keeps the access token, and nothing else that logs in.
    let kept = browser
        .script("return localStorage.getItem('authorized')")
        .await;
    let kept = kept.as_str().expect("kept");
    assert!(kept.contains("access_token"), "{kept}");
    for secret in [ADMIN_PASSWORD, "refresh_token", "rt_"] {
        assert!(!kept.contains(secret), "{secret}");
    }
    browser.in_the_dark().await;
    browser.open(&format!("{}/docs", server.api)).await;
    call_admin_only(&browser, "docs-called-after-reload").await;
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

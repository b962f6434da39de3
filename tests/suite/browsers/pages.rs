//! Real pages in a real browser: the example of the documentation, and hostile ones.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::harness::{PASSWORD, Server, until};

const EXAMPLE: &str = include_str!("../../../docs/browser.html");

/// Serves a page for as long as the test runs; returns its port.
async fn serve(html: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{html}",
                html.len()
            );
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

/// Clicks a button of the example and waits for what the page shows then.
async fn click(browser: &Browser, button: &str, wanted: &str) {
    browser.script("out.textContent = ''; return true").await;
    browser.click(&format!("#{button}")).await;
    let shown = browser.script("return out.textContent || false").await;
    assert!(
        shown.to_string().contains(wanted),
        "{button}: {shown}, not {wanted}"
    );
}

async fn log_in(browser: &Browser, wanted: &str) {
    browser.type_into("#name", "alice").await;
    browser.type_into("#password", PASSWORD).await;
    click(browser, "login", wanted).await;
}

/// Asserts that the browser blocked nothing.
async fn assert_not_blocked(browser: &Browser) {
    let complaints = browser.complaints().await;
    let blocked = complaints
        .iter()
        .find(|line| line.contains("CORS") || line.contains("Refused"));
    assert_eq!(blocked, None);
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn page_of_another_origin_logs_in_calls_refreshes_and_logs_out() {
    let port = serve(EXAMPLE.to_owned()).await;
    let page = format!("http://127.0.0.1:{port}");
    let server = Server::builder().env("CORS_ORIGINS", &page).start().await;
    server.register("alice").await;
    let browser = Browser::start().await;
    browser.open(&format!("{page}/?api={}", server.api)).await;
    log_in(&browser, "in").await;
    click(&browser, "call", "alice@example.com").await;
    let refreshes = async || {
        let metrics = server.metrics().await;
        metrics.sum("auth_token_refreshes_total", &[("outcome", "success")])
    };
    assert_eq!(refreshes().await, 0.0);
    browser.script("access = 'expired'; return true").await;
    click(&browser, "call", "alice@example.com").await;
    assert_eq!(refreshes().await, 1.0, "silently");
    browser.script("old = access; return true").await;
    click(&browser, "logout", "out").await;
    browser.script("access = old; return true").await;
    click(&browser, "call", "invalid_request").await;
    assert_not_blocked(&browser).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn page_of_another_origin_has_its_refresh_token_in_a_cookie() {
    let port = serve(EXAMPLE.to_owned()).await;
    let page = format!("http://127.0.0.1:{port}");
    let server = Server::builder()
        .env("CORS_ORIGINS", &page)
        .env("ALLOW_COOKIES", "on")
        .start()
        .await;
    server.register("alice").await;
    let browser = Browser::start().await;
    let address = format!("{page}/?cookie=1&api={}", server.api);
    browser.open(&address).await;
    log_in(&browser, "in").await;
    browser
        .script("return refresh === undefined && document.cookie === ''")
        .await;
    click(&browser, "call", "alice@example.com").await;
    // The page has lost everything; the browser still has the cookie.
    for _ in 0..2 {
        browser.open(&address).await;
        browser.script("return access === undefined").await;
        click(&browser, "call", "alice@example.com").await;
    }
    click(&browser, "logout", "out").await;
    browser.open(&address).await;
    click(&browser, "call", "invalid_request").await;
    assert_not_blocked(&browser).await;
    let metrics = server.metrics().await;
    let refreshed = metrics.sum("auth_token_refreshes_total", &[("outcome", "success")]);
    let revoked = metrics.sum("auth_tokens_revoked_total", &[("reason", "revocation")]);
    assert_eq!((refreshed, revoked), (2.0, 1.0));
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn page_of_another_site_gets_no_cookie_and_one_of_an_unlisted_origin_nothing() {
    let port = serve(EXAMPLE.to_owned()).await;
    // Another site than 127.0.0.1, although it leads to the same machine.
    let page = format!("http://localhost:{port}");
    let server = Server::builder()
        .env("CORS_ORIGINS", &page)
        .env("ALLOW_COOKIES", "on")
        .start()
        .await;
    server.register("alice").await;
    let browser = Browser::start().await;
    let address = format!("{page}/?cookie=1&api={}", server.api);
    browser.open(&address).await;
    log_in(&browser, "in").await;
    browser.open(&address).await;
    click(&browser, "call", "invalid_request").await;
    assert_not_blocked(&browser).await;

    let unlisted = format!("http://127.0.0.1:{port}/?api={}", server.api);
    browser.open(&unlisted).await;
    log_in(&browser, "TypeError").await;
    click(&browser, "call", "TypeError").await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test"]
async fn form_of_a_foreign_page_logs_nobody_in() {
    let server = Server::builder().env("ALLOW_COOKIES", "on").start().await;
    server.register("alice").await;
    let hostile = |sandboxed: bool| {
        let form = format!(
            "<form method=post action={}/login><input name=username value=alice>\
             <input name=password value={PASSWORD}></form><script>document.forms[0].submit()</script>",
            server.api
        );
        if sandboxed {
            let inner = form.replace('&', "&amp;").replace('"', "&quot;");
            format!("<iframe sandbox='allow-forms allow-scripts' srcdoc=\"{inner}\"></iframe>")
        } else {
            form
        }
    };
    let browser = Browser::start().await;
    for (sandboxed, refused) in [(false, 1.0), (true, 2.0)] {
        let port = serve(hostile(sandboxed)).await;
        browser.open(&format!("http://localhost:{port}/")).await;
        until("refused", async || {
            let metrics = server.metrics().await;
            metrics.sum("auth_logins_total", &[("reason", "foreign_origin")]) == refused
        })
        .await;
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_logins_total", &[]), 2.0);
}

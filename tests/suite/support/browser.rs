//! A real browser, driven over the WebDriver protocol (W3C).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PATIENCE, http};

/// A browser session; the browser ends with it.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser with its session; killed, it would leave it behind.
        let _ = self.close();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    fn close(&self) -> std::io::Result<()> {
        let (address, path) = self.session["http://".len()..]
            .split_once('/')
            .expect("a path");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "DELETE /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        stream.read(&mut [0; 512]).map(drop)
    }

    pub async fn start() -> Self {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut driver = Command::new(&program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; scripts/test installs it"));
        let stdout = BufReader::new(driver.stdout.take().expect("piped"));
        let port = stdout
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("the driver says its port");
        let profile = tempfile::tempdir().expect("a folder");
        let mut options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--window-size=1280,1400",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if let Ok(binary) = std::env::var("CHROMIUM") {
            options["binary"] = binary.into();
        }
        let capabilities = json!({
            "capabilities": { "alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
            } },
        });
        let base = format!("http://127.0.0.1:{port}/session");
        let value = Self::call(&base, &capabilities).await.expect("a session");
        let id = value["sessionId"].as_str().expect("an id");
        Self {
            driver,
            session: format!("{base}/{id}"),
            _profile: profile,
        }
    }

    async fn call(url: &str, body: &Value) -> Result<Value, String> {
        let answer = http()
            .post(url)
            .json(body)
            .send()
            .await
            .expect("the driver answers");
        let ok = answer.status().is_success();
        let value = answer.json::<Value>().await.expect("JSON")["value"].clone();
        if ok {
            Ok(value)
        } else {
            Err(value.to_string())
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        Self::call(&format!("{}{path}", self.session), &body).await
    }

    /// Repeats until it succeeds: pages build themselves after they have loaded.
    async fn until<T>(&self, what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => assert!(Instant::now() < deadline, "{what}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Shows pages as to readers whose system is dark.
    pub async fn in_the_dark(&self) {
        let dark = json!({ "name": "prefers-color-scheme", "value": "dark" });
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia", "params": { "features": [dark] },
        });
        self.post("/goog/cdp/execute", command).await.expect("dark");
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        let opened = self.post("/url", json!({ "url": url })).await;
        opened.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    async fn element(&self, css: &str) -> Result<String, String> {
        let found = self
            .post("/element", json!({ "using": "css selector", "value": css }))
            .await?;
        let id = found
            .as_object()
            .and_then(|object| object.values().next()?.as_str());
        Ok(format!("/element/{}", id.expect("an element id")))
    }

    pub async fn click(&self, css: &str) {
        self.until(css, async || {
            let element = self.element(css).await?;
            self.post(&format!("{element}/click"), json!({})).await
        })
        .await;
    }

    pub async fn type_into(&self, css: &str, text: &str) {
        self.until(css, async || {
            let element = self.element(css).await?;
            self.post(&format!("{element}/value"), json!({ "text": text }))
                .await
        })
        .await;
    }

    /// Runs a script until it returns a true value.
    pub async fn script(&self, script: &str) -> Value {
        self.until(script, async || {
            let body = json!({ "script": script, "args": [] });
            let value = self.post("/execute/sync", body).await?;
            let nothing = matches!(value, Value::Null | Value::Bool(false));
            if nothing {
                Err("not yet".to_owned())
            } else {
                Ok(value)
            }
        })
        .await
    }

    /// Keeps a picture where `SCREENSHOTS` names a folder.
    pub async fn screenshot(&self, name: &str) {
        if let Ok(folder) = std::env::var("SCREENSHOTS") {
            let url = format!("{}/screenshot", self.session);
            let answer = http().get(url).send().await.expect("the driver answers");
            let value = answer.json::<Value>().await.expect("JSON");
            let png = base64::engine::general_purpose::STANDARD
                .decode(value["value"].as_str().expect("a picture"))
                .expect("base64");
            std::fs::write(format!("{folder}/{name}.png"), png).expect("written");
        }
    }

    /// Logs in by the OpenAPI page's button *Authorize*.
    pub async fn authorize(&self, name: &str, password: &str) {
        self.click(".btn.authorize").await;
        self.type_into("#oauth_username", name).await;
        self.type_into("#oauth_password", password).await;
        self.screenshot("docs-authorize").await;
        self.click(".auth-container:has(#oauth_username) .btn.modal-btn.authorize")
            .await;
        self.script(
            "return [...document.querySelectorAll('.auth-btn-wrapper')]\
             .some(buttons => buttons.innerText.includes('Logout'))",
        )
        .await;
        self.click(".btn.modal-btn.btn-done").await;
    }

    /// Calls an operation by the OpenAPI page's button *Try it out*. Gives status and body as shown.
    pub async fn try_out(&self, tag: &str, operation: &str) -> (String, String) {
        for button in [".opblock-summary-control", ".try-out__btn", ".execute"] {
            self.click(&format!("#operations-{tag}-{operation} {button}"))
                .await;
        }
        let shown = async |part: &str| {
            let script = format!(
                "return document.querySelector('.live-responses-table .response {part}')?.innerText"
            );
            self.script(&script).await.to_string()
        };
        (
            shown(".response-col_status").await,
            shown(".microlight").await,
        )
    }

    /// The messages in the browser's log.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self
            .post("/se/log", json!({ "type": "browser" }))
            .await
            .expect("a log");
        log.as_array()
            .expect("a list")
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(ToString::to_string)
            // Browsers request it by themselves.
            .filter(|entry| !entry.contains("favicon.ico"))
            .collect()
    }
}

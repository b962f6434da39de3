//! Starts the real server, and clients of it.

mod client;
mod intruder;
mod metrics;
pub mod postgres;
mod redis;
mod replicas;
pub mod throwaway;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use testkit::exposition::Exposition;
use testkit::service::{self, Service};

pub use client::{Answer, Client, http};
pub use intruder::{Intruder, Reply};
pub use metrics::Metrics;
pub use redis::redis_url;
pub use replicas::Replicas;
pub use testkit::process::Signal;

pub const PASSWORD: &str = "violet-harbour-31";
/// `SECRET_KEY` of servers without a data folder.
pub const SECRET_KEY: &str = "a-secret-for-tests-of-32-characters";
pub const ADMIN_PASSWORD: &str = "granite-meadow-58";

/// Timeout of whatever must happen: far longer than a slow machine takes.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The program in this folder, with an empty environment.
pub fn program(folder: &Path) -> Command {
    program_under(&[], folder)
}

fn program_under(under: &[String], folder: &Path) -> Command {
    let program = env!("CARGO_BIN_EXE_rbac-sentinel");
    let mut words = under.iter().map(String::as_str).chain([program]);
    let mut command = Command::new(words.next().expect("the program at least"));
    command.args(words).env_clear().current_dir(folder);
    command
}

/// Polls until the condition holds.
#[track_caller]
pub fn until<F: Future<Output = bool>>(
    what: &str,
    mut is_so: impl FnMut() -> F,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        while !is_so().await {
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{caller}: never {what}");
            // What takes long is asked for less often: every question takes the processor from what it
            // waits for.
            let pause = (waited / 8).clamp(Duration::from_millis(10), Duration::from_millis(100));
            tokio::time::sleep(pause).await;
        }
    }
}

/// Whether the suite runs on PostgreSQL and Redis.
pub fn on_servers() -> bool {
    match std::env::var("TEST_BACKENDS").as_deref() {
        Err(_) | Ok("embedded") => false,
        Ok("servers") => true,
        Ok(other) => panic!("TEST_BACKENDS is `embedded` or `servers`, not `{other}`"),
    }
}

/// Environment of a server in this folder for the back ends of `TEST_BACKENDS`; none for the embedded
/// ones, the default.
pub async fn backend(folder: &Path) -> Vec<(&'static str, String)> {
    if !on_servers() {
        return Vec::new();
    }
    vec![
        ("DATABASE_URL", postgres::schema_of(folder).await),
        ("SECRET_KEY", SECRET_KEY.to_owned()),
        ("REDIS_URL", redis_url()),
        // The maximum: slower answers count as failures of Redis.
        ("REDIS_TIMEOUT", "250ms".to_owned()),
        ("REDIS_PREFIX", format!("{}:", postgres::schema(folder))),
    ]
}

/// Options of a server.
#[derive(Default)]
pub struct Builder {
    env: BTreeMap<String, Option<String>>,
    embedded: bool,
    dir: Option<TempDir>,
    under: Vec<String>,
}

impl Builder {
    /// Sets an environment variable of the server.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), Some(value.to_owned()));
        self
    }

    /// Leaves out a variable that is set by default.
    pub fn without(mut self, name: &str) -> Self {
        self.env.insert(name.to_owned(), None);
        self
    }

    /// Uses the embedded database and cache, whatever the rest of the suite runs on: for tests of
    /// the data folder itself.
    pub fn embedded(mut self) -> Self {
        self.embedded = true;
        self
    }

    /// Uses this PostgreSQL and keeps nothing in its folder, as replicas do.
    pub fn on_postgres(self, url: &str) -> Self {
        self.embedded()
            .env("DATABASE_URL", url)
            .env("SECRET_KEY", SECRET_KEY)
    }

    /// Uses the folder of a server that has ended.
    pub fn dir(mut self, dir: TempDir) -> Self {
        self.dir = Some(dir);
        self
    }

    /// Runs it under a command that becomes the server in the end, such as `prlimit`.
    pub fn under(mut self, command: &[&str]) -> Self {
        self.under = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(self) -> Server {
        let dir = self
            .dir
            .unwrap_or_else(|| tempfile::tempdir().expect("a folder"));
        let mut command = program_under(&self.under, dir.path());
        service::configure(&mut command, dir.path());
        command
            .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
            // The minimum: slow hashing is not what is tested.
            .env("HASH_MEMORY_KIB", "64")
            .env("HASH_ITERATIONS", "1")
            .env("HASH_DEADLINE", "30s")
            // Nor a slow disk.
            .env("DB_ACQUIRE_TIMEOUT", "30s")
            .env("DB_STATEMENT_TIMEOUT", "60s")
            // Background work would show in the metrics of tests that know nothing of it.
            .env("HOUSEKEEPING_INTERVAL", "0s")
            .envs(if self.embedded {
                Vec::new()
            } else {
                backend(dir.path()).await
            });
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let service = Service::start("server", &mut command, dir.path());
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        let server = Server {
            api: service.api_url(),
            ops: service.ops_url(),
            greeting: service.printed(),
            service,
            dir: Some(dir),
        };
        server.wait_ready().await;
        server
    }
}

/// A running server. Killed when dropped.
pub struct Server {
    pub api: String,
    pub ops: String,
    /// The greeting that it printed at its start.
    pub greeting: String,
    // Before its folder, so that it has ended when that is removed.
    service: Service,
    dir: Option<TempDir>,
}

impl Server {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// The folder that the server runs in; the embedded database is in `data` below it.
    pub fn path(&self) -> PathBuf {
        self.dir.as_ref().expect("kept").path().to_owned()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.service.log()
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.service.signal(signal).expect("it runs");
    }

    /// Waits for the end of the process; returns its exit code.
    pub async fn wait_exit(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.service.ended().expect("known") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The folder of a server that has ended, for the next one.
    pub fn into_dir(mut self) -> TempDir {
        let ended = self.service.ended().expect("known");
        assert!(ended.is_some(), "still running");
        self.dir.take().expect("kept")
    }

    /// Stops it as an operator would; returns its folder, for the next server.
    pub async fn stop(mut self) -> TempDir {
        self.signal(Signal::TERM);
        assert_eq!(self.wait_exit().await, Some(0));
        self.dir.take().expect("kept")
    }

    /// Kills it; returns its folder, for the next server.
    pub async fn kill(mut self) -> TempDir {
        self.signal(Signal::KILL);
        self.wait_exit().await;
        self.dir.take().expect("kept")
    }

    async fn wait_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = http().get(format!("{}/readyz", self.ops)).send().await;
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(Instant::now() < deadline, "not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A client without tokens.
    pub fn anon(&self) -> Client {
        Client {
            base: self.api.clone(),
            access: None,
            refresh: None,
        }
    }

    /// The administrator of the first start.
    pub async fn admin(&self) -> Client {
        self.login("admin", ADMIN_PASSWORD).await
    }

    /// A new account of this name, logged in. Its address is `NAME@example.com`.
    pub async fn user(&self, name: &str) -> Client {
        let answer = self.register(name).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.login(name, PASSWORD).await
    }

    /// Registers with [`PASSWORD`].
    pub async fn register(&self, name: &str) -> Answer {
        let email = format!("{name}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        self.anon().post("/register", &body).await
    }

    /// Logs in and keeps the tokens.
    pub async fn login(&self, name: &str, password: &str) -> Client {
        let answer = self.anon().login(name, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.anon().with(&answer.json)
    }

    /// The text of `/metrics`.
    pub async fn metrics(&self) -> Metrics {
        let text = http()
            .get(format!("{}/metrics", self.ops))
            .send()
            .await
            .expect("scraped")
            .text()
            .await
            .expect("text");
        Metrics(text)
    }

    /// The series of `/metrics`.
    pub async fn scrape(&self) -> Exposition {
        self.metrics().await.parsed()
    }
}

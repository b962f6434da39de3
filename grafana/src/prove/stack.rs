//! Everything that is watched and that watches: PostgreSQL, Redis, the service, and Prometheus with
//! the shipped configuration and rules.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_yaml::Value;

use super::pace::Pace;
use super::ports::Ports;
use super::process::{Process, run, unprivileged};
use crate::prometheus::Prometheus;
use crate::{Result, generate};

/// How often Prometheus scrapes in production: `prometheus.yml`.
pub const SCRAPE: Duration = Duration::from_secs(15);
/// How often the canary runs in production.
const CANARY: Duration = Duration::from_secs(15);
/// How long anything may take to be ready.
const READY: Duration = Duration::from_mins(1);
const SECRET_KEY: &str = "a-key-of-the-proof-that-seals-nothing-of-worth";
/// Wider than anything that is sent here: what is counted is seen, and nothing is refused.
const WIDE: &str = "100000/1s";
const LIMITS: [&str; 8] = [
    "RATE_LIMIT_GENERAL",
    "RATE_LIMIT_LOGIN_SOURCE",
    "RATE_LIMIT_LOGIN_ACCOUNT",
    "RATE_LIMIT_REGISTER_SOURCE",
    "RATE_LIMIT_REGISTER_ACCOUNT",
    "RATE_LIMIT_REFRESH_SOURCE",
    "RATE_LIMIT_REFRESH_ACCOUNT",
    "RATE_LIMIT_PASSWORD_ACCOUNT",
];
/// The administrator's password, of a service that is gone after the proof.
pub const ADMIN_PASSWORD: &str = "slate-orchard-93-of-the-proof";
/// For how long the refresh token before the current one is honoured.
pub const GRACE: Duration = Duration::from_secs(1);

/// The programs that are needed.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The service.
    pub server: PathBuf,
    /// The load lab.
    pub lab: PathBuf,
    /// The folder of `initdb` and `pg_ctl`.
    pub postgres_bin: PathBuf,
    /// Redis.
    pub redis: PathBuf,
    /// Prometheus.
    pub prometheus: PathBuf,
}

/// All of it, running. Stopped when dropped.
#[derive(Debug)]
pub struct Stack {
    programs: Programs,
    folder: PathBuf,
    /// Where everything listens.
    pub ports: Ports,
    /// How much faster than the clock rules are.
    pub pace: Pace,
    redis: Option<Process>,
    server: Option<Process>,
    watcher: Option<Process>,
    /// What watches.
    pub prometheus: Prometheus,
}

impl Stack {
    /// Starts everything in this folder.
    ///
    /// # Errors
    /// With the log of what does not start.
    pub async fn start(programs: Programs, folder: &Path, pace: Pace) -> Result<Self> {
        let ports = Ports::free()?;
        let prometheus = Prometheus::new(&format!("http://127.0.0.1:{}", ports.prometheus))?;
        let mut stack = Self {
            programs,
            folder: folder.to_owned(),
            ports,
            pace,
            redis: None,
            server: None,
            watcher: None,
            prometheus,
        };
        stack.make_database()?;
        stack.start_database()?;
        stack.start_redis()?;
        stack.start_server().await?;
        stack.start_prometheus().await?;
        Ok(stack)
    }

    /// The URL of the API.
    #[must_use]
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.api)
    }

    /// The URL of the operational listener.
    #[must_use]
    pub fn ops(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.ops)
    }

    /// The load lab.
    #[must_use]
    pub fn lab(&self) -> &Path {
        &self.programs.lab
    }

    fn data(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    fn database_url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.ports.postgres
        )
    }

    fn postgres(&self, program: &str) -> Command {
        let mut command = unprivileged(self.programs.postgres_bin.join(program).as_os_str());
        // Whoever runs it may not enter the folder where this runs.
        command.current_dir("/");
        command
    }

    fn make_database(&self) -> Result<()> {
        let data = self.data();
        std::fs::create_dir_all(&data)?;
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(&data))?;
            // The way there must be open to the user whom the server runs as.
            run(Command::new("chmod").arg("711").arg(&self.folder))?;
        }
        run(self
            .postgres("initdb")
            .arg("--pgdata")
            .arg(data.join("data"))
            .args([
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
            ])
            .args(["--no-locale", "--no-sync"]))?;
        Ok(())
    }

    /// Starts the database, for the first time or again.
    ///
    /// # Errors
    /// With its own words.
    pub fn start_database(&self) -> Result<()> {
        let data = self.data();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='{}' -c fsync=off",
            self.ports.postgres,
            data.display()
        );
        run(self
            .postgres("pg_ctl")
            .args(["start", "--silent", "--wait", "--pgdata"])
            .arg(data.join("data"))
            .arg("--log")
            .arg(data.join("log"))
            .args(["--options", &options]))?;
        Ok(())
    }

    /// Stops the database without a goodbye to its clients.
    ///
    /// # Errors
    /// With its own words.
    pub fn stop_database(&self) -> Result<()> {
        run(self
            .postgres("pg_ctl")
            .args([
                "stop",
                "--silent",
                "--wait",
                "--mode",
                "immediate",
                "--pgdata",
            ])
            .arg(self.data().join("data")))?;
        Ok(())
    }

    /// Runs a statement in the database.
    ///
    /// # Errors
    /// With the server's words.
    pub fn sql(&self, statement: &str) -> Result<String> {
        let psql = self.programs.postgres_bin.join("psql");
        run(Command::new(psql)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", statement])
            .arg(self.database_url()))
    }

    /// Starts Redis, for the first time or again.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_redis(&mut self) -> Result<()> {
        let mut command = Command::new(&self.programs.redis);
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &self.ports.redis.to_string(),
            ])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.folder);
        self.redis = Some(Process::start("redis", &mut command, &self.folder)?);
        Ok(())
    }

    /// Stops Redis.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop_redis(&mut self) -> Result<()> {
        stop(&mut self.redis, Signal::TERM)
    }

    /// Starts the service, for the first time or again.
    ///
    /// # Errors
    /// With its log, when it is not ready in time.
    pub async fn start_server(&mut self) -> Result<()> {
        let canary = self.pace.of(CANARY);
        let mut command = Command::new(&self.programs.server);
        command
            .env_clear()
            .current_dir(&self.folder)
            .env("API_ADDR", format!("127.0.0.1:{}", self.ports.api))
            .env("OPS_ADDR", format!("127.0.0.1:{}", self.ports.ops))
            .env("DATABASE_URL", self.database_url())
            .env(
                "REDIS_URL",
                format!("redis://127.0.0.1:{}/0", self.ports.redis),
            )
            .env("SECRET_KEY", SECRET_KEY)
            .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("REFRESH_GRACE", format!("{}s", GRACE.as_secs()))
            .env("CANARY", "on")
            .env("CANARY_INTERVAL", format!("{}ms", canary.as_millis()))
            .env("SHUTDOWN_DELAY", "0s")
            .env("LOG_FORMAT", "json")
            .envs(LIMITS.map(|limit| (limit, WIDE)));
        self.server = Some(Process::start("server", &mut command, &self.folder)?);
        let client = reqwest::Client::new();
        let url = format!("{}/readyz", self.ops());
        let deadline = Instant::now() + READY;
        loop {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            check(self.server.as_mut(), deadline)?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the service as an operator would.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop_server(&mut self) -> Result<()> {
        stop(&mut self.server, Signal::TERM)
    }

    async fn start_prometheus(&mut self) -> Result<()> {
        let rules = self.folder.join("rules");
        std::fs::create_dir_all(&rules)?;
        for entry in std::fs::read_dir(generate::folder().join("rules"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "yml") {
                let paced = self.pace.rules(&std::fs::read_to_string(&path)?)?;
                std::fs::write(rules.join(path.file_name().unwrap_or_default()), paced)?;
            }
        }
        let shipped = generate::folder().join("../prometheus.yml");
        let config = self.config(&std::fs::read_to_string(shipped)?)?;
        let file = self.folder.join("prometheus.yml");
        std::fs::write(&file, config)?;
        let mut command = Command::new(&self.programs.prometheus);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                self.folder.join("tsdb").display()
            ))
            .arg(format!(
                "--web.listen-address=127.0.0.1:{}",
                self.ports.prometheus
            ));
        self.watcher = Some(Process::start("prometheus", &mut command, &self.folder)?);
        let deadline = Instant::now() + READY;
        while !self.prometheus.is_ready().await {
            check(self.watcher.as_mut(), deadline)?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The shipped configuration with this machine's addresses, at this pace. The exporters are not
    /// part of the proof.
    fn config(&self, shipped: &str) -> Result<String> {
        let mut config: Value = serde_yaml::from_str(shipped)?;
        let every = format!("{}ms", self.pace.of(SCRAPE).as_millis());
        for name in ["scrape_interval", "evaluation_interval", "scrape_timeout"] {
            config["global"][name] = every.clone().into();
        }
        config["rule_files"] = vec!["rules/*.yml"].into();
        if let Some(map) = config.as_mapping_mut() {
            map.remove("alerting");
        }
        let addresses = [
            ("auth", self.ports.ops),
            ("prometheus", self.ports.prometheus),
            ("loadtest", self.ports.lab),
        ];
        let jobs = config["scrape_configs"]
            .as_sequence()
            .cloned()
            .unwrap_or_default();
        let mut kept = Vec::new();
        for mut job in jobs {
            let name = job["job_name"].as_str().unwrap_or_default().to_owned();
            let Some((_, port)) = addresses.iter().find(|(of, _)| *of == name) else {
                continue;
            };
            if let Some(map) = job.as_mapping_mut() {
                map.remove("dns_sd_configs");
            }
            job["static_configs"] =
                serde_yaml::from_str(&format!("[{{targets: ['127.0.0.1:{port}']}}]"))?;
            kept.push(job);
        }
        if kept.len() != addresses.len() {
            return Err("prometheus.yml lacks one of the jobs auth, prometheus, loadtest".into());
        }
        config["scrape_configs"] = kept.into();
        Ok(serde_yaml::to_string(&config)?)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // The others are processes of this one.
        let _ = self.stop_database();
    }
}

fn stop(process: &mut Option<Process>, signal: Signal) -> Result<()> {
    match process.take() {
        Some(mut process) => process.stop(signal),
        None => Ok(()),
    }
}

/// Whether it is still worth waiting.
fn check(process: Option<&mut Process>, deadline: Instant) -> Result<()> {
    let process = process.ok_or("it was never started")?;
    let ended = process.ended()?.is_some();
    if ended || Instant::now() > deadline {
        return Err(format!("it does not get ready:\n{}", process.log()).into());
    }
    Ok(())
}

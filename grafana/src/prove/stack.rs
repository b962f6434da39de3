//! The running stack: PostgreSQL, Redis, replicas of the service, exporters, and Prometheus with the
//! shipped configuration and rules.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use catalogue::options;
use testkit::postgres::Postgres;
use testkit::process::{Process, Signal};
use testkit::redis::Redis;

use super::pace::Pace;
use super::ports::Ports;
use crate::prometheus::Prometheus;
use crate::{Result, generate};

/// Interval of the synthetic probe in production.
const CANARY: Duration = Duration::from_secs(15);
/// Start-up timeout.
const READY: Duration = Duration::from_mins(1);
const SECRET_KEY: &str = "a-key-of-the-proof-that-seals-nothing-of-worth";
/// As in the compose file.
const REDIS_OPTIONS: [&str; 4] = ["--maxmemory", "128mb", "--maxmemory-policy", "volatile-ttl"];
/// How long the service may take to stop.
const STOP: Duration = Duration::from_secs(30);
/// High enough to refuse nothing, so that limits are counted and never hit.
const WIDE: &str = "100000/1s";
/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "slate-orchard-93-of-the-proof";
/// The grace period of refresh tokens.
pub const GRACE: Duration = Duration::from_secs(1);

/// The programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The service.
    pub server: PathBuf,
    /// The load lab.
    pub lab: PathBuf,
    /// The folder with `initdb` and `pg_ctl`.
    pub postgres_bin: PathBuf,
    /// Redis.
    pub redis: PathBuf,
    /// The PostgreSQL exporter.
    pub postgres_exporter: PathBuf,
    /// The Redis exporter.
    pub redis_exporter: PathBuf,
    /// Prometheus.
    pub prometheus: PathBuf,
}

/// The running stack. Stopped when dropped.
#[derive(Debug)]
pub struct Stack {
    programs: Programs,
    folder: PathBuf,
    /// The ports.
    pub ports: Ports,
    /// The time scale of the rules.
    pub pace: Pace,
    /// PostgreSQL.
    pub database: Postgres,
    /// Redis.
    pub redis: Redis,
    replicas: Vec<Process>,
    exporters: Vec<Process>,
    watcher: Option<Process>,
    /// The client of Prometheus.
    pub prometheus: Prometheus,
}

impl Stack {
    /// Starts everything in this folder.
    ///
    /// # Errors
    /// With the log of the program that does not start.
    pub async fn start(programs: Programs, folder: &Path, pace: Pace) -> Result<Self> {
        let ports = Ports::free();
        let prometheus = Prometheus::new(&format!("http://127.0.0.1:{}", ports.prometheus))?;
        // PostgreSQL's user must be able to enter the folder.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
        let database = Postgres::make(&programs.postgres_bin, &folder.join("postgres"), &[])?;
        let redis = Redis::new(&programs.redis, folder, &REDIS_OPTIONS);
        let mut stack = Self {
            programs,
            folder: folder.to_owned(),
            ports,
            pace,
            database,
            redis,
            replicas: Vec::new(),
            exporters: Vec::new(),
            watcher: None,
            prometheus,
        };
        stack.database.start()?;
        stack.redis.start()?;
        stack.start_service().await?;
        stack.start_exporters()?;
        stack.start_prometheus().await?;
        Ok(stack)
    }

    /// The API's URL on the replica that all clients use. The other replicas get its changes.
    #[must_use]
    pub fn api(&self) -> String {
        let [(api, _), ..] = self.ports.replicas;
        format!("http://127.0.0.1:{api}")
    }

    /// The URL of that replica's operational listener.
    #[must_use]
    pub fn ops(&self) -> String {
        let [(_, ops), ..] = self.ports.replicas;
        format!("http://127.0.0.1:{ops}")
    }

    /// The load lab.
    #[must_use]
    pub fn lab(&self) -> &Path {
        &self.programs.lab
    }

    /// Starts or restarts the replicas of the service, all at once.
    ///
    /// # Errors
    /// With the log of a replica that is not ready in time.
    pub async fn start_service(&mut self) -> Result<()> {
        let canary = self.pace.of(CANARY);
        for (number, (api, ops)) in self.ports.replicas.into_iter().enumerate() {
            let mut command = Command::new(&self.programs.server);
            command
                .env_clear()
                .current_dir(&self.folder)
                .env("API_ADDR", format!("127.0.0.1:{api}"))
                .env("OPS_ADDR", format!("127.0.0.1:{ops}"))
                // The shared issuer of tokens.
                .env("PUBLIC_URL", self.api())
                .env("DATABASE_URL", self.database.url())
                .env("REDIS_URL", self.redis.url())
                .env("SECRET_KEY", SECRET_KEY)
                .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
                .env("REFRESH_GRACE", format!("{}s", GRACE.as_secs()))
                .env("CANARY", "on")
                .env("CANARY_INTERVAL", format!("{}ms", canary.as_millis()))
                .env("SHUTDOWN_DELAY", "0s")
                .env("LOG_FORMAT", "json")
                .envs(options::rate_limits().map(|limit| (format!("RATE_LIMIT_{limit}"), WIDE)));
            let name = format!("server-{number}");
            let replica = Process::start(&name, &mut command, &self.folder)?;
            self.replicas.push(replica);
        }
        self.ready().await
    }

    /// Waits until every replica is ready.
    ///
    /// # Errors
    /// With the log of a replica that is not ready in time.
    pub async fn ready(&mut self) -> Result<()> {
        let client = reqwest::Client::new();
        let deadline = Instant::now() + READY;
        for (replica, (_, ops)) in self.replicas.iter_mut().zip(self.ports.replicas) {
            let url = format!("http://127.0.0.1:{ops}/readyz");
            loop {
                let answer = client.get(&url).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                check(replica, deadline)?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Stops the service gracefully.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop_service(&mut self) -> Result<()> {
        for mut replica in self.replicas.drain(..) {
            replica.stop(Signal::TERM, STOP)?;
        }
        Ok(())
    }

    /// Starts the exporters, configured as in the compose file. Nothing waits for them here; their
    /// metrics are checked later.
    fn start_exporters(&mut self) -> Result<()> {
        let mut postgres = Command::new(&self.programs.postgres_exporter);
        postgres
            .arg(format!(
                "--web.listen-address=127.0.0.1:{}",
                self.ports.postgres_exporter
            ))
            .env(
                "DATA_SOURCE_URI",
                format!("127.0.0.1:{}/postgres?sslmode=disable", self.database.port),
            )
            .env("DATA_SOURCE_USER", "postgres")
            .env("DATA_SOURCE_PASS", "");
        let mut redis = Command::new(&self.programs.redis_exporter);
        redis
            .env(
                "REDIS_EXPORTER_WEB_LISTEN_ADDRESS",
                format!("127.0.0.1:{}", self.ports.redis_exporter),
            )
            .env(
                "REDIS_ADDR",
                format!("redis://127.0.0.1:{}", self.redis.port),
            );
        for (name, command) in [
            ("postgres-exporter", &mut postgres),
            ("redis-exporter", &mut redis),
        ] {
            let exporter = Process::start(name, command, &self.folder)?;
            self.exporters.push(exporter);
        }
        Ok(())
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
        let config = self
            .ports
            .scraped(&std::fs::read_to_string(shipped)?, self.pace)?;
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
        let mut watcher = Process::start("prometheus", &mut command, &self.folder)?;
        let deadline = Instant::now() + READY;
        while !self.prometheus.is_ready().await {
            check(&mut watcher, deadline)?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.watcher = Some(watcher);
        Ok(())
    }
}

/// Fails when the process has ended or the deadline has passed.
fn check(process: &mut Process, deadline: Instant) -> Result<()> {
    let ended = process.ended()?.is_some();
    if ended || Instant::now() > deadline {
        return Err(format!("it does not become ready:\n{}", process.output()).into());
    }
    Ok(())
}

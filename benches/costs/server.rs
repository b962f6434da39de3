//! The service with its default configuration, and accounts and sessions in it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalogue::options::rate_limits;
use serde_json::Value;
use testkit::service::{self, Service};

use crate::common::Result;
use crate::common::client::{Connection, get, login, post, runtime};

/// Of every account. The document's examples use it.
pub const PASSWORD: &str = "violet-harbour-31";
/// Accounts for each request of a kind: four times for their owners, who use themselves up, and twice for
/// administrators.
const ACCOUNTS: usize = 6;
const SERVICE: &str = env!("CARGO_BIN_EXE_rbac-sentinel");

/// A running service.
pub struct Server {
    pub service: Service,
    /// How many accounts and sessions a case may use up.
    pub spare: usize,
    /// The ids of accounts that cases may use up.
    pub accounts: Vec<String>,
}

/// Tokens of one login.
#[derive(Clone)]
pub struct Session {
    pub access: String,
    pub refresh: String,
}

impl Session {
    /// Its id.
    pub fn id(&self) -> String {
        let claims = self.access.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
        claims["sid"].as_str().unwrap_or_default().to_owned()
    }
}

impl Server {
    /// Starts it with enough accounts for `requests` of each kind, and with the limit of pages or without.
    pub fn start(folder: &Path, requests: usize, limit_pages: bool) -> Result<Self> {
        let command = || {
            let mut command = service::command(Path::new(SERVICE), folder);
            command
                .env("SECRET_KEY", "a secret of this benchmark and no other")
                .env("ADMIN_PASSWORD", PASSWORD)
                .env("CANARY", "off")
                .env("HOUSEKEEPING_INTERVAL", "0s")
                // Many logins of one account do not end the session that other cases use.
                .env("MAX_SESSIONS_PER_USER", "10000");
            if limit_pages {
                command.env("RATE_LIMITS", "on");
                for limit in rate_limits().filter(|limit| *limit != "PAGES_SOURCE") {
                    command.env(format!("RATE_LIMIT_{limit}"), "1000000/1s");
                }
            }
            command
        };
        service::seed(command(), ACCOUNTS * requests, PASSWORD)?;
        let mut service = Service::start("server", &mut command(), folder)?;
        service.wait_ready()?;
        let mut server = Self {
            service,
            spare: requests,
            accounts: Vec::new(),
        };
        let alice = format!(
            r#"{{"username":"alice","email":"alice@example.com","password":"{PASSWORD}"}}"#
        );
        let register = post("/register", "application/json", &alice);
        let status = runtime().block_on(async {
            let mut connection = Connection::open(server.service.api).await?;
            connection
                .exchange(&register)
                .await
                .map(|answer| answer.status)
        })?;
        if status != 201 {
            return Err(format!("a registration was answered {status}").into());
        }
        server.accounts = server.spare_accounts(2 * requests)?;
        Ok(server)
    }

    /// The name of an account that no stranger's request names.
    pub fn unused(&self) -> String {
        service::seeded(ACCOUNTS * self.spare)
    }

    /// Sessions of accounts, one a name.
    pub fn sessions(&self, names: impl IntoIterator<Item = String>) -> Result<Vec<Session>> {
        runtime().block_on(async {
            let mut connection = Connection::open(self.service.api).await?;
            let mut sessions = Vec::new();
            for name in names {
                let answer = connection.exchange(&login(&name, PASSWORD)).await?;
                let json: Value = serde_json::from_slice(answer.body)?;
                let token = |which: &str| {
                    let token = json[which].as_str().map(str::to_owned);
                    token.ok_or_else(|| format!("{name} cannot log in: {json}"))
                };
                sessions.push(Session {
                    access: token("access_token")?,
                    refresh: token("refresh_token")?,
                });
            }
            Ok(sessions)
        })
    }

    /// The ids of the last seeded accounts; the first are for their owners.
    fn spare_accounts(&self, count: usize) -> Result<Vec<String>> {
        let admin = self.sessions(["admin".to_owned()])?;
        let admin = admin.first().ok_or("no administrator")?;
        runtime().block_on(async {
            let mut connection = Connection::open(self.service.api).await?;
            let (mut ids, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/admin/users?limit=50{cursor}");
                let answer = connection.exchange(&get(&path, &admin.access)).await?;
                let page: Value = serde_json::from_slice(answer.body)?;
                for user in page["items"].as_array().into_iter().flatten() {
                    let name = user["username"].as_str().unwrap_or_default();
                    let number = name
                        .strip_prefix("seed-")
                        .and_then(|n| n.parse::<usize>().ok());
                    if number.is_some_and(|number| number > 4 * self.spare) {
                        ids.extend(user["id"].as_str().map(str::to_owned));
                    }
                }
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            if ids.len() < count {
                return Err(format!("{} spare accounts of {count}", ids.len()).into());
            }
            Ok(ids)
        })
    }
}

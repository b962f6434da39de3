//! The requests, one at a time on one connection.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use testkit::exposition::Between;
use testkit::service::{self, Service};
use uuid::Uuid;

use crate::common::client::{Connection, get, login, runtime};
use crate::common::stats::{Latency, milliseconds};
use crate::common::{Result, scrape};
use crate::server::PASSWORD;

/// Kinds of requests, in the order of the report.
const KINDS: [&str; 7] = [
    "login",
    "users_me_cold",
    "first_page",
    "page_in_the_middle",
    "search_for_one",
    "search_for_everybody",
    "search_for_nobody",
];
/// The statements behind them.
const STATEMENTS: [&str; 5] = [
    "credentials_by_username",
    "principal",
    "list_users",
    "search_usernames",
    "search_emails",
];
const DURATION: &str = "db_client_operation_duration_seconds";

/// A connection, and the latencies of its requests.
struct Client {
    connection: Connection,
    times: Vec<(&'static str, Duration)>,
}

impl Client {
    async fn ask(&mut self, kind: &'static str, request: &[u8]) -> Result<Value> {
        let start = Instant::now();
        let answer = self.connection.exchange(request).await?;
        self.times.push((kind, start.elapsed()));
        if answer.status != 200 {
            let status = answer.status;
            // With Retry-After it is load shedding, not a fault.
            let when = answer.header("retry-after").unwrap_or("none");
            return Err(format!("{kind} was answered {status}, Retry-After {when}").into());
        }
        Ok(serde_json::from_slice(answer.body)?)
    }

    async fn token(&mut self, name: &str) -> Result<String> {
        let answer = self.ask("login", &login(name, PASSWORD)).await?;
        let token = answer["access_token"].as_str();
        Ok(token.ok_or("no token")?.to_owned())
    }

    /// One request of each kind, about the account of this number.
    async fn round(&mut self, admin: &str, number: u32) -> Result<()> {
        let name = service::seeded(number as usize);
        let token = self.token(&name).await?;
        let me = self.ask("users_me_cold", &get("/users/me", &token)).await?;
        let id: Uuid = me["id"].as_str().ok_or("no id")?.parse()?;
        let cursor = URL_SAFE_NO_PAD.encode(id.as_bytes());
        for (kind, query) in [
            ("first_page", String::new()),
            ("page_in_the_middle", format!("?cursor={cursor}")),
            ("search_for_one", format!("?search={name}")),
            ("search_for_everybody", "?search=seed-".to_owned()),
            ("search_for_nobody", "?search=nobody".to_owned()),
        ] {
            self.ask(kind, &get(&format!("/admin/users{query}"), admin))
                .await?;
        }
        Ok(())
    }
}

/// Runs the requests and prints their latencies.
pub fn measure(server: &Service, users: u32, samples: u32) -> Result<Value> {
    // Spread over all accounts, and the same in every run.
    let number = |index: u32| {
        let step = u64::from(index) * 2_654_435_761;
        u32::try_from(step % u64::from(users)).map_or(1, |number| number + 1)
    };
    let runtime = runtime();
    let (mut client, admin) = runtime.block_on(async {
        let mut client = Client {
            connection: Connection::open(server.api).await?,
            times: Vec::new(),
        };
        let admin = client.token("admin").await?;
        for index in 0..samples / 10 {
            client.round(&admin, number(samples + index)).await?;
        }
        client.times.clear();
        Ok::<_, testkit::Error>((client, admin))
    })?;
    let before = scrape(server.ops)?;
    runtime.block_on(async {
        for index in 0..samples {
            client.round(&admin, number(index)).await?;
        }
        Ok::<_, testkit::Error>(())
    })?;
    let times = client.times;
    let between = Between {
        before,
        after: scrape(server.ops)?,
    };

    let mut figures = Map::new();
    for kind in KINDS {
        let of_kind = times.iter().filter(|(other, _)| *other == kind);
        let latency = Latency::of(of_kind.map(|(_, time)| *time).collect());
        println!(
            "  {kind:22} median {:.3} ms, P95 {:.3} ms",
            milliseconds(latency.p50),
            milliseconds(latency.p95)
        );
        figures.insert(kind.to_owned(), latency.json());
    }
    for statement in STATEMENTS {
        let labels = [("db_query_summary", statement)];
        let grown = |suffix: &str| between.rise(&format!("{DURATION}_{suffix}"), &labels);
        let mean = grown("sum") / grown("count") * 1e3;
        println!("  {statement:24} in the mean {mean:.3} ms in the database");
        figures.insert(statement.to_owned(), json!({ "mean_ms": mean }));
    }
    Ok(Value::Object(figures))
}

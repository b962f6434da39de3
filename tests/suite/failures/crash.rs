//! `kill -9` in the middle of registrations and refreshes: acknowledged changes are there, and every other
//! change is there completely or not at all.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Builder, Client, PASSWORD, Server, http, postgres, until};

/// A database that outlives its server.
#[derive(Clone, Copy)]
struct Engine {
    /// Configures the server in this folder to use the engine.
    configure: for<'a> fn(&'a Path, Builder) -> Configured<'a>,
    /// Runs queries that give one number each, on the database of the server in this folder, while
    /// no server runs.
    numbers: for<'a> fn(&'a Path, &'a [&'static str]) -> Numbers<'a>,
}

type Configured<'a> = Pin<Box<dyn Future<Output = Builder> + 'a>>;
type Numbers<'a> = Pin<Box<dyn Future<Output = Vec<i64>> + Send + 'a>>;

const SQLITE: Engine = Engine {
    configure: |_, builder| Box::pin(std::future::ready(builder.embedded())),
    numbers: |folder, queries| Box::pin(numbers_of_sqlite(folder, queries)),
};

/// In a schema that belongs to the server's folder.
const POSTGRESQL: Engine = Engine {
    configure: |folder, builder| {
        Box::pin(async move {
            let url = postgres::schema_of(folder).await;
            builder.on_postgres(&url)
        })
    },
    numbers: |folder, queries| Box::pin(numbers_of_postgres(folder, queries)),
};

async fn numbers_of_postgres(folder: &Path, queries: &[&'static str]) -> Vec<i64> {
    let mut connection = postgres::connect(&postgres::schema_of(folder).await).await;
    // PostgreSQL rolls back the killed server's transactions when it notices.
    let others = "SELECT COUNT(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
                  WHERE relnamespace = current_schema()::regnamespace AND pid <> pg_backend_pid()";
    until("taken back", async || {
        let mut connection = postgres::connect(&postgres::schema_of(folder).await).await;
        let held: i64 = sqlx::query_scalar(others)
            .fetch_one(&mut connection)
            .await
            .expect("asked");
        held == 0
    })
    .await;
    let mut numbers = Vec::new();
    for query in queries {
        let number = sqlx::query_scalar(*query).fetch_one(&mut connection).await;
        numbers.push(number.expect("asked"));
    }
    numbers
}

async fn numbers_of_sqlite(folder: &Path, queries: &[&'static str]) -> Vec<i64> {
    let (_copy, pool) = super::open_copy(&folder.join("data")).await;
    let mut numbers = Vec::new();
    for query in queries {
        let number = sqlx::query_scalar(*query).fetch_one(&pool).await;
        numbers.push(number.expect("asked"));
    }
    pool.close().await;
    numbers
}

/// Rows that must not exist, in SQL for every engine.
const NONE: [(&str, &str); 6] = [
    (
        "accounts without a role",
        "SELECT COUNT(*) FROM users u \
         WHERE NOT EXISTS (SELECT 1 FROM user_roles r WHERE r.user_id = u.id)",
    ),
    (
        "roles without an account",
        "SELECT COUNT(*) FROM user_roles r \
         WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id)",
    ),
    (
        "sessions without an account",
        "SELECT COUNT(*) FROM sessions s \
         WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = s.user_id)",
    ),
    (
        "sessions that do not have exactly one living token",
        "SELECT COUNT(*) FROM sessions s WHERE (SELECT COUNT(*) FROM refresh_tokens t \
         WHERE t.session_id = s.id AND t.rotated_at IS NULL) <> 1",
    ),
    (
        "living tokens of another generation than the session's",
        "SELECT COUNT(*) FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
         WHERE t.rotated_at IS NULL AND t.generation <> s.generation",
    ),
    (
        "sessions with a gap in their generations",
        "SELECT COUNT(*) FROM sessions s WHERE s.generation + 1 <> \
         (SELECT COUNT(DISTINCT t.generation) FROM refresh_tokens t WHERE t.session_id = s.id \
          AND t.generation BETWEEN 0 AND s.generation) OR s.generation + 1 <> \
         (SELECT COUNT(*) FROM refresh_tokens t WHERE t.session_id = s.id)",
    ),
];

async fn assert_whole(engine: Engine, folder: &Path) {
    let queries = NONE.map(|(_, query)| query);
    let numbers = (engine.numbers)(folder, &queries).await;
    for ((what, _), number) in NONE.iter().zip(numbers) {
        assert_eq!(number, 0, "{what}");
    }
}

/// A client that registers accounts and refreshes the session of its first, until the server is
/// gone.
struct Worker {
    api: String,
    prefix: String,
    session: Client,
    done: Arc<AtomicUsize>,
    acknowledged: Vec<String>,
}

/// The answers that a worker received.
struct Memory {
    /// Accounts whose registration was acknowledged.
    acknowledged: Vec<String>,
    /// An account whose registration got no answer.
    open: Option<String>,
    /// The latest tokens.
    session: Client,
}

impl Worker {
    async fn work(mut self) -> Memory {
        let open = loop {
            let name = format!("{}-{}", self.prefix, self.acknowledged.len());
            let body = json!({
                "username": name,
                "email": format!("{name}@example.com"),
                "password": PASSWORD,
            });
            let sent = http()
                .post(format!("{}/register", self.api))
                .json(&body)
                .send();
            match sent.await {
                Ok(answer) => assert_eq!(answer.status(), 201),
                Err(_) => break Some(name),
            }
            self.acknowledged.push(name);
            self.done.fetch_add(1, Ordering::SeqCst);

            let body = json!({ "refresh_token": self.session.refresh });
            let sent = http()
                .post(format!("{}/refresh", self.api))
                .json(&body)
                .send();
            let Ok(answer) = sent.await else { break None };
            assert_eq!(answer.status(), 200);
            let Ok(tokens) = answer.json().await else {
                break None;
            };
            self.session = self.session.with(&tokens);
            self.done.fetch_add(1, Ordering::SeqCst);
        };
        Memory {
            acknowledged: self.acknowledged,
            open,
            session: self.session,
        }
    }
}

/// The accounts whose names begin so, and their roles, as an administrator sees them.
async fn accounts(server: &Server, beginning: &str) -> BTreeMap<String, Value> {
    let admin = server.admin().await;
    let (mut accounts, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/admin/users?limit=50&search={beginning}{cursor}");
        let mut page = admin.get(&path).await.json;
        for item in page["items"].as_array_mut().expect("a page") {
            let name = item["username"].as_str().expect("a name").to_owned();
            accounts.insert(name, item["roles"].take());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return accounts,
        }
    }
}

/// Everything that was acknowledged to a worker is there after the kill.
async fn assert_remembered(server: &Server, accounts: &BTreeMap<String, Value>, memory: Memory) {
    for name in &memory.acknowledged {
        assert_eq!(accounts.get(name), Some(&json!(["user"])), "{name}");
    }
    // The last one, which is the nearest to the kill, with its password.
    if let Some(name) = memory.acknowledged.last() {
        let user = server.login(name, PASSWORD).await;
        assert_eq!(user.get("/users/me").await.json["roles"], json!(["user"]));
    }
    if let Some(open) = memory.open {
        // The account was made completely, or its name and its address are free.
        let answer = server.anon().login(&open, PASSWORD).await;
        if answer.status == 200 {
            let user = server.anon().with(&answer.json);
            let me = user.get("/users/me").await.json;
            assert_eq!(me["roles"], json!(["user"]), "{me}");
        } else {
            let answer = server.register(&open).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }
    // If the answer to the last refresh was lost, the token before gets the same successor again.
    let mut session = memory.session;
    session.base.clone_from(&server.api);
    for _ in 0..2 {
        session = session.refreshed().await;
    }
    let sessions = session.get("/users/me/sessions").await;
    assert_eq!(sessions.status, 200, "{}", sessions.text);
    assert_eq!(sessions.text.matches("user_agent").count(), 1);
}

async fn kills_lose_nothing(engine: Engine) {
    const WORKERS: usize = 16;
    const ROUNDS: usize = 5;
    /// Registrations and refreshes in a round: at least this many, and less than twice as many.
    /// By then every worker is between two requests or in the middle of one, wherever the kill finds it.
    const LEAST: usize = 100;
    let random = RandomState::new();
    // The grace is long enough for a slow machine's restart.
    let start = async |folder: TempDir| {
        let builder = Server::builder().env("REFRESH_GRACE", "60s");
        let builder = (engine.configure)(folder.path(), builder).await;
        builder.dir(folder).start().await
    };
    let mut server = start(tempfile::tempdir().expect("a folder")).await;
    let mut total = 0;
    for round in 0..ROUNDS {
        let done = Arc::new(AtomicUsize::new(0));
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let prefix = format!("user-{round}-{worker}");
            let worker = Worker {
                api: server.api.clone(),
                session: server.user(&format!("{prefix}-first")).await,
                prefix,
                done: Arc::clone(&done),
                acknowledged: Vec::new(),
            };
            workers.push(worker);
        }
        let workers: Vec<_> = workers
            .into_iter()
            .map(|worker| tokio::spawn(worker.work()))
            .collect();
        #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
        let moment = LEAST + random.hash_one(round) as usize % LEAST;
        until("enough was done", || async {
            done.load(Ordering::SeqCst) >= moment
        })
        .await;
        let folder = server.kill().await;
        assert_whole(engine, folder.path()).await;
        server = start(folder).await;
        let accounts = accounts(&server, &format!("user-{round}-")).await;
        for worker in workers {
            let memory = worker.await.expect("every answer was good");
            assert_remembered(&server, &accounts, memory).await;
        }
        total += done.load(Ordering::SeqCst);
    }
    println!("{total} registrations and refreshes in {ROUNDS} rounds");
    let folder = server.stop().await;
    assert_whole(engine, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_loses_nothing_acknowledged_on_sqlite() {
    kills_lose_nothing(SQLITE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn crash_loses_nothing_acknowledged_on_postgresql() {
    kills_lose_nothing(POSTGRESQL).await;
}

//! Two replicas of the service on one database.

use uuid::Uuid;

use super::{Builder, Client, Server, postgres};

/// Two processes on one database.
pub struct Replicas {
    pub a: Server,
    pub b: Server,
    /// The prefix of their names in Redis.
    pub prefix: String,
}

impl Replicas {
    /// Starts both with this Redis, on one embedded database.
    pub async fn start(redis: &str) -> Self {
        let prefix = prefix();
        let builder = || {
            replica(redis, &prefix)
                .embedded()
                .env("REFRESH_GRACE", "60s")
        };
        let a = builder().start().await;
        let data = a.path().join("data");
        let b = builder().env("DATA_DIR", data.to_str().expect("UTF-8"));
        Self {
            b: b.start().await,
            a,
            prefix,
        }
    }

    /// Starts both with this Redis, on PostgreSQL.
    pub async fn on_postgres(redis: &str, grace: &str) -> Self {
        let prefix = prefix();
        let folder = tempfile::tempdir().expect("a folder");
        let url = postgres::schema_of(folder.path()).await;
        let builder = || {
            replica(redis, &prefix)
                .on_postgres(&url)
                .env("REFRESH_GRACE", grace)
        };
        Self {
            a: builder().start().await,
            b: builder().start().await,
            prefix,
        }
    }

    /// A new account, logged in at the first replica and cached by the second.
    pub async fn victim(&self, name: &str) -> (Client, Client) {
        let at_a = self.a.user(name).await;
        let at_b = at_a.at(&self.b);
        at_b.warm_up().await;
        (at_a, at_b)
    }
}

fn prefix() -> String {
    format!("test-{}:", Uuid::now_v7())
}

/// A replica with this Redis.
fn replica(redis: &str, prefix: &str) -> Builder {
    Server::builder()
        // The issuer of tokens, which by default differs between replicas.
        .env("PUBLIC_URL", "http://auth.example.com")
        .env("REDIS_URL", redis)
        .env("REDIS_PREFIX", prefix)
        .env("REDIS_TIMEOUT", "250ms")
}

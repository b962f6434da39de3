//! PostgreSQL and Redis to measure on.

use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::common::Result;
use crate::common::client::runtime;

/// Servers to measure on, beside the embedded backends.
#[derive(Args, Clone)]
pub struct Backends {
    /// PostgreSQL to measure on, too; makes and removes schemas of its own there
    #[arg(long)]
    database_url: Option<String>,
    /// Redis to measure on, together with PostgreSQL; keys get a prefix of their own
    #[arg(long, requires = "database_url")]
    redis_url: Option<String>,
}

/// A schema and a prefix of their own; the schema is dropped with it.
pub struct Place {
    database: String,
    schema: String,
    /// The environment of a service that uses them.
    pub env: Vec<(&'static str, String)>,
}

impl Backends {
    /// A new schema and prefix, if there are servers.
    pub fn place(&self) -> Result<Option<Place>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(database) = self.database_url.clone() else {
            return Ok(None);
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("bench_{}_{number}", std::process::id());
        execute(&database, format!("CREATE SCHEMA {schema}"))?;
        let separator = if database.contains('?') { '&' } else { '?' };
        let url = format!("{database}{separator}options[search_path]={schema}");
        let mut env = vec![
            ("DATABASE_URL", url),
            (
                "SECRET_KEY",
                "a-secret-for-measurements-of-servers".to_owned(),
            ),
            ("PUBLIC_URL", "http://localhost".to_owned()),
        ];
        if let Some(redis) = &self.redis_url {
            env.push(("REDIS_URL", redis.clone()));
            env.push(("REDIS_PREFIX", format!("{schema}:")));
        }
        Ok(Some(Place {
            database,
            schema,
            env,
        }))
    }

    /// Name in the report.
    pub const fn name(&self) -> &'static str {
        match self.redis_url {
            Some(_) => "pg+redis",
            None => "postgresql",
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = execute(
            &self.database,
            format!("DROP SCHEMA {} CASCADE", self.schema),
        );
    }
}

fn execute(url: &str, statement: String) -> Result<()> {
    runtime().block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        Ok(())
    })
}

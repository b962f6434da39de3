//! Servers that a test may stop, hang and restart, each in a folder that is removed with it.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use testkit::postgres::Postgres;
use testkit::redis::Redis;

/// A server and its folder.
pub struct Throwaway<T> {
    // Before its folder, so that it has ended when that is removed.
    server: T,
    _folder: TempDir,
}

impl<T> Deref for Throwaway<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.server
    }
}

impl<T> DerefMut for Throwaway<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.server
    }
}

/// A program or a folder of programs by the variable that names it.
fn named(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is missing: run scripts/test, which sees to it"))
        .into()
}

/// A PostgreSQL server that runs.
pub fn postgres() -> Throwaway<Postgres> {
    postgres_with(&[], |_| {})
}

/// The same with these settings, after something was put into the data folder.
pub fn postgres_with(settings: &[&str], prepare: impl FnOnce(&Path)) -> Throwaway<Postgres> {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Postgres::make(&named("POSTGRES_BIN"), folder.path(), settings);
    let server = made.unwrap_or_else(|error| panic!("{error}"));
    prepare(&server.data());
    server.start().unwrap_or_else(|error| panic!("{error}"));
    Throwaway {
        server,
        _folder: folder,
    }
}

/// A Redis server that runs.
pub fn redis() -> Throwaway<Redis> {
    let mut redis = absent_redis();
    redis.start().unwrap_or_else(|error| panic!("{error}"));
    redis
}

/// A Redis server that is started later.
pub fn absent_redis() -> Throwaway<Redis> {
    let folder = tempfile::tempdir().expect("a folder");
    Throwaway {
        server: Redis::new(&named("REDIS_SERVER"), folder.path(), &[]),
        _folder: folder,
    }
}

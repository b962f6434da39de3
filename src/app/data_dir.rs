//! The data folder and the files of the embedded database: accessible only to their owner, and to one
//! service.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::config::{Config, Secret};
use crate::error::{Error, Result};

/// The mode bits of group and others.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
/// The maximum length read from a lock file.
const MAX_HOLDER: usize = 200;

/// The embedded database's file; `None` with a database server, or in memory.
pub fn database_file(config: &Config) -> Option<PathBuf> {
    if config.database.is_server() {
        return None;
    }
    let Some(url) = config.database.url.as_ref().map(Secret::expose) else {
        return Some(config.data_dir.join("rbac-sentinel.db"));
    };
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let (path, options) = path.split_once('?').unwrap_or((path, ""));
    let in_memory = path.is_empty() || path == ":memory:" || options.contains("mode=memory");
    (!in_memory).then(|| path.into())
}

/// Creates the data folder and the database's file, accessible only to their owner whatever the umask,
/// and checks existing ones. Does nothing with a database server.
///
/// # Errors
/// When they cannot be created, others have access to the folder, or the database is a link.
pub fn prepare(config: &Config) -> io::Result<()> {
    let Some(database) = database_file(config) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)?;
    let mode = fs::metadata(&config.data_dir)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(io::Error::other("others may use it: run `chmod o= ` on it"));
    }
    warn_about_group(mode, "DATA_DIR");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(&database) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        // SQLite creates its other files with the mode of this one.
        _ => {}
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut file = database.clone().into_os_string();
        file.push(suffix);
        close_to_others(Path::new(&file))?;
    }
    Ok(())
}

/// Removes the access of others that earlier versions left to the umask.
fn close_to_others(file: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_symlink() {
        return Err(io::Error::other(format!(
            "{} is a symbolic link: name what it leads to in DATABASE_URL",
            file.display()
        )));
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        // A umask that lets others read also lets the group read.
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    } else {
        warn_about_group(mode, "the database's file");
    }
    Ok(())
}

fn warn_about_group(mode: u32, what: &str) {
    if mode & GROUP != 0 {
        tracing::warn!("{what} is accessible to its group: only the service should be a member");
    }
}

/// The lock of the embedded database. Ends with the process, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "holds the lock until it is closed")] File);

/// Locks the embedded database for this service, because its caches would miss the changes of another.
/// Commands beside a running service need no lock: their changes take effect within seconds.
///
/// # Errors
/// When another service holds it, with that service's process and host, unless ALLOW_INSECURE is set.
pub fn lock(config: &Config) -> Result<Option<Lock>> {
    let Some(database) = database_file(config) else {
        return Ok(None);
    };
    let mut path = database.into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let unusable =
        |error: io::Error| Error::internal(format!("{} cannot be used: {error}", path.display()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(unusable)?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(unusable(error.into()));
        }
        let holder = holder(&mut file);
        if config.allow_insecure {
            tracing::warn!("the database is also in use by {holder}: its changes take effect late");
            return Ok(None);
        }
        return Err(Error::internal(format!(
            "{} is in use by {holder}: an embedded database serves one process. Stop the other \
             one, or use PostgreSQL for several replicas",
            path.display()
        )));
    }
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let text = format!("process {} on {host}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(unusable)?;
    Ok(Some(Lock(file)))
}

/// The process that holds the lock, as written in the file.
fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(MAX_HOLDER as u64).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().unwrap_or_default();
    let sound = read.is_ok() && !line.is_empty() && !line.contains(char::is_control);
    if sound { line } else { "another process" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_arguments;

    fn config(folder: &Path, args: &[&str]) -> Config {
        let data = folder.join("data").display().to_string();
        from_arguments(&[&["--data-dir", &data], args].concat())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_database_are_made_for_their_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), &[]);
        prepare(&config).expect("made");
        let database = database_file(&config).expect("embedded");
        assert_eq!((mode(&config.data_dir), mode(&database)), (0o700, 0o600));
        // Created by an earlier version.
        fs::set_permissions(&database, Permissions::from_mode(0o644)).expect("set");
        prepare(&config).expect("repaired");
        assert_eq!(mode(&database), 0o600);
    }

    #[test]
    fn folder_that_others_may_use_is_refused_and_one_of_a_group_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), &[]);
        fs::create_dir(&config.data_dir).expect("made");
        for (mode, allowed) in [
            (0o755, false),
            (0o701, false),
            (0o702, false),
            (0o770, true),
        ] {
            let permissions = Permissions::from_mode(mode);
            fs::set_permissions(&config.data_dir, permissions).expect("set");
            let prepared = prepare(&config);
            assert_eq!(prepared.is_ok(), allowed, "{mode:o}");
            assert!(allowed || prepared.expect_err("refused").to_string().contains("chmod"));
        }
    }

    #[test]
    fn database_or_lock_that_is_a_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), &[]);
        prepare(&config).expect("made");
        let database = database_file(&config).expect("embedded");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").expect("written");
        for name in ["rbac-sentinel.db", "rbac-sentinel.db-wal"] {
            let file = config.data_dir.join(name);
            let _ = fs::remove_file(&file);
            std::os::unix::fs::symlink(&elsewhere, &file).expect("linked");
            let refused = prepare(&config).expect_err("refused").to_string();
            assert!(refused.contains("symbolic link"), "{refused}");
            fs::remove_file(&file).expect("removed");
        }
        let mut lock_file = database.into_os_string();
        lock_file.push(".lock");
        std::os::unix::fs::symlink(&elsewhere, lock_file).expect("linked");
        assert!(lock(&config).is_err());
        assert_eq!(fs::read(&elsewhere).expect("there"), b"");
    }

    #[test]
    fn second_lock_is_refused_with_the_holder_until_the_first_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let strict = config(folder.path(), &[]);
        prepare(&strict).expect("made");
        let first = lock(&strict).expect("free");
        let refused = lock(&strict).expect_err("held").to_string();
        let Err(Error::Internal(reason)) = lock(&strict) else {
            panic!("{refused}");
        };
        let holder = format!("process {} on ", std::process::id());
        assert!(reason.to_string().contains(&holder), "{reason}");
        let lax = config(folder.path(), &["--allow-insecure"]);
        assert!(lock(&lax).expect("warned about").is_none());
        drop(first);
        assert!(lock(&strict).expect("free again").is_some());
    }

    #[test]
    fn file_of_the_database_is_known_by_its_url() {
        let folder = Path::new("/x");
        for (url, file) in [
            ("sqlite:///y/z.db", Some("/y/z.db")),
            ("sqlite://z.db?mode=rwc", Some("z.db")),
            ("sqlite::memory:", None),
            ("sqlite://z?mode=memory", None),
            ("postgres://localhost/z", None),
        ] {
            let config = config(folder, &["--database-url", url]);
            assert_eq!(database_file(&config), file.map(PathBuf::from), "{url}");
        }
    }
}

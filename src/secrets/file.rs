//! The secret's file in the data folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::random;
use super::ring::Secrets;
use crate::config::is_secret_id;

const SECRET_FILE: &str = "secret.key";

/// The secrets in the data folder's file, the one that seals first; `None` if there is no file. Each line
/// is a secret in base64, or `id:` and a secret.
///
/// # Errors
/// When the file cannot be read, is damaged, or others may read it.
pub fn stored_secrets(data_dir: &Path) -> io::Result<Option<Secrets>> {
    let path = data_dir.join(SECRET_FILE);
    match File::open(&path) {
        Ok(file) => read_secrets(file, &path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks who may use the file of a secret: a group is warned about.
///
/// # Errors
/// When others may.
pub fn check_mode(file: &File, what: &str) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(io::Error::other(
                "can be read by others: run `chmod 600` on it",
            ));
        }
        if mode & 0o070 != 0 {
            // Kubernetes' `fsGroup` makes it readable for a group.
            tracing::warn!("{what} is readable by its group: only the service should be a member");
        }
    }
    Ok(())
}

fn read_secrets(mut file: File, path: &Path) -> io::Result<Secrets> {
    check_mode(&file, "the secret's file")
        .map_err(|error| io::Error::other(format!("{} {error}", path.display())))?;
    let mut text = Zeroizing::new(String::new());
    let damaged = || {
        io::Error::other(format!(
            "{} is damaged: restore it from a backup; without it the signing keys are lost",
            path.display()
        ))
    };
    file.read_to_string(&mut text).map_err(|_| damaged())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets = lines.map(named_secret).collect::<Option<Vec<_>>>();
    let secrets = secrets.ok_or_else(damaged)?.into_iter();
    let ring = secrets.fold(None, |ring: Option<Secrets>, (id, secret)| {
        Some(match ring {
            None => Secrets::one(id, secret),
            Some(ring) => ring.and(id, secret),
        })
    });
    ring.ok_or_else(damaged)
}

/// The id and the bytes of a line.
fn named_secret(line: &str) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let (id, secret) = line.split_once(':').unwrap_or((SECRET_FILE, line));
    let secret = Zeroizing::new(STANDARD.decode(secret.trim()).ok()?);
    (is_secret_id(id) && secret.len() >= 32).then_some((id, secret))
}

/// Makes a secret in the data folder, readable only by its owner.
///
/// # Errors
/// When the file exists or cannot be created.
pub fn make_secret(data_dir: &Path) -> io::Result<Secrets> {
    let secret = random::bytes::<32>().map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(data_dir.join(SECRET_FILE))?;
    writeln!(
        file,
        "{}",
        &*Zeroizing::new(STANDARD.encode(secret.as_slice()))
    )?;
    file.sync_all()?;
    Ok(Secrets::one(SECRET_FILE, Zeroizing::new(secret.to_vec())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::secrets::Purpose;

    fn key(secrets: &Secrets) -> [u8; 32] {
        *secrets.derive(Purpose::SigningKeys).expect("derives")
    }

    #[test]
    fn secret_file_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(stored_secrets(folder.path()).expect("asked").is_none());
        let made = make_secret(folder.path()).expect("made");
        let stored = stored_secrets(folder.path()).expect("read").expect("there");
        assert_eq!(key(&made), key(&stored));
        assert!(make_secret(folder.path()).is_err(), "it is there");
    }

    #[test]
    fn secret_file_that_cannot_be_opened_is_not_taken_as_missing() {
        let no_folder = tempfile::NamedTempFile::new().expect("file");
        assert!(stored_secrets(no_folder.path()).is_err());
    }

    #[test]
    fn secret_file_may_hold_a_newer_secret_above_the_first() {
        let folder = tempfile::tempdir().expect("folder");
        let old = make_secret(folder.path()).expect("made");
        let path = folder.path().join(SECRET_FILE);
        let text = fs::read_to_string(&path).expect("read");
        let new = STANDARD.encode([7; 32]);
        fs::write(&path, format!("new:{new}\n{text}")).expect("written");
        let both = stored_secrets(folder.path()).expect("read").expect("there");
        let keys = both.derive_all(Purpose::SigningKeys).expect("derives");
        assert_eq!(keys.len(), 2);
        assert_eq!(*keys[1], key(&old));
        let expected = crate::secrets::derive(&[7; 32], Purpose::SigningKeys);
        assert_eq!(*keys[0], *expected.expect("derives"));
    }

    #[cfg(unix)]
    #[test]
    fn secret_file_that_others_can_read_or_is_damaged_is_rejected() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        make_secret(folder.path()).expect("made");
        let path = folder.path().join(SECRET_FILE);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refusal = || {
            let refused = stored_secrets(folder.path()).err().expect("refused");
            refused.to_string()
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(refusal().contains("chmod 600"), "{}", refusal());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        let short = STANDARD.encode([1; 31]);
        for damaged in [&b"damaged"[..], b"", b"\n", b"\xff", short.as_bytes()] {
            fs::write(&path, damaged).expect("written");
            assert!(refusal().contains("damaged"), "{}", refusal());
        }
    }
}

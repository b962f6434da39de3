//! The secret's file in the data folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::random;

const SECRET_FILE: &str = "secret.key";

/// The secret that encrypts the signing keys: as configured, else from the data folder, where one is
/// created at the first start, readable only by its owner.
///
/// # Errors
/// When the file cannot be read or created, or others may read it.
pub fn secret_for(configured: Option<&str>, data_dir: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if let Some(secret) = configured {
        return Ok(Zeroizing::new(secret.as_bytes().to_vec()));
    }
    let path = data_dir.join(SECRET_FILE);
    match OpenOptions::new().read(true).open(&path) {
        Ok(file) => read_secret(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_secret(&path),
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

fn read_secret(mut file: File, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    check_mode(&file, "the secret's file")
        .map_err(|error| io::Error::other(format!("{} {error}", path.display())))?;
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text)?;
    let secret = STANDARD.decode(text.trim_ascii()).unwrap_or_default();
    if secret.len() < 32 {
        return Err(io::Error::other(format!(
            "{} is damaged: restore it from a backup; without it the signing keys are lost",
            path.display()
        )));
    }
    Ok(Zeroizing::new(secret))
}

fn make_secret(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let secret = random::bytes::<32>().map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(
        file,
        "{}",
        &*Zeroizing::new(STANDARD.encode(secret.as_slice()))
    )?;
    file.sync_all()?;
    Ok(Zeroizing::new(secret.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn secret_file_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().expect("folder");
        let first = secret_for(None, folder.path()).expect("made");
        assert_eq!(first.len(), 32);
        assert_eq!(secret_for(None, folder.path()).expect("read"), first);
        assert_eq!(
            secret_for(Some("given"), folder.path())
                .expect("given")
                .as_slice(),
            b"given"
        );
    }

    #[cfg(unix)]
    #[test]
    fn secret_file_that_others_can_read_or_is_damaged_is_rejected() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        secret_for(None, folder.path()).expect("made");
        let path = folder.path().join(SECRET_FILE);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let refused = secret_for(None, folder.path())
            .expect_err("refused")
            .to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        fs::write(&path, "damaged").expect("written");
        let refused = secret_for(None, folder.path())
            .expect_err("refused")
            .to_string();
        assert!(refused.contains("damaged"), "{refused}");
    }
}

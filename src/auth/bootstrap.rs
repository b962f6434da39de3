//! The first start: the key at rest and the first administrator.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::password::Password;
use super::{Auth, Registration};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{Actor, RoleAction, UserAction};
use crate::rbac::BuiltIn;
use crate::store::User;

const SECRET_FILE: &str = "secret.key";

/// What became of the first administrator.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// There is one already.
    Exists,
    /// Made with the password from the configuration.
    Configured,
    /// Made with this password, which is shown once.
    Generated(String),
}

impl Auth {
    /// Makes an administrator if there is none who may log in.
    ///
    /// # Errors
    /// As a registration: the configured name, address or password may break a rule, or belong to
    /// an account that is no administrator.
    pub async fn ensure_admin(
        &self,
        username: &str,
        email: &str,
        password: Option<&str>,
    ) -> Result<FirstAdmin> {
        if self.store.has_admin().await? {
            return Ok(FirstAdmin::Exists);
        }
        let generated = if password.is_none() {
            Some(random_password()?)
        } else {
            None
        };
        let chosen = password.or(generated.as_deref()).unwrap_or_default();
        match create_admin(self, username, email, Password::new(chosen)).await {
            Ok(_) => {}
            // Another replica, started at the same moment, was faster.
            Err(Error::Taken { .. }) if self.store.has_admin().await? => {
                return Ok(FirstAdmin::Exists);
            }
            Err(error) => return Err(error),
        }
        Ok(generated.map_or(FirstAdmin::Configured, FirstAdmin::Generated))
    }

    /// Gives an existing account the role `admin`, as the operator.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn promote(&self, name: &str) -> Result<User> {
        let user = self
            .store
            .credentials(name)
            .await?
            .ok_or(Error::NotFound("user"))?
            .user;
        let role = BuiltIn::Admin;
        if self
            .store
            .grant_role(user.id, role.name(), None, self.clock.now())
            .await?
        {
            let action = RoleAction::Grant;
            Event::RoleChange {
                action,
                role: role.label(),
                by: None,
                user: user.id,
            }
            .emit();
        }
        self.user(user.id).await
    }
}

/// Makes an administrator, as the operator.
///
/// # Errors
/// As a registration.
pub async fn create_admin(
    auth: &Auth,
    username: &str,
    email: &str,
    password: Password,
) -> Result<User> {
    let role = BuiltIn::Admin.name();
    let registration = Registration {
        username: username.to_owned(),
        email: email.to_owned(),
        password,
        role: Some(role.to_owned()),
    };
    let user = auth
        .make_account(registration, vec![role.to_owned()], None)
        .await?;
    Event::UserChange {
        action: UserAction::Created,
        actor: Actor::Operator,
        by: None,
        user: user.id,
    }
    .emit();
    Ok(user)
}

/// 144 random bits, typed by nobody but once.
pub(super) fn random_password() -> Result<String> {
    let mut bytes = Zeroizing::new([0; 18]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::internal("no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}

/// The secret that signing keys are encrypted with: as configured, else from the data folder, where
/// one is made at the first start, readable by its owner alone.
///
/// # Errors
/// When the file cannot be read or made, or others may read it.
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

fn read_secret(mut file: fs::File, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "{} can be read by others: run `chmod 600` on it",
                path.display()
            )));
        }
    }
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
    let mut secret = Zeroizing::new(vec![0; 32]);
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| io::Error::other("no randomness"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{}", &*Zeroizing::new(STANDARD.encode(&*secret)))?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_read_again() {
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
    fn a_secret_that_others_may_read_or_that_is_damaged_is_refused() {
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

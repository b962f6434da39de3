//! `keys`: lists and changes the signing keys, also beside running services, which follow within seconds.

use clap::{Args, Subcommand};

use super::Failure;
use crate::app;
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::secrets::Seals;
use crate::store::Store;
use crate::telemetry;
use crate::tokens::{KeyChange, Keys, discard_unreadable_keys, list_keys, reseal_keys};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct KeysCommand {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    config: Box<Config>,
}

#[derive(Subcommand)]
enum Action {
    /// Print the stored keys: id, algorithm, state, times, and which secret decrypts each
    List {
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Publish a new key, which signs as soon as every replica and every cached key set has it
    Rotate {
        #[command(flatten)]
        config: Box<Config>,
    },
    /// End a key in good order: one that signs gets a successor, and ends when its tokens have expired
    Retire {
        /// The key's id
        // Base64 for URLs: one id in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// End a key that may have leaked: tokens signed with it are refused within seconds, everywhere
    ///
    /// If it signs, a new one does at once. Sessions continue: clients refresh.
    Revoke {
        /// The key's id
        // Base64 for URLs: one id in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Encrypt every key with the first secret, so that the others can be removed
    Reseal {
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Delete the keys that no secret decrypts: the last resort when a secret is lost
    DiscardUnreadable {
        #[command(flatten)]
        config: Box<Config>,
    },
}

impl KeysCommand {
    fn config(&self) -> &Config {
        match &self.action {
            None => &self.config,
            Some(
                Action::List { config }
                | Action::Rotate { config }
                | Action::Retire { config, .. }
                | Action::Revoke { config, .. }
                | Action::Reseal { config }
                | Action::DiscardUnreadable { config },
            ) => config,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(command: &KeysCommand) -> Result<(), Failure> {
    let config = command.config();
    config.validate()?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let store = app::open_store(config).await?;
    let done = act(command.action.as_ref(), config, &store).await;
    store.close().await;
    println!("{}", done?);
    Ok(())
}

async fn act(action: Option<&Action>, config: &Config, store: &Store) -> Result<String, Failure> {
    let clock = Clock::system();
    let secrets = app::open_secrets(config)?;
    let seals = secrets.as_ref().map(app::seals).transpose()?;
    let no_secret =
        "there is no secret: set SECRET_KEY, or start the service once to have one generated";
    let said = match action {
        None | Some(Action::List { .. }) => {
            return list(store, seals.as_ref(), &clock).await;
        }
        Some(Action::DiscardUnreadable { .. }) => {
            let discarded = discard_unreadable_keys(store, seals.as_ref()).await?;
            if discarded.is_empty() {
                return Ok("Every key can be decrypted: nothing was deleted.".to_owned());
            }
            format!("deleted: {}", discarded.join(", "))
        }
        Some(Action::Reseal { .. }) => {
            let seals = seals.ok_or(no_secret)?;
            reseal(store, &seals, &clock).await?
        }
        Some(Action::Rotate { .. }) => {
            let keys = open(config, store, &clock).await?;
            described("", keys.rotate().await?)?
        }
        Some(Action::Retire { kid, .. }) => {
            let keys = open(config, store, &clock).await?;
            described(kid, keys.retire(kid).await?)?
        }
        Some(Action::Revoke { kid, .. }) => {
            let keys = open(config, store, &clock).await?;
            described(kid, keys.revoke(kid).await?)?
        }
    };
    app::announce_key_change(config).await?;
    Ok(said)
}

async fn open(config: &Config, store: &Store, clock: &Clock) -> Result<Keys, Failure> {
    let secrets = app::open_or_make_secrets(config, store).await?;
    Ok(app::open_keys(config, store, &secrets, clock).await?)
}

async fn list(store: &Store, seals: Option<&Seals>, clock: &Clock) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for key in list_keys(store, seals, clock.now()).await? {
        let secret = key.secret.as_deref().unwrap_or("no secret");
        let until = match key.retire_at {
            Some(at) => format!(", verifies until {at}"),
            None => String::new(),
        };
        lines.push(format!(
            "{} {} {}: published {}, signs from {}{until}, decrypted by {secret}",
            key.kid,
            key.algorithm,
            key.phase.word(),
            key.published_at,
            key.active_at,
        ));
    }
    if lines.is_empty() {
        lines.push("No keys are stored: the service makes one at its start.".to_owned());
    }
    Ok(lines.join("\n"))
}

async fn reseal(store: &Store, seals: &Seals, clock: &Clock) -> Result<String, Failure> {
    let (changed, unreadable) = reseal_keys(store, seals, clock.now()).await?;
    if !unreadable.is_empty() {
        let kids = unreadable.join(", ");
        return Err(format!(
            "no secret decrypts {kids}: add the one that encrypted it to SECRET_KEYS. {} other keys are \
             encrypted with {}",
            changed.len(),
            seals.secret()
        )
        .into());
    }
    Ok(format!(
        "{} keys encrypted again; {} decrypts all of them.",
        changed.len(),
        seals.secret()
    ))
}

fn described(kid: &str, change: KeyChange) -> Result<String, Failure> {
    Ok(match change {
        KeyChange::Published { kid, active_at } => {
            format!("{kid} is published and signs from {active_at}.")
        }
        KeyChange::Ends(at) => format!("{kid} verifies until {at}."),
        KeyChange::Revoked(None) => format!("{kid} is revoked."),
        KeyChange::Revoked(Some(instead)) => format!("{kid} is revoked; {instead} signs instead."),
        KeyChange::Unknown => return Err(format!("no stored key has the id {kid}").into()),
        KeyChange::Ended => return Err(format!("{kid} has ended before").into()),
        KeyChange::SharedKey => {
            return Err(
                "with SIGNING_ALG=HS256 the key is HS256_KEY: change that and restart".into(),
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        keys: KeysCommand,
    }

    #[test]
    fn key_id_may_begin_with_hyphens() {
        for id in ["-dPq7", "--Pq7", "-h_V7", "Pq7"] {
            for action in ["retire", "revoke"] {
                let parsed = Program::try_parse_from(["keys", action, id]);
                let parsed = parsed.unwrap_or_else(|error| panic!("{action} {id}: {error}"));
                let Some(Action::Retire { kid, .. } | Action::Revoke { kid, .. }) =
                    parsed.keys.action
                else {
                    panic!("{action} {id}: another action");
                };
                assert_eq!(kid, id);
            }
        }
        for help in ["-h", "--help"] {
            let error = Program::try_parse_from(["keys", "revoke", help]).err();
            let kind = error.map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::DisplayHelp), "{help}");
        }
    }
}

//! The policy as a file: exported, compared and applied.

mod effect;
mod merge;

use super::{Changed, PolicyChanges};
use crate::accounts::Actor;
use crate::error::{Error, Result};
use crate::metrics::PolicyPart;
use crate::policies::{Live, PolicyFile};
use crate::store::StoredPolicy;

pub use self::effect::Effect;

/// What differs between two versions, item by item.
fn changes(before: &PolicyFile, after: &PolicyFile) -> Vec<Changed> {
    let permissions = merge::differences(&before.permissions, &after.permissions);
    let roles = merge::differences(&before.roles, &after.roles);
    let sets = merge::differences(&before.exclusive_roles, &after.exclusive_roles);
    [
        (PolicyPart::Permission, permissions),
        (PolicyPart::Role, roles),
        (PolicyPart::Exclusion, sets),
    ]
    .into_iter()
    .flat_map(|(part, changes)| {
        changes.into_iter().map(move |(action, name)| Changed {
            part,
            action,
            name: name.to_owned(),
        })
    })
    .collect()
}

impl PolicyChanges {
    /// The live policy as a file.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn export(&self) -> Result<PolicyFile> {
        Ok(PolicyFile::of(&self.store.policy().await?))
    }

    /// Makes the policy what the file says, or with `dry_run` only says what that would do. With a base, which
    /// is what the file was made of, only what the file changes is changed, and what changed beside it since
    /// stays.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a fault in a file; [`Error::Merge`] with what the file and somebody else changed
    /// differently; those of any change of the policy.
    pub async fn apply(
        &self,
        actor: Actor<'_>,
        base: Option<PolicyFile>,
        file: PolicyFile,
        dry_run: bool,
    ) -> Result<Effect> {
        let base = base.map(PolicyFile::read).transpose()?;
        let file = file.read()?;
        let mut tx = self.store.transaction().await?;
        let applied = async {
            let edit = |_: &Live, policy: &mut StoredPolicy| -> Result<((), Vec<Changed>)> {
                let live = PolicyFile::of(policy);
                let merged = merge::merge(base.as_ref().unwrap_or(&live), &live, &file)?;
                *policy = merged.rows(policy);
                Ok(((), changes(&live, &merged)))
            };
            let ((), change) = self.change_in(&mut tx, actor, edit).await?;
            let effect = match &change {
                Some(change) => effect::of(&mut tx, change).await?,
                None => Effect::default(),
            };
            Ok::<_, Error>((effect, change))
        }
        .await;
        if dry_run {
            tx.rollback().await;
            return applied.map(|(effect, _)| effect);
        }
        let (effect, change) = tx.finish(applied).await?;
        if let Some(change) = change {
            self.made(actor, change).await;
        }
        Ok(effect)
    }
}

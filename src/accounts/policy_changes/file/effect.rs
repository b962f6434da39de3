//! What a change of the policy does to those who hold its roles.

use std::collections::BTreeSet;
use std::fmt;

use super::super::Change;
use crate::error::Result;
use crate::policies::{IF, Live};
use crate::rbac::EVERYONE;
use crate::store::Tx;

/// Most lines about roles.
const MOST: usize = 200;

/// What a change of the policy does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What is created, changed and deleted.
    pub items: Vec<String>,
    /// What holders of roles gain and lose.
    pub roles: Vec<String>,
    /// How many more roles are affected than are listed.
    pub more: usize,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return f.write_str("Nothing to change.");
        }
        let lines = self.items.iter().chain(&self.roles);
        let lines: Vec<&str> = lines.map(String::as_str).collect();
        f.write_str(&lines.join("\n"))?;
        if self.more > 0 {
            write!(f, "\nand {} more roles", self.more)?;
        }
        Ok(())
    }
}

/// The effect of a change, with the number of accounts that hold each affected role.
pub(super) async fn of(tx: &mut Tx, change: &Change) -> Result<Effect> {
    let items = change.changed.iter().map(|changed| {
        let (part, action) = (changed.part.word(), changed.action.word());
        format!("{action} {part} {}", changed.name)
    });
    let mut effect = Effect {
        items: items.collect(),
        ..Effect::default()
    };
    let names = change.before.roles.keys().chain(change.after.roles.keys());
    for name in names.collect::<BTreeSet<_>>() {
        let (before, after) = (grants(&change.before, name), grants(&change.after, name));
        if before == after {
            continue;
        }
        if effect.roles.len() >= MOST {
            effect.more += 1;
            continue;
        }
        let (who, ending) = match tx.count_holders(name).await? {
            _ if name == EVERYONE => ("everybody".to_owned(), "s"),
            1 => (format!("1 account with role {name}"), "s"),
            holders => (format!("{holders} accounts with role {name}"), ""),
        };
        let lost = before.difference(&after);
        let lost = lost.map(|lost| format!("{who} lose{ending} {lost}"));
        effect.roles.extend(lost);
        let gained = after.difference(&before);
        let gained = gained.map(|gained| format!("{who} gain{ending} {gained}"));
        effect.roles.extend(gained);
    }
    Ok(effect)
}

/// What a role grants, inherited grants too.
fn grants(live: &Live, role: &str) -> BTreeSet<String> {
    let effective = live.snapshot.effective(role).into_iter();
    effective
        .map(|(permission, condition)| match condition {
            Some(condition) => format!("{permission}{IF}{condition}"),
            None => permission.to_owned(),
        })
        .collect()
}

//! Random policies, assignments and entities.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser as _;
use rbac_sentinel::testing::app::Services;
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::decisions::EntityChanges;
use rbac_sentinel::testing::rbac::{Assignment, Question, Reach};
use rbac_sentinel::testing::store::{
    EntityType, NewUser, ProfileChange, Side, StoredGrant, StoredRole,
};
use serde_json::{Map, Value, json};
use testkit::dice::Dice;
use uuid::Uuid;

pub const ACCOUNTS: usize = 6;

pub const KINDS: [&str; 2] = ["user", "service"];
pub const ACTIONS: [&str; 3] = ["read", "write", "fly"];
const PERMISSIONS: [&str; 4] = ["record:read", "record:write", "record:*", "file:read"];
const ROLES: [&str; 5] = ["everyone", "r1", "r2", "r3", "r4"];
/// Of these the last is not registered.
pub const RECORDS: [&str; 5] = ["a", "b", "c", "d", "e"];
pub const NAMED: [&str; 3] = ["alice", "bob", "carol"];

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

pub struct World {
    pub services: Services,
    clock: Clock,
    /// The last of them is disabled.
    pub accounts: Vec<Uuid>,
    pub dice: Dice,
}

pub type Object = Map<String, Value>;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

impl World {
    pub async fn new(folder: &str) -> Self {
        crate::store::recorder();
        let arguments = ["serve", "--data-dir", folder, "--hash-memory-kib", "64"];
        let config = Cli::parse_from(arguments).config;
        let clock = Clock::manual(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000));
        let services = Services::open(&config, clock.clone()).await.expect("opens");
        let mut world = Self {
            services,
            clock,
            accounts: Vec::new(),
            dice: Dice::new(7),
        };
        for number in 0..ACCOUNTS {
            world.account(number).await;
        }
        world
    }

    async fn account(&mut self, number: usize) {
        let mut tx = self.services.store.transaction().await.expect("begun");
        let new = NewUser {
            id: Uuid::now_v7(),
            username: format!("user{number}"),
            email: format!("user{number}@example.com"),
            password_hash: "$argon2id$a-hash".to_owned(),
            roles: vec!["user".to_owned()],
            by: None,
            at: self.clock.now(),
            initial_password_until: None,
        };
        tx.insert_user(&new).await.expect("made");
        if number == ACCOUNTS - 1 {
            let change = ProfileChange {
                disabled: Some(true),
                ..ProfileChange::default()
            };
            let disabled = tx.update_user(new.id, &change, self.clock.now()).await;
            disabled.expect("disabled");
        }
        tx.commit().await.expect("stored");
        self.accounts.push(new.id);
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.dice.below(one_in) == 0
    }

    pub fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.dice.below(words.len())]
    }

    fn condition(&mut self) -> String {
        let account = self.accounts[self.dice.below(ACCOUNTS)];
        let mut terms = Vec::new();
        for _ in 0..self.dice.below(3) {
            terms.push(match self.dice.below(10) {
                0 => "subject.id == \"alice\"".to_owned(),
                1 => format!("subject.id in [\"bob\", \"{account}\", \"nobody\"]"),
                2 => "subject.properties.level == 1".to_owned(),
                3 => "resource.properties.public == true".to_owned(),
                4 => "resource.properties.owner == subject.id".to_owned(),
                5 => "resource.id in [\"a\", \"e\"]".to_owned(),
                6 => "action.properties.soft == true".to_owned(),
                7 => "subject.properties.team == resource.properties.team".to_owned(),
                8 => "subject.id == resource.id".to_owned(),
                _ => "resource.properties.public == subject.properties.public".to_owned(),
            });
        }
        terms.join(" and ")
    }

    pub fn properties(&mut self) -> Object {
        let owner = match self.dice.below(3) {
            0 => self.accounts[self.dice.below(ACCOUNTS)].to_string(),
            _ => self.one_of(&NAMED).to_owned(),
        };
        let all = json!({
            "level": self.dice.below(2), "public": self.chance(2), "owner": owner,
            "team": self.one_of(&["x", "y"]), "soft": self.chance(2),
        });
        let kept = object(all).into_iter().filter(|_| self.chance(2));
        kept.collect()
    }

    /// Another policy, other assignments and other entities.
    pub async fn change(&mut self) {
        self.clock.advance(TimeDelta::seconds(10));
        self.change_policy().await;
        self.change_assignments().await;
        let accounts = self.accounts.clone();
        let users = NAMED.iter().map(|id| (*id).to_owned());
        let users = users.chain(accounts.iter().skip(3).map(Uuid::to_string));
        let texts =
            |words: &[&str]| -> Vec<String> { words.iter().map(|id| (*id).to_owned()).collect() };
        for (side, kind, ids) in [
            (Side::Subject, "user", users.collect::<Vec<_>>()),
            (Side::Subject, "service", texts(&["alice", "s1"])),
            (Side::Resource, "record", texts(&RECORDS[..4])),
        ] {
            self.change_entities(side, kind, ids).await;
        }
    }

    async fn change_policy(&mut self) {
        let mut grants = BTreeSet::new();
        let mut parents = BTreeSet::new();
        for (at, role) in ROLES.iter().enumerate() {
            for _ in 0..self.dice.below(3) {
                grants.insert(StoredGrant {
                    role: (*role).to_owned(),
                    permission: self.one_of(&PERMISSIONS).to_owned(),
                    condition_text: self.condition(),
                });
            }
            // Parents come earlier, so that there is no cycle.
            for parent in &ROLES[..at] {
                if self.chance(4) {
                    parents.insert(((*role).to_owned(), (*parent).to_owned()));
                }
            }
        }
        let mut tx = self.services.store.transaction().await.expect("begun");
        tx.lock_policy().await.expect("locked");
        let before = tx.policy().await.expect("read");
        let mut after = before.clone();
        let permissions = PERMISSIONS.iter().filter(|name| !name.ends_with('*'));
        after.permissions = permissions
            .map(|name| ((*name).to_owned(), String::new()))
            .collect();
        let known: Vec<_> = before.roles.iter().map(|role| role.name.clone()).collect();
        let new = ROLES
            .iter()
            .filter(|name| known.iter().all(|known| known != *name));
        after.roles.extend(new.map(|name| StoredRole {
            name: (*name).to_owned(),
            description: String::new(),
            built_in: false,
        }));
        after.grants = grants.into_iter().collect();
        after.parents = parents.into_iter().collect();
        let changed = tx.change_policy(&before, &after, self.clock.now()).await;
        tx.finish(changed).await.expect("stored");
        self.services.policies.follow().await.expect("read");
    }

    async fn change_assignments(&mut self) {
        for user in self.accounts.clone() {
            let mut given = Vec::new();
            for _ in 0..self.dice.below(4) {
                let reach = match self.dice.below(4) {
                    0 => Reach::Everywhere,
                    1 => Reach::Type(self.one_of(&["record", "file"]).to_owned()),
                    _ => Reach::Resource {
                        kind: "record".to_owned(),
                        id: self.one_of(&RECORDS).to_owned(),
                    },
                };
                let ends = [None, Some(-1), Some(1_000_000)][self.dice.below(3)];
                given.push(Assignment {
                    role: self.one_of(&ROLES[1..]).to_owned(),
                    reach,
                    expires_at: ends.map(|micros| self.clock.micros() + micros),
                });
            }
            let now = self.clock.now();
            let mut tx = self.services.store.transaction().await.expect("begun");
            for role in &ROLES[1..] {
                tx.revoke_role(user, role, None, now)
                    .await
                    .expect("revoked");
            }
            for assignment in &given {
                let assigned = tx.assign_role(user, assignment, None, now).await;
                assigned.expect("assigned");
            }
            tx.commit().await.expect("stored");
        }
    }

    async fn change_entities(&mut self, side: Side, kind: &str, ids: Vec<String>) {
        let registry = Arc::clone(self.services.decisions.registry());
        let new = EntityType {
            side,
            kind: kind.to_owned(),
            description: String::new(),
            caller_wins: self.chance(2),
        };
        registry.put_type(new, Uuid::nil()).await.expect("written");
        let mut changes = EntityChanges::default();
        for id in ids {
            // Not all of them are registered all the time.
            if self.chance(4) {
                changes.delete.push(id);
            } else {
                let properties = self.properties();
                changes.upsert.push((id, properties));
            }
        }
        registry.change(side, kind, changes).await.expect("written");
    }

    pub async fn allows(&self, question: &Question<'_>) -> bool {
        let decided = self.services.decisions.decide(question).await;
        decided.expect("decided").allows()
    }

    pub async fn registered(&self, side: Side, kind: &str) -> Vec<String> {
        let page = self
            .services
            .decisions
            .registry()
            .list(side, kind, "", 1000)
            .await;
        let (entities, _) = page.expect("listed");
        entities.into_iter().map(|entity| entity.id).collect()
    }
}

//! How long the policy takes for a decision, alone: no request, no database.
//!
//! `cargo bench --bench decisions` makes a policy of ten thousand roles in six layers with a hundred thousand
//! grants, a tenth of them with a condition, gives a million roles to a hundred thousand subjects, and asks.
//! `--assignments` and the other options change that.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use clap::Parser;
use rbac_sentinel::testing::rbac::{
    Action, Assignment, Condition, Entity, Grant, Held, Policy, Properties, Question, Reach, Role,
    Snapshot,
};
use serde_json::{Map, Value, json};
use testkit::dice::Dice;
use testkit::machine::{Machine, revision};

/// The time that no assignment has passed.
const NOW: i64 = 1_767_225_600_000_000;
const LAYERS: usize = 6;
/// Permissions of one type of resource.
const ACTIONS: usize = 10;
/// Subjects that ask most of the time.
const BUSY: usize = 100;

/// Measures decisions.
#[derive(Parser)]
struct Options {
    /// Roles
    #[arg(long, default_value_t = 10_000)]
    roles: usize,
    /// Grants
    #[arg(long, default_value_t = 100_000)]
    grants: usize,
    /// Registered permissions
    #[arg(long, default_value_t = 20_000)]
    permissions: usize,
    /// Roles given to subjects, ten to each
    #[arg(long, default_value_t = 1_000_000)]
    assignments: usize,
    /// Different sets of roles that subjects have
    #[arg(long, default_value_t = 5_000)]
    profiles: usize,
    /// Decisions of each kind
    #[arg(long, default_value_t = 1_000_000)]
    decisions: usize,
    /// An option that cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let machine = Machine::this();
    println!(
        "{}, {} cores; commit {}",
        machine.processor,
        machine.cores,
        revision()
    );
    let dice = &mut Dice::new(1);
    let policy = policy(&options, dice);
    let building: Vec<_> = (0..5)
        .map(|version| timed(|| Snapshot::new(version, &policy)))
        .collect();
    let took: Vec<_> = building.iter().map(|(took, _)| *took).collect();
    print("making the snapshot", took);
    let Some((_, Ok(snapshot))) = building.into_iter().next_back() else {
        println!("the policy has a fault");
        std::process::exit(1);
    };
    let profiles: Vec<Vec<Assignment>> = (0..options.profiles.max(1))
        .map(|_| (0..10).map(|_| assignment(&options, dice)).collect())
        .collect();
    let first: Vec<_> = profiles
        .iter()
        .map(|roles| timed(|| snapshot.held(roles, NOW)).0)
        .collect();
    print("what a new set of ten roles holds", first);
    let subjects: Vec<Held> = (0..(options.assignments / 10).max(BUSY))
        .map(|_| snapshot.held(&profiles[dice.below(profiles.len())], NOW))
        .collect();
    let again =
        (0..10_000).map(|_| timed(|| snapshot.held(&profiles[dice.below(profiles.len())], NOW)).0);
    print("what a known set of ten roles holds", again.collect());
    println!();
    let names = Names::of(&options);
    let properties: [Map<String, Value>; 2] = ["subject-1", "subject-2"]
        .map(|owner| [("owner".to_owned(), json!(owner))].into_iter().collect());
    for (name, among) in [("busy subjects", BUSY), ("any subject", subjects.len())] {
        let permissions = if among == BUSY {
            BUSY
        } else {
            names.resources.len()
        };
        let mut allowed = 0;
        let mut times = Vec::with_capacity(options.decisions);
        for _ in 0..options.decisions {
            let held = &subjects[dice.below(among)];
            let question = names.question(dice, permissions, &properties);
            let (took, decided) = timed(|| snapshot.decide(held, &question));
            allowed += usize::from(decided.allows());
            times.push(took);
        }
        print(&format!("a decision, {name}"), times);
        println!("  allowed: {allowed} of {}", options.decisions);
    }
    let clock = (0..options.decisions).map(|_| timed(|| ()).0).collect();
    print("the clock itself, which is part of each figure", clock);
}

/// The names that questions are made of.
struct Names {
    resources: Vec<String>,
    actions: Vec<String>,
}

impl Names {
    fn of(options: &Options) -> Self {
        Self {
            resources: (0..options.permissions.div_ceil(ACTIONS))
                .map(|at| format!("resource-{at}"))
                .collect(),
            actions: (0..ACTIONS).map(|at| format!("action-{at}")).collect(),
        }
    }

    fn question<'a>(
        &'a self,
        dice: &mut Dice,
        resources: usize,
        properties: &'a [Map<String, Value>; 2],
    ) -> Question<'a> {
        Question {
            subject: Entity::bare("user", "subject-1"),
            action: Action {
                name: &self.actions[dice.below(ACTIONS)],
                properties: Properties::default(),
            },
            resource: Entity {
                kind: &self.resources[dice.below(resources.min(self.resources.len()))],
                id: "1",
                properties: Properties::of(Some(&properties[dice.below(2)])),
            },
        }
    }
}

fn policy(options: &Options, dice: &mut Dice) -> Policy {
    let permission = |at: usize| format!("resource-{}:action-{}", at / ACTIONS, at % ACTIONS);
    let condition = Condition::parse("resource.properties.owner == subject.id");
    let layer = options.roles.div_ceil(LAYERS);
    let mut roles: Vec<Role> = (0..options.roles)
        .map(|at| {
            let mut parents: Vec<_> = match (at / layer).checked_sub(1) {
                None => Vec::new(),
                Some(above) => (0..2)
                    .map(|_| format!("role-{}", above * layer + dice.below(layer)))
                    .collect(),
            };
            parents.dedup();
            Role {
                name: format!("role-{at}"),
                parents,
                grants: Vec::new(),
            }
        })
        .collect();
    for at in 0..options.grants {
        let role = dice.below(roles.len());
        roles[role].grants.push(Grant {
            permission: permission(dice.below(options.permissions)),
            condition: condition.clone().ok().filter(|_| at % 10 == 0),
        });
    }
    Policy {
        permissions: (0..options.permissions).map(permission).collect(),
        roles,
    }
}

fn assignment(options: &Options, dice: &mut Dice) -> Assignment {
    Assignment {
        role: format!("role-{}", dice.below(options.roles)),
        reach: Reach::Everywhere,
        expires_at: None,
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = black_box(work());
    (began.elapsed(), result)
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let quantile = |thousandths: usize| {
        let at = (times.len() * thousandths / 1000).min(times.len().saturating_sub(1));
        times.get(at).copied().unwrap_or_default()
    };
    println!(
        "{what}: P50 {:?}, P99 {:?}, P99.9 {:?}",
        quantile(500),
        quantile(990),
        quantile(999)
    );
}

//! A search finds what an evaluation allows and nothing else: on random policies every candidate is evaluated.

mod world;

use std::collections::BTreeSet;

use rbac_sentinel::testing::decisions::{Page, Position};
use rbac_sentinel::testing::rbac::{Action, Entity, Properties, Question};
use rbac_sentinel::testing::store::Side;
use uuid::Uuid;

use self::world::{ACCOUNTS, ACTIONS, KINDS, NAMED, Object, RECORDS, World};

const ROUNDS: u64 = 40;

/// Every result of the pages that `next` gives.
async fn walk(mut next: impl AsyncFnMut(Position) -> Page) -> Vec<String> {
    let (mut found, mut from) = (Vec::new(), Position::default());
    loop {
        let page = next(from).await;
        found.extend(page.results);
        match page.next {
            Some(position) => from = position,
            None => return found,
        }
    }
}

/// The results as a set; each must be there once.
#[track_caller]
fn set(found: Vec<String>) -> BTreeSet<String> {
    let set: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(set.len(), found.len(), "{found:?}");
    set
}

/// What is sent along with a question.
struct Sent {
    subject: Object,
    action: Object,
    resource: Object,
}

impl Sent {
    fn question<'a>(
        &'a self,
        subject: (&'a str, &'a str),
        action: &'a str,
        resource: (&'a str, &'a str),
    ) -> Question<'a> {
        Question {
            subject: Entity {
                kind: subject.0,
                id: subject.1,
                properties: Properties::of(Some(&self.subject)),
            },
            action: Action {
                name: action,
                properties: Properties::of(Some(&self.action)),
            },
            resource: Entity {
                kind: resource.0,
                id: resource.1,
                properties: Properties::of(Some(&self.resource)),
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_and_evaluation_never_disagree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&folder.path().join("data").display().to_string()).await;
    let mut results = [0; 3];
    for round in 0..ROUNDS {
        world.change().await;
        for _ in 0..8 {
            let sent = Sent {
                subject: world.properties(),
                action: world.properties(),
                resource: world.properties(),
            };
            let sent = if world.chance(2) {
                Sent {
                    subject: Object::new(),
                    ..sent
                }
            } else {
                sent
            };
            let limit = u32::try_from(world.dice.below(5)).expect("small") + 1;
            let action = world.one_of(&ACTIONS);
            let record = world.one_of(&RECORDS);
            for kind in KINDS {
                results[0] += subjects(&world, &sent, (kind, action, record), limit, round).await;
            }
            let user = match world.dice.below(2) {
                0 => world.accounts[world.dice.below(ACCOUNTS)].to_string(),
                _ => world.one_of(&NAMED).to_owned(),
            };
            results[1] += resources(&world, &sent, (&user, action), limit, round).await;
            results[2] += actions(&world, &sent, (&user, record), limit, round).await;
        }
    }
    // Searches without results would show nothing.
    assert!(results.iter().all(|count| *count > 100), "{results:?}");
}

async fn subjects(
    world: &World,
    sent: &Sent,
    (kind, action, record): (&str, &str, &str),
    limit: u32,
    round: u64,
) -> usize {
    let record = ("record", record);
    let asked = sent.question((kind, ""), action, record);
    let decisions = &world.services.decisions;
    let found = walk(async |from| {
        let page = decisions.search_subjects(&asked, from, limit).await;
        page.expect("searched")
    });
    let found = set(found.await);
    let mut candidates = world.registered(Side::Subject, kind).await;
    if kind == "user" {
        candidates.extend(world.accounts.iter().map(Uuid::to_string));
    }
    let mut expected = BTreeSet::new();
    for id in candidates {
        if world
            .allows(&sent.question((kind, &id), action, record))
            .await
        {
            expected.insert(id);
        }
    }
    assert_eq!(found, expected, "round {round}: {asked:?}");
    found.len()
}

async fn resources(
    world: &World,
    sent: &Sent,
    (user, action): (&str, &str),
    limit: u32,
    round: u64,
) -> usize {
    let user = ("user", user);
    let asked = sent.question(user, action, ("record", ""));
    let decisions = &world.services.decisions;
    let found = walk(async |from| {
        let page = decisions.search_resources(&asked, from, limit).await;
        page.expect("searched")
    });
    let found = set(found.await);
    for id in &found {
        let question = sent.question(user, action, ("record", id));
        assert!(
            world.allows(&question).await,
            "round {round}: {id} of {asked:?}"
        );
    }
    for id in world.registered(Side::Resource, "record").await {
        let allowed = world
            .allows(&sent.question(user, action, ("record", &id)))
            .await;
        assert_eq!(
            found.contains(&id),
            allowed,
            "round {round}: {id} of {asked:?}"
        );
    }
    found.len()
}

async fn actions(
    world: &World,
    sent: &Sent,
    (user, record): (&str, &str),
    limit: u32,
    round: u64,
) -> usize {
    let (user, record) = (("user", user), ("record", record));
    let asked = sent.question(user, "", record);
    let decisions = &world.services.decisions;
    let found = walk(async |from| {
        let page = decisions.search_actions(&asked, from, limit).await;
        page.expect("searched")
    });
    let found = set(found.await);
    for action in ACTIONS {
        let allowed = world.allows(&sent.question(user, action, record)).await;
        assert_eq!(
            found.contains(action),
            allowed,
            "round {round}: {action} of {asked:?}"
        );
    }
    found.len()
}

//! Whatever is allowed is where a search looks.

use testkit::dice::Dice;

use super::super::{Assignment, Entity, Properties, Question, Reach, Share, Snapshot};
use super::reference::{IDS, TYPES, asked, one_of, world};
use crate::rbac::Action;

const POLICIES: u64 = 5_000;
const QUESTIONS: usize = 10;

/// Whether it is for this resource.
fn covers(given: &Assignment, kind: &str, id: &str) -> bool {
    match &given.reach {
        Reach::Everywhere => true,
        Reach::Type(own) => own == kind,
        Reach::Resource {
            kind: own,
            id: only,
        } => own == kind && only == id,
    }
}

#[test]
fn what_is_allowed_is_where_a_search_looks() {
    let mut allowed = [0_u32; 2];
    let mut everywhere = [0_u32; 2];
    for seed in 0..POLICIES {
        let dice = &mut Dice::new(seed);
        let world = world(dice);
        let snapshot = Snapshot::new(seed, &world.policy).expect("a sound policy");
        let now = 150;
        let held = snapshot.held(&world.assignments, now);
        for _ in 0..QUESTIONS {
            let asked = asked(dice);
            let question = asked.question();
            let decided = snapshot.decide(&held, &question);
            let said = format!("seed {seed}: {question:?}");

            let places = snapshot.places_of_subjects(&question);
            let resource = &question.resource;
            let holds = world.assignments.iter().any(|given| {
                given.lives(now)
                    && covers(given, resource.kind, resource.id)
                    && places.roles.contains(&given.role.as_str())
            });
            let looked =
                places.all != Share::None || places.ids.contains(question.subject.id) || holds;
            assert!(looked || !decided.allows(), "{said}: {places:?}");
            if places.all == Share::All {
                assert!(decided.allows(), "{said}");
                everywhere[0] += 1;
            }
            allowed[0] += u32::from(decided.allows() && places.all == Share::None);

            let places = snapshot.places_of_resources(&held, &question);
            let looked = places.all != Share::None || places.ids.contains(resource.id);
            assert!(looked || !decided.allows(), "{said}: {places:?}");
            if places.all == Share::All {
                assert!(decided.allows(), "{said}");
                everywhere[1] += 1;
            }
            allowed[1] += u32::from(decided.allows() && places.all == Share::None);
        }
    }
    assert!(allowed.iter().all(|count| *count > 100), "{allowed:?}");
    assert!(
        everywhere.iter().all(|count| *count > 100),
        "{everywhere:?}"
    );
}

#[test]
fn actions_are_those_of_the_type_in_their_order() {
    for seed in 0..100 {
        let dice = &mut Dice::new(seed);
        let world = world(dice);
        let snapshot = Snapshot::new(seed, &world.policy).expect("a sound policy");
        for kind in TYPES {
            let actions: Vec<_> = snapshot.actions(kind).collect();
            assert!(actions.is_sorted(), "{actions:?}");
            let names = actions.iter().map(|action| format!("{kind}:{action}"));
            let known = |name: &&String| name.split_once(':').is_some_and(|(of, _)| of == kind);
            let expected = world.policy.permissions.iter().filter(known);
            assert_eq!(
                names.collect::<Vec<_>>(),
                expected.cloned().collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn nothing_of_an_unknown_permission_is_looked_at() {
    let dice = &mut Dice::new(1);
    let world = world(dice);
    let snapshot = Snapshot::new(1, &world.policy).expect("a sound policy");
    let question = Question {
        subject: Entity::bare("user", one_of(dice, &IDS)),
        action: Action {
            name: "read",
            properties: Properties::default(),
        },
        resource: Entity::bare("spaceship", "1"),
    };
    let held = snapshot.held(&world.assignments, 0);
    assert_eq!(
        snapshot.places_of_subjects(&question),
        super::super::Places::default()
    );
    assert_eq!(
        snapshot.places_of_resources(&held, &question),
        super::super::Places::default()
    );
    assert_eq!(snapshot.actions("spaceship").count(), 0);
}

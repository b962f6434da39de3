//! Secrets that are wrong, replaced or lost.

use super::*;

#[tokio::test]
async fn start_with_a_wrong_secret_changes_nothing_in_any_order() {
    let algorithms = [
        None,
        Some(SigningAlgorithm::EdDsa),
        Some(SigningAlgorithm::Es256),
        Some(SigningAlgorithm::Rs256),
    ];
    for first in algorithms {
        let house = House::new().await;
        let right = house.replica(first).await;
        for wrong in algorithms {
            let refused = house.start(&[TWO], options(wrong)).await.err();
            let refused = refused.expect("refused");
            let cause = std::error::Error::source(&refused)
                .expect("a cause")
                .to_string();
            assert!(cause.contains("cannot be decrypted"), "{cause}");
            assert_eq!(house.stored().await, 1, "{first:?}, then {wrong:?}");
            house.replica(first).await;
        }
        for next in algorithms {
            house.replica(next).await;
            assert!(house.start(&[TWO], options(next)).await.is_err());
        }
        right.reload().await.expect("reads");
        assert!(verifies(&right, &signs(&right)));
    }
}

#[tokio::test]
async fn secret_is_replaced_while_replicas_run() {
    let house = House::new().await;
    let old = house.replica(None).await;
    let key = signs(&old);
    // Everywhere behind the old one first, then in front.
    let both = house
        .start(&[ONE, TWO], options(None))
        .await
        .expect("starts");
    let new = house
        .start(&[TWO, ONE], options(None))
        .await
        .expect("starts");
    assert_eq!((signs(&both), signs(&new)), (key.clone(), key.clone()));
    let seals = seals(&[TWO, ONE]);
    let now = house.clock.now();
    let resealed = reseal_keys(&house.store, &seals, now)
        .await
        .expect("reseals");
    assert_eq!(resealed, (vec![key.clone()], vec![]));
    let again = reseal_keys(&house.store, &seals, now)
        .await
        .expect("reseals");
    assert_eq!(again, (vec![], vec![]));
    let alone = house.start(&[TWO], options(None)).await.expect("starts");
    assert_eq!(signs(&alone), key);
    // A replica that lacks the new secret keeps what it has opened, and no longer starts.
    old.reload().await.expect("reads");
    assert!(verifies(&old, &key));
    assert!(house.start(&[ONE], options(None)).await.is_err());
    // A key that only the new secret opens is known to be unreadable there, and nothing is added.
    let next = kid(alone.rotate().await.expect("rotates"));
    old.reload().await.expect("reads");
    assert_eq!(old.current().unreadable(), [next]);
    assert_eq!(house.stored().await, 2);
}

#[tokio::test]
async fn unreadable_keys_are_discarded_and_running_replicas_go_on() {
    let house = House::new().await;
    let running = house.replica(None).await;
    let lost = signs(&running);
    let (own, seals) = (seals(&[ONE]), seals(&[TWO]));
    let now = house.clock.now();
    let refused = reseal_keys(&house.store, &seals, now).await.expect("asked");
    assert_eq!(refused, (vec![], vec![lost.clone()]));
    let listed = list_keys(&house.store, Some(&seals), now)
        .await
        .expect("asked");
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].phase, &listed[0].secret),
        (KeyPhase::Active, &None)
    );

    let none = discard_unreadable_keys(&house.store, Some(&own)).await;
    assert_eq!(none.expect("asked"), Vec::<String>::new());
    let discarded = discard_unreadable_keys(&house.store, Some(&seals)).await;
    assert_eq!(discarded.expect("discards"), [lost.as_str()]);
    running.reload().await.expect("reads");
    assert!(!verifies(&running, &lost));
    assert_eq!(published(&running), [signs(&running)], "a new one signs");
}

#[tokio::test]
async fn key_that_verifies_nothing_is_not_missed_by_a_reseal() {
    let house = House::new().await;
    let keys = house.replica(None).await;
    let (old, seals) = (signs(&keys), seals(&[TWO]));
    let new = kid(keys.rotate().await.expect("rotates"));
    let now = house.clock.now();
    let end = now + FIVE_MINUTES + SEEN_BY_REPLICAS + LONGEST_TOKEN;
    for (now, unreadable) in [(now, vec![old, new.clone()]), (end, vec![new])] {
        let resealed = reseal_keys(&house.store, &seals, now).await.expect("asked");
        assert_eq!(resealed, (vec![], unreadable));
    }
}

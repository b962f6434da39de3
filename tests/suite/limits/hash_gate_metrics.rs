//! The metrics of the hash gate.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use rbac_sentinel::testing::hashing::{
    HashBounds, HashError, HashGate, HashGateConfig, HashParams, Password, Verdict,
};
use rbac_sentinel::testing::metrics;

use crate::support::alone::in_a_process_of_its_own;

/// The sum of a family's series whose labels contain `label`.
fn sum(text: &str, name: &str, label: &str) -> f64 {
    text.lines()
        .filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        })
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

#[tokio::test]
async fn hash_gate_counts_every_job_once_and_gauges_return_to_zero() {
    if !in_a_process_of_its_own(
        module_path!(),
        "hash_gate_counts_every_job_once_and_gauges_return_to_zero",
    ) {
        return;
    }
    let recorder = metrics::CatalogueRecorder::default().install().unwrap();
    let gate = HashGate::start(HashGateConfig {
        params: HashParams {
            memory_kib: 1024,
            iterations: 1,
            parallelism: 1,
        },
        bounds: HashBounds::default(),
        threads: 1,
        queue: 50,
        deadline: Duration::from_hours(1),
    })
    .unwrap();
    let password = || Password::new("correct horse");
    let stored = gate.hash(password()).await.unwrap();

    // These disconnect at once; it does not matter how many of them the thread had started.
    for _ in 0..20 {
        let _ = gate.dummy_verify(password()).now_or_never();
    }
    // More than may wait, at the same moment, unless the thread is quick.
    let verdicts = join_all((0..100).map(|_| gate.verify(password(), stored.clone()))).await;
    let refused = verdicts.iter().filter(|verdict| verdict.is_err()).count();
    for verdict in verdicts {
        assert!(matches!(
            verdict,
            Ok(Verdict::Match { outdated: false }) | Err(HashError::Overloaded { .. })
        ));
    }

    let text = recorder.render();
    let hashed = "auth_password_hash_duration_seconds_count";
    let waited = "auth_password_hash_queue_wait_seconds_count";
    let refused = f64::from(u32::try_from(refused).unwrap());
    let expect = |name, label, value: f64| {
        let found = sum(&text, name, label);
        assert!(
            (found - value).abs() < 1e-9,
            "{name} {label}: {found}, not {value}"
        );
    };
    expect(hashed, "operation=\"hash\"", 1.0);
    expect(hashed, "operation=\"verify\"", 100.0 - refused);
    expect(
        "auth_password_hash_rejected_total",
        "reason=\"queue_full\"",
        refused,
    );
    expect(
        "auth_password_hash_rejected_total",
        "reason=\"timeout\"",
        0.0,
    );
    let abandoned = sum(&text, "auth_password_hash_abandoned_total", "");
    let dummies = sum(&text, hashed, "operation=\"dummy_verify\"");
    assert!(
        (abandoned + dummies - 20.0).abs() < 1e-9,
        "{abandoned} + {dummies}"
    );
    expect(waited, "", sum(&text, hashed, ""));
    expect("auth_password_hash_in_flight", "", 0.0);
    expect("auth_password_hash_queue_depth", "", 0.0);
    expect("auth_password_hash_permits", "", 1.0);
    expect("auth_password_hash_params_info", "memory_kib=\"1024\"", 1.0);
}

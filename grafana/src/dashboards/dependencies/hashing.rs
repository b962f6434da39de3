//! Password hashing: the limit of the whole service.

use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{SHOWN, gauge, hash_slots_in_use, per_second, shown_quantile};
use crate::slo::PASSWORD_BOUND;

const HASH_DURATION: &str = "auth_password_hash_duration_seconds";

/// The queue of the hash gate.
pub(super) fn queue() -> Vec<Panel> {
    let wait = |q| shown_quantile(q, "", "auth_password_hash_queue_wait_seconds", "");
    let bound = PASSWORD_BOUND
        .parse()
        .expect("the bound of an objective is a number");
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Hash slots in use",
            "At 100 % for long, every further login waits: add cores and raise `HASH_THREADS`, or \
             add a replica. rbac-sentinel calibrate measures how many logins a second the machine \
             can do.",
        )
        .runbook(&["hash-queue"])
        .query("in use", hash_slots_in_use())
        .steps(&[(0.9, Color::Warn)])
        .missing("no instance is scraped"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Hash queue depth",
            "Work waiting for a hash thread. A short peak is a burst. A plateau is more load than \
             the machine can hash: see *Hash slots in use*, and *Logins by reason* on \
             Authentication to tell whether it is an attack.",
        )
        .runbook(&["hash-queue"])
        .query(
            "{{instance}}",
            gauge("instance", "auth_password_hash_queue_depth", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Hash queue wait P95",
            "The first delay that users notice. Near `HASH_DEADLINE` work is refused: see *Hash \
             work refused*.",
        )
        .runbook(&["hash-queue"])
        .query("P95", wait(0.95))
        .query("P50", wait(0.5))
        .steps(&[(0.1, Color::Warn), (bound, Color::Bad)])
        .quiet("no hashing"),
    ]
}

/// Completed and refused hashing.
pub(super) fn work() -> Vec<Panel> {
    let by_operation = |q| shown_quantile(q, "operation", HASH_DURATION, "");
    let parameters = "algorithm, memory_kib, iterations, parallelism";
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Hash duration quantiles",
            "Longer without a change of *Hash parameters*: something else uses the cores, see *CPU \
             cores used*. dummy_verify must take as long as verify; otherwise the time reveals \
             which accounts exist.",
        )
        .runbook(&["timing"])
        .query("{{operation}} P50", by_operation(0.5))
        .query("{{operation}} P95", by_operation(0.95))
        .quiet("no hashing"),
        Panel::new(
            View::TimeSeries,
            Unit::Number,
            "Hashing CPU cores",
            "Cores busy with hashing, and the number of hash threads. At that line all threads are \
             busy: raise `HASH_THREADS` if *CPU cores used* leaves room, or add a replica.",
        )
        .query(
            "hashing",
            per_second("", &format!("{HASH_DURATION}_sum"), ""),
        )
        .query("threads", gauge("", "auth_password_hash_permits", "")),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Hash work refused",
            "Work refused with 503 and Retry-After. abandoned is work whose client had \
             disconnected. Refusals for minutes: add capacity, or stop an attack at the proxy. A \
             longer `HASH_DEADLINE` lengthens waits and does not admit more logins.",
        )
        .runbook(&["hash-shed"])
        .query(
            "{{reason}}",
            per_second("reason", "auth_password_hash_rejected_total", ""),
        )
        .query(
            "abandoned",
            per_second("", "auth_password_hash_abandoned_total", ""),
        ),
        Panel::new(
            View::Table,
            Unit::Number,
            "Hash parameters",
            "Parameters of new hashes. More than one line outside a deploy: replicas are \
             configured differently. Set them with `HASH_MEMORY_KIB` and `HASH_ITERATIONS`. Stored \
             hashes are renewed at the next login.",
        )
        .query(
            "",
            format!("count by ({parameters}) (auth_password_hash_params_info{{{SHOWN}}})"),
        )
        .columns(&[
            ("algorithm", "Algorithm"),
            ("memory_kib", "KiB"),
            ("iterations", "Iterations"),
            ("parallelism", "Lanes"),
            ("Value", "Instances"),
        ])
        .missing("no instance is scraped")
        .size(24, 4),
    ]
}

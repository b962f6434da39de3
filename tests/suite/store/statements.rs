//! That the contracts execute every statement. Other tests of this process execute statements, too:
//! so the contracts run once more in a process where nothing else does.

use futures_util::StreamExt as _;

use super::recorder;

/// How many contracts run at a time; each has a few connections.
const AT_A_TIME: usize = 8;

/// Runs contracts; asserts that on this database each statement was executed.
pub async fn all_are_executed_by(contracts: Vec<impl Future<Output = ()>>, engine: &str) {
    let contracts = futures_util::stream::iter(contracts).buffer_unordered(AT_A_TIME);
    contracts.collect::<()>().await;
    let metrics = crate::harness::Metrics(recorder().render());
    let executed = |name: &str| {
        let labels = [("db_system_name", engine), ("db_query_summary", name)];
        metrics.sum("db_client_operation_duration_seconds_count", &labels)
    };
    let unused: Vec<_> = rbac_sentinel::testing::store::sql::all()
        .map(|statement| statement.name)
        .filter(|name| executed(name) == 0.0)
        .collect();
    assert!(
        unused.is_empty(),
        "no contract executes {unused:?} on {engine}"
    );
}

//! That the contracts execute every statement. Other tests of this process execute statements, too:
//! so the contracts run once more in a process where nothing else does.

use std::process::Command;

use futures_util::StreamExt as _;

use super::recorder;

/// Set in the process that runs the contracts.
const ALONE: &str = "STATEMENTS_OF_CONTRACTS";
/// How many contracts run at a time; each has a few connections.
const AT_A_TIME: usize = 8;

/// Whether this process was started for this test alone. If not, starts such a process, and asserts
/// that the test passes there.
pub fn in_a_process_of_its_own(module: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_, module) = module.split_once("::").expect("a module of this crate");
    let test = format!("{module}::every_statement_is_executed_by_a_contract");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &test, "--include-ignored"])
        .env(ALONE, "yes")
        .output()
        .expect("it starts");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("1 passed"),
        "the test has another name: {said}"
    );
    false
}

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

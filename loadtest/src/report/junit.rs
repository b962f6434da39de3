//! A run as a JUnit report, which continuous integration shows: a case for each expectation.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::markdown::COMPARISON;
use crate::Result;
use crate::result::RunResult;
use crate::shared::NOT_COMPARED;

/// The report.
///
/// # Errors
/// When it cannot be written: a defect.
pub fn report(result: &RunResult) -> Result<String> {
    let mut suite = TestSuite::new(result.scenario.as_str());
    for (name, held, detail) in result.expectations() {
        let mut status = TestCaseStatus::success();
        if !held {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(detail);
        }
        let mut case = TestCase::new(name, status);
        case.set_classname(format!("loadtest.{}", result.scenario));
        case.set_system_out(detail);
        suite.add_test_case(case);
    }
    if result.shared.is_some() {
        let mut status = TestCaseStatus::skipped();
        status.set_message(NOT_COMPARED);
        suite.add_test_case(TestCase::new(COMPARISON, status));
    }
    suite.set_time(Duration::from_secs_f64(result.seconds.max(0.0)));
    let mut report = Report::new("loadtest");
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Verdict;

    #[test]
    fn every_expectation_is_a_case_and_what_was_missed_a_failure() {
        let verdict = |name: &str, held| Verdict {
            name: name.to_owned(),
            held,
            detail: "2 ms <of 1 ms>".to_owned(),
        };
        let result = RunResult {
            scenario: "peak".to_owned(),
            verdicts: vec![verdict("P50", true), verdict("P95", false)],
            ..RunResult::default()
        };
        let text = report(&result).expect("written");
        assert!(text.contains("tests=\"2\""), "{text}");
        assert!(text.contains("failures=\"1\""), "{text}");
        assert_eq!(text.matches("<failure").count(), 1, "{text}");
        assert!(text.contains("classname=\"loadtest.peak\""), "{text}");
        assert!(!text.contains("<of"), "{text}");
    }
}

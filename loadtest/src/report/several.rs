//! What a report says of several generators.

use crate::result::RunResult;
use crate::times::millis;

/// How many there were, where, and what each did; nothing of a run of one.
pub fn generators(result: &RunResult) -> Option<String> {
    let all = &result.generators;
    if all.is_empty() {
        return None;
    }
    let each = all.iter().map(|one| {
        let cores = one.cores;
        let cores = cores.map_or_else(String::new, |cores| format!(" with {cores:.2} cores"));
        format!(
            "run {} of {} sent {} requests of {} users{cores}, on {}, woken late by {} (P95), {} at most",
            one.run_id,
            one.began,
            one.requests,
            one.users,
            one.machine,
            millis(one.delay[1]),
            millis(one.delay[3]),
        )
    });
    let each: Vec<_> = each.collect();
    Some(format!(
        "{} generators, added up: {}.",
        all.len(),
        each.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{html, markdown};
    use crate::shared::{Generator, SharedRun};

    #[test]
    fn report_says_of_how_many_generators_it_is() {
        let mut result = RunResult::default();
        assert_eq!(generators(&result), None);
        for (id, requests) in [("a", 3), ("b", 4)] {
            result.generators.push(Generator {
                run_id: id.to_owned(),
                requests,
                ..Generator::default()
            });
        }
        let (table, page) = (markdown::report(&result), html::report(&result));
        for text in [table, page] {
            assert!(text.contains("2 generators, added up: run a of "), "{text}");
            assert!(text.contains("; run b of  sent 4 requests"), "{text}");
        }
    }

    #[test]
    fn report_of_one_among_several_says_what_is_not_compared() {
        let mut result = RunResult::default();
        assert!(!markdown::report(&result).contains("not compared"));
        result.shared = Some(SharedRun::default());
        let (table, page) = (markdown::report(&result), html::report(&result));
        assert!(table.contains("users = server: not compared: "), "{table}");
        assert!(page.contains("users = server: not compared: "), "{page}");
        assert!(!table.contains("| server |"), "{table}");
    }
}

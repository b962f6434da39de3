//! A run's seconds as a table for spreadsheets and notebooks.

use crate::Result;
use crate::timeline::Second;

const COLUMNS: [&str; 17] = [
    "at_s",
    "length_s",
    "users",
    "successes",
    "refused",
    "failed",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "server_per_s",
    "server_refused_per_s",
    "server_p95_ms",
    "server_hashing",
    "server_waiting",
    "server_cores",
    "server_memory_mib",
];

/// The table, with a line of names.
///
/// # Errors
/// When it cannot be written: a defect.
pub fn table(seconds: &[Second]) -> Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for second in seconds {
        let known =
            |value: Option<f64>| value.map(|value| format!("{value:.3}")).unwrap_or_default();
        let server = second.server.as_ref();
        table.write_record([
            format!("{:.3}", second.at),
            format!("{:.3}", second.length),
            second.users.to_string(),
            second.successes.to_string(),
            second.refused.to_string(),
            second.failed.to_string(),
            known(second.p50_ms),
            known(second.p95_ms),
            known(second.p99_ms),
            known(second.max_ms),
            known(server.map(|server| server.per_second)),
            known(server.map(|server| server.refused_per_second)),
            known(server.and_then(|server| server.p95_ms)),
            known(server.map(|server| server.hashing)),
            known(server.map(|server| server.waiting)),
            known(server.and_then(|server| server.cores)),
            known(server.map(|server| server.memory_mib)),
        ])?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::ServerSecond;

    #[test]
    fn what_is_unknown_is_empty() {
        let server = ServerSecond {
            per_second: 12.5,
            memory_mib: 40.0,
            ..ServerSecond::default()
        };
        let second = |server| Second {
            at: 1.0,
            length: 1.0,
            users: 3,
            successes: 12,
            p50_ms: Some(0.4),
            server,
            ..Second::default()
        };
        let table = table(&[second(Some(server)), second(None)]).expect("written");
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0].split(',').count(), COLUMNS.len());
        assert_eq!(
            lines[1],
            "1.000,1.000,3,12,0,0,0.400,,,,12.500,0.000,,0.000,0.000,,40.000"
        );
        assert_eq!(lines[2], "1.000,1.000,3,12,0,0,0.400,,,,,,,,,,");
    }
}

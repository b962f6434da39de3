//! The users' latencies in the format of HdrHistogram, which other tools read and which can be added up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::statistics::{Part, Statistics, Times};

/// The latencies of one operation, status and outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StoredHistogram {
    /// Method and route template.
    pub operation: String,
    /// The status; 0 without an answer.
    pub status: u16,
    /// The outcome.
    pub outcome: String,
    /// Whether these are the requests of the ramp.
    pub ramp: bool,
    /// Measured latencies in microseconds: V2, compressed, in base64.
    pub measured: String,
    /// The same, corrected for coordinated omission.
    pub corrected: String,
}

/// All of a run.
///
/// # Errors
/// When one cannot be written: a defect.
pub fn stored(statistics: &Statistics) -> Result<Vec<StoredHistogram>> {
    let mut stored = Vec::new();
    for (part, ramp) in [(&statistics.ramp, true), (&statistics.steady, false)] {
        store(part, ramp, &mut stored)?;
    }
    Ok(stored)
}

fn store(part: &Part, ramp: bool, stored: &mut Vec<StoredHistogram>) -> Result<()> {
    for ((route, status, outcome), row) in &part.rows {
        stored.push(StoredHistogram {
            operation: route.name(),
            status: status.unwrap_or_default(),
            outcome: outcome.word().to_owned(),
            ramp,
            measured: written(&row.times)?,
            corrected: written(&row.corrected)?,
        });
    }
    Ok(())
}

/// A histogram as it is stored.
///
/// # Errors
/// When it cannot be written: a defect.
pub fn written(times: &Times) -> Result<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(times, &mut bytes)?;
    Ok(STANDARD.encode(bytes))
}

/// A histogram that was stored.
///
/// # Errors
/// When it is none.
pub fn read(text: &str) -> Result<Times> {
    let bytes = STANDARD.decode(text)?;
    let times = Deserializer::new().deserialize(&mut bytes.as_slice());
    times.map_err(|error| format!("a histogram cannot be read: {error}").into())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::outcome::Outcome;
    use crate::routes::Route;

    #[test]
    fn histogram_survives_writing_and_reading() {
        let mut statistics = Statistics::default();
        let now = Instant::now();
        for (part, micros) in [
            (&mut statistics.ramp, 900),
            (&mut statistics.steady, 70_000),
        ] {
            let row = part.add((Route::Me, Some(200), Outcome::Success), now, now);
            row.times.record_n(micros, 7).expect("in range");
            row.corrected.record_n(micros, 9).expect("in range");
        }
        let stored = stored(&statistics).expect("written");
        assert_eq!(stored.len(), 2);
        assert!(stored[0].ramp && !stored[1].ramp);
        assert_eq!(
            (stored[1].operation.as_str(), stored[1].status),
            ("GET /users/me", 200)
        );
        let measured = read(&stored[1].measured).expect("a histogram");
        assert_eq!(measured, statistics.steady.times(|_| true).0);
        let corrected = read(&stored[1].corrected).expect("a histogram");
        assert_eq!(corrected.len(), 9);
        assert!(read("HISTnot").is_err() && read("AAAA").is_err());
    }
}

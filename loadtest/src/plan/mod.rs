//! From what was measured to what a service needs: replicas, cores, memory, connections, commands of Redis.

mod basis;
mod model;
pub mod options;
mod report;
#[cfg(test)]
mod tests;

use self::basis::{Basis, Calibration};
use self::model::{Demand, Site};
use self::options::Options;
use crate::Result;
use crate::capacity::form::Capacity;

/// A plan, as text or as JSON.
///
/// # Errors
/// When there is nothing to plan with, or for.
pub fn plan(options: &Options) -> Result<String> {
    let capacity = options.capacity.as_deref().map(Capacity::read);
    let capacity = capacity.transpose()?;
    let calibration = options.calibration.as_deref().map(|file| {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        Calibration::parse(&text).map_err(|error| format!("{name}: {error}"))
    });
    let basis = match (&capacity, calibration.transpose()?) {
        (Some(capacity), None) => Basis::of(capacity)?,
        (Some(capacity), Some(calibration)) => Basis::of(capacity)?.on(calibration, capacity)?,
        (None, Some(calibration)) => Basis::of_calibration(calibration),
        (None, None) => return Err("what can a replica do? capacity.json, or --calibration".into()),
    };
    let demand = Demand {
        logins: options.logins,
        reads: options.reads,
        headroom: options.headroom,
    };
    let site = Site {
        max_connections: options.max_connections,
        other_connections: options.other_connections,
        pool: options.pool,
        surplus: options.surplus,
    };
    let plan = model::plan(&basis, demand, site)?;
    if options.json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&plan)?));
    }
    Ok(report::text(&plan, &basis, capacity.as_ref()))
}

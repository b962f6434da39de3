//! Options of a plan.

use std::path::PathBuf;

use clap::Args;

use crate::percents::share;

/// Options of `plan`.
#[derive(Args, Debug)]
pub struct Options {
    /// What `capacity` found: `capacity.json`, or the folder that it is in
    #[arg(required_unless_present = "calibration")]
    pub capacity: Option<PathBuf>,

    /// What `rbac-sentinel calibrate` printed on the machine of the replicas; logins are then those of that machine
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,

    /// Logins a second that are expected
    #[arg(long, value_parser = a_second, default_value = "0", value_name = "A_SECOND")]
    pub logins: f64,

    /// Reads a second that are expected
    #[arg(long, value_parser = a_second, default_value = "0", value_name = "A_SECOND")]
    pub reads: f64,

    /// Share of what the replicas can do that stays free
    #[arg(long, value_parser = headroom, default_value = "30 %", value_name = "PERCENT")]
    pub headroom: f64,

    /// Connections that PostgreSQL allows; its own default unless it is given
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub max_connections: u32,

    /// Connections that others need: PostgreSQL keeps three for its administrator
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    pub other_connections: u32,

    /// Connections of each replica's pool (DB_MAX_CONNECTIONS)
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "NUMBER")]
    pub pool: u32,

    /// Replicas that run beside the others while those are replaced one after another
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub surplus: u32,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `2000`, `2,000` or `2000/s`.
fn a_second(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("/s").replace([',', '_'], "");
    match number.trim().parse() {
        Ok(rate) if (0.0..=1e9).contains(&rate) => Ok(rate),
        _ => Err(format!("`{text}` must be a number a second, as in 2000")),
    }
}

fn headroom(text: &str) -> Result<f64, String> {
    share(text, 90.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for text in ["2000", "2,000", "2000/s", "2_000"] {
            assert_eq!(a_second(text), Ok(2000.0), "{text}");
        }
        for wrong in ["", "-1", "x", "NaN"] {
            assert!(a_second(wrong).is_err(), "{wrong}");
        }
    }
}

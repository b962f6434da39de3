//! The shipped configuration of Prometheus, with other addresses and a scaled interval.

use std::time::Duration;

use yaml_serde::Value;

use super::pace::Pace;
use super::ports::Ports;
use crate::Result;
use crate::known::exporters;

/// The scrape interval in production, as in `prometheus.yml`.
pub const SCRAPE: Duration = Duration::from_secs(15);

impl Pace {
    /// The scaled scrape interval, as text.
    #[must_use]
    pub fn scrape(self) -> String {
        format!("{}ms", self.of(SCRAPE).as_millis())
    }
}

impl Ports {
    /// The configuration with each job at its port here, and without Alertmanager.
    ///
    /// # Errors
    /// When it is not a configuration, or its jobs are not the programs here.
    pub fn scraped(&self, shipped: &str, pace: Pace) -> Result<String> {
        let mut config: Value = yaml_serde::from_str(shipped)?;
        let every = pace.scrape();
        for name in ["scrape_interval", "evaluation_interval", "scrape_timeout"] {
            config["global"][name] = every.clone().into();
        }
        config["rule_files"] = vec!["rules/*.yml"].into();
        if let Some(map) = config.as_mapping_mut() {
            map.remove("alerting");
        }
        let addresses = [
            ("auth", self.replicas.map(|(_, ops)| ops).to_vec()),
            ("prometheus", vec![self.prometheus]),
            ("loadtest", vec![self.lab]),
            (exporters::POSTGRES, vec![self.postgres_exporter]),
            (exporters::REDIS, vec![self.redis_exporter]),
        ];
        let jobs = config["scrape_configs"].as_sequence_mut();
        let jobs = jobs.ok_or("prometheus.yml scrapes nothing")?;
        if jobs.len() != addresses.len() {
            return Err(format!("prometheus.yml has {} jobs", jobs.len()).into());
        }
        for job in jobs {
            let name = job["job_name"].as_str().unwrap_or_default();
            let address = addresses.iter().find(|(of, _)| *of == name);
            let (_, ports) = address.ok_or_else(|| format!("nothing here is the job {name}"))?;
            let targets = ports.iter().map(|port| format!("127.0.0.1:{port}"));
            let targets: Vec<String> = targets.collect();
            if let Some(map) = job.as_mapping_mut() {
                map.remove("dns_sd_configs");
            }
            job["static_configs"] = yaml_serde::from_str("[{}]")?;
            job["static_configs"][0]["targets"] = targets.into();
        }
        Ok(yaml_serde::to_string(&config)?)
    }
}

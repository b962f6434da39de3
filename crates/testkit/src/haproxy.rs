//! HAProxy in front of replicas of the service: it asks each for `/readyz`, and sends requests to those that are.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::ports::free_port;
use crate::process::Process;
use crate::{Result, http};

/// A proxy that runs. Killed when dropped.
#[derive(Debug)]
pub struct HaProxy {
    process: Process,
    port: u16,
    statistics: u16,
}

impl HaProxy {
    /// Starts this program in front of replicas, given by the addresses of their APIs and of their probes, and
    /// waits until it has found all of them ready. Its configuration and what it says are in this folder;
    /// `watch` learns its process id before anything is waited for.
    ///
    /// # Errors
    /// With its output, when it does not start or one of them is not ready.
    pub fn start(
        program: &Path,
        folder: &Path,
        replicas: &[(String, String)],
        watch: impl FnOnce(u32),
    ) -> Result<Self> {
        let (port, statistics) = (free_port(), free_port());
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, configuration(port, statistics, replicas))?;
        let mut command = Command::new(program);
        // Ctrl-C is for the program that has started it.
        command.arg("-db").arg("-f").arg(&file).process_group(0);
        let mut process = Process::start("haproxy", &mut command, folder)?;
        watch(process.pid());
        process.wait_until("ready", || (up(statistics) == replicas.len()).then_some(()))?;
        Ok(Self {
            process,
            port,
            statistics,
        })
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How many replicas it sends requests to.
    #[must_use]
    pub fn up(&self) -> usize {
        up(self.statistics)
    }
}

fn configuration(port: u16, statistics: u16, replicas: &[(String, String)]) -> String {
    let servers = replicas.iter().enumerate();
    let servers = servers.map(|(number, (api, ops))| {
        let probe = ops.rsplit(':').next().unwrap_or_default();
        format!("  server replica{number} {api} check port {probe} inter 100ms fall 1 rise 1\n")
    });
    let servers: String = servers.collect();
    format!(
        "global\n  maxconn 4000\ndefaults\n  mode http\n  timeout connect 60s\n  timeout check 60s\n  timeout client 60s\n  \
         timeout server 60s\nfrontend public\n  bind 127.0.0.1:{port}\n  default_backend replicas\n\
         frontend statistics\n  bind 127.0.0.1:{statistics}\n  stats enable\n  stats uri /\n\
         backend replicas\n  balance leastconn\n  option httpchk GET /readyz\n{servers}"
    )
}

fn up(statistics: u16) -> usize {
    let page = http::get(&format!("http://127.0.0.1:{statistics}/;csv"));
    let text = page.map(|page| page.body).unwrap_or_default();
    let is_up = |line: &&str| line.starts_with("replicas,replica") && line.contains(",UP,");
    text.lines().filter(is_up).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_probed_at_their_own_ports() {
        let replicas = [
            ("127.0.0.1:1", "127.0.0.1:2"),
            ("127.0.0.1:3", "127.0.0.1:4"),
        ];
        let replicas = replicas.map(|(api, ops)| (api.to_owned(), ops.to_owned()));
        let text = configuration(5, 6, &replicas);
        for line in [
            "  bind 127.0.0.1:5\n",
            "  bind 127.0.0.1:6\n",
            "  server replica0 127.0.0.1:1 check port 2 ",
            "  server replica1 127.0.0.1:3 check port 4 ",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn nobody_is_up_where_nobody_answers() {
        assert_eq!(up(free_port()), 0);
    }
}

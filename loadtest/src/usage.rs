//! Processor time that has been used so far: by the lab, by the server's processes, by the whole machine.

use testkit::machine;

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// By the lab.
    pub lab: f64,
    /// By the server, where its processes are known.
    pub server: Option<f64>,
    /// By everything on this machine.
    pub machine: Option<f64>,
}

impl Usage {
    /// So far. Nothing where the system does not tell.
    #[must_use]
    pub fn now(server: &[u32]) -> Option<Self> {
        Some(Self {
            lab: machine::processor_seconds(std::process::id())?,
            server: processor_seconds(server),
            machine: machine::busy_seconds(),
        })
    }

    /// What was used since an earlier moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        let less = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Self {
            lab: self.lab - earlier.lab,
            server: less(self.server, earlier.server),
            machine: less(self.machine, earlier.machine),
        }
    }
}

/// Seconds that these processes have used together, of which there is at least one.
#[must_use]
pub fn processor_seconds(pids: &[u32]) -> Option<f64> {
    let each = pids.iter().map(|pid| machine::processor_seconds(*pid));
    let sum = each.sum::<Option<f64>>()?;
    (!pids.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_added_up_and_unknown_ones_are_not_guessed() {
        assert_eq!(processor_seconds(&[]), None);
        let this = std::process::id();
        let Some(once) = processor_seconds(&[this]) else {
            return;
        };
        assert!(processor_seconds(&[this, this]) >= Some(2.0 * once));
        assert_eq!(processor_seconds(&[this, u32::MAX]), None);
    }

    #[test]
    fn usage_is_what_was_added() {
        let of = |lab, server| Usage {
            lab,
            server,
            machine: Some(9.0),
        };
        let used = of(3.0, Some(7.5)).since(of(1.0, Some(2.5)));
        assert_eq!(
            (used.lab, used.server, used.machine),
            (2.0, Some(5.0), Some(0.0))
        );
        assert_eq!(of(3.0, None).since(of(1.0, Some(1.0))).server, None);
    }
}

//! Several replicas behind one address.

use std::path::Path;

use testkit::haproxy::HaProxy;
use testkit::process::Signal;

use super::generators::merge;
use crate::harness::{ADMIN_PASSWORD, Lab, Running, Service, until};

const SHORT: [&str; 6] = ["--users", "10", "--spawn-rate", "20", "--run-time", "3s"];

/// Two replicas on one database, behind HAProxy.
struct Pair {
    proxy: HaProxy,
    services: [Service; 2],
}

impl Pair {
    fn start() -> Self {
        // Tokens of one are good at the other.
        let settings = [("PUBLIC_URL", "http://localhost")];
        let one = Service::start(&settings);
        let services = [one.replica(&settings), one];
        let host = |url: String| url.replace("http://", "");
        let addresses = services
            .each_ref()
            .map(|service| (host(service.api()), host(service.ops())));
        let program = std::env::var("HAPROXY").expect("HAPROXY must name it: run scripts/test");
        let folder = services[0].folder();
        let proxy = HaProxy::start(Path::new(&program), folder, &addresses, |_| {});
        Self {
            proxy: proxy.unwrap_or_else(|error| panic!("{error}")),
            services,
        }
    }

    /// A run that is told of these replicas.
    fn lab(&self, replicas: &[&Service]) -> Lab {
        let mut lab = Lab::new("rbac-mix")
            .password(ADMIN_PASSWORD)
            .args(&["--host", &self.proxy.url()])
            .args(&SHORT);
        for replica in replicas {
            lab = lab.args(&["--ops", &replica.ops()]);
        }
        lab
    }
}

#[test]
#[ignore = "takes long and needs HAProxy: scripts/test"]
fn replicas_are_reconciled_as_a_sum_and_one_that_is_left_out_is_missed() {
    let pair = Pair::start();
    let [one, other] = &pair.services;
    let run = pair.lab(&[one, other]).run();
    assert_eq!(run.code, 0, "{run}");
    let result = run.result();
    let replicas = result["replicas"].as_array().expect("replicas");
    let answered: Vec<f64> = replicas
        .iter()
        .map(|replica| replica["requests"].as_f64().expect("a number"))
        .collect();
    assert_eq!(answered.len(), 2, "{run}");
    assert!(answered.iter().all(|requests| *requests > 0.0), "{run}");
    let sent = result["requests"].as_u64().expect("a number");
    assert_eq!(answered.iter().sum::<f64>().to_string(), sent.to_string());
    assert!(run.stdout.contains(" 2 replicas: "), "{run}");

    let run = pair.lab(&[one]).run();
    assert_eq!(run.code, 1, "{run}");
    let complaint = "identity broken: requests by operation and status: users = server";
    assert!(run.stderr.contains(complaint), "{run}");
}

#[test]
#[ignore = "takes long and needs HAProxy: scripts/test"]
fn generators_may_name_the_replicas_in_any_order() {
    let pair = Pair::start();
    let [one, other] = &pair.services;
    let labs = [[one, other], [other, one]];
    let labs = labs.map(|replicas| pair.lab(&replicas).args(&["--shared"]).start());
    let runs = labs.map(Running::wait);
    for run in &runs {
        assert_eq!(run.code, 0, "{run}");
    }
    let merged = merge(&runs);
    assert_eq!(merged.code, 0, "{merged}");
    let result = merged.result();
    let replicas = result["replicas"].as_array().expect("replicas");
    let answered = replicas.iter().map(|one| one["requests"].as_f64());
    let answered: f64 = answered.map(|count| count.expect("a number")).sum();
    let identities = result["identities"].as_array().expect("identities");
    let mut details = identities.iter().filter_map(|one| one["detail"].as_str());
    // What the labs asked for themselves is among it.
    let all = format!("{answered} requests in ");
    assert!(
        details.any(|detail| detail.starts_with(&all)),
        "{all}: {merged}"
    );
}

#[test]
#[ignore = "takes long and needs HAProxy: scripts/test"]
fn replica_that_dies_is_named_by_its_address() {
    let pair = Pair::start();
    let [one, other] = &pair.services;
    let running = pair.lab(&[one, other]).args(&["--run-time", "5m"]).start();
    until("it runs", || {
        running.said().contains(" s of ").then_some(())
    });
    one.signal(Signal::KILL);
    let run = running.wait();
    assert_eq!(run.code, 3, "{run}");
    let words = format!("the replica {}/ refuses connections at ", one.ops());
    assert!(run.stderr.contains(&words), "{run}");
}

//! `GET /users/me` as fast as it goes: the service with everything on, the service without a
//! recorder, and a bare endpoint, in turn.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Until, Wire, get, load};
use crate::server::{Server, folder};
use crate::stats::{Latency, median};
use crate::{Result, machine};

/// How it is measured.
pub struct Plan {
    /// Rounds of each contestant.
    pub rounds: usize,
    /// How long a round lasts.
    pub round: Duration,
    /// Connections of the load generator.
    pub connections: usize,
}

/// One of those that are compared.
struct Contestant {
    /// Its place in the report.
    place: usize,
    name: &'static str,
    server: Server,
    requests: Vec<Wire>,
    rates: Vec<f64>,
    /// Microseconds of processor time a request, of the server alone.
    costs: Vec<f64>,
    latencies: Vec<Duration>,
    outcomes: Vec<String>,
}

impl Contestant {
    fn new(place: usize, name: &'static str, server: Server, requests: Vec<Wire>) -> Self {
        Self {
            place,
            name,
            server,
            requests,
            rates: Vec::new(),
            costs: Vec::new(),
            latencies: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// The service, with an account and a token for each connection.
    fn service(
        place: usize,
        name: &'static str,
        server: Server,
        connections: usize,
    ) -> Result<Self> {
        server.register(connections)?;
        let tokens = server.tokens(connections)?;
        let requests = tokens.iter().map(|token| get("/users/me", token)).collect();
        Ok(Self::new(place, name, server, requests))
    }

    fn round(&mut self, duration: Duration) {
        let before = machine::cpu_time(self.server.pid());
        let load = load(self.server.api, &self.requests, Until::Elapsed(duration));
        let after = machine::cpu_time(self.server.pid());
        self.rates.push(load.rate());
        if let (Some(before), Some(after)) = (before, after) {
            let requests: f64 = load.rate() * load.elapsed.as_secs_f64();
            self.costs
                .push((after.saturating_sub(before)).as_secs_f64() * 1e6 / requests);
        }
        if !load.clean() {
            self.outcomes.push(load.outcomes());
        }
        self.latencies.extend(load.latencies);
    }

    fn report(self) -> (f64, Value) {
        let (rate, cost) = (median(&self.rates), median(&self.costs));
        let latency = Latency::of(self.latencies);
        println!(
            "  {:12} {rate:7.0}/s, {cost:.1} µs of processor a request; {latency}",
            self.name
        );
        for outcome in &self.outcomes {
            println!("               not only 200: {outcome}");
        }
        let json = json!({
            "requests_per_second": rate,
            "rounds": self.rates,
            "server_cpu_us_per_request": cost,
            "latency": latency.json(),
            "other_outcomes": self.outcomes,
        });
        (cost, json)
    }
}

/// The throughput of one as a share of another's, round by round, and the median of that: what else
/// the machine does meanwhile changes from round to round and strikes both.
fn paired(one: &Contestant, other: &Contestant) -> f64 {
    let rounds = one.rates.iter().zip(&other.rates);
    median(&rounds.map(|(one, other)| one / other).collect::<Vec<_>>())
}

/// Measures and prints.
pub fn measure(plan: &Plan) -> Result<Value> {
    let folders = [folder()?, folder()?, folder()?];
    let [bare_in, service_in, unrecorded_in] = folders.each_ref().map(|folder| folder.path());
    let bare = Server::bare(bare_in)?;
    let bare_requests = vec![get("/users/me", &bare.token); plan.connections];
    let mut contestants = [
        Contestant::new(0, "bare", bare, bare_requests),
        Contestant::service(1, "service", Server::service(service_in)?, plan.connections)?,
        Contestant::service(
            2,
            "unrecorded",
            Server::unrecorded(unrecorded_in)?,
            plan.connections,
        )?,
    ];
    println!(
        "GET /users/me at saturation, {} connections, {} rounds of {} s each in turn, medians",
        plan.connections,
        plan.rounds,
        plan.round.as_secs()
    );
    for contestant in &contestants {
        let warm_up = Until::Elapsed(Duration::from_secs(1));
        load(contestant.server.api, &contestant.requests, warm_up);
    }
    for _ in 0..plan.rounds {
        // Another one goes first each time: who follows whom makes a difference, too.
        contestants.rotate_left(1);
        for contestant in &mut contestants {
            contestant.round(plan.round);
        }
    }
    contestants.sort_by_key(|contestant| contestant.place);
    let [bare, service, unrecorded] = &contestants;
    let ratio = paired(service, bare);
    let recording = 1.0 - paired(service, unrecorded);
    let [(bare_cost, a), (cost, b), (unrecorded_cost, c)] = contestants.map(Contestant::report);
    println!(
        "  service / bare {:.1} % of the throughput, {:+.1} µs a request",
        ratio * 100.0,
        cost - bare_cost
    );
    println!(
        "  recording metrics takes {:.1} % of the throughput, {:+.1} µs a request",
        recording * 100.0,
        cost - unrecorded_cost
    );
    Ok(json!({
        "connections": plan.connections,
        "bare": a,
        "service": b,
        "unrecorded": c,
        "service_to_bare": ratio,
        "recording_share": recording,
    }))
}

//! `GET /users/me` at saturation: the service, the service without a metrics recorder, and a bare
//! endpoint, in turn.

use std::time::Duration;

use serde_json::{Value, json};

use crate::backends::Backends;
use crate::common::Result;
use crate::common::client::{Wire, get};
use crate::common::stats::Latency;
use crate::load::{Until, load};
use crate::median::median;
use crate::process;
use crate::server::{Server, folder};

/// Parameters of the measurement.
pub struct Plan {
    /// Rounds of each contestant.
    pub rounds: usize,
    /// How long a round lasts.
    pub round: Duration,
    /// Connections of the load generator.
    pub connections: usize,
    /// Servers that the service is measured on, too.
    pub backends: Backends,
}

/// A server that takes part in the comparison.
pub struct Contestant {
    /// Its place in the report.
    pub place: usize,
    name: &'static str,
    /// The server.
    pub server: Server,
    /// One request for each connection.
    pub requests: Vec<Wire>,
    rates: Vec<f64>,
    /// Microseconds of processor time a request, of the server alone.
    costs: Vec<f64>,
    latencies: Vec<Duration>,
    outcomes: Vec<String>,
}

impl Contestant {
    /// One that answers these requests.
    pub fn new(place: usize, name: &'static str, server: Server, requests: Vec<Wire>) -> Self {
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

    /// Puts load on it for a while.
    pub fn round(&mut self, duration: Duration) {
        let before = process::cpu_time(self.server.pid());
        let load = load(self.server.api, &self.requests, Until::Elapsed(duration));
        let after = process::cpu_time(self.server.pid());
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

    /// Prints and gives its figures.
    pub fn report(self) -> (f64, Value) {
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

/// Median of the ratios of two contestants' throughputs, round by round: other load on the machine
/// changes from round to round and affects both.
pub fn paired(one: &Contestant, other: &Contestant) -> f64 {
    let rounds = one.rates.iter().zip(&other.rates);
    median(&rounds.map(|(one, other)| one / other).collect::<Vec<_>>())
}

/// Measures and prints.
pub fn measure(plan: &Plan) -> Result<Value> {
    let folders = [folder()?, folder()?, folder()?, folder()?];
    let [bare_in, service_in, unrecorded_in, servers_in] =
        folders.each_ref().map(|folder| folder.path());
    let (bare, token) = Server::bare(bare_in)?;
    let bare_requests = vec![get("/users/me", &token); plan.connections];
    let mut contestants = vec![
        Contestant::new(0, "bare", bare, bare_requests),
        Contestant::service(
            1,
            "service",
            Server::service(service_in, &[])?,
            plan.connections,
        )?,
        Contestant::service(
            2,
            "unrecorded",
            Server::unrecorded(unrecorded_in)?,
            plan.connections,
        )?,
    ];
    let place = plan.backends.place()?;
    if let Some(place) = &place {
        let server = Server::service(servers_in, &place.env)?;
        let name = plan.backends.name();
        contestants.push(Contestant::service(3, name, server, plan.connections)?);
    }
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
        // Rotate the order, which makes a difference, too.
        contestants.rotate_left(1);
        for contestant in &mut contestants {
            contestant.round(plan.round);
        }
    }
    contestants.sort_by_key(|contestant| contestant.place);
    let ratio = |one: usize, other: usize| paired(&contestants[one], &contestants[other]);
    let (to_bare, recording) = (ratio(1, 0), 1.0 - ratio(1, 2));
    let servers = place.as_ref().map(|_| (ratio(3, 0), ratio(3, 1)));
    let (costs, figures): (Vec<_>, Vec<_>) =
        contestants.into_iter().map(Contestant::report).unzip();
    println!(
        "  service / bare {:.1} % of the throughput, {:+.1} µs a request",
        to_bare * 100.0,
        costs[1] - costs[0]
    );
    println!(
        "  recording metrics takes {:.1} % of the throughput, {:+.1} µs a request",
        recording * 100.0,
        costs[1] - costs[2]
    );
    if let Some((to_bare, to_embedded)) = servers {
        println!(
            "  {} / bare {:.1} %, / embedded {:.1} %",
            plan.backends.name(),
            to_bare * 100.0,
            to_embedded * 100.0
        );
    }
    Ok(json!({
        "connections": plan.connections,
        "bare": figures[0],
        "service": figures[1],
        "unrecorded": figures[2],
        "servers": figures.get(3),
        "service_to_bare": to_bare,
        "recording_share": recording,
        "servers_to_bare": servers.map(|(to_bare, _)| to_bare),
        "servers_to_embedded": servers.map(|(_, to_embedded)| to_embedded),
    }))
}

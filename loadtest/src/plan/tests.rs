//! Tests of the arithmetic.

use super::basis::{Ability, Basis, Bound, Cost};
use super::model::{Demand, Line, Plan, Site, plan};
use crate::capacity::form::Resource;

fn ability(rate: f64, bound: Bound, cost: Cost) -> Ability {
    Ability {
        rate,
        bound,
        filled: Some(Resource::HashGate),
        cost: Some(cost),
        from: "measured".to_owned(),
    }
}

fn basis(reads: Bound) -> Basis {
    let login = Cost {
        processor: 0.02,
        connection: 0.004,
        redis: 2.0,
    };
    let read = Cost {
        processor: 0.000_1,
        connection: 0.0,
        redis: 0.0,
    };
    Basis {
        logins: Some(ability(100.0, Bound::Exact, login)),
        reads: Some(ability(10_000.0, reads, read)),
        memory: Some((120.0, "measured".to_owned())),
        servers: (true, true),
    }
}

const DEMAND: Demand = Demand {
    logins: 2_000.0,
    reads: 50_000.0,
    headroom: 0.3,
};
const SITE: Site = Site {
    max_connections: 100,
    other_connections: 3,
    pool: 10,
    surplus: 1,
};

fn line<'a>(plan: &'a Plan, what: &str) -> &'a Line {
    let found = plan.lines.iter().find(|line| line.what == what);
    found.expect(what)
}

#[test]
fn figures_follow_from_what_one_replica_can_do() {
    let plan = plan(&basis(Bound::Exact), DEMAND, SITE).expect("a plan");
    // 20 replicas by logins and 5 by reads, of which 70 % may be filled.
    assert_eq!(plan.replicas, 36);
    // 40 cores by logins, 5 by reads.
    assert!((line(&plan, "cores in all").value - 45.0 / 0.7).abs() < 1e-9);
    assert_eq!(line(&plan, "cores of a replica").says, "1.8");
    assert_eq!(line(&plan, "memory in all").says, "4440 MiB");
    assert_eq!(line(&plan, "connections of PostgreSQL").says, "410 of 100");
    assert_eq!(line(&plan, "commands of Redis a second").says, "4000");
    assert_eq!(plan.shares[0].what, "max_connections of PostgreSQL");
    assert_eq!(plan.problems.len(), 1);
    // 97 connections for 37 processes are two each, of which one is a health check's.
    assert!(
        plan.problems[0].contains("DB_MAX_CONNECTIONS=1 fits"),
        "{:?}",
        plan.problems
    );
}

#[test]
fn next_bottleneck_is_what_is_fullest() {
    let wide = Site {
        max_connections: 1_000,
        ..SITE
    };
    let plan = plan(&basis(Bound::Exact), DEMAND, wide).expect("a plan");
    assert_eq!(plan.shares[0].what, "the hash threads, by logins");
    assert!((plan.shares[0].full - 20.0 / 36.0).abs() < 1e-9);
    assert!(plan.problems.is_empty());
}

#[test]
fn bound_stays_a_bound() {
    let plan = |bound| plan(&basis(bound), DEMAND, SITE).expect("a plan");
    let at_most = plan(Bound::AtLeast);
    let replicas = line(&at_most, "replicas");
    assert_eq!(replicas.says, "at most 36");
    assert!(replicas.from.contains("÷ at least 10000.0/s a replica"));
    let mut unknown = basis(Bound::AtLeast);
    if let Some(reads) = &mut unknown.reads {
        reads.filled = Some(Resource::Lab);
    }
    let unknown = super::model::plan(&unknown, DEMAND, SITE).expect("a plan");
    let full = unknown.shares.iter().map(|share| share.what.as_str());
    assert!(
        full.clone()
            .any(|what| what == "the replicas, by reads (with what is not known)")
    );
    assert_eq!(line(&plan(Bound::AtMost), "replicas").says, "at least 36");
}

#[test]
fn headroom_and_demand_move_the_number() {
    let only = |logins, headroom| {
        let demand = Demand {
            logins,
            reads: 0.0,
            headroom,
        };
        plan(&basis(Bound::Exact), demand, SITE)
            .expect("a plan")
            .replicas
    };
    assert_eq!(
        (only(100.0, 0.0), only(101.0, 0.0), only(70.0, 0.3)),
        (1, 2, 1)
    );
    assert_eq!(only(1.0, 0.3), 1);
}

#[test]
fn what_nobody_measured_is_refused() {
    let mut unknown = basis(Bound::Exact);
    unknown.reads = None;
    let error = plan(&unknown, DEMAND, SITE).expect_err("unknown");
    assert!(error.to_string().contains("nothing is known of reads"));
    let nothing = Demand {
        logins: 0.0,
        reads: 0.0,
        ..DEMAND
    };
    assert!(plan(&unknown, nothing, SITE).is_err());
}

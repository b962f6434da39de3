//! The arithmetic of a plan: from what one replica can do to how many of them are needed, and what they take.

use serde::Serialize;

use super::basis::{Ability, Basis, Bound, Cost};
use crate::Result;
use crate::capacity::form::Resource;
use crate::percents::shown;

/// Commands a second that one Redis does on one core, by its own documentation; nothing here measures it.
const REDIS: f64 = 100_000.0;
/// The version of the plan's form.
const VERSION: u32 = 1;

/// What is expected.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Demand {
    /// Logins a second.
    pub logins: f64,
    /// Reads a second.
    pub reads: f64,
    /// Share of what the replicas can do that stays free.
    pub headroom: f64,
}

/// What the replicas get.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Site {
    /// Connections that PostgreSQL allows.
    pub max_connections: u32,
    /// Connections that others need.
    pub other_connections: u32,
    /// Connections of each replica's pool.
    pub pool: u32,
    /// Replicas that run beside the others during a rolling update.
    pub surplus: u32,
}

/// A figure of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Of what.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// In words, a bound as a bound.
    pub says: String,
    /// What it is derived from.
    pub from: String,
}

/// A resource, and how full it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Which.
    pub what: String,
    /// How full, 0 to 1.
    pub full: f64,
    /// What that is derived from.
    pub from: String,
}

/// A plan.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The version of this form.
    pub version: u32,
    /// What is expected.
    pub demand: Demand,
    /// What the replicas get.
    pub site: Site,
    /// Replicas.
    pub replicas: u32,
    /// The figures.
    pub lines: Vec<Line>,
    /// What is how full at this demand, the fullest first.
    pub shares: Vec<Share>,
    /// What does not fit, in words.
    pub problems: Vec<String>,
}

/// One kind of work, as far as it is expected.
struct Part<'a> {
    name: &'static str,
    a_second: f64,
    ability: &'a Ability,
}

impl Part<'_> {
    /// What it fills. The lab, and other programs beside the service, are nothing that a replica has.
    fn filling(&self) -> String {
        match self.ability.filled {
            Some(Resource::Lab | Resource::Others) | None => {
                format!("the replicas, by {} (with what is not known)", self.name)
            }
            Some(what) => format!("{what}, by {}", self.name),
        }
    }

    /// Replicas that it fills.
    fn filled(&self) -> f64 {
        self.a_second / self.ability.rate
    }
}

/// Makes a plan.
///
/// # Errors
/// When nothing is expected, or nothing is known of what is.
pub fn plan(basis: &Basis, demand: Demand, site: Site) -> Result<Plan> {
    let mut parts = Vec::new();
    for (name, a_second, ability) in [
        ("logins", demand.logins, &basis.logins),
        ("reads", demand.reads, &basis.reads),
    ] {
        if a_second > 0.0 {
            let ability = ability.as_ref().ok_or_else(|| {
                format!("nothing is known of {name}: `loadtest capacity` finds out")
            })?;
            parts.push(Part {
                name,
                a_second,
                ability,
            });
        }
    }
    if parts.is_empty() {
        return Err("nothing is expected: --logins, --reads".into());
    }
    let filled: f64 = parts.iter().map(Part::filled).sum();
    let replicas = whole(filled / (1.0 - demand.headroom));
    let mut plan = Plan {
        version: VERSION,
        demand,
        site,
        replicas,
        lines: vec![number_of_replicas(&parts, demand, replicas)],
        shares: Vec::new(),
        problems: Vec::new(),
    };
    processor(&mut plan, &parts);
    memory(&mut plan, basis);
    connections(&mut plan, basis, &parts);
    redis(&mut plan, basis, &parts);
    for part in &parts {
        let share = part.filled() / f64::from(replicas);
        plan.shares.push(Share {
            what: part.filling(),
            full: share,
            from: format!(
                "{} of {replicas} × {:.1}/s",
                part.a_second, part.ability.rate
            ),
        });
    }
    plan.shares
        .sort_by(|one, other| other.full.total_cmp(&one.full));
    Ok(plan)
}

fn number_of_replicas(parts: &[Part<'_>], demand: Demand, replicas: u32) -> Line {
    let terms = parts.iter().map(|part| {
        let bound = match part.ability.bound {
            Bound::Exact => "",
            Bound::AtLeast => "at least ",
            Bound::AtMost => "at most ",
        };
        format!(
            "{} {}/s ÷ {bound}{:.1}/s a replica ({}) = {:.2}",
            part.a_second,
            part.name,
            part.ability.rate,
            part.ability.from,
            part.filled()
        )
    });
    let terms: Vec<_> = terms.collect();
    Line {
        what: "replicas",
        value: f64::from(replicas),
        says: bounded(parts, replicas.to_string()),
        from: format!(
            "{}; together ÷ {} so that {} stay free, rounded up",
            terms.join("; "),
            1.0 - demand.headroom,
            shown(demand.headroom)
        ),
    }
}

/// A number of replicas, or what follows from it. What one can do at least, is a need at most.
fn bounded(parts: &[Part<'_>], number: String) -> String {
    let has = |bound| parts.iter().any(|part| part.ability.bound == bound);
    match (has(Bound::AtLeast), has(Bound::AtMost)) {
        (false, false) => number,
        (true, false) => format!("at most {number}"),
        (false, true) => format!("at least {number}"),
        (true, true) => format!("about {number}"),
    }
}

/// The sum of what each request takes, where that is known of all.
fn sum(parts: &[Part<'_>], of: impl Fn(&Cost) -> f64) -> Option<f64> {
    let each = parts
        .iter()
        .map(|part| Some(part.a_second * of(part.ability.cost.as_ref()?)));
    each.sum()
}

/// What is added up, in words: each kind of work by what a request of it takes.
fn terms(parts: &[Part<'_>], shown: impl Fn(&Cost) -> String) -> String {
    let each = parts.iter().filter_map(|part| {
        let takes = shown(part.ability.cost.as_ref()?);
        Some(format!("{} {} × {takes}", part.a_second, part.name))
    });
    each.collect::<Vec<_>>().join(" + ")
}

fn processor(plan: &mut Plan, parts: &[Part<'_>]) {
    let Some(busy) = sum(parts, |cost| cost.processor) else {
        return;
    };
    let cores = busy / (1.0 - plan.demand.headroom);
    let terms = terms(parts, |cost| format!("{:.3} ms", cost.processor * 1e3));
    plan.lines.push(Line {
        what: "cores in all",
        value: cores,
        says: format!("{cores:.1}"),
        from: format!(
            "processor time of the service, measured: {} = {busy:.1} cores; ÷ {}",
            terms,
            1.0 - plan.demand.headroom
        ),
    });
    let each = cores / f64::from(plan.replicas);
    plan.lines.push(Line {
        what: "cores of a replica",
        value: each,
        says: format!("{each:.1}"),
        from: format!("÷ {} replicas", plan.replicas),
    });
}

fn memory(plan: &mut Plan, basis: &Basis) {
    let Some((memory, from)) = &basis.memory else {
        return;
    };
    plan.lines.push(Line {
        what: "memory of a replica",
        value: *memory,
        says: format!("{memory:.0} MiB"),
        from: from.clone(),
    });
    let all = memory * f64::from(plan.replicas + plan.site.surplus);
    plan.lines.push(Line {
        what: "memory in all",
        value: all,
        says: format!("{all:.0} MiB"),
        from: format!(
            "× {} replicas and {} of an update",
            plan.replicas, plan.site.surplus
        ),
    });
}

fn connections(plan: &mut Plan, basis: &Basis, parts: &[Part<'_>]) {
    let site = plan.site;
    let processes = plan.replicas + site.surplus;
    let needed = processes * (site.pool + 1) + site.other_connections;
    plan.lines.push(Line {
        what: "connections of PostgreSQL",
        value: f64::from(needed),
        says: format!("{needed} of {}", site.max_connections),
        from: format!(
            "({} replicas + {} of a rolling update) × ({} of the pool + 1 for its health) + {} of others",
            plan.replicas, site.surplus, site.pool, site.other_connections
        ),
    });
    plan.shares.push(Share {
        what: "max_connections of PostgreSQL".to_owned(),
        full: f64::from(needed) / f64::from(site.max_connections.max(1)),
        from: format!("{needed} of {}", site.max_connections),
    });
    let busy = sum(parts, |cost| cost.connection).filter(|_| basis.servers.0);
    let each = busy.map(|busy| busy / f64::from(plan.replicas));
    if let Some(each) = each {
        let share = each / f64::from(site.pool);
        plan.shares.push(Share {
            what: "the pools of connections".to_owned(),
            full: share,
            from: format!(
                "{each:.2} of {} are borrowed on average, measured",
                site.pool
            ),
        });
    }
    if needed > site.max_connections {
        plan.problems.push(too_many(plan, needed, each));
    }
}

/// What can be done about too many connections.
fn too_many(plan: &Plan, needed: u32, busy: Option<f64>) -> String {
    let site = plan.site;
    let processes = plan.replicas + site.surplus;
    let room = site.max_connections.saturating_sub(site.other_connections) / processes;
    let smaller = room.saturating_sub(1);
    // Twice what is borrowed on average, as docs/operations.md sizes pools.
    let enough = busy.map(|busy| whole(busy * 2.0));
    match enough {
        Some(enough) if smaller >= enough => format!(
            "{needed} connections are more than max_connections = {}: DB_MAX_CONNECTIONS={smaller} fits, and {enough} \
             would be enough; or raise max_connections to {needed}",
            site.max_connections
        ),
        _ => format!(
            "{needed} connections are more than max_connections = {}: raise it to {needed}, or put a pooler between \
             that keeps sessions",
            site.max_connections
        ),
    }
}

fn redis(plan: &mut Plan, basis: &Basis, parts: &[Part<'_>]) {
    let commands = sum(parts, |cost| cost.redis).filter(|_| basis.servers.1);
    let Some(commands) = commands else {
        return;
    };
    let terms = terms(parts, |cost| format!("{:.2}", cost.redis));
    plan.lines.push(Line {
        what: "commands of Redis a second",
        value: commands,
        says: format!("{commands:.0}"),
        from: format!("measured: {terms}"),
    });
    plan.shares.push(Share {
        what: "Redis".to_owned(),
        full: commands / REDIS,
        from: format!("{commands:.0} of about {REDIS} commands a second, which its documentation says and nothing here measures"),
    });
}

/// The next whole number, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number; more replicas than fit are as many as fit"
)]
fn whole(number: f64) -> u32 {
    // A hair above a whole number comes from the division.
    ((number - 1e-9).ceil().max(1.0)) as u32
}

//! Runs the users of a scenario and measures, until the end or until the run is stopped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use goose::config::GooseConfiguration;
use testkit::exposition::{Between, Exposition};
use testkit::machine;
use tokio::task::JoinHandle;

use crate::Result;
use crate::attack::{self, Kind, Load};
use crate::cli::Options;
use crate::connection::{Connection, base};
use crate::delay::{Delay, DelayProbe};
use crate::ending::Failure;
use crate::figures::{self, Scrapes};
use crate::live::{Metrics, Progress, Ramp};
use crate::memory::Memory;
use crate::monitor;
use crate::output::say;
use crate::own::Rows;
use crate::pacer::Arrivals;
use crate::reconcile::Counts;
use crate::recorder::Recorder;
use crate::result::ReplicaResult;
use crate::scenarios::Scenario;
use crate::setup::{self, ServerUnderTest};
use crate::spawn::Server;
use crate::state::{Account, Shared};
use crate::statistics::Statistics;
use crate::stop::{Reason, Stop};
use crate::summed::summed;
use crate::target::{COUNT_TIMEOUT, REQUESTS, Target};
use crate::timeline::{Observer, Second, Timeline};
use crate::usage::Usage;
use crate::yardstick::Yardstick;

/// How often it is looked whether the ramp is over.
const LOOK: Duration = Duration::from_millis(20);
/// Time that requests under way have to end after a run is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// Measurements of a run.
pub struct Observed {
    /// The commit of the lab.
    pub revision: String,
    /// The users' measurements.
    pub statistics: Statistics,
    /// Goose's counts, unless it was cut off.
    pub goose: Option<Counts>,
    /// The server's metrics, of all replicas together.
    pub server: Scrapes,
    /// What each of them did.
    pub replicas: Vec<ReplicaResult>,
    /// What the lab itself asked for since the metrics were read before.
    pub own: Rows,
    /// Whether they could be read after the run.
    pub scraped: bool,
    /// What the machine can do.
    pub yardstick: Yardstick,
    /// Processor time that the run needed.
    pub used: Option<Usage>,
    /// The same after the ramp.
    pub used_steadily: Option<Usage>,
    /// The server's memory.
    pub memory: Option<Memory>,
    /// How late the lab was woken.
    pub delay: Delay,
    /// Both sides, second by second.
    pub seconds: Vec<Second>,
    /// What became of the arrivals.
    pub arrivals: Vec<Arrivals>,
    /// When the first user started.
    pub began: Instant,
    /// The length of the run.
    pub length: Duration,
    /// Why it ended before its time, and when.
    pub stopped: Option<(Reason, Instant)>,
}

/// What is settled before the server is.
pub struct Begun<'a> {
    /// Id of the run.
    pub run_id: &'a str,
    /// How users connect.
    pub connection: Connection,
    /// Goose's own options.
    pub goose: GooseConfiguration,
    /// Ends the run before its time.
    pub stop: Stop,
}

/// What is ready before the first user starts.
struct Ready {
    yardstick: Yardstick,
    accounts: Vec<Account>,
    before: Vec<Exposition>,
    metrics: Arc<Metrics>,
    revision: String,
}

/// Runs the users and measures; nothing if the run was stopped before them.
///
/// # Errors
/// When there was no run, or the lab failed.
pub async fn drive(
    options: &Options,
    scenario: &Scenario,
    load: &Load,
    begun: Begun<'_>,
    under_test: ServerUnderTest,
) -> Result<Option<Observed>, Failure> {
    let (run_id, stop) = (begun.run_id, &begun.stop);
    let ServerUnderTest {
        server,
        pids,
        watch,
        target,
        admin,
        before,
    } = under_test;
    let server = server.map(|server| Arc::new(Mutex::new(server)));
    let ready = prepare(options, scenario, run_id, &target, before);
    let Some(ready) = stop.unless(ready).await else {
        return Ok(None);
    };
    let ready = ready.map_err(Failure::NotStarted)?;
    let metrics = ready.metrics;
    let recorder = Arc::new(Recorder::new(metrics.histograms()));
    let kinds = Kind::all(scenario, load);
    let own_client = options.http2 || target.api.scheme() == "https";
    let shared = Arc::new(Shared {
        run: run_id.to_owned(),
        base: base(&target.api),
        connection: own_client.then_some(begun.connection),
        seed: options.seed,
        accounts: ready.accounts,
        stop: stop.clone(),
        ..attack::shared(load, &kinds, &recorder, admin)
    });

    let Ramp { users, rate } = load.ramp;
    phase(options, &format!("{users} users start, {rate} a second"));
    let used_before = Usage::now(&pids);
    metrics.active(true);
    let probe = DelayProbe::start();
    let timeline = Arc::new(Timeline::default());
    let observer = Observer {
        timeline: Arc::clone(&timeline),
        recorder: Arc::clone(&recorder),
        scraped: (!scenario.unscraped).then(|| target.clone()),
        pids: pids.clone(),
        metrics: Arc::clone(&metrics),
        progress: Progress::new(load.ramp, shared.length, options.quiet),
    };
    let tasks = [
        tokio::spawn(observer.follow()),
        tokio::spawn(monitor::watch(server.clone(), target.clone(), stop.clone())),
        tokio::spawn(end_goose(stop.clone())),
    ];
    let middle = after_ramp(Arc::clone(&shared), target.clone(), pids.clone());
    let middle = tokio::spawn(middle);
    let attack = attack::attack(&kinds, load, begun.goose, &shared);
    let goose = unless_cut_off(stop, Box::pin(attack)).await;
    tasks.iter().for_each(JoinHandle::abort);
    metrics.active(false);
    let delay = probe.delay();
    let used_after = Usage::now(&pids);
    let used = |before: Option<Usage>| Some(used_after?.since(before?));
    let statistics = recorder.statistics();
    let (each, scraped) = settle(options, stop, &target, &ready.before).await;
    let replicas = figures::replicas(&target, &ready.before, &each);
    let whole = Between {
        before: summed(ready.before),
        after: summed(each),
    };
    let memory = watch.and_then(|watch| watch.memory());
    let stopped = stop.reason();
    release(options, stop, server).await.map_err(Failure::Lab)?;
    if statistics.span().is_none() && statistics.unsent() == 0 && stop.reason().is_none() {
        let why = "no request was sent: is the run too short for its users to come?";
        return Err(Failure::NotStarted(why.into()));
    }
    let arrivals = kinds.iter().filter_map(|kind| {
        let pacer = kind.pacer.as_ref()?;
        Some(Arrivals::of(kind.name(), pacer, &delay))
    });
    let (middle, used_in_middle) = ended(middle).await.unzip();
    Ok(Some(Observed {
        arrivals: arrivals.collect(),
        seconds: timeline.seconds(),
        revision: ready.revision,
        statistics,
        goose: goose.transpose().map_err(Failure::Lab)?,
        scraped,
        replicas,
        own: if options.shared {
            target.own()
        } else {
            Rows::new()
        },
        server: Scrapes { whole, middle },
        yardstick: ready.yardstick,
        used: used(used_before),
        used_steadily: used(used_in_middle.flatten()),
        memory,
        delay,
        began: shared.started(),
        length: shared.length,
        stopped: stopped.or_else(|| stop.reason()),
    }))
}

/// Says what is happening where nothing is to be seen.
pub fn phase(options: &Options, what: &str) {
    if !options.quiet {
        say(what);
    }
}

async fn prepare(
    options: &Options,
    scenario: &Scenario,
    run_id: &str,
    target: &Target,
    before: Option<Vec<Exposition>>,
) -> Result<Ready> {
    let yardstick = Yardstick::measure(target.far()).await?;
    if scenario.accounts > 0 {
        phase(
            options,
            &format!("{} accounts are registered", scenario.accounts),
        );
    }
    let accounts = setup::prepare(target, run_id, options.seed, scenario.accounts).await?;
    let before = match before {
        Some(before) => before,
        None => target.settled().await?,
    };
    let revision = machine::revision();
    let bounds = before.first().ok_or("no replica")?.bounds(REQUESTS);
    let address = options.metrics_addr;
    let metrics = Metrics::serve(address, &bounds, run_id, &scenario.name, &revision)?;
    Ok(Ready {
        yardstick,
        accounts,
        before,
        metrics: Arc::new(metrics),
        revision,
    })
}

/// The result of this, unless the run is stopped and it does not end soon after.
async fn unless_cut_off<T>(stop: &Stop, work: impl Future<Output = T>) -> Option<T> {
    let cut_off = async {
        stop.stopped().await;
        tokio::select! {
            () = stop.hurried() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = cut_off => None,
    }
}

/// Lets goose end once the run is stopped.
async fn end_goose(stop: Stop) {
    stop.stopped().await;
    goose::trigger_killswitch("the run is stopped");
}

/// Waits until the server has finished its requests; gives the metrics of each replica after the run, and whether
/// they could be read.
async fn settle(
    options: &Options,
    stop: &Stop,
    target: &Target,
    before: &[Exposition],
) -> (Vec<Exposition>, bool) {
    phase(
        options,
        "the last answers are awaited, and the server's metrics",
    );
    let settled = async {
        if options.shared {
            // The last generator finds the server at rest, and the others need not.
            return target.settled_within(COUNT_TIMEOUT).await;
        }
        target.settled().await
    };
    let after = unless_cut_off(stop, settled).await;
    let Some(Ok(after)) = after else {
        return (before.to_vec(), false);
    };
    if let Some(at) = monitor::restarted(before, &after) {
        let which = monitor::name(target, at);
        stop.server_gone(format!("{which} was started again during the run; noticed"));
    }
    (after, true)
}

/// Lets the lab's metrics be scraped once more, and stops its server.
async fn release(options: &Options, stop: &Stop, server: Option<monitor::Shared>) -> Result<()> {
    if !options.linger.is_zero() {
        phase(options, "the lab's metrics stay up for the last scrape");
    }
    stop.unless(tokio::time::sleep(options.linger)).await;
    if server.is_some() {
        phase(options, "the server is stopped");
    }
    end_server(server, stop).await
}

/// Stops the lab's own server. One that is gone has been reported already.
async fn end_server(server: Option<monitor::Shared>, stop: &Stop) -> Result<()> {
    let Some(server) = server else {
        return Ok(());
    };
    let was_gone = matches!(stop.reason(), Some((Reason::Server(_), _)));
    let stop = stop.clone();
    let ended = tokio::task::spawn_blocking(move || {
        let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
        Server::stop(&mut server, &stop)
    });
    match ended.await? {
        Err(_) if was_gone => Ok(()),
        ended => ended,
    }
}

/// The server's metrics once all users have started, and the processor time until then.
async fn after_ramp(
    shared: Arc<Shared>,
    target: Target,
    pids: Vec<u32>,
) -> Option<(Exposition, Option<Usage>)> {
    while !shared.is_steady(Instant::now()) {
        tokio::time::sleep(LOOK).await;
    }
    let used = Usage::now(&pids);
    Some((target.metrics().await.ok()?, used))
}

/// What a task has found, if it has ended.
async fn ended<T>(task: JoinHandle<Option<T>>) -> Option<T> {
    if !task.is_finished() {
        task.abort();
    }
    task.await.ok().flatten()
}

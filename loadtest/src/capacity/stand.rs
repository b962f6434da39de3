//! The servers that are asked: the lab's own, one or several behind a proxy, or one that runs already.

use testkit::haproxy::HaProxy;

use super::options::Options;
use crate::connection::Connection;
use crate::guard::Guard;
use crate::spawn::Server;
use crate::state::{Account, new_account};
use crate::stop::Stop;
use crate::target::Target;
use crate::{Result, setup};

/// User number of the administrator: beyond those of the users and of prepared accounts.
const ADMIN: usize = 9_000_000;

/// Settings of the lab's own servers.
pub const SETTINGS: [(&str, &str); 3] = [
    // Tokens of one replica are good at the others.
    ("PUBLIC_URL", "http://localhost"),
    // Work of the server's own.
    ("CANARY", "off"),
    ("HOUSEKEEPING_INTERVAL", "0s"),
];

/// Where the servers are, and who administers them.
#[derive(Clone, Debug)]
pub struct Address {
    /// The API: the proxy's, if there is one.
    pub host: String,
    /// Metrics and probes of each replica.
    pub ops: Vec<String>,
    /// The processes, where they are on this machine.
    pub pids: Vec<u32>,
    /// The administrator.
    pub admin: Account,
}

/// Servers that are being asked.
pub struct Stand {
    /// Where they are.
    pub address: Address,
    servers: Vec<Server>,
    proxy: Option<HaProxy>,
    guard: Option<Guard>,
}

impl Stand {
    /// The server that runs already.
    ///
    /// # Errors
    /// When there is no password for it.
    pub fn find(options: &Options) -> Result<Self> {
        let host = options
            .host
            .clone()
            .ok_or("which server? --host or --spawn")?;
        Ok(Self {
            address: Address {
                host,
                ops: options.ops.clone(),
                pids: options.pids.clone(),
                admin: options.administrator.account()?,
            },
            servers: Vec::new(),
            proxy: None,
            guard: None,
        })
    }

    /// Starts so many replicas of a new service, behind a proxy if that is asked for.
    ///
    /// # Errors
    /// When one of them does not start; with its log.
    pub fn start(options: &Options, replicas: usize, proxied: bool) -> Result<Self> {
        let guard = Guard::start()?;
        let run = setup::run_id(setup::now());
        let admin = new_account(&run, ADMIN, 0, &mut setup::unpredictable());
        let own = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut plan = options.plan.clone();
        plan.settings.splice(0..0, own);
        let mut servers = vec![plan.start(&guard, &run, &admin)?];
        for number in 2..=replicas {
            servers.push(plan.replica(&guard, &run, &format!("replica{number}"))?);
        }
        for server in &mut servers {
            server.wait_ready()?;
        }
        let proxy = proxied
            .then(|| proxy(options, &servers, &guard))
            .transpose()?;
        let host = proxy.as_ref().map(HaProxy::url);
        Ok(Self {
            address: Address {
                host: host.unwrap_or_else(|| servers[0].api().to_owned()),
                ops: servers
                    .iter()
                    .map(|server| server.ops().to_owned())
                    .collect(),
                pids: servers.iter().map(Server::pid).collect(),
                admin,
            },
            servers,
            proxy,
            guard: Some(guard),
        })
    }

    /// A client of it.
    ///
    /// # Errors
    /// When an address is none.
    pub fn target(&self, connection: &Connection) -> Result<Target> {
        Target::new(&self.address.host, &self.address.ops, connection)
    }

    /// How one of the lab's own servers ended by itself, if one has.
    pub fn ended(&mut self) -> Option<String> {
        let mut servers = self.servers.iter_mut();
        servers.find_map(|server| {
            let ended = server.ended()?;
            Some(format!("the server {} {ended}", server.api()))
        })
    }

    /// Stops what the lab has started.
    ///
    /// # Errors
    /// When a server does not end in time, or not well; with its log.
    pub fn end(mut self, stop: &Stop) -> Result<()> {
        if let (Some(proxy), Some(guard)) = (self.proxy.take(), &self.guard) {
            let pid = proxy.pid();
            drop(proxy);
            guard.forget(pid);
        }
        let stopped = self.servers.iter_mut().map(|server| server.stop(stop));
        let stopped = stopped.fold(Ok(()), Result::and);
        self.servers.clear();
        if let Some(guard) = self.guard.take() {
            guard.end();
        }
        stopped
    }
}

fn proxy(options: &Options, servers: &[Server], guard: &Guard) -> Result<HaProxy> {
    let host = |url: &str| url.trim_start_matches("http://").to_owned();
    let replicas: Vec<_> = servers
        .iter()
        .map(|server| (host(server.api()), host(server.ops())))
        .collect();
    let watch = |pid| guard.watch(pid);
    HaProxy::start(&options.haproxy, guard.folder(), &replicas, watch)
        .map_err(|error| format!("{error}; --haproxy names the proxy's program").into())
}

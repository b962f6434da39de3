//! `healthcheck`: asks a running service whether it is ready. Opens a socket and nothing else, since
//! it runs in containers every few seconds.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

#[derive(Args)]
pub(super) struct Healthcheck {
    /// Address of the operational listener
    #[arg(long, env = "OPS_ADDR", default_value = "127.0.0.1:9464")]
    ops_addr: SocketAddr,
}

pub(super) fn run(healthcheck: &Healthcheck) -> ExitCode {
    match readyz(healthcheck.ops_addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rbac-sentinel: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `GET /readyz`.
fn readyz(address: SocketAddr) -> std::io::Result<()> {
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(std::io::Error::other("not ready"))
    }
}

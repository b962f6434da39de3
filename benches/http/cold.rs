//! Latency of callers that are not cached, on each backend.

use serde_json::{Map, Value, json};

use crate::backends::Backends;
use crate::common::Result;
use crate::common::client::{Connection, get, runtime};
use crate::common::stats::Latency;
use crate::server::{Server, folder};

const CALLERS: usize = 300;

/// Measures and prints.
pub fn measure(backends: &Backends) -> Result<Value> {
    println!(
        "GET /users/me of {CALLERS} callers one after the other: their first and second request"
    );
    let mut figures = Map::new();
    figures.insert("embedded".to_owned(), callers("embedded", &[])?);
    if let Some(place) = backends.place()? {
        let name = backends.name();
        figures.insert(name.to_owned(), callers(name, &place.env)?);
    }
    Ok(figures.into())
}

fn callers(name: &str, env: &[(&str, String)]) -> Result<Value> {
    let folder = folder()?;
    let server = Server::service(folder.path(), env)?;
    server.register(CALLERS)?;
    let tokens = server.tokens(CALLERS)?;
    let (cold, warm) = runtime().block_on(async {
        let mut connection = Connection::open(server.api).await?;
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for token in &tokens {
            let request = get("/users/me", token);
            for latencies in [&mut cold, &mut warm] {
                let sent = std::time::Instant::now();
                let answer = connection.exchange(&request).await?;
                latencies.push(sent.elapsed());
                if answer.status != 200 {
                    return Err(format!("a read was answered {}", answer.status).into());
                }
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((cold, warm))
    })?;
    let (cold, warm) = (Latency::of(cold), Latency::of(warm));
    println!("  {name:12} cold {cold}");
    println!("  {:12} warm {warm}", "");
    Ok(json!({ "cold": cold.json(), "warm": warm.json() }))
}

//! Time from a revocation on one replica to the first refusal on another.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::exposition::Between;

use crate::backends::Backends;
use crate::common::Result;
use crate::common::client::{Connection, get, post, runtime};
use crate::common::scrape;
use crate::common::stats::Latency;
use crate::server::{Server, credentials, folder};

const ROUNDS: usize = 300;
const HISTOGRAM: &str = "auth_revocation_propagation_seconds";

/// Measures and prints, if there are servers that replicas can share.
pub fn measure(backends: &Backends) -> Result<Value> {
    let Some(place) = backends.place()? else {
        println!("Replicas: not measured without --database-url and --redis-url");
        return Ok(Value::Null);
    };
    let folders = [folder()?, folder()?];
    let here = Server::service(folders[0].path(), &place.env)?;
    let there = Server::service(folders[1].path(), &place.env)?;
    here.register(1)?;
    let before = scrape(there.ops)?;
    let (shared, seen, late) = runtime().block_on(rounds(&here, &there))?;
    let after = scrape(there.ops)?;
    let (shared, seen) = (Latency::of(shared), Latency::of(seen));
    println!("Two replicas, {ROUNDS} logouts on one, the other asked again and again");
    println!(
        "  refused there after the answer here: {seen}; {late} times not at the first request"
    );
    println!("  first request there of a caller known here: {shared}");
    let buckets = Between { before, after }.buckets(HISTOGRAM, &[]);
    let millis = |(lower, upper)| (lower * 1e3, upper * 1e3);
    let [p50, p99] = [0.50, 0.99].map(|q| buckets.bounds_of(q).map(millis));
    println!("  the replica's own histogram, ms: P50 between {p50:?}, P99 between {p99:?}");
    Ok(json!({
        "rounds": ROUNDS,
        "refused_after_answer": seen.json(),
        "not_at_first_request": late,
        "first_request_of_shared_caller": shared.json(),
        "histogram_p50_between_ms": p50,
        "histogram_p99_between_ms": p99,
    }))
}

type Times = Vec<std::time::Duration>;

async fn rounds(here: &Server, there: &Server) -> Result<(Times, Times, usize)> {
    let mut one = Connection::open(here.api).await?;
    let mut other = Connection::open(there.api).await?;
    let (mut shared, mut seen, mut late) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let answer = one.exchange(&credentials(0)).await?;
        let json: Value = serde_json::from_slice(answer.body)?;
        let token = json["access_token"]
            .as_str()
            .ok_or("a login was refused")?
            .to_owned();
        let me = get("/users/me", &token);
        // Twice here, so that the shared entry is written; then twice there.
        for _ in 0..2 {
            expect(one.exchange(&me).await?.status, 200)?;
        }
        let sent = Instant::now();
        expect(other.exchange(&me).await?.status, 200)?;
        shared.push(sent.elapsed());
        expect(other.exchange(&me).await?.status, 200)?;
        let logout = post("/logout", "application/json", "{}");
        let logout = String::from_utf8_lossy(&logout).replacen(
            "\r\n",
            &format!("\r\nAuthorization: Bearer {token}\r\n"),
            1,
        );
        expect(one.exchange(logout.as_bytes()).await?.status, 204)?;
        let answered = Instant::now();
        let mut asked = 0;
        loop {
            asked += 1;
            let status = other.exchange(&me).await?.status;
            if status == 401 {
                break;
            }
            expect(status, 200)?;
        }
        seen.push(answered.elapsed());
        late += usize::from(asked > 1);
    }
    Ok((shared, seen, late))
}

fn expect(status: u16, wanted: u16) -> Result<()> {
    if status == wanted {
        Ok(())
    } else {
        Err(format!("{status} in the place of {wanted}").into())
    }
}

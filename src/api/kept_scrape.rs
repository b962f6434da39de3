//! A rendered scrape, cached for a moment. Rendering takes milliseconds of CPU time: if `/metrics` is
//! public, all clients within a second get the same text.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use tokio::sync::Mutex;
use tokio::task::JoinError;

use super::edge::content_coding::{Coding, gzip};
use crate::clock::Clock;

/// The TTL of a scrape, shorter than usual scrape intervals.
const TTL: TimeDelta = TimeDelta::seconds(1);

/// Renders at most once in the TTL.
#[derive(Clone)]
pub struct KeptScrape {
    render: Arc<dyn Fn() -> String + Send + Sync>,
    clock: Clock,
    last: Arc<Mutex<Option<Kept>>>,
}

#[derive(Clone)]
struct Kept {
    at: DateTime<Utc>,
    plain: Bytes,
    gzip: Bytes,
}

impl KeptScrape {
    /// A cache of scrapes from this source.
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static, clock: Clock) -> Self {
        Self {
            render: Arc::new(render),
            clock,
            last: Arc::default(),
        }
    }

    /// The scrape in this coding.
    ///
    /// # Errors
    /// When rendering panics: a defect.
    pub async fn body(&self, coding: Coding) -> Result<Bytes, JoinError> {
        let this = self.clone();
        // A task of its own: clients that disconnect cannot make the work start again.
        let kept = tokio::spawn(async move { this.current().await })
            .await
            .flatten()?;
        Ok(match coding {
            Coding::Gzip => kept.gzip,
            _ => kept.plain,
        })
    }

    /// Requests during rendering wait for it.
    async fn current(self) -> Result<Kept, JoinError> {
        let mut last = self.last.lock().await;
        let at = self.clock.now();
        // If the clock was set back, render again.
        if let Some(kept) = &*last
            && (kept.at..kept.at + TTL).contains(&at)
        {
            return Ok(kept.clone());
        }
        let render = Arc::clone(&self.render);
        let both = move || {
            let plain = encode(render(), Coding::Identity);
            let gzip = gzip(&plain, Compression::fast()).into();
            Kept { at, plain, gzip }
        };
        let kept = tokio::task::spawn_blocking(both).await?;
        *last = Some(kept.clone());
        Ok(kept)
    }
}

/// The text in this coding. Compression takes milliseconds, so it does not run on the runtime's
/// threads.
pub fn encode(text: String, coding: Coding) -> Bytes {
    match coding {
        Coding::Gzip => gzip(text.as_bytes(), Compression::fast()).into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_scrape_is_rendered_once_a_second_however_many_ask() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let rendered = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&rendered);
        let render = move || format!("rendered {}", counter.fetch_add(1, Ordering::SeqCst) + 1);
        let scrape = KeptScrape::new(render, clock.clone());
        for (passed, text) in [
            (0, "rendered 1"),
            (999, "rendered 1"),
            (1, "rendered 2"),
            (0, "rendered 2"),
        ] {
            clock.advance(TimeDelta::milliseconds(passed));
            let all = tokio::join!(
                scrape.body(Coding::Identity),
                scrape.body(Coding::Gzip),
                scrape.body(Coding::Identity)
            );
            assert_eq!(all.0.expect("rendered"), text);
            assert_eq!(all.1.expect("rendered")[..2], [0x1f, 0x8b]);
            assert_eq!(all.2.expect("rendered"), text);
        }
        clock.advance(TimeDelta::seconds(-60));
        assert_eq!(
            scrape.body(Coding::Identity).await.expect("rendered"),
            "rendered 3"
        );
        assert_eq!(rendered.load(Ordering::SeqCst), 3);
    }
}

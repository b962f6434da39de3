//! What other replicas say.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{RedisResult, Value};
use tokio::time::{sleep, timeout};

use super::Redis;
use super::link::{CONNECT_TIMEOUT, RETRY};

/// How often the connection is asked whether it is alive, and how long it may take to say so: a
/// dead one is noticed within the sum.
const PING: Duration = Duration::from_millis(500);
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Something heard.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Listening begins, for the first time or again: what was said before may have been missed.
    Anew,
    /// A message of some replica, this one included.
    Message(&'a [u8]),
}

impl Redis {
    /// Listens to what replicas say for as long as the future lives, over a connection of its own.
    pub async fn listen(&self, mut hear: impl FnMut(Heard<'_>) + Send) {
        loop {
            // Why it ended does not matter: the watcher says whether Redis answers.
            let _ = self.listen_once(&mut hear).await;
            sleep(RETRY).await;
        }
    }

    async fn listen_once(&self, hear: &mut (impl FnMut(Heard<'_>) + Send)) -> RedisResult<()> {
        let (mut sink, mut messages) = timeout(CONNECT_TIMEOUT, self.subscribe())
            .await
            .map_err(std::io::Error::from)??;
        hear(Heard::Anew);
        let hearing = async {
            while let Some(message) = messages.next().await {
                hear(Heard::Message(message.get_payload_bytes()));
            }
            Ok(())
        };
        let pinging = async {
            loop {
                sleep(PING).await;
                let _: Value = timeout(PING_TIMEOUT, sink.ping())
                    .await
                    .map_err(std::io::Error::from)??;
            }
        };
        tokio::select! {
            ended = hearing => ended,
            failed = pinging => failed,
        }
    }

    async fn subscribe(&self) -> RedisResult<(PubSubSink, PubSubStream)> {
        let connection = self.link.client().get_async_pubsub().await?;
        let (mut sink, messages) = connection.split();
        sink.subscribe(self.channel()).await?;
        Ok((sink, messages))
    }
}

//! Subscription to the invalidations that replicas publish.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{RedisResult, Value};
use tokio::time::{sleep, timeout};

use super::Redis;
use super::guarded::KEY_CHANGE;
use super::link::{CONNECT_TIMEOUT, RETRY};

/// Interval and timeout of pings on the connection: a dead one is noticed within the sum.
const PING: Duration = Duration::from_millis(500);
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A message, or the start of a subscription.
#[derive(Debug)]
pub enum Notification<'a> {
    /// The subscription started, or was renewed: messages may have been missed before it.
    Subscribed,
    /// Signing keys have changed.
    KeyChange,
    /// A message from a replica, possibly this one; forged ones are not passed on.
    Message(&'a [u8]),
}

impl Redis {
    /// Passes notifications to `handle` until the future is dropped, over a connection of its own.
    pub async fn listen(&self, mut handle: impl FnMut(Notification<'_>) + Send) {
        loop {
            // The reason does not matter: the watcher reports whether Redis answers.
            let _ = self.listen_once(&mut handle).await;
            sleep(RETRY).await;
        }
    }

    async fn listen_once(
        &self,
        handle: &mut (impl FnMut(Notification<'_>) + Send),
    ) -> RedisResult<()> {
        let (mut sink, mut messages) = timeout(CONNECT_TIMEOUT, self.subscribe())
            .await
            .map_err(std::io::Error::from)??;
        handle(Notification::Subscribed);
        let receiving = async {
            while let Some(message) = messages.next().await {
                if let Some(content) = self.content(message.get_payload_bytes()) {
                    handle(if content == KEY_CHANGE {
                        Notification::KeyChange
                    } else {
                        Notification::Message(content)
                    });
                }
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
            ended = receiving => ended,
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

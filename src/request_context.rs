//! Which request the current task answers: its id, its route, and whether the service's own
//! synthetic probe made it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use ipnet::IpNet;
use tokio::task::JoinError;

/// The request that a task answers, for its log lines.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// The request's id.
    pub id: RequestId,
    /// The client's id of the request, if it sent one.
    pub client_id: Option<RequestId>,
    /// The client's address.
    pub address: Option<ClientAddress>,
    /// The route's template, as in the metrics.
    pub route: &'static str,
    /// Whether the synthetic probe made the request: it is not counted as a user's, and is logged only
    /// at `debug`.
    pub synthetic: bool,
}

/// How client addresses appear in log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// In full.
    Full = 0,
    /// The first 24 bits of IPv4, 48 of IPv6.
    Masked = 1,
    /// Omitted.
    Off = 2,
}

static ADDRESSES: AtomicU8 = AtomicU8::new(Addresses::Off as u8);

impl Addresses {
    /// Sets the form for the log lines of this process.
    pub fn apply(self) {
        ADDRESSES.store(self as u8, Ordering::Relaxed);
    }

    fn current() -> Self {
        match ADDRESSES.load(Ordering::Relaxed) {
            0 => Self::Full,
            1 => Self::Masked,
            _ => Self::Off,
        }
    }
}

/// The address of a client. Its `Display` has the form that log lines may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address in the form for log lines; `None` if they omit it.
    #[must_use]
    pub fn shown(self) -> Option<String> {
        self.shown_as(Addresses::current())
    }

    fn shown_as(self, addresses: Addresses) -> Option<String> {
        let address = self.0.to_canonical();
        match addresses {
            Addresses::Off => None,
            Addresses::Full => Some(address.to_string()),
            Addresses::Masked => {
                let prefix = if address.is_ipv4() { 24 } else { 48 };
                let network = IpNet::new(address, prefix).ok()?;
                Some(network.trunc().to_string())
            }
        }
    }
}

/// A request id: 32 hexadecimal digits, the shape of a W3C trace id, or the client's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl RequestId {
    /// The maximum length of an id, in characters.
    pub const MAX: usize = 64;

    /// An id from a process-wide random prefix and a counter: unique and cheap, not a secret.
    #[must_use]
    pub fn new(prefix: u64, counter: u64) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Self::MAX];
        let value = (u128::from(prefix) << 64) | u128::from(counter);
        for (position, byte) in bytes.iter_mut().take(32).enumerate() {
            *byte = HEX[(value >> (124 - 4 * position)) as usize & 0xf];
        }
        Self { bytes, len: 32 }
    }

    /// A client's own id, if it is 1 to 64 letters, digits, dots, dashes or underscores. Any other
    /// character could forge log lines.
    #[must_use]
    pub fn from_client(value: &[u8]) -> Option<Self> {
        let sound = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if value.is_empty() || value.len() > Self::MAX || !value.iter().all(sound) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..value.len()].copy_from_slice(value);
        let len = u8::try_from(value.len()).ok()?;
        Some(Self { bytes, len })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

tokio::task_local! {
    static REQUEST: Current;
}

/// A request that is being answered.
struct Current {
    context: RequestContext,
    /// Whether the log says, or counts, how it ended.
    logged: Cell<bool>,
}

/// Runs `work` as part of this request: every log line in it carries the request's id and route.
pub fn in_request<F: Future>(context: RequestContext, work: F) -> impl Future<Output = F::Output> {
    let logged = Cell::new(false);
    REQUEST.scope(Current { context, logged }, work)
}

/// Runs `work` in a task of its own, as part of the current request: it continues when the client
/// disconnects. A panic in it is one of the caller's.
///
/// # Errors
/// When the runtime shuts down.
pub async fn detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    let work = async { (work.await, is_logged()) };
    let task = match current_request() {
        Some(context) => tokio::spawn(in_request(context, work)),
        None => tokio::spawn(work),
    };
    let (outcome, logged) = match task.await {
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        ended => ended?,
    };
    if logged {
        note_logged();
    }
    Ok(outcome)
}

/// The request that the current task answers; `None` outside of requests.
#[must_use]
pub fn current_request() -> Option<RequestContext> {
    REQUEST.try_with(|current| current.context).ok()
}

/// Notes that the log says how the current request ended.
pub fn note_logged() {
    // Outside of requests there is nothing to note.
    let _ = REQUEST.try_with(|current| current.logged.set(true));
}

/// Whether [`note_logged`] was called for the current request, in the scope of this task.
#[must_use]
pub fn is_logged() -> bool {
    REQUEST
        .try_with(|current| current.logged.get())
        .unwrap_or_default()
}

/// Whether the current request was made by the synthetic probe.
#[must_use]
pub fn is_synthetic() -> bool {
    current_request().is_some_and(|context| context.synthetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_in_full_masked_or_not_at_all() {
        for (text, masked) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ] {
            let address: IpAddr = text.parse().expect("an address");
            let client = ClientAddress(address);
            let full = address.to_canonical().to_string();
            assert_eq!(client.shown_as(Addresses::Full), Some(full));
            let shown = client.shown_as(Addresses::Masked);
            assert_eq!(shown.as_deref(), Some(masked));
            assert_eq!(client.shown_as(Addresses::Off), None);
        }
    }

    #[test]
    fn request_ids_are_hexadecimal_and_unique() {
        let id = RequestId::new(0xabc, 1);
        assert_eq!(id.as_str(), "0000000000000abc0000000000000001");
        assert_ne!(id, RequestId::new(0xabc, 2));
    }

    #[test]
    fn client_id_that_could_forge_log_lines_is_rejected() {
        assert_eq!(
            RequestId::from_client(b"a-1.b_2").expect("sound").as_str(),
            "a-1.b_2"
        );
        for bad in [
            &b""[..],
            b"a b",
            b"a\nb",
            b"\"",
            &[b'a'; 65],
            "é".as_bytes(),
        ] {
            assert!(RequestId::from_client(bad).is_none(), "{bad:?}");
        }
    }
}

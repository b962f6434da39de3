//! The mark of the client that refreshed a session: a keyed hash of its kind and network.
//!
//! The grace period is for two tabs of one browser, which have the same mark. The mark is bound to the
//! session, so that the database does not reveal which sessions share a client.

use aws_lc_rs::hmac;
use uuid::Uuid;

use crate::limits::Source;
use crate::secrets::keyed_digest;

/// Makes marks of clients.
pub struct ClientMarks(hmac::Key);

/// A client that refreshes.
#[derive(Clone, Copy)]
pub struct RefreshingClient<'a> {
    /// Its address.
    pub source: &'a Source,
    /// Its `User-Agent`.
    pub user_agent: &'a str,
}

impl ClientMarks {
    /// Marks under this key.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The mark of a client of this session.
    #[must_use]
    pub fn mark(&self, session: Uuid, client: RefreshingClient<'_>) -> [u8; 16] {
        let (network, kind) = (client.source.network(), kind(client.user_agent));
        let parts = [&session.as_bytes()[..], &network, kind.as_bytes()];
        keyed_digest(&self.0, parts)
    }
}

/// Words of a `User-Agent` and their meaning, the most specific first: most browsers also name others.
const BROWSERS: [(&str, &str); 9] = [
    ("edg", "edge"),
    ("opr/", "opera"),
    ("samsungbrowser", "samsung"),
    ("fxios", "firefox"),
    ("firefox", "firefox"),
    ("crios", "chrome"),
    ("chrome", "chrome"),
    ("chromium", "chrome"),
    ("safari", "safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("android", "android"),
    ("iphone", "ios"),
    ("ipad", "ios"),
    ("windows", "windows"),
    ("cros", "chromeos"),
    ("mac os", "macos"),
    ("linux", "linux"),
];

/// The kind of client: browser and system, or else the product's name. Versions are ignored, because
/// clients update themselves.
fn kind(user_agent: &str) -> String {
    let text = user_agent.to_lowercase();
    let find = |words: &[(&str, &'static str)]| {
        let found = words.iter().find(|(word, _)| text.contains(word));
        found.map(|(_, name)| *name)
    };
    let system = find(&SYSTEMS).unwrap_or_default();
    if let Some(browser) = find(&BROWSERS).filter(|_| text.starts_with("mozilla/")) {
        return format!("{browser} {system}");
    }
    let product = text.split(['/', ' ', '(']).next().unwrap_or_default();
    format!("{product} {system}")
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    #[test]
    fn kind_of_client_outlives_its_updates() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/142.0.0.0 Safari/537.36";
        for (user_agent, expected) in [
            (FIREFOX, "firefox linux"),
            (&FIREFOX.replace("140", "141"), "firefox linux"),
            (chrome, "chrome windows"),
            (&format!("{chrome} Edg/142.0.1"), "edge windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 \
                 Mobile/15E148 Safari/604.1",
                "safari ios",
            ),
            ("okhttp/4.12.0", "okhttp "),
            ("MyApp/7.1 (Android 15)", "myapp android"),
            ("curl/8.5.0", "curl "),
            ("", " "),
        ] {
            assert_eq!(kind(user_agent), expected, "{user_agent}");
        }
    }

    #[test]
    fn mark_differs_by_kind_network_session_and_key() {
        let session = Uuid::now_v7();
        let mark = |key: &[u8], session, address: &str, user_agent| {
            let source = Source::from(address.parse::<IpAddr>().expect("an address"));
            let client = RefreshingClient {
                source: &source,
                user_agent,
            };
            ClientMarks::new(key).mark(session, client)
        };
        let own = mark(b"key", session, "192.0.2.1", FIREFOX);
        assert_eq!(mark(b"key", session, "192.0.2.77", FIREFOX), own);
        for other in [
            mark(b"other", session, "192.0.2.1", FIREFOX),
            mark(b"key", Uuid::now_v7(), "192.0.2.1", FIREFOX),
            mark(b"key", session, "192.0.3.1", FIREFOX),
            mark(b"key", session, "2001:db8::1", FIREFOX),
            mark(b"key", session, "192.0.2.1", "curl/8.5.0"),
        ] {
            assert_ne!(other, own);
        }
        let home = mark(b"key", session, "2001:db8:1:2::3", FIREFOX);
        assert_eq!(mark(b"key", session, "2001:db8:1:3::4", FIREFOX), home);
        assert_ne!(mark(b"key", session, "2001:db8:2:2::3", FIREFOX), home);
    }
}

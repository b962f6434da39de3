//! The device cookie in HTTP: its name, how it is set, how it is read.

use std::fmt::Write as _;

use poem::Request;
use poem::http::header;

use crate::limits::DEVICE_TTL;

/// Its name if clients use plain HTTP.
const NAME: &str = "rbac-sentinel-device";
/// Its name if clients use HTTPS: with this prefix, browsers accept the cookie only from this host and
/// only over TLS.
const SECURE_NAME: &str = "__Host-rbac-sentinel-device";

/// The cookie for clients that use HTTPS, or plain HTTP.
#[derive(Clone, Copy)]
pub struct DeviceCookie {
    https: bool,
}

impl DeviceCookie {
    /// The cookie for clients that use HTTPS, or plain HTTP.
    #[must_use]
    pub const fn new(https: bool) -> Self {
        Self { https }
    }

    const fn name(self) -> &'static str {
        if self.https { SECURE_NAME } else { NAME }
    }

    /// The `Set-Cookie` header that sets it.
    #[must_use]
    pub fn set(self, value: &str) -> String {
        let (name, age) = (self.name(), DEVICE_TTL.as_secs());
        let mut cookie =
            format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict");
        if self.https {
            let _ = write!(cookie, "; Secure");
        }
        cookie
    }

    /// The value that the client sent.
    #[must_use]
    pub fn of(self, request: &Request) -> Option<&str> {
        let lines = request.headers().get_all(header::COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok());
        let mut pairs = pairs.flat_map(|line| line.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(self.name())?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &[&str]) -> Request {
        let request = Request::builder();
        cookies
            .iter()
            .fold(request, |request, cookie| request.header("cookie", *cookie))
            .finish()
    }

    #[test]
    fn device_cookie_is_for_this_host_and_for_no_script() {
        let plain = DeviceCookie::new(false).set("x");
        let secure = DeviceCookie::new(true).set("x");
        assert!(plain.starts_with("rbac-sentinel-device=x; "), "{plain}");
        assert!(
            secure.starts_with("__Host-rbac-sentinel-device=x; "),
            "{secure}"
        );
        for cookie in [&plain, &secure] {
            for attribute in ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=15552000"] {
                assert!(cookie.split("; ").any(|has| has == attribute), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        assert_eq!(secure.split("; ").last(), Some("Secure"));
        assert!(!plain.contains("Secure"));
    }

    #[test]
    fn device_cookie_is_found_among_others() {
        let cookie = DeviceCookie::new(false);
        for (sent_lines, value) in [
            (&["rbac-sentinel-device=x"][..], Some("x")),
            (&["a=b; rbac-sentinel-device=x;c=d"], Some("x")),
            (&["a=b", "c=d; rbac-sentinel-device=x"], Some("x")),
            (&["xrbac-sentinel-device=x"], None),
            (&["rbac-sentinel-device2=x"], None),
            (&["__Host-rbac-sentinel-device=x"], None),
            (&[], None),
        ] {
            assert_eq!(cookie.of(&sent(sent_lines)), value, "{sent_lines:?}");
        }
    }
}

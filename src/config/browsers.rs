//! Options for clients that run in browsers.

use std::time::Duration;

use clap::Args;

use super::masked::{Line, word};
use super::origins::{Origin, Origins};
use super::{Config, Switch};

/// Which pages may call the API, and whether browsers keep the refresh token.
#[derive(Clone, Debug, Args)]
pub struct Browsers {
    /// Origins of web pages whose scripts may call the API, separated by commas, such as
    /// https://app.example.com. Exact: no wildcards, no paths. Default: none. Keys, metadata and the
    /// OpenAPI document are open to every page.
    #[arg(
        long,
        env = "CORS_ORIGINS",
        default_value = "",
        hide_default_value = true,
        help_heading = "Browsers"
    )]
    pub cors_origins: Origins,

    /// Clients may have the refresh token in a cookie that scripts cannot read, with the header
    /// `Refresh-Token-In: cookie`. For pages of the same site as PUBLIC_URL.
    #[arg(
        long,
        env = "ALLOW_COOKIES",
        value_enum,
        default_value = "off",
        help_heading = "Browsers"
    )]
    pub allow_cookies: Switch,
}

impl Browsers {
    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("CORS_ORIGINS", self.cors_origins.to_string()),
            ("ALLOW_COOKIES", word(self.allow_cookies)),
        ]
    }
}

impl Config {
    /// Why browsers could not do what they may, as a sentence.
    pub(super) fn refuse_browsers(&self) -> Option<&'static str> {
        // The address may have the port 0 still, which no origin has.
        let secure = self.listeners.is_https()
            || match &self.listeners.public_url {
                Some(url) => Origin::of_url(url).is_some_and(|own| own.is_loopback()),
                None => self.listeners.api_addr.ip().is_loopback(),
            };
        if self.browsers.allow_cookies == Switch::On && !secure {
            return Some(
                "ALLOW_COOKIES is on and PUBLIC_URL is not https://: browsers keep the cookie only if \
                 it came by TLS, or from localhost. Set an https PUBLIC_URL, or ALLOW_COOKIES=off.",
            );
        }
        None
    }

    /// How long browsers keep refresh tokens in a cookie, if they may: as long as a session that is not
    /// used.
    #[must_use]
    pub fn cookies_last(&self) -> Option<Duration> {
        let on = self.browsers.allow_cookies == Switch::On;
        on.then_some(self.tokens.session_idle_ttl)
    }

    /// Whether a page that comes without TLS may call a service that is reached by TLS.
    pub(super) fn trusts_plain_pages(&self) -> bool {
        let mut origins = self.browsers.cors_origins.iter();
        self.is_public() && origins.any(|page| !page.is_https() && !page.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::super::from_arguments;

    fn refusal(arguments: &[&str]) -> Option<String> {
        let refused = from_arguments(arguments).validate().err();
        refused.map(|error| error.to_string())
    }

    #[test]
    fn cookies_need_tls_or_the_own_machine() {
        for (url, allowed) in [
            ("https://auth.example.com", true),
            ("HTTPS://auth.example.com", false),
            ("http://localhost:8000", true),
            ("http://127.0.0.1:8000/auth", true),
            ("http://[::1]:8000", true),
            ("http://auth.example.com", false),
            ("http://0.0.0.0:8000", false),
        ] {
            let arguments = ["--allow-cookies", "on", "--public-url", url];
            assert_eq!(refusal(&arguments).is_none(), allowed, "{url}");
        }
        for address in ["127.0.0.1:8000", "127.0.0.1:0", "[::1]:0"] {
            let arguments = ["--allow-cookies", "on", "--api-addr", address];
            assert_eq!(refusal(&arguments), None, "{address}");
        }
        let everywhere = ["--allow-cookies", "on", "--api-addr", "0.0.0.0:8000"];
        let said = refusal(&everywhere).expect("refused");
        assert!(said.contains("ALLOW_COOKIES"), "{said}");
    }

    #[test]
    fn plain_pages_of_a_service_with_tls_need_allow_insecure() {
        let arguments = |origin| {
            [
                "--public-url",
                "https://example.com",
                "--cors-origins",
                origin,
            ]
        };
        for (origin, allowed) in [
            ("https://app.example.com", true),
            ("http://localhost:3000", true),
            ("http://app.example.com", false),
        ] {
            let said = refusal(&arguments(origin));
            assert_eq!(said.is_none(), allowed, "{origin}: {said:?}");
            let insecure = [&arguments(origin)[..], &["--allow-insecure"]].concat();
            assert_eq!(refusal(&insecure), None);
        }
        let plain = ["--cors-origins", "http://app.example.com"];
        assert_eq!(refusal(&plain), None);
    }
}

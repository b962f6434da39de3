//! Options of the two listeners.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::masked::{Line, time, word};

/// Where the documentation is served: the OpenAPI document and the user interfaces over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Docs {
    /// With the API, for every client that can reach it.
    On,
    /// On the operational listener.
    Ops,
    /// Nowhere.
    Off,
}

/// Addresses and shutdown.
#[derive(Clone, Debug, Args)]
pub struct Listeners {
    /// Address of the public API.
    #[arg(
        long,
        env = "API_ADDR",
        default_value = "127.0.0.1:8000",
        help_heading = "Listeners"
    )]
    pub api_addr: SocketAddr,

    /// Address of the operational listener: /metrics, /livez, /readyz. Keep it private: the counters
    /// of failed logins reveal which accounts exist.
    #[arg(
        long,
        env = "OPS_ADDR",
        default_value = "127.0.0.1:9464",
        help_heading = "Listeners"
    )]
    pub ops_addr: SocketAddr,

    /// Also serve /metrics on the API's address.
    #[arg(long, env = "METRICS_ON_API", help_heading = "Listeners")]
    pub metrics_on_api: bool,

    /// Where /docs, /redoc and the OpenAPI document are served: with the API, on the operational
    /// listener, or nowhere.
    #[arg(
        long,
        env = "DOCS",
        value_enum,
        default_value = "on",
        help_heading = "Listeners"
    )]
    pub docs: Docs,

    /// The service's public base URL, with the path under which a proxy serves it, if any: the issuer of
    /// its tokens. Default: http://API_ADDR, https:// with TLS_CERT.
    #[arg(long, env = "PUBLIC_URL", help_heading = "Listeners")]
    pub public_url: Option<String>,

    /// PEM file with the certificate of the API's listener and those above it: the API then speaks TLS,
    /// the operational listener does not. Reloaded when it changes. Needs TLS_KEY.
    #[arg(
        long,
        env = "TLS_CERT",
        value_name = "FILE",
        help_heading = "Listeners"
    )]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of TLS_CERT.
    #[arg(long, env = "TLS_KEY", value_name = "FILE", help_heading = "Listeners")]
    pub tls_key: Option<PathBuf>,

    /// How long to keep accepting requests after SIGTERM, while /readyz already fails, so that load
    /// balancers notice.
    #[arg(long, env = "SHUTDOWN_DELAY", default_value = "1s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub shutdown_delay: Duration,

    /// How long requests in flight may take after that delay.
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "10s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub shutdown_timeout: Duration,

    /// A file that is written once both listeners accept connections, and removed when they stop:
    /// their addresses and the process, as JSON. For programs that start the service on free ports.
    #[arg(
        long,
        env = "READY_FILE",
        value_name = "FILE",
        help_heading = "Listeners"
    )]
    pub ready_file: Option<PathBuf>,
}

impl Listeners {
    /// The issuer of tokens and the base of links.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || self.api_url(),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }

    /// The base of links to the service's own pages: PUBLIC_URL, or nothing, which makes them relative
    /// to the host that was asked.
    #[must_use]
    pub fn link_base(&self) -> String {
        let url = self.public_url.as_deref().unwrap_or_default();
        url.trim_end_matches('/').to_owned()
    }

    /// The path below which clients find the API: `/` unless PUBLIC_URL has one.
    #[must_use]
    pub fn base_path(&self) -> &str {
        let url = self.public_url.as_deref().unwrap_or_default();
        let after = url.split_once("://").map_or("", |(_, rest)| rest);
        let path = after.find('/').map_or("", |begin| &after[begin..]);
        match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    /// Why PUBLIC_URL cannot be the base of links and an issuer (RFC 8414 section 2), as a sentence.
    pub(super) fn refuse_public_url(&self) -> Option<&'static str> {
        let text = self.public_url.as_deref()?;
        let Ok(url) = Url::parse(text) else {
            return Some("PUBLIC_URL must be a URL such as https://auth.example.com.");
        };
        if !matches!(url.scheme(), "https" | "http") {
            return Some("PUBLIC_URL must start with https:// or http://.");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Some(
                "PUBLIC_URL must have no query and no fragment: links are appended to it.",
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some(
                "PUBLIC_URL must have no username and no password: every token contains it.",
            );
        }
        // Clients compare issuers as text.
        let normal = url.as_str().trim_end_matches('/');
        (normal != text.trim_end_matches('/')).then_some(
            "PUBLIC_URL must be in its normal form: scheme and host in lower case, the host in ASCII, no \
             default port, no `.` or `..` in the path.",
        )
    }

    /// Where the API listens, as a URL.
    #[must_use]
    pub fn api_url(&self) -> String {
        let scheme = if self.tls().is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.api_addr)
    }

    /// The files of the certificate and its key, when the API speaks TLS.
    #[must_use]
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }

    /// Whether clients reach the service by HTTPS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.issuer().starts_with("https://")
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let file = |file: &Option<PathBuf>| {
            let file = file.as_ref();
            file.map_or_else(|| "(none)".to_owned(), |file| file.display().to_string())
        };
        vec![
            ("API_ADDR", self.api_addr.to_string()),
            ("OPS_ADDR", self.ops_addr.to_string()),
            ("METRICS_ON_API", self.metrics_on_api.to_string()),
            ("DOCS", word(self.docs)),
            ("PUBLIC_URL", self.issuer()),
            ("TLS_CERT", file(&self.tls_cert)),
            ("TLS_KEY", file(&self.tls_key)),
            ("SHUTDOWN_DELAY", time(self.shutdown_delay)),
            ("SHUTDOWN_TIMEOUT", time(self.shutdown_timeout)),
            ("READY_FILE", file(&self.ready_file)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::from_arguments;

    #[test]
    fn base_path_is_that_of_the_public_url() {
        for (url, path) in [
            ("https://example.com", "/"),
            ("https://example.com/", "/"),
            ("https://example.com/auth", "/auth"),
            ("https://example.com:8443/a/b//", "/a/b"),
        ] {
            let config = from_arguments(&["--public-url", url]);
            assert_eq!(config.listeners.base_path(), path, "{url}");
        }
        assert_eq!(from_arguments(&[]).listeners.base_path(), "/");
    }

    #[test]
    fn public_url_has_scheme_and_host_and_at_most_a_path() {
        for (url, path) in [
            ("https://auth.example.com", "/"),
            ("https://auth.example.com/", "/"),
            ("http://127.0.0.1:8000", "/"),
            ("https://[2001:db8::1]:8443", "/"),
            ("https://example.com/auth", "/auth"),
            ("https://example.com/a/b/", "/a/b"),
        ] {
            let config = from_arguments(&["--public-url", url]);
            assert_eq!(config.validate(), Ok(()), "{url}");
            assert_eq!(config.listeners.base_path(), path, "{url}");
            assert_eq!(config.listeners.issuer(), url.trim_end_matches('/'));
        }
        for (url, word) in [
            ("auth.example.com", "must be a URL"),
            ("https://", "must be a URL"),
            ("https://exa mple.com", "must be a URL"),
            ("ftp://example.com", "https:// or http://"),
            ("https://example.com?x=1", "no query"),
            ("https://example.com/#top", "no fragment"),
            ("https://me:hunter2@example.com", "no password"),
            ("https://Example.com", "normal form"),
            ("https://example.com:443", "normal form"),
            ("https://example.com/a/../b", "normal form"),
        ] {
            let refusal = from_arguments(&["--public-url", url]).validate();
            let refusal = refusal.expect_err(url).to_string();
            assert!(refusal.contains(word), "{url}: {refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
        assert_eq!(from_arguments(&[]).listeners.base_path(), "/");
    }
}

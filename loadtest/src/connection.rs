//! How the lab connects: certificates, the version of HTTP, paths below that of the host.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Url, Version};

use crate::Result;

/// How users and the lab itself connect to the API.
#[derive(Clone, Debug)]
pub struct Connection {
    authorities: Vec<Certificate>,
    http2: bool,
    timeout: Duration,
}

impl Connection {
    /// Trusts the certificates of this file alone, if there is one, and speaks HTTP/2 or HTTP/1.1.
    ///
    /// # Errors
    /// When the file has no certificates.
    pub fn new(ca: Option<&Path>, http2: bool, timeout: Duration) -> Result<Self> {
        let authorities = ca.map(authorities).transpose()?.unwrap_or_default();
        Ok(Self {
            authorities,
            http2,
            timeout,
        })
    }

    /// A client that connects so.
    pub fn client(&self) -> ClientBuilder {
        let builder = ClientBuilder::new().timeout(self.timeout).no_gzip();
        let builder = if self.http2 {
            builder.http2_prior_knowledge()
        } else {
            builder.http1_only()
        };
        if self.authorities.is_empty() {
            return builder;
        }
        builder.tls_certs_only(self.authorities.clone())
    }

    /// The version of HTTP that answers must have.
    #[must_use]
    pub const fn version(&self) -> Version {
        if self.http2 {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        }
    }
}

fn authorities(file: &Path) -> Result<Vec<Certificate>> {
    let name = file.display();
    let pem = std::fs::read(file).map_err(|error| format!("--ca {name}: {error}"))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        return Err(format!("--ca {name}: there is no certificate in PEM in it").into());
    }
    Ok(found)
}

/// The URL of a path below that of a host, which may have one of its own.
///
/// # Errors
/// When the path is none.
pub fn below(host: &Url, path: &str) -> Result<Url> {
    Ok(Url::parse(&format!("{}{path}", base(host)))?)
}

/// A host's URL, to which a path can be added.
#[must_use]
pub fn base(host: &Url) -> String {
    host.as_str().trim_end_matches('/').to_owned()
}

/// The innermost cause of an error; the outer ones repeat the URL.
#[must_use]
pub fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_below_that_of_the_host() {
        for (host, whole) in [
            ("https://a.example", "https://a.example/login"),
            ("https://a.example/auth", "https://a.example/auth/login"),
            ("https://a.example/auth/", "https://a.example/auth/login"),
        ] {
            let host = Url::parse(host).expect("a URL");
            assert_eq!(below(&host, "/login").expect("a URL").as_str(), whole);
        }
    }

    #[test]
    fn file_without_certificates_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let complaint = |file: &Path| {
            let error = Connection::new(Some(file), false, Duration::from_secs(1));
            error.expect_err("no certificates").to_string()
        };
        assert!(complaint(&file).contains("ca.pem: No such file"));
        std::fs::write(&file, "nothing").expect("written");
        assert!(complaint(&file).ends_with("there is no certificate in PEM in it"));
    }
}

//! Certificates for the tests of TLS.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Builder, Server};

/// Certificates, and the two files that the service reads.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a folder"));
        files.make("first", 2);
        files.make("second", 40);
        files.install("first", "first");
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.crt"))
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.key"))
    }

    /// Makes a certificate that signs itself, good for some days.
    fn make(&self, name: &str, days: u32) {
        let subject = format!("/CN={name}");
        let days = days.to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", &days, "-subj", &subject])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .arg("-out")
            .arg(self.certificate(name))
            .arg("-keyout")
            .arg(self.key(name))
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
    }

    /// Puts the certificate of one name and the key of another where the service looks.
    pub fn install(&self, certificate: &str, key: &str) {
        for (from, to) in [
            (self.certificate(certificate), "tls.crt"),
            (self.key(key), "tls.key"),
        ] {
            fs::copy(from, self.path("new")).expect("copied");
            fs::rename(self.path("new"), self.path(to)).expect("replaced");
        }
    }

    /// When the certificate of this name expires, as openssl has it.
    pub fn expiry(&self, name: &str) -> f64 {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"])
            .arg(self.certificate(name))
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let time = said.trim().trim_start_matches("notAfter=");
        let time = chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%SZ");
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds of this age are below 2^53"
        )]
        let seconds = time.expect("a time").and_utc().timestamp() as f64;
        seconds
    }

    pub fn server(&self) -> Builder {
        let path = |name| self.path(name).display().to_string();
        Server::builder()
            .env("TLS_CERT", &path("tls.crt"))
            .env("TLS_KEY", &path("tls.key"))
    }
}

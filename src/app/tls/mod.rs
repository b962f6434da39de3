//! TLS of the API's listener: certificate and key from two files, read again when they change.

mod expiry;
mod pinned;
mod reload;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use self::pinned::Pinned;
pub(super) use self::reload::Reload;
use self::reload::State;
use crate::clock::epoch_seconds;
use crate::metrics::HTTP_TLS_NOT_AFTER;
use crate::secrets;

/// The ALPN protocols, preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The certificate in use.
pub(super) struct Tls {
    files: Files,
    /// The state of the files before the first read.
    opened: State,
    current: RwLock<Identity>,
}

/// A certificate with its key, ready for handshakes.
struct Identity {
    config: Arc<ServerConfig>,
    leaf: CertificateDer<'static>,
    expires: DateTime<Utc>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// The reason why they cannot be used.
    pub(super) fn open(certificate: &Path, key: &Path) -> Result<Self, String> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let opened = reload::state(&files);
        let current = RwLock::new(files.read()?);
        let tls = Self {
            files,
            opened,
            current,
        };
        tls.observe();
        Ok(tls)
    }

    /// Sets the gauge of the certificate's expiry.
    fn observe(&self) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        HTTP_TLS_NOT_AFTER.set((), epoch_seconds(current.expires));
    }

    /// The acceptor for the next handshake. Open connections keep their certificate.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.config).into()
    }

    /// The connector of the service's own client, which trusts only the certificate in use.
    ///
    /// # Errors
    /// When the library rejects its own defaults.
    pub(super) fn connector(self: &Arc<Self>) -> Result<TlsConnector, String> {
        let pinned = Pinned::new(Arc::clone(self), provider());
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth();
        Ok(Arc::new(config).into())
    }

    /// Whether this is the certificate in use.
    fn is_current(&self, leaf: &CertificateDer<'_>) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.leaf == *leaf
    }

    /// Reads the files again. If they are invalid, the certificate in use stays.
    fn reload(&self) -> Result<(), String> {
        let read = self.files.read()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        self.observe();
        Ok(())
    }
}

impl Files {
    /// The messages name the files and never contain their contents.
    fn read(&self) -> Result<Identity, String> {
        let at = |option: &str, path: &Path, why: &dyn std::fmt::Display| {
            format!("{option} {}: {why}", path.display())
        };
        let certificate = |why: &dyn std::fmt::Display| at("TLS_CERT", &self.certificate, why);
        let key = |why: &dyn std::fmt::Display| at("TLS_KEY", &self.key, why);
        let pem = fs::read(&self.certificate).map_err(|error| certificate(&error))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|_| certificate(&"is not PEM"))?;
        let leaf = chain.first().cloned();
        let leaf = leaf.ok_or_else(|| certificate(&"has no certificate in PEM"))?;
        let expires = expiry::not_after(&leaf);
        let expires = expires.ok_or_else(|| certificate(&"does not say when it expires"))?;
        let mut file = fs::File::open(&self.key).map_err(|error| key(&error))?;
        secrets::check_mode(&file, "TLS_KEY").map_err(|error| key(&error))?;
        let mut pem = zeroize::Zeroizing::new(Vec::new());
        file.read_to_end(&mut pem).map_err(|error| key(&error))?;
        let private = PrivateKeyDer::from_pem_slice(&pem);
        let private = private.map_err(|_| key(&"has no private key in PEM"))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| format!("TLS_CERT and TLS_KEY cannot be used together: {error}"))?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Identity {
            config: Arc::new(config),
            leaf,
            expires,
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

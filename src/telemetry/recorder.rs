//! The global recorder of metrics.

use ::metrics::SetRecorderError;

use crate::metrics::{self, BUILD_INFO, CatalogueRecorder, MetricsHandle};

/// Installs the global recorder and creates every series with closed labels.
///
/// # Errors
/// When a recorder is installed already.
pub fn install_recorder() -> Result<MetricsHandle, SetRecorderError<CatalogueRecorder>> {
    let handle = CatalogueRecorder::default().install()?;
    metrics::initialise();
    crate::sessions::decisions::initialise();
    crate::decisions::initialise();
    BUILD_INFO
        .series(&[
            env!("CARGO_PKG_VERSION"),
            env!("BUILD_REVISION"),
            env!("BUILD_RUST_VERSION"),
            env!("BUILD_TARGET"),
        ])
        .set(1.0);
    Ok(handle)
}

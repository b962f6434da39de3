//! The mark of the synthetic probe's requests, which only this process knows.
//!
//! It is accepted only by the operations that the probe calls: a stolen mark allows nothing but logging
//! in as the probe's account, uncounted and unlimited.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use poem::Request;
use poem::http::{HeaderName, HeaderValue};

use super::operation::Operation;
use super::routes::Route;
use crate::error::{Error, Result};
use crate::secrets::random;

/// The header that carries the mark.
pub const HEADER: HeaderName = HeaderName::from_static("x-canary");

/// 256 random bits: new in every process, and kept in memory only.
#[derive(Clone)]
pub struct Mark(HeaderValue);

impl Mark {
    /// A new mark.
    ///
    /// # Errors
    /// When the random generator fails.
    pub fn generate() -> Result<Self> {
        let text = random::text::<32>()?;
        let mut value = HeaderValue::from_str(&text).map_err(Error::internal)?;
        // Keeps it out of debug output.
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The header's value.
    #[must_use]
    pub const fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether a request for this route is the probe's.
    #[must_use]
    pub fn is_on(&self, request: &Request, route: &Route) -> bool {
        let carried = request.headers().get(HEADER).is_some_and(|value| {
            verify_slices_are_equal(value.as_bytes(), self.0.as_bytes()).is_ok()
        });
        let probed = |operation: &Operation| operation.probe_step.is_some();
        carried && route.operation.is_some_and(probed)
    }
}

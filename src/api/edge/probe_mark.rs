//! How the canary's requests are told from users': by a mark that only this process knows.
//!
//! It holds for the four requests of the journey and for no others, so that whoever got hold of it
//! could not go on with anything but logging in as the canary, uncounted and unlimited.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use poem::Request;
use poem::http::{HeaderName, HeaderValue};

use super::operation::Operation;
use super::routes::Route;
use crate::error::{Error, Result};
use crate::secrets::random;

/// The header that carries the mark.
pub const HEADER: HeaderName = HeaderName::from_static("x-canary");

/// 256 random bits, made anew in every process and kept in its memory alone.
#[derive(Clone)]
pub struct Mark(HeaderValue);

impl Mark {
    /// A new one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate() -> Result<Self> {
        let text = random::text::<32>()?;
        let mut value = HeaderValue::from_str(&text).map_err(Error::internal)?;
        // Whatever prints headers leaves it out.
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The header's value.
    #[must_use]
    pub const fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether a request for this route is the canary's.
    #[must_use]
    pub fn is_on(&self, request: &Request, route: &Route) -> bool {
        let carried = request.headers().get(HEADER).is_some_and(|value| {
            verify_slices_are_equal(value.as_bytes(), self.0.as_bytes()).is_ok()
        });
        let probed = |operation: &Operation| operation.probe_step.is_some();
        carried && route.operation.is_some_and(probed)
    }
}

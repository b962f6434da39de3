//! The measurement of a request.

use std::time::Instant;

use poem::Response;

use crate::api::edge::routes::{Durations, Route};
use crate::metrics::{HTTP_ACTIVE, Method};

/// Measures a request in flight. Dropped before the answer: the client disconnected.
pub struct InFlightGuard<'a> {
    route: &'a Route,
    synthetic: bool,
    method: Method,
    start: Instant,
    answered: bool,
}

impl<'a> InFlightGuard<'a> {
    /// A request that begins now.
    pub fn new(route: &'a Route, synthetic: bool) -> Self {
        let method = route.method;
        HTTP_ACTIVE.with((method, route.scheme)).increment();
        Self {
            route,
            synthetic,
            method,
            start: Instant::now(),
            answered: false,
        }
    }

    /// It was answered, with a body of this size if that is known.
    pub fn answered(mut self, response: &Response, size: Option<u64>) {
        self.answered = true;
        let duration = self.durations().answered(response.status().as_u16());
        duration.record(self.start.elapsed().as_secs_f64());
        if let Some(size) = size.filter(|_| !self.synthetic) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "bodies are far smaller than 2^53"
            )]
            self.route.size().record(size as f64);
        }
    }

    const fn durations(&self) -> &Durations {
        if self.synthetic {
            &self.route.probe
        } else {
            &self.route.users
        }
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        HTTP_ACTIVE
            .with((self.method, self.route.scheme))
            .decrement();
        if !self.answered {
            if !self.synthetic {
                self.route.aborted().increment(1);
            }
            let duration = self.durations().aborted();
            duration.record(self.start.elapsed().as_secs_f64());
        }
    }
}

//! What became of a request, and the words for what went wrong.

use std::error::Error;
use std::io;

/// Outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The expected status.
    Success,
    /// Refused on purpose: 503 or 429 with Retry-After.
    Refused,
    /// Any other answer, or none.
    Failure,
    /// Never sent: there was no connection to send it on. It has no time.
    Unsent,
}

impl Outcome {
    /// Those that have a time.
    pub const TIMED: [Self; 3] = [Self::Success, Self::Refused, Self::Failure];

    /// The word in reports and labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failure => "failure",
            Self::Unsent => "unsent",
        }
    }

    /// The outcome of a timed request by its word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::TIMED.into_iter().find(|one| one.word() == word)
    }

    /// Outcome of this status where that one was expected.
    #[must_use]
    pub const fn of(status: u16, expected: u16, says_when: bool) -> Self {
        if status == expected {
            Self::Success
        } else if says_when && matches!(status, 429 | 503) {
            Self::Refused
        } else {
            Self::Failure
        }
    }

    /// Outcome of a request that this error ended.
    #[must_use]
    pub fn of_error(error: &reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::Unsent
        } else {
            Self::Failure
        }
    }
}

/// Why there was no answer, in the words of the system where it has any.
#[must_use]
pub fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    let mut words = None;
    loop {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            words = of_system(error).or(words);
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    if let Some(words) = words {
        return words;
    }
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    // The innermost one; the outer ones repeat the URL.
    cause.to_string()
}

/// The system's words, without its number of the error.
fn of_system(error: &io::Error) -> Option<String> {
    error.raw_os_error()?;
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    Some(words.to_lowercase())
}

#[cfg(test)]
mod tests {
    use testkit::ports::free_port;

    use super::*;

    #[test]
    fn refusal_needs_retry_after() {
        assert_eq!(Outcome::of(200, 200, false), Outcome::Success);
        assert_eq!(Outcome::of(403, 403, false), Outcome::Success);
        assert_eq!(Outcome::of(503, 200, true), Outcome::Refused);
        assert_eq!(Outcome::of(429, 200, true), Outcome::Refused);
        assert_eq!(Outcome::of(503, 200, false), Outcome::Failure);
        assert_eq!(Outcome::of(500, 200, true), Outcome::Failure);
        assert_eq!(Outcome::of(200, 403, false), Outcome::Failure);
    }

    #[tokio::test]
    async fn refused_connection_was_never_used_and_says_so() {
        let url = format!("http://127.0.0.1:{}", free_port());
        let error = reqwest::get(url).await.expect_err("nobody listens");
        assert_eq!(Outcome::of_error(&error), Outcome::Unsent);
        assert_eq!(cause(&error), "connection refused");
    }

    #[test]
    fn causes_have_the_words_of_the_system() {
        let files = io::Error::from_raw_os_error(24);
        assert_eq!(of_system(&files).as_deref(), Some("too many open files"));
        assert_eq!(of_system(&io::Error::other("unknown")), None);
    }
}

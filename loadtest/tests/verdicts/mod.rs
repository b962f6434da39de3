//! Verdicts that cannot be fooled.

mod outage;

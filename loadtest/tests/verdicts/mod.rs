//! Verdicts that cannot be fooled.

mod endings;
mod outage;
mod replicas;

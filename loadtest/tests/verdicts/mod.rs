//! Verdicts that cannot be fooled.

mod endings;
mod interrupts;
mod outage;
mod replicas;

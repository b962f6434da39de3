//! Verdicts that cannot be fooled.

mod endings;
mod generators;
mod interrupts;
mod outage;
mod replicas;

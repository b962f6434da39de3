//! Tests of decisions.

mod built_in;
mod conditions;
mod decisions;
mod policies;
mod reference;
mod searching;
mod usage;

//! The metrics are those that the catalogue declares, whatever requests clients send.

mod cardinality;
mod catalogue;
mod listeners;
mod reconcile;
mod statement_budget;

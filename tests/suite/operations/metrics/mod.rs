//! What the service says about itself: the metrics are what the catalogue declares, whatever
//! clients do.

mod cardinality;
mod catalogue;
mod listeners;
mod reconcile;
mod statement_budget;

//! The checks of everything in this folder, in one binary so that it links once.
//!
//! | What | Where |
//! |---|---|
//! | generated files are up to date | `drift.rs` |
//! | dashboards: panels, series, settings, schema | `dashboards.rs` |
//! | the linter: the shipped files pass, each rule can be broken | `lint.rs` |
//! | promtool's tests of the rules: they pass, none is missing | `rules.rs`, with `promtool.rs` |
//! | docs/runbook.md | `runbook.rs` |
//! | docker-compose.yaml and the files that it mounts | `stack/` |

mod dashboards;
mod drift;
mod lint;
mod promtool;
mod rules;
mod runbook;
mod stack;

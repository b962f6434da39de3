use std::collections::BTreeSet;

use catalogue::options::OPTIONS;
use clap::Args as _;

use super::Config;

#[test]
fn catalogue_lists_every_option() {
    let command = Config::augment_args(clap::Command::new("serve"));
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    let variables: BTreeSet<_> = variables.filter_map(std::ffi::OsStr::to_str).collect();
    assert_eq!(variables, OPTIONS.iter().copied().collect());
    assert!(OPTIONS.is_sorted());
}

//! Metrics that are on no panel and in no alert, each with the reason. They are for ad-hoc queries.

/// Names and reasons.
pub const EXPLORE: &[(&str, &str)] = &[
    (
        "process_virtual_memory_bytes",
        "address space that is reserved, which costs nothing: resident memory is what runs out",
    ),
    (
        "process_virtual_memory_max_bytes",
        "unlimited nearly everywhere; a limit of memory is the control group's, which it does not show",
    ),
];

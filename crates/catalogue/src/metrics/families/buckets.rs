//! Upper bounds of the histograms' buckets, by what is measured.

/// Request durations: OpenTelemetry's fourteen bounds and thirteen more, which resolve answers within a
/// millisecond, of which a cached read takes less than a tenth.
pub const REQUESTS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.001_5, 0.002_5, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.035,
    0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Password hashing: narrow buckets around 10 to 50 ms.
pub const HASHES: &[f64] = &[
    0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Queue waits.
pub const WAITS: &[f64] = &[
    0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Database operations: a superset of OpenTelemetry's nine bounds.
pub const STATEMENTS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0,
];
/// Checks that take microseconds: token verification, authorization decisions.
pub const CHECKS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01,
];
/// Scheduling delay of the async runtime.
pub const DELAYS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];
/// Response sizes, in bytes.
pub const SIZES: &[f64] = &[
    128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0, 131_072.0,
];
/// Not a histogram.
pub const NONE: &[f64] = &[];

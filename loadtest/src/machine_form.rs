//! What the schema of results says of a machine.

use schemars::JsonSchema;

/// A machine that something was measured on.
#[derive(JsonSchema)]
#[schemars(rename = "Machine")]
#[expect(dead_code, reason = "its fields are its form")]
pub struct MachineForm {
    /// The processor's name.
    processor: String,
    /// How many cores may be used.
    cores: usize,
    /// Memory in MiB.
    memory_mib: u64,
    /// Operating system and architecture.
    system: String,
}

//! The memory that hashes are computed in.

use argon2::Block;

/// glibc maps blocks of 32 MiB and more separately and unmaps them when they are freed; smaller ones
/// may be placed in its heap, which does not shrink. The unused part of a reservation is never touched,
/// so it costs address space and no memory.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
const RESERVED_BLOCKS: usize = 32 * 1024 + 1;
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
const RESERVED_BLOCKS: usize = 0;

/// The memory of a hash thread, kept between hashes: allocating it for each hash would take a tenth
/// more time.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
}

impl Memory {
    /// Memory for `count` blocks of 1 KiB; the content is arbitrary.
    ///
    /// # Panics
    /// When there is no memory: the gate catches it, so one hash fails and not the process.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            // Not grown in place: that would hold both for a moment and copy needlessly.
            self.release();
            self.blocks
                .try_reserve_exact(count.max(RESERVED_BLOCKS))
                .expect("memory for a hash");
            self.blocks.resize(count, Block::new());
        }
        &mut self.blocks[..count]
    }

    pub(super) fn release(&mut self) {
        self.blocks = Vec::new();
    }

    /// The number of allocated blocks.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

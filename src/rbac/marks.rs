//! Marks of the grants of a set of roles that allowed something.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A grant within a set of roles.
#[derive(Clone, Copy, Debug)]
pub(super) enum GrantPlace {
    /// One without a condition, by the number of its permission.
    Always(u32),
    /// One with a condition, by its place.
    Conditional(usize),
}

/// Marks of the grants of a set of roles.
#[derive(Debug)]
pub(super) struct Marks {
    always: Box<[AtomicU64]>,
    conditional: Box<[AtomicBool]>,
}

impl Marks {
    pub(super) fn new(words: usize, conditional: usize) -> Self {
        Self {
            always: (0..words).map(|_| AtomicU64::new(0)).collect(),
            conditional: (0..conditional).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// Marks a grant. Writes only if it has no mark yet: the set is shared by all threads.
    pub(super) fn note(&self, grant: GrantPlace) {
        match grant {
            GrantPlace::Always(permission) => {
                let (word, bit) = ((permission / 64) as usize, 1 << (permission % 64));
                let word = self.always.get(word);
                if let Some(word) = word.filter(|word| word.load(Ordering::Relaxed) & bit == 0) {
                    word.fetch_or(bit, Ordering::Relaxed);
                }
            }
            GrantPlace::Conditional(at) => {
                let mark = self.conditional.get(at);
                if let Some(mark) = mark.filter(|mark| !mark.load(Ordering::Relaxed)) {
                    mark.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Takes the marks away: permissions without a condition, and places of conditional grants.
    pub(super) fn take(&self) -> (Vec<u32>, Vec<usize>) {
        let mut always = Vec::new();
        for (word, first) in self.always.iter().zip((0_u32..).step_by(64)) {
            let marks = word.swap(0, Ordering::Relaxed);
            always.extend(
                (0..64)
                    .filter(|bit| marks & (1 << bit) != 0)
                    .map(|bit| first + bit),
            );
        }
        let marked = self.conditional.iter().enumerate();
        let marked = marked.filter(|(_, mark)| mark.swap(false, Ordering::Relaxed));
        (always, marked.map(|(at, _)| at).collect())
    }
}

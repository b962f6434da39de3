//! Names as numbers, found without a copy of what is asked for.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Only administrators choose the names that are stored, and a search costs the same whatever is asked.
const HASH: FixedState = FixedState::with_seed(0x5bd1_e995);

/// Names, numbered in the order in which they came.
pub(super) struct Names {
    names: Vec<Box<str>>,
    table: HashTable<u32>,
}

impl Names {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<Box<str>> = names.map(Box::from).collect();
        let table = table(&names, |name| hash(name, ""));
        Self { names, table }
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let same = |at: &u32| &*self.names[*at as usize] == name;
        self.table.find(hash(name, ""), same).copied()
    }

    pub(super) fn name(&self, at: u32) -> &str {
        &self.names[at as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// Names of two parts with a colon between them, in their order, so that those with the same first part have
/// numbers one behind the other.
pub(super) struct Pairs {
    names: Vec<Box<str>>,
    table: HashTable<u32>,
}

impl Pairs {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut names: Vec<Box<str>> = names.map(Box::from).collect();
        names.sort_unstable_by(|one, other| parts(one).cmp(&parts(other)));
        let table = table(&names, |name| {
            let (first, second) = parts(name);
            hash(first, second)
        });
        Self { names, table }
    }

    pub(super) fn find(&self, first: &str, second: &str) -> Option<u32> {
        let same = |at: &u32| {
            let name = self.names[*at as usize].strip_prefix(first);
            name.and_then(|name| name.strip_prefix(':')) == Some(second)
        };
        self.table.find(hash(first, second), same).copied()
    }

    pub(super) fn find_whole(&self, name: &str) -> Option<u32> {
        let (first, second) = parts(name);
        self.find(first, second)
    }

    /// The numbers of all with this first part.
    pub(super) fn of_first(&self, first: &str) -> Vec<u32> {
        let start = self.names.partition_point(|name| parts(name).0 < first);
        let same = self.names[start..]
            .iter()
            .take_while(|name| parts(name).0 == first);
        (start..start + same.count()).map(place).collect()
    }

    pub(super) fn name(&self, at: u32) -> &str {
        &self.names[at as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

fn parts(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, ""))
}

fn table(names: &[Box<str>], hash: impl Fn(&str) -> u64) -> HashTable<u32> {
    let of = |at: &u32| hash(&names[*at as usize]);
    let mut table = HashTable::with_capacity(names.len());
    for at in (0..names.len()).map(place) {
        table.insert_unique(of(&at), at, of);
    }
    table
}

fn hash(first: &str, second: &str) -> u64 {
    let mut hasher = HASH.build_hasher();
    hasher.write(first.as_bytes());
    // Ends the first part, so that a byte cannot move from one to the other.
    hasher.write_u8(b':');
    hasher.write(second.as_bytes());
    hasher.finish()
}

/// The place as it is stored: no policy has four thousand million parts.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

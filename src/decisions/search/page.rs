//! Pages of a search: where they begin, and when they are full.

/// The most results of a page.
pub const MOST: u32 = 1000;
/// What the candidates of one page may cost.
const WORK: u32 = 1000;

/// The places where a search looks, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The ids that the policy names.
    #[default]
    Named,
    /// Registered entities.
    Registered,
    /// Accounts.
    Accounts,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Named, Self::Registered, Self::Accounts];
}

/// Where a page begins. The default is the first page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    stage: Stage,
    /// The last candidate of that stage that was looked at.
    after: String,
}

impl Position {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let stage = [self.stage as u8];
        [&stage, self.after.as_bytes()].concat()
    }

    /// From its bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (stage, after) = bytes.split_first()?;
        let mut stages = Stage::ALL.into_iter();
        Some(Self {
            stage: stages.find(|known| *known as u8 == *stage)?,
            after: String::from_utf8(after.to_vec()).ok()?,
        })
    }
}

/// A page of results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Ids, or names of actions.
    pub results: Vec<String>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Position>,
}

/// A page that is being made.
pub(super) struct Gathering {
    limit: usize,
    work: u32,
    results: Vec<String>,
    at: Position,
    full: bool,
}

impl Gathering {
    pub(super) fn new(from: Position, limit: u32) -> Self {
        Self {
            limit: limit.min(MOST) as usize,
            work: WORK,
            results: Vec::new(),
            at: from,
            full: false,
        }
    }

    /// Where to go on in this stage; `None` if the page is full, or this stage is over.
    pub(super) fn enter(&mut self, stage: Stage) -> Option<String> {
        if self.full || self.at.stage > stage {
            return None;
        }
        if self.at.stage < stage {
            self.at = Position {
                stage,
                after: String::new(),
            };
        }
        Some(self.at.after.clone())
    }

    /// Notes a candidate and what looking at it cost. Returns whether to go on.
    pub(super) fn look(&mut self, id: &str, allowed: bool, cost: u32) -> bool {
        // It is the first of the next page: so a page that ends the results is known to be the last.
        if allowed && self.results.len() == self.limit {
            self.full = true;
            return false;
        }
        if allowed {
            self.results.push(id.to_owned());
        }
        id.clone_into(&mut self.at.after);
        self.work = self.work.saturating_sub(cost);
        self.full = self.work == 0;
        !self.full
    }

    pub(super) fn page(self) -> Page {
        Page {
            results: self.results,
            next: self.full.then_some(self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every page of these candidates, of which even ones are allowed.
    fn pages(candidates: &[&str], limit: u32, cost: u32) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut from = Some(Position::default());
        while let Some(position) = from.take() {
            let position = Position::parse(&position.bytes()).expect("its own bytes");
            let mut gathering = Gathering::new(position, limit);
            for stage in Stage::ALL {
                let Some(after) = gathering.enter(stage) else {
                    continue;
                };
                let rest = candidates.iter().filter(|id| **id > after.as_str());
                for id in rest {
                    let allowed = id.ends_with(['0', '2', '4']);
                    if !gathering.look(id, allowed, cost) {
                        break;
                    }
                }
            }
            let page = gathering.page();
            pages.push(page.results);
            from = page.next;
        }
        pages
    }

    #[test]
    fn pages_have_every_result_of_every_stage_once() {
        let candidates = ["0", "1", "2", "3", "4"];
        let all = ["0", "2", "4"].repeat(3);
        for limit in [1, 2, 3, 4, 9, 10] {
            for cost in [0, 1, 400, 1000] {
                let pages = pages(&candidates, limit, cost);
                assert_eq!(pages.concat(), all, "{limit} {cost}");
                assert!(pages.iter().all(|page| page.len() <= limit as usize));
            }
        }
        // No empty page follows the last result.
        assert_eq!(pages(&candidates, 9, 1).len(), 1);
        assert_eq!(pages(&candidates, 3, 1).len(), 3);
    }

    #[test]
    fn page_without_room_says_only_whether_there_are_results() {
        let mut gathering = Gathering::new(Position::default(), 0);
        gathering.enter(Stage::Named);
        assert!(gathering.look("a", false, 1));
        assert!(!gathering.look("b", true, 1));
        let page = gathering.page();
        assert_eq!(page.results, [""; 0]);
        assert!(page.next.is_some());
    }

    #[test]
    fn bytes_that_are_no_position_are_none() {
        for bytes in [&b""[..], b"\x03", b"\x00\xff"] {
            assert_eq!(Position::parse(bytes), None, "{bytes:?}");
        }
    }
}

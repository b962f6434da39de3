//! What a condition says while one entity of the question is not known yet.

use std::collections::BTreeSet;

use super::super::question::Question;
use super::term::{Condition, Found, Operand, Part, Path, Term};

/// The entity that a search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The subject.
    Subject,
    /// The resource.
    Resource,
}

/// For which entities a condition may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// For none.
    Nobody,
    /// For some of these ids at most.
    Ids(BTreeSet<String>),
    /// It depends on their properties.
    Some,
    /// For all.
    All,
}

/// What one comparison says.
enum Says {
    Fails,
    Holds,
    Ids(BTreeSet<String>),
    Depends,
}

impl Condition {
    /// For which entities it may hold. What the question says of the wanted one does not count.
    #[must_use]
    pub fn left(&self, question: &Question<'_>, wanted: Wanted) -> Left {
        let mut ids: Option<BTreeSet<String>> = None;
        let mut depends = false;
        for term in &self.0 {
            match term.says(question, wanted) {
                Says::Fails => return Left::Nobody,
                Says::Holds => {}
                Says::Depends => depends = true,
                Says::Ids(own) => {
                    ids = Some(match ids {
                        Some(known) => known.intersection(&own).cloned().collect(),
                        None => own,
                    });
                }
            }
        }
        match ids {
            Some(ids) if ids.is_empty() => Left::Nobody,
            Some(ids) => Left::Ids(ids),
            None if depends => Left::Some,
            None => Left::All,
        }
    }
}

impl Term {
    fn says(&self, question: &Question<'_>, wanted: Wanted) -> Says {
        let about = |path: &Path| path.is_of(wanted);
        let other = match &self.operand {
            Operand::Path(other) => Some(other),
            Operand::Values(_) => None,
        };
        let known = match (about(&self.path), other.is_some_and(about)) {
            (false, false) => {
                return if self.holds(question) {
                    Says::Holds
                } else {
                    Says::Fails
                };
            }
            (true, true) => {
                let same_id = self.path.is_id() && other.is_some_and(Path::is_id);
                return if same_id { Says::Holds } else { Says::Depends };
            }
            (true, false) if self.path.is_id() => self.values(question),
            (false, true) if other.is_some_and(Path::is_id) => text(self.path.of(question)),
            _ => return Says::Depends,
        };
        Says::Ids(known)
    }

    /// The texts that the path is compared with.
    fn values(&self, question: &Question<'_>) -> BTreeSet<String> {
        match &self.operand {
            Operand::Path(path) => text(path.of(question)),
            Operand::Values(values) => {
                let texts = values.iter().filter_map(|value| value.as_str());
                texts.map(str::to_owned).collect()
            }
        }
    }
}

impl Path {
    fn is_id(&self) -> bool {
        matches!(self, Self::SubjectId | Self::ResourceId)
    }

    fn is_of(&self, wanted: Wanted) -> bool {
        match self {
            Self::SubjectId | Self::Property(Part::Subject, _) => wanted == Wanted::Subject,
            Self::ResourceId | Self::Property(Part::Resource, _) => wanted == Wanted::Resource,
            Self::Property(Part::Action, _) => false,
        }
    }
}

/// The one text that equals an id, if there is one.
fn text(found: Found<'_>) -> BTreeSet<String> {
    let text = match found {
        Found::Nothing => None,
        Found::Id(id) => Some(id),
        Found::Value(value) => value.as_str(),
    };
    text.map(str::to_owned).into_iter().collect()
}

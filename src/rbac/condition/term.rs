//! Comparisons: when they hold, and how they are written.

use std::fmt;

use serde_json::Value;

use super::super::question::Question;

/// The entities of a question that conditions speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Subject,
    Resource,
    Action,
}

/// Where a value of the question stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    SubjectId,
    ResourceId,
    Property(Part, Box<str>),
}

/// What a path is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Path(Path),
    /// One of these; a single one is written `==`.
    Values(Vec<Value>),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub(super) path: Path,
    pub(super) operand: Operand,
}

/// Comparisons that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub(super) Vec<Term>);

impl Condition {
    /// Whether every comparison holds.
    #[must_use]
    pub fn holds(&self, question: &Question<'_>) -> bool {
        self.0.iter().all(|term| term.holds(question))
    }

    /// The comparisons that do not hold.
    pub fn failing<'a>(&'a self, question: &'a Question<'_>) -> impl Iterator<Item = &'a Term> {
        self.0.iter().filter(|term| !term.holds(question))
    }
}

impl Term {
    pub(super) fn holds(&self, question: &Question<'_>) -> bool {
        let value = self.path.of(question);
        match &self.operand {
            Operand::Path(other) => equal(value, other.of(question)),
            Operand::Values(values) => values.iter().any(|other| equal(value, Found::Value(other))),
        }
    }
}

/// The value that a path leads to.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Nothing,
    Id(&'a str),
    Value(&'a Value),
}

impl Path {
    pub(super) fn of<'a>(&self, question: &'a Question<'_>) -> Found<'a> {
        let (part, name) = match self {
            Self::SubjectId => return Found::Id(question.subject.id),
            Self::ResourceId => return Found::Id(question.resource.id),
            Self::Property(part, name) => (part, name),
        };
        let properties = match part {
            Part::Subject => &question.subject.properties,
            Part::Resource => &question.resource.properties,
            Part::Action => &question.action.properties,
        };
        properties.get(name).map_or(Found::Nothing, Found::Value)
    }
}

/// Whether both are there and the same text, number or truth value.
fn equal(one: Found<'_>, other: Found<'_>) -> bool {
    match (one, other) {
        (Found::Nothing, _) | (_, Found::Nothing) => false,
        (Found::Id(one), Found::Id(other)) => one == other,
        (Found::Id(id), Found::Value(value)) | (Found::Value(value), Found::Id(id)) => {
            value.as_str() == Some(id)
        }
        (Found::Value(one), Found::Value(other)) => match (one, other) {
            (Value::String(one), Value::String(other)) => one == other,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            // 1 is 1.0; whole numbers are compared exactly.
            (Value::Number(one), Value::Number(other)) => {
                one == other
                    || (one.is_f64() || other.is_f64())
                        && one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
            }
            _ => false,
        },
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, term) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(" and ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)?;
        match &self.operand {
            Operand::Path(path) => write!(f, " == {path}"),
            Operand::Values(values) => match values.as_slice() {
                [value] => write!(f, " == {value}"),
                values => {
                    f.write_str(" in [")?;
                    for (number, value) in values.iter().enumerate() {
                        let comma = if number > 0 { ", " } else { "" };
                        write!(f, "{comma}{value}")?;
                    }
                    f.write_str("]")
                }
            },
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectId => f.write_str("subject.id"),
            Self::ResourceId => f.write_str("resource.id"),
            Self::Property(part, name) => {
                let part = match part {
                    Part::Subject => "subject",
                    Part::Resource => "resource",
                    Part::Action => "action",
                };
                write!(f, "{part}.properties.{name}")
            }
        }
    }
}

//! Reads conditions.

use std::fmt;

use serde_json::{Deserializer, Value};

use super::term::{Condition, Operand, Part, Path, Term};

/// Longest text of a condition, in bytes.
pub const LONGEST: usize = 1024;
/// Most comparisons of a condition, and most values of one list.
const MOST_TERMS: usize = 16;
const MOST_VALUES: usize = 64;
/// Longest name of a property.
const LONGEST_PROPERTY: usize = 63;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionFault {
    /// The byte at which it was noticed.
    pub at: usize,
    /// The rule.
    pub rule: &'static str,
}

impl fmt::Display for ConditionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.rule, self.at)
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first rule that the text breaks, and where.
    pub fn parse(text: &str) -> Result<Self, ConditionFault> {
        if text.len() > LONGEST {
            return Err(ConditionFault {
                at: LONGEST,
                rule: "a condition has at most 1024 bytes",
            });
        }
        let mut reader = Reader { text, at: 0 };
        let mut terms = vec![reader.term()?];
        loop {
            reader.skip_blanks();
            if reader.rest().is_empty() {
                return Ok(Self(terms));
            }
            if reader.word() != "and" {
                return reader.fault("comparisons are joined by `and`");
            }
            reader.at += "and".len();
            if terms.len() == MOST_TERMS {
                return reader.fault("a condition has at most 16 comparisons");
            }
            terms.push(reader.term()?);
        }
    }
}

/// Reads a text from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault<T>(&self, rule: &'static str) -> Result<T, ConditionFault> {
        Err(ConditionFault { at: self.at, rule })
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// What stands before the next blank or bracket.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '[', ']', ',', '=']);
        &rest[..end.unwrap_or(rest.len())]
    }

    fn term(&mut self) -> Result<Term, ConditionFault> {
        let path = self.path()?;
        self.skip_blanks();
        if self.rest().starts_with("==") {
            self.at += 2;
            self.skip_blanks();
            let operand = match self.rest().as_bytes().first() {
                Some(b's' | b'r' | b'a') => Operand::Path(self.path()?),
                _ => Operand::Values(vec![self.value()?]),
            };
            return Ok(Term { path, operand });
        }
        if self.word() != "in" {
            return self.fault(
                "a comparison is `PATH == VALUE`, `PATH == PATH` or `PATH in [VALUE, ...]`",
            );
        }
        self.at += "in".len();
        let operand = Operand::Values(self.list()?);
        Ok(Term { path, operand })
    }

    fn path(&mut self) -> Result<Path, ConditionFault> {
        self.skip_blanks();
        let word = self.word();
        let property =
            |part, name: &str| is_property(name).then(|| Path::Property(part, name.into()));
        let path = match word.split_once(".properties.") {
            None if word == "subject.id" => Some(Path::SubjectId),
            None if word == "resource.id" => Some(Path::ResourceId),
            Some(("subject", name)) => property(Part::Subject, name),
            Some(("resource", name)) => property(Part::Resource, name),
            Some(("action", name)) => property(Part::Action, name),
            _ => None,
        };
        let Some(path) = path else {
            return self.fault(
                "a path is subject.id, resource.id, subject.properties.NAME, resource.properties.NAME or \
                 action.properties.NAME; a NAME has up to 63 letters, digits, `_` and `-`",
            );
        };
        self.at += word.len();
        Ok(path)
    }

    fn value(&mut self) -> Result<Value, ConditionFault> {
        let rule = "a value is a text in double quotes, a number, true or false, as in JSON";
        let mut values = Deserializer::from_str(self.rest()).into_iter::<Value>();
        match values.next() {
            Some(Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)))) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            _ => self.fault(rule),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, ConditionFault> {
        self.skip_blanks();
        if !self.rest().starts_with('[') {
            return self.fault("`in` is followed by a list: [VALUE, ...]");
        }
        let mut values = Vec::new();
        loop {
            self.at += 1;
            self.skip_blanks();
            if values.len() == MOST_VALUES {
                return self.fault("a list has at most 64 values");
            }
            values.push(self.value()?);
            self.skip_blanks();
            match self.rest().as_bytes().first() {
                Some(b',') => {}
                Some(b']') => {
                    self.at += 1;
                    return Ok(values);
                }
                _ => {
                    return self.fault("values of a list are separated by commas and end with `]`");
                }
            }
        }
    }
}

fn is_property(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    bytes.next().is_some_and(first)
        && name.len() <= LONGEST_PROPERTY
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

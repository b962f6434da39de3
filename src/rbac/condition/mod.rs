//! Conditions of grants: comparisons that must all hold, over the properties of a question.
//!
//! ```text
//! resource.properties.owner == subject.id and resource.properties.status in ["draft", "review"]
//! ```
//!
//! There is no `or`, no negation and no function: a further property can only make a condition hold, so that
//! what a policy allows can be listed and explained. A path that leads nowhere makes its comparison false.

mod parse;
mod partial;
mod term;

pub use self::parse::{ConditionFault, LONGEST};
pub use self::partial::{Left, Wanted};
pub use self::term::{Condition, Term};

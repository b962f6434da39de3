//! Query parameters that an operation does not have are refused, so that a misspelt one is not ignored.

use poem::Request;
use url::form_urlencoded;

use super::operation::Operation;
use crate::api::problem::{MAX_FIELDS_NAMED, Problem};

/// The longest name that a refusal repeats.
const MAX_NAME: usize = 64;
/// The field of a refusal whose parameter's name cannot be repeated.
const WHOLE: &str = "query";

/// Checks the names of the parameters of a request for this operation. After the guard, so that a
/// stranger gets 401 first.
///
/// # Errors
/// 400 with every parameter that is unknown or given twice.
pub fn check(request: &Request, operation: &Operation) -> Result<(), Problem> {
    let (Some(query), Some(known)) = (request.uri().query(), operation.query) else {
        return Ok(());
    };
    let mut seen = Vec::new();
    let mut problem = Problem::malformed();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, named) = name(parameter);
        if let Some(found) = known.iter().find(|known| **known == name) {
            if seen.contains(found) {
                problem = problem.field(name, "is given twice");
            }
            seen.push(found);
        } else {
            let shown = if named { &name } else { WHOLE };
            problem = problem.field(shown, "is unknown");
        }
        if problem.more.errors.len() == MAX_FIELDS_NAMED {
            break;
        }
    }
    if problem.more.errors.is_empty() {
        Ok(())
    } else {
        Err(problem)
    }
}

/// Refuses these parameters in the query: every log on the way would have them (RFC 6749 section 2.3.1).
///
/// # Errors
/// 400 with each of them that is there.
pub fn refuse(request: &Request, names: &[&str]) -> Result<(), Problem> {
    let query = request.uri().query().unwrap_or_default();
    let given: Vec<String> = query
        .split('&')
        .map(|parameter| name(parameter).0)
        .collect();
    let mut names = names
        .iter()
        .filter(|name| given.iter().any(|given| given == *name));
    let Some(first) = names.next() else {
        return Ok(());
    };
    let rule = "must be in the body, not in the query";
    let problem = Problem::malformed().field(*first, rule);
    Err(names.fold(problem, |problem, name| problem.field(*name, rule)))
}

/// The name of a parameter, and whether it can be repeated: what has no `=` or is no word may be a value.
fn name(parameter: &str) -> (String, bool) {
    let (name, valued) = parameter
        .split_once('=')
        .map_or((parameter, false), |(name, _)| (name, true));
    let decoded = form_urlencoded::parse(name.as_bytes()).next();
    let name = decoded.map_or_else(String::new, |(name, _)| name.into_owned());
    let word = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let named = valued && (1..=MAX_NAME).contains(&name.len()) && name.chars().all(word);
    (name, named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::edge::operation::Access;
    use catalogue::endpoints;

    const LIST: Operation =
        Operation::new(endpoints::LIST_USERS, Access::Public).query(&["limit", "search"]);

    fn refused(query: &str, operation: &Operation) -> Vec<String> {
        let uri = format!("/x{query}").parse().expect("a URI");
        let outcome = check(&Request::builder().uri(uri).finish(), operation);
        let errors = outcome.err().map(|problem| problem.more.errors);
        let errors = errors.into_iter().flatten();
        errors
            .map(|error| format!("{} {}", error.field, error.rule))
            .collect()
    }

    #[test]
    fn every_unknown_parameter_is_named_without_its_value() {
        for (query, named) in [
            ("", &[][..]),
            ("?", &[]),
            ("?limit=1&search=a&", &[]),
            ("?l%69mit=1", &[]),
            ("?Limit=1", &["Limit is unknown"]),
            (
                "?page=s3cret&limit=1&size=2",
                &["page is unknown", "size is unknown"],
            ),
            ("?limit=1&limit=1", &["limit is given twice"]),
            // These names may be values.
            ("?s3cret", &["query is unknown"]),
            ("?s3%20cret=1", &["query is unknown"]),
            ("?=s3cret", &["query is unknown"]),
        ] {
            assert_eq!(refused(query, &LIST), named, "{query}");
        }
        assert_eq!(refused("?page=1", &LIST.any_query()), [""; 0]);
        let many = format!("?{}", "a=1&".repeat(1000));
        assert_eq!(refused(&many, &LIST).len(), MAX_FIELDS_NAMED);
    }
}

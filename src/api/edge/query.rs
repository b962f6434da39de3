//! Query parameters that an operation does not have are refused, so that a misspelt one is not ignored; so are
//! values that it does not take. All are named at once.

use poem::Request;
use url::form_urlencoded;

use super::operation::{Operation, Values};
use crate::api::problem::{MAX_FIELDS_NAMED, Problem};

/// The longest name that a refusal repeats.
const MAX_NAME: usize = 64;
/// The field of a refusal whose parameter's name cannot be repeated.
const WHOLE: &str = "query";

/// Checks the parameters of a request for this operation. After the guard, so that a
/// stranger gets 401 first.
///
/// # Errors
/// 400 with every parameter that is unknown, given twice or has a value that the operation does not take.
pub fn check(request: &Request, operation: &Operation) -> Result<(), Problem> {
    let (Some(query), Some(known)) = (request.uri().query(), operation.query) else {
        return Ok(());
    };
    let mut seen = Vec::new();
    let mut problem = Problem::malformed();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, named) = name(parameter);
        if let Some(found) = known.iter().find(|known| known.name == name) {
            if seen.contains(&found.name) {
                problem = problem.field(name, "is given twice");
            } else if let Some(rule) = found.values.broken_rule(&value(parameter)) {
                problem = problem.field(name, rule);
            }
            seen.push(found.name);
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

fn value(parameter: &str) -> String {
    let decoded = form_urlencoded::parse(parameter.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}

impl Values {
    /// The rule that this value breaks.
    fn broken_rule(self, value: &str) -> Option<String> {
        let characters = value.chars().count();
        match self {
            Self::Numbers(least, most) => {
                let number = value
                    .parse()
                    .is_ok_and(|number| (least..=most).contains(&number));
                (!number).then(|| format!("must be a whole number from {least} to {most}"))
            }
            Self::Texts(least, most) => (!(least..=most).contains(&characters))
                .then(|| format!("must have {least} to {most} characters")),
            Self::Cursors(least, most) => {
                let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                let sound = (least..=most).contains(&characters) && value.bytes().all(letter);
                (!sound).then(|| "must be the next_cursor of a page".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::edge::operation::{Access, QueryParameter};
    use catalogue::endpoints;

    const fn parameter(name: &'static str, values: Values) -> QueryParameter {
        QueryParameter { name, values }
    }

    const LIST: Operation = Operation::new(endpoints::LIST_USERS, Access::Public).query(&[
        parameter("limit", Values::Numbers(1, 9)),
        parameter("search", Values::Texts(1, 3)),
        parameter("cursor", Values::Cursors(2, 4)),
    ]);

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
        for sound in [
            "?limit=9&search=%C3%A4%C3%B6%C3%BC&cursor=A_-9",
            "?limit=1&search=%20&cursor=AA",
            "?limit=%31&search=%26",
        ] {
            assert_eq!(refused(sound, &LIST), [""; 0], "{sound}");
        }
        let limit = "limit must be a whole number from 1 to 9";
        let search = "search must have 1 to 3 characters";
        let cursor = "cursor must be the next_cursor of a page";
        for broken in ["0", "10", "-1", "1.5", "", "x", "4294967296"] {
            assert_eq!(refused(&format!("?limit={broken}"), &LIST), [limit]);
        }
        for broken in ["?search=", "?search=abcd", "?search"] {
            assert_eq!(refused(broken, &LIST), [search], "{broken}");
        }
        for broken in ["A", "AAAAA", "A%20", "AA==", "%C3%A4"] {
            assert_eq!(refused(&format!("?cursor={broken}"), &LIST), [cursor]);
        }
        assert_eq!(
            refused("?limit=0&x=1&search=&cursor=%00%00", &LIST),
            [limit, "x is unknown", search, cursor]
        );
        let many = format!("?{}", "a=1&".repeat(1000));
        assert_eq!(refused(&many, &LIST).len(), MAX_FIELDS_NAMED);
    }
}

//! The accounts that hold any of some roles, for a resource, in the order of their ids.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::connection::Conn;
use super::rows::from_row;
use super::{Store, fetch_list, findable, sql};
use crate::error::Result;

/// Roles of one statement. Its answer must have room for all of one account and the first of the next.
const LISTED: usize = 32;
/// Rows of one answer.
const ROWS: i64 = 128;

/// Which holders are sought.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The roles.
    pub roles: &'a [&'a str],
    /// The type of the resource.
    pub kind: &'a str,
    /// The id of the resource.
    pub id: &'a str,
    /// The time, in microseconds since 1970: what has expired then does not count.
    pub now: i64,
}

/// An account that holds some of the roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub id: Uuid,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Those of the roles that it holds for the resource, in no particular order; one may be there twice.
    pub roles: Vec<String>,
}

/// Some holders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// In the order of their ids, each with all of its roles.
    pub holders: Vec<Holder>,
    /// Whether there may be more behind the last.
    pub more: bool,
}

struct HolderRow {
    user_id: Uuid,
    role: String,
    disabled: bool,
}

from_row!(HolderRow {
    user_id,
    role,
    disabled
});

impl Store {
    /// The first accounts after `after` that hold any of the roles everywhere, for the type, or for the
    /// resource. At least one, unless there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn holders(&self, sought: Sought<'_>, after: Uuid) -> Result<Holders> {
        let mut conn = self.reader().await?;
        let mut found = Found::default();
        for roles in sought.roles.chunks(LISTED) {
            let filled = roles.iter().copied().chain(std::iter::repeat(""));
            let roles: Vec<&str> = filled.take(LISTED).collect();
            found.add(held(&mut conn, &roles, after).await?);
            // The stored forms of what reaches the resource.
            for (kind, id) in [("", ""), (sought.kind, ""), (sought.kind, sought.id)] {
                if findable(kind) && findable(id) {
                    found.add(held_within(&mut conn, &roles, (kind, id), sought.now, after).await?);
                }
            }
        }
        Ok(found.complete())
    }
}

async fn held(conn: &mut Conn, roles: &[&str], after: Uuid) -> Result<Vec<HolderRow>> {
    let roles = roles.iter().copied();
    fetch_list!(conn, sql::HOLDERS => HolderRow, [after, ROWS], roles)
}

async fn held_within(
    conn: &mut Conn,
    roles: &[&str],
    (kind, id): (&str, &str),
    now: i64,
    after: Uuid,
) -> Result<Vec<HolderRow>> {
    let roles = roles.iter().copied();
    fetch_list!(conn, sql::LIMITED_HOLDERS => HolderRow, [after, ROWS, now, kind, id], roles)
}

/// Answers put together.
#[derive(Default)]
struct Found {
    holders: BTreeMap<Uuid, Holder>,
    /// From here on an answer that was full may lack some.
    complete_before: Option<Uuid>,
}

impl Found {
    fn add(&mut self, rows: Vec<HolderRow>) {
        if i64::try_from(rows.len()) == Ok(ROWS)
            && let Some(last) = rows.last()
        {
            let earlier = self.complete_before.filter(|known| *known < last.user_id);
            self.complete_before = earlier.or(Some(last.user_id));
        }
        for row in rows {
            let HolderRow {
                user_id: id,
                role,
                disabled,
            } = row;
            let holder = self.holders.entry(id).or_insert_with(|| Holder {
                id,
                disabled,
                roles: Vec::new(),
            });
            holder.roles.push(role);
        }
    }

    fn complete(mut self) -> Holders {
        let end = self.complete_before;
        if let Some(end) = end {
            self.holders.retain(|id, _| *id < end);
        }
        Holders {
            holders: self.holders.into_values().collect(),
            more: end.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: impl IntoIterator<Item = u128>) -> Vec<HolderRow> {
        let row = |number| HolderRow {
            user_id: Uuid::from_u128(number),
            role: format!("r{number}"),
            disabled: false,
        };
        numbers.into_iter().map(row).collect()
    }

    fn complete(answers: impl IntoIterator<Item = Vec<HolderRow>>) -> (Vec<u128>, bool) {
        let mut found = Found::default();
        for answer in answers {
            found.add(answer);
        }
        let Holders { holders, more } = found.complete();
        let ids = holders.iter().map(|holder| holder.id.as_u128());
        (ids.collect(), more)
    }

    #[test]
    fn what_a_full_answer_may_lack_is_left_for_the_next_time() {
        assert_eq!(complete([rows([1, 5]), rows([3])]), (vec![1, 3, 5], false));
        let full = || rows(1..=128);
        let (ids, more) = complete([full(), rows([2, 127, 128, 500])]);
        assert_eq!((ids.len(), ids.last(), more), (127, Some(&127), true));
        // The answer that ends first counts.
        let later = rows((1..=128).map(|number| number * 2));
        for answers in [[full(), later], [rows((1..=128).map(|n| n * 2)), full()]] {
            let (ids, more) = complete(answers);
            assert_eq!((ids.last(), more), (Some(&127), true));
        }
    }

    #[test]
    fn an_account_has_the_roles_of_all_answers() {
        let mut found = Found::default();
        found.add(rows([1]));
        found.add(rows([1, 2]));
        let Holders { holders, .. } = found.complete();
        assert_eq!(holders[0].roles, ["r1", "r1"]);
    }
}

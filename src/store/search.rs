//! Searching accounts by the beginning of a name or address.

use super::rows::{User, UserRow};
use super::users::{UserPage, key};
use super::{Store, fetch_all, findable, sql};
use crate::error::Result;

/// Greater than everything that begins alike.
const LAST: char = '\u{10FFFF}';
/// The least that can follow: no name and no address holds a NUL, which PostgreSQL's text refuses.
const FIRST: char = '\u{1}';

impl Store {
    /// A page of the accounts whose username begins with `beginning`, in the order of usernames, and
    /// behind them of those whose e-mail address alone does, in the order of addresses. Upper and
    /// lower case are the same. A position is the name or address that the page before ended with;
    /// its account need not exist any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_users(
        &self,
        beginning: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<UserPage<String>> {
        let beginning = key(beginning);
        if !findable(&beginning) || after.is_some_and(|after| !findable(after)) {
            return Ok(UserPage {
                users: Vec::new(),
                next: None,
            });
        }
        let mut conn = self.reader().await?;
        let end = format!("{beginning}{LAST}");
        // Among the addresses if it holds an `@`, which no username does.
        let among_emails = after.is_some_and(|after| after.contains('@'));
        let from = after.map_or_else(
            || beginning.clone(),
            |after| format!("{after}{FIRST}").max(beginning.clone()),
        );
        // One more than asked for tells whether there is a next page.
        let take = i64::from(limit) + 1;
        let mut rows = if among_emails {
            Vec::new()
        } else {
            fetch_all!(conn, sql::SEARCH_USERNAMES => UserRow, &from, &end, take)?
        };
        let by_name = rows.len();
        if by_name <= limit as usize {
            let from = if among_emails { &from } else { &beginning };
            rows.extend(
                fetch_all!(conn, sql::SEARCH_EMAILS => UserRow, from, &end, take, &beginning)?,
            );
        }
        let names_alone = by_name >= limit as usize;
        Ok(UserPage::new(rows, limit, |user: &User| {
            key(if names_alone {
                &user.username
            } else {
                &user.email
            })
        }))
    }
}

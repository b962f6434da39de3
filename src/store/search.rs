//! Search for accounts by a prefix of the username or e-mail address.

use super::lookup::key;
use super::rows::{User, UserRow};
use super::users::UserPage;
use super::{Store, fetch_all, findable, sql};
use crate::error::Result;

/// Behind a prefix: greater than every text with this prefix.
const LAST: char = '\u{10FFFF}';
/// Behind a text: the least text that follows it. No stored text has a NUL, which PostgreSQL refuses.
const FIRST: char = '\u{1}';

impl Store {
    /// A page of the accounts whose username begins with `prefix`, ordered by username, followed by
    /// those of which only the e-mail address does, ordered by address. Case is ignored. `after` is
    /// the username or address at the end of the previous page; its account may be gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_users(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<UserPage<String>> {
        let prefix = key(prefix);
        if !findable(&prefix) || after.is_some_and(|after| !findable(after)) {
            return Ok(UserPage {
                users: Vec::new(),
                next: None,
            });
        }
        let mut conn = self.reader().await?;
        let end = format!("{prefix}{LAST}");
        // An address if it has an `@`: usernames never do.
        let among_emails = after.is_some_and(|after| after.contains('@'));
        let from = after.map_or_else(
            || prefix.clone(),
            |after| format!("{after}{FIRST}").max(prefix.clone()),
        );
        // One more than the page holds, to know whether there is a next one.
        let take = i64::from(limit) + 1;
        let mut rows = if among_emails {
            Vec::new()
        } else {
            fetch_all!(conn, sql::SEARCH_USERNAMES => UserRow, &from, &end, take)?
        };
        let by_name = rows.len();
        if by_name <= limit as usize {
            let from = if among_emails { &from } else { &prefix };
            rows.extend(
                fetch_all!(conn, sql::SEARCH_EMAILS => UserRow, from, &end, take, &prefix)?,
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

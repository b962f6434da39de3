//! Which subjects may do something with a resource.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use uuid::Uuid;

use super::{Asked, BATCH, Gathering, Page, Position, Stage};
use crate::decisions::registry::Registered;
use crate::decisions::{Decisions, USER};
use crate::error::Result;
use crate::rbac::{Assignment, Held, Places, Question, Share};
use crate::store::{Holder, Side, Sought, User};

/// What looking at a subject costs that may be an account, which is read alone.
const ACCOUNT: u32 = 10;
/// Accounts of one reading.
const ACCOUNTS: u32 = 100;
/// With more roles that grant a permission, all accounts are gone through.
const MOST_ROLES: usize = 256;

/// An account that may be a result.
struct Candidate {
    id: String,
    /// `None` if it is disabled.
    held: Option<Held>,
}

impl Decisions {
    /// A page of the ids of such subjects: first those that conditions name, then registered ones, then, for
    /// subjects of the type `user`, accounts. What the question says of the subject's id does not count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_subjects(
        &self,
        asked: &Question<'_>,
        from: Position,
        limit: u32,
    ) -> Result<Page> {
        if !self.knows_subjects(asked.subject.kind) {
            return Ok(Page::default());
        }
        let live = self.live();
        let (kind, id) = (asked.resource.kind, asked.resource.id);
        let resource = self.registry.registered(Side::Resource, kind, id).await?;
        let mut question = *asked;
        question.resource.properties = resource.beside(asked.resource.properties);
        let asked = Asked {
            question,
            live: &live,
            now: self.clock.micros(),
        };
        let places = live.snapshot.places_of_subjects(&question);
        let mut page = Gathering::new(from, limit);
        self.named_subjects(&asked, &places.ids, &mut page).await?;
        if places.all != Share::None {
            self.registered_subjects(&asked, &places.ids, &mut page)
                .await?;
        }
        if question.subject.kind == USER {
            self.accounts(&asked, &places, &mut page).await?;
        }
        Ok(page.page())
    }

    async fn named_subjects(
        &self,
        asked: &Asked<'_>,
        ids: &BTreeSet<String>,
        page: &mut Gathering,
    ) -> Result<()> {
        let Some(after) = page.enter(Stage::Named) else {
            return Ok(());
        };
        let kind = asked.question.subject.kind;
        for id in ids.range::<str, _>((Bound::Excluded(after.as_str()), Bound::Unbounded)) {
            let registered = self.registry.registered(Side::Subject, kind, id).await?;
            let found = self.subject(asked.live, kind, id).await?;
            // A condition may name what does not exist.
            let held = found
                .held
                .filter(|_| found.is_account || registered.exists());
            let allowed = held.is_some_and(|held| asked.allows_subject(&held, id, &registered));
            // Each is read alone.
            if !page.look(id, allowed, ACCOUNT) {
                break;
            }
        }
        Ok(())
    }

    async fn registered_subjects(
        &self,
        asked: &Asked<'_>,
        named: &BTreeSet<String>,
        page: &mut Gathering,
    ) -> Result<()> {
        let Some(mut after) = page.enter(Stage::Registered) else {
            return Ok(());
        };
        let kind = asked.question.subject.kind;
        loop {
            let found = self.registry.page(Side::Subject, kind, &after, BATCH);
            let (entities, more) = found.await?;
            for (id, registered) in &entities {
                let (allowed, cost) = if named.contains(id) {
                    (false, 1)
                } else {
                    self.allowed(asked, id, registered).await?
                };
                if !page.look(id, allowed, cost) {
                    return Ok(());
                }
            }
            match entities.into_iter().next_back() {
                Some((last, _)) if more => after = last,
                _ => return Ok(()),
            }
        }
    }

    /// Whether it would be allowed to this subject, and what it cost to know that.
    async fn allowed(
        &self,
        asked: &Asked<'_>,
        id: &str,
        registered: &Registered,
    ) -> Result<(bool, u32)> {
        let kind = asked.question.subject.kind;
        let cost = match crate::decisions::account_id(kind, id) {
            Some(_) => ACCOUNT,
            None => 1,
        };
        let found = self.subject(asked.live, kind, id).await?;
        let allowed = found
            .held
            .is_some_and(|held| asked.allows_subject(&held, id, registered));
        Ok((allowed, cost))
    }

    /// Adds the accounts that no earlier stage looked at.
    async fn accounts(
        &self,
        asked: &Asked<'_>,
        places: &Places<'_>,
        page: &mut Gathering,
    ) -> Result<()> {
        let Some(after) = page.enter(Stage::Accounts) else {
            return Ok(());
        };
        // An account has no properties but those that are registered and those that came with the question.
        let sent = asked.question.subject.properties.first;
        let any = match places.all {
            Share::All => true,
            Share::Some => sent.is_some_and(|sent| !sent.is_empty()),
            Share::None => false,
        };
        let all = any || places.roles.len() > MOST_ROLES;
        if !all && places.roles.is_empty() {
            return Ok(());
        }
        let mut after = Uuid::parse_str(&after).unwrap_or(Uuid::nil());
        loop {
            let (candidates, next) = if all {
                self.every_account(asked, after).await?
            } else {
                self.holders(asked, &places.roles, after).await?
            };
            let ids: Vec<&str> = candidates.iter().map(|one| one.id.as_str()).collect();
            let registered = self
                .registry
                .registered_of(Side::Subject, USER, &ids)
                .await?;
            for Candidate { id, held } in &candidates {
                let earlier = places.ids.contains(id)
                    || places.all != Share::None && registered.contains_key(id);
                let registered = of(&registered, id);
                let allows = |held: &Held| asked.allows_subject(held, id, &registered);
                let allowed = !earlier && held.as_ref().is_some_and(allows);
                if !page.look(id, allowed, 1) {
                    return Ok(());
                }
            }
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// The next accounts, and where to go on.
    async fn every_account(
        &self,
        asked: &Asked<'_>,
        after: Uuid,
    ) -> Result<(Vec<Candidate>, Option<Uuid>)> {
        let page = self.store.list_users(Some(after), ACCOUNTS).await?;
        let held = |user: &User| asked.live.snapshot.held(&user.assignments(), asked.now);
        let candidates = page.users.iter().map(|user| Candidate {
            id: user.id.to_string(),
            held: (!user.disabled).then(|| held(user)),
        });
        Ok((candidates.collect(), page.next))
    }

    /// The next accounts that hold some of the roles for the resource, and where to go on. What else
    /// they hold does not grant the permission.
    async fn holders(
        &self,
        asked: &Asked<'_>,
        roles: &[&str],
        after: Uuid,
    ) -> Result<(Vec<Candidate>, Option<Uuid>)> {
        let sought = Sought {
            roles,
            kind: asked.question.resource.kind,
            id: asked.question.resource.id,
            now: asked.now,
        };
        let found = self.store.holders(sought, after).await?;
        let last = found.holders.last().map(|last| last.id);
        let held = |holder: &Holder| {
            let given: Vec<_> = holder.roles.iter().map(Assignment::everywhere).collect();
            asked.live.snapshot.held(&given, asked.now)
        };
        let candidates = found.holders.iter().map(|holder| Candidate {
            id: holder.id.to_string(),
            held: (!holder.disabled).then(|| held(holder)),
        });
        Ok((candidates.collect(), last.filter(|_| found.more)))
    }
}

fn of(registered: &HashMap<String, Registered>, id: &str) -> Registered {
    registered.get(id).cloned().unwrap_or_default()
}

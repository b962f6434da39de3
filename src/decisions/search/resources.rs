//! With which resources a subject may do something.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Asked, BATCH, Gathering, Page, Position, Stage};
use crate::decisions::Decisions;
use crate::error::Result;
use crate::rbac::{Held, Question, Share};
use crate::store::Side;

/// Named ids of one reading.
const NAMED: usize = 32;

impl Decisions {
    /// A page of the ids of such resources: first those that assignments and conditions name, then
    /// registered ones. What the question says of the resource's id does not count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_resources(
        &self,
        asked: &Question<'_>,
        from: Position,
        limit: u32,
    ) -> Result<Page> {
        let live = self.live();
        let (kind, id) = (asked.subject.kind, asked.subject.id);
        if !self.knows_subjects(kind) {
            return Ok(Page::default());
        }
        let Some(held) = self.subject(&live, kind, id).await?.held else {
            return Ok(Page::default());
        };
        let subject = self.registry.registered(Side::Subject, kind, id).await?;
        let mut question = *asked;
        question.subject.properties = subject.beside(asked.subject.properties);
        let asked = Asked {
            question,
            live: &live,
            now: self.clock.micros(),
        };
        let places = live.snapshot.places_of_resources(&held, &question);
        let mut page = Gathering::new(from, limit);
        self.named_resources(&asked, &held, &places.ids, &mut page)
            .await?;
        if places.all != Share::None {
            self.registered_resources(&asked, &held, &places.ids, &mut page)
                .await?;
        }
        Ok(page.page())
    }

    async fn named_resources(
        &self,
        asked: &Asked<'_>,
        held: &Held,
        ids: &BTreeSet<String>,
        page: &mut Gathering,
    ) -> Result<()> {
        let Some(after) = page.enter(Stage::Named) else {
            return Ok(());
        };
        let rest = ids.range::<str, _>((Bound::Excluded(after.as_str()), Bound::Unbounded));
        let rest: Vec<&str> = rest.map(String::as_str).collect();
        for chunk in rest.chunks(NAMED) {
            let kind = asked.question.resource.kind;
            let registered = self
                .registry
                .registered_of(Side::Resource, kind, chunk)
                .await?;
            for id in chunk {
                let registered = registered.get(*id).cloned().unwrap_or_default();
                let allowed = asked.allows_resource(held, id, &registered);
                if !page.look(id, allowed, 1) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn registered_resources(
        &self,
        asked: &Asked<'_>,
        held: &Held,
        named: &BTreeSet<String>,
        page: &mut Gathering,
    ) -> Result<()> {
        let Some(mut after) = page.enter(Stage::Registered) else {
            return Ok(());
        };
        loop {
            let kind = asked.question.resource.kind;
            let found = self.registry.page(Side::Resource, kind, &after, BATCH);
            let (entities, more) = found.await?;
            for (id, registered) in &entities {
                let allowed = !named.contains(id) && asked.allows_resource(held, id, registered);
                if !page.look(id, allowed, 1) {
                    return Ok(());
                }
            }
            match entities.into_iter().next_back() {
                Some((last, _)) if more => after = last,
                _ => return Ok(()),
            }
        }
    }
}

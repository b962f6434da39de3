//! Which actions a subject may do with a resource.

use super::{Gathering, Page, Position, Stage};
use crate::decisions::Decisions;
use crate::error::Result;
use crate::rbac::Question;

impl Decisions {
    /// A page of the names of such actions, in their order. What the question says of the action does not
    /// count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_actions(
        &self,
        asked: &Question<'_>,
        from: Position,
        limit: u32,
    ) -> Result<Page> {
        let live = self.live();
        let (subject, resource) = (&asked.subject, &asked.resource);
        if !self.knows_subjects(subject.kind) {
            return Ok(Page::default());
        }
        let found = self.subject(&live, subject.kind, subject.id).await?;
        let Some(held) = found.held else {
            return Ok(Page::default());
        };
        let known = self.registry.complete(asked).await?;
        let mut question = known.question(asked);
        let mut page = Gathering::new(from, limit);
        if let Some(after) = page.enter(Stage::Named) {
            let actions = live.snapshot.actions(resource.kind);
            for action in actions.filter(|action| *action > after.as_str()) {
                question.action.name = action;
                let allowed = live.snapshot.decide(&held, &question).allows();
                // A policy has few of them, and they are in memory.
                if !page.look(action, allowed, 0) {
                    break;
                }
            }
        }
        Ok(page.page())
    }
}

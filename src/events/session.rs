//! Events of sessions: refresh, and the end of sessions before they expire.

use tracing::{info, warn};
use uuid::Uuid;

use super::{Id, access, fold, issued, names};
use crate::metrics::{self, Grant, RefreshResult, ReuseAction, RevocationReason};

pub(super) fn refresh(
    result: RefreshResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
    replay: Option<ReuseAction>,
) {
    metrics::REFRESHES.inc(result);
    if let Some(action) = replay {
        metrics::REFRESH_REUSE.inc(action);
    }
    let replay = replay.map_or("none", ReuseAction::word);
    match result {
        RefreshResult::Success => {
            issued(Grant::Refresh);
            info!(event = names::REFRESH, user = %Id(user), session = %Id(session), replay, "refresh");
        }
        RefreshResult::Reused => {
            warn!(event = names::TOKEN_REUSE, user = %Id(user), session = %Id(session), action = replay,
                "a used refresh token was presented again: its session was ended");
        }
        RefreshResult::RateLimited => {}
        RefreshResult::ForeignOrigin => access::refused(access::FOREIGN_ORIGIN),
        _ => {
            let reason = result.word();
            if let Some(refusals) = fold::refusal(names::REFRESH_REFUSED, reason) {
                info!(event = names::REFRESH_REFUSED, reason, refusals, user = %Id(user), "refresh refused");
            }
        }
    }
}

pub(super) fn ended(reason: RevocationReason, user: Uuid, count: u64) {
    metrics::TOKENS_REVOKED.with(reason).increment(count);
    info!(event = names::SESSIONS_ENDED, reason = reason.word(), user = %user, count, "sessions ended");
}
